"""Matches of whole texts or lines with items that have fewer words than a run."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.kernels import passages
from pipeline.stages.evaluation_tables import AT_ONCE, KINDS, PLACED, Index, first_grams


def as_whole(texts: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Documents, prompts, system prompts and lines of them that equal a whole part: `PLACED`."""
    found = [pl.DataFrame(schema=PLACED)]
    short = _short(texts, index.longest) if index.whole.height else _short(texts.clear(), 0)
    short = short[index.whole_starts.holds(first_grams(short["text"]))]
    sizes = short["text"].str.len_chars().to_list()
    for rows_of_batch in passages.batches(sizes, AT_ONCE):
        batch = short[rows_of_batch]
        words = passages.words_of(batch["text"].to_list())
        keys = passages.whole_hashes(words)
        hits = index.whole_keys.holds(keys)
        last = np.maximum(words.firsts + words.counts - 1, 0)
        rows = batch[hits].with_columns(
            key=pl.Series(keys[hits]),
            words=pl.Series(words.counts[hits]),
            start=pl.Series(words.starts[words.firsts[hits]]) + pl.col("offset"),
            end=pl.Series(words.ends[last[hits]]) + pl.col("offset"),
        )
        found.append(_equal(rows, index))
    return pl.concat(found)


def _short(texts: pl.DataFrame, longest: int) -> pl.DataFrame:
    """Texts and lines short enough to equal a part: `id`, `turn`, `text`, `offset`.

    `offset` is where a line begins in its text, in characters.
    """
    length = pl.col("text").str.len_chars()
    asking = texts.filter("asks")
    whole = asking.filter(length <= longest).with_columns(offset=pl.lit(0, pl.Int64))
    lined = asking.filter(pl.col("text").str.contains("\n", literal=True))
    lines = lined.with_row_index("row").with_columns(pl.col("text").str.split("\n")).explode("text")
    size = length.cast(pl.Int64) + 1
    lines = lines.with_columns(offset=size.cum_sum().over("row") - size)
    columns = ["id", "turn", "text", "offset"]
    return pl.concat([whole.select(columns), lines.filter(length <= longest).select(columns)])


def _equal(rows: pl.DataFrame, index: Index) -> pl.DataFrame:
    """Each row with the parts that its text is equal to: `PLACED`."""
    asked = index.parts.select(asked="text").with_row_index("part")
    joined = rows.join(index.whole, on="key").join(asked, on="part")
    parts = passages.words_of(joined["asked"].to_list())
    last = np.maximum(parts.firsts + parts.counts - 1, 0)
    same = pl.col("text").str.strip_chars() == pl.col("asked").str.strip_chars()
    return joined.with_columns(
        kind=pl.when(same).then(pl.lit(KINDS[0])).otherwise(pl.lit(KINDS[1])),
        share=pl.lit(1.0),
        item_start=pl.Series(parts.starts[parts.firsts] if joined.height else [], dtype=pl.Int64),
        item_end=pl.Series(parts.ends[last] if joined.height else [], dtype=pl.Int64),
    ).match_to_schema(PLACED, extra_columns="ignore")
