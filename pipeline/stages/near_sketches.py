"""What of a record is compared for near-duplicates, and its sketch."""

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
    """The turns of a labelled record as one text, else its text; null for what is set aside."""
    texts = pl.element().struct.field("text").fill_null("")
    turns = pl.col("messages").list.eval(texts).list.join("\n")
    labelled = pl.col("messages").is_not_null() & (on == "auto")
    return pl.when(KEPT).then(pl.when(labelled).then(turns).otherwise("text"))


def around(on: On) -> pl.Expr:
    """What must be equal: the kind, the image files, the system prompt, the declared tools."""
    kind = pl.col("messages").is_null() | pl.lit(on == "text")
    system, tools = one_line(pl.col("system").fill_null("")), one_line(declared_tools())
    return pl.format("{}\n{}\n{}\n{}", kind, image_files(), system, tools)


def kind() -> pl.Expr:
    """What must be equal for two records to belong together: documents or turns, the images.

    Not what stands around the turns: with another date in the system prompt a conversation is the
    same. An image is known by its pixels, whatever its file is called, where a reader has seen it.
    """
    pixels = pl.col("extra").str.json_path_match("$.images[0].pixels_sha256")
    return pl.format("{}\n{}", pl.col("messages").is_null(), pl.coalesce(pixels, image_files()))


def band_columns(
    texts: pl.Series, groups: pl.Series, threshold: float, words: Words
) -> list[pl.Series]:
    """The keys of each band, 0 for what is not compared; only equal groups can share a key."""
    keys = band_keys(texts, *bands_of(threshold), WORD_RULES[words])
    group = digest(groups).bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="little")
    columns = [
        (pl.col("keys").arr.get(band) ^ pl.col("group")).fill_null(NONE).alias(name)
        for band, name in enumerate(band_names(threshold))
    ]
    return pl.DataFrame({"keys": keys, "group": group}).select(columns).get_columns()


def grams(records: pl.DataFrame, on: On, words: Words) -> pl.Series:
    """The set of five-word runs of each record as 4-byte hashes, Binary."""
    texts = records.select(content=compared(on))["content"]
    return gram_sets(texts, WORD_RULES[words]).alias("grams")
