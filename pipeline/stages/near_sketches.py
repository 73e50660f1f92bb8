"""What is compared to find near-duplicates, and the sketch of it."""

from __future__ import annotations

from typing import Literal

import polars as pl

from pipeline.kernels import WORD_RULES, band_keys, gram_sets
from pipeline.stages.extra_texts import declared_tools
from pipeline.stages.near_pairs import NONE, band_names, bands_of
from pipeline.stages.sketches import digest
from pipeline.stages.texts import KEPT, image_files, one_line

Words = Literal["ascii", "unicode"]
On = Literal["auto", "text"]


def compared(on: On) -> pl.Expr:
    """The turns of a labelled record as one text, or else its text; null if it is rejected."""
    texts = pl.element().struct.field("text").fill_null("")
    turns = pl.col("messages").list.eval(texts).list.join("\n")
    labelled = pl.col("messages").is_not_null() & (on == "auto")
    return pl.when(KEPT).then(pl.when(labelled).then(turns).otherwise("text"))


def around(on: On) -> pl.Expr:
    """What must be equal: kind of record, image files, system prompt, declared tools."""
    kind = pl.col("messages").is_null() | pl.lit(on == "text")
    system, tools = one_line(pl.col("system").fill_null("")), one_line(declared_tools())
    return pl.format("{}\n{}\n{}\n{}", kind, image_files(), system, tools)


def kind() -> pl.Expr:
    """What must be equal for two records to be of one family: documents or turns, the images.

    The system prompt and tools do not count: with a different date in its system prompt a
    conversation is still the same. An image is identified by its pixels, whatever its file is
    called, if a reader has opened it.
    """
    pixels = pl.col("extra").str.json_path_match("$.images[0].pixels_sha256")
    return pl.format("{}\n{}", pl.col("messages").is_null(), pl.coalesce(pixels, image_files()))


def band_columns(
    texts: pl.Series, groups: pl.Series, threshold: float, words: Words
) -> list[pl.Series]:
    """The keys of each band, 0 for texts not compared; only texts of one group can share a key."""
    keys = band_keys(texts, *bands_of(threshold), WORD_RULES[words])
    group = digest(groups).bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="little")
    columns = [
        (pl.col("keys").arr.get(band) ^ pl.col("group")).fill_null(NONE).alias(name)
        for band, name in enumerate(band_names(threshold))
    ]
    return pl.DataFrame({"keys": keys, "group": group}).select(columns).get_columns()


def grams(records: pl.DataFrame, on: On, words: Words) -> pl.Series:
    """The set of five-word runs of each record: ascending 4-byte hashes, as Binary."""
    texts = records.select(content=compared(on))["content"]
    return gram_sets(texts, WORD_RULES[words]).alias("grams")
