"""What `decontaminate` searches for: the runs of words of evaluation sets, in tables.

A part is one text of an item: its text, or one of its turns. A run found in many parts of one set
belongs to a template ("Answer the following question …"): runs that overlap it are not searched
for, or every record with the same instruction would count as a leak. Runs that repeat themselves
are no evidence either. A part that has no other run is searched for as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import polars as pl

from pipeline.kernels import passages
from pipeline.kernels.passages import (
    IDEOGRAPH,
    SIGN,
    WORD,
    Flags,
    Grams,
    Hashes,
    Numbers,
)
from pipeline.stages.texts import nfc

SCRIPTS = (WORD, IDEOGRAPH, SIGN)
AT_ONCE = 8 << 20  # characters
ROWS_AT_ONCE = 1 << 18

COMMON_LEAST, COMMON_SHARE, COMMON_MOST = 3, 0.2, 100
"""A run is a template's if a fifth of a set's parts have it (at least three), or 100 parts."""


@dataclass(frozen=True)
class WordsOfParts:
    """The words of all parts, in order."""

    hashes: Hashes
    owners: Numbers  # number of the part
    scripts: Numbers  # of each part
    counts: Numbers  # words of each part
    wholes: Hashes  # of each part


def parts_of(items: pl.DataFrame, completions: bool) -> pl.DataFrame:
    """A row for each text to search for: set, source, locator, item, turn, text, whole.

    `items` are records with their `set`; `item` is the row number. `turn` counts from 1 and is 0
    for a text that is no turn. `whole` says whether the text is all that the item asks. With
    `completions` the assistant's turns are included.
    """
    numbered = items.with_row_index("item")
    place = ["set", "source", "locator", "item"]
    labelled = pl.col("messages").list.len() > 0
    asked = pl.col("role") == "user"
    turns = (
        numbered.filter(labelled)
        .select(*place, "messages", turn=pl.int_ranges(1, pl.col("messages").list.len() + 1))
        .explode("messages", "turn")
        .select(*place, pl.col("turn").cast(pl.Int64), pl.col("messages").struct.unnest())
        .with_columns(whole=asked & (asked.sum().over("item") == 1))
        .filter(asked | pl.lit(completions))
    )
    texts = numbered.filter(~labelled.fill_null(False)).with_columns(
        turn=pl.lit(0, pl.Int64), whole=pl.lit(True)
    )
    columns = [*place, "turn", "text", "whole"]
    both = pl.concat([texts.select(columns), turns.select(columns)])
    return (
        both.filter(pl.col("text").is_not_null())
        .sort("item", "turn")
        .with_columns(nfc(pl.col("text")))
    )


def index_of(items: pl.DataFrame, completions: bool, width: int) -> dict[str, pl.DataFrame]:
    """The tables by name; `width` is the length of a run in words of English.

    `parts` has the location of each part, its `script` and its number of `runs`. `runs1`, `runs2`
    and `runs4` have `key`, `part` and `place` (in words) of each run of a script, ascending, and
    `grams…` the five-word hashes of these runs. `whole` has `key` and `part` of the parts that are
    searched for as a whole. `sets` has counts: `items`, `searched` (by runs), `whole`, `passed`
    (no text, or all of it a template's), `common` (runs that are not searched for).
    """
    parts = parts_of(items, completions)
    words = _words(parts["text"])
    parts = parts.with_columns(script=pl.Series(words.scripts.astype(np.uint8)))
    first = _first_of_equals(parts, words)
    tables: dict[str, pl.DataFrame] = {}
    runs = np.zeros(parts.height, dtype=np.int64)
    common = np.zeros(parts.height, dtype=np.int64)
    for script in SCRIPTS:
        chosen = first & (words.scripts == script)
        table, grams, left_out = _runs(parts, words, chosen, width * script)
        runs += passages.counted(table["part"].to_numpy(), parts.height)
        common += left_out
        if table.height:
            tables[f"runs{script}"] = table
            tables[f"grams{script}"] = pl.DataFrame({"key": np.unique(grams)})
    whole = first & (runs == 0) & parts["whole"].to_numpy() & (words.counts > 0)
    keys = pl.DataFrame({"key": words.wholes, "part": np.arange(parts.height, dtype=np.uint32)})
    tables["whole"] = keys.filter(pl.Series(whole)).sort("key", "part")
    parts = parts.with_columns(runs=pl.Series(runs))
    flagged = parts.with_columns(
        searched=pl.col("runs") > 0,
        as_whole=pl.Series(whole),
        equal=pl.Series(~first),
        common=pl.Series(common),
    )
    tables["parts"] = parts.drop("item", "whole")
    tables["sets"] = _counted(items, flagged)
    return tables


def _words(texts: pl.Series) -> WordsOfParts:
    values = texts.to_list()
    batches = [passages.words_of(values[at]) for at in passages.batches(_sizes(texts), AT_ONCE)]
    counts = _joined([batch.counts for batch in batches])
    wholes = (passages.whole_hashes(batch) for batch in batches)
    return WordsOfParts(
        np.concatenate([np.empty(0, np.uint64), *(batch.hashes for batch in batches)]),
        np.repeat(np.arange(counts.size), counts),
        _joined([passages.main_scripts(batch) for batch in batches]),
        counts,
        np.concatenate([np.empty(0, np.uint64), *wholes]),
    )


def _sizes(texts: pl.Series) -> list[int]:
    return texts.str.len_chars().to_list()


def _joined(numbers: list[Numbers]) -> Numbers:
    return np.concatenate([np.empty(0, np.int64), *numbers])


def _first_of_equals(parts: pl.DataFrame, words: WordsOfParts) -> Flags:
    """For each part, whether no earlier part of its set has the same words."""
    keys = parts.select("set", key=pl.Series(words.wholes))
    return keys.select(pl.struct("set", "key").is_first_distinct()).to_series().to_numpy()


def _runs(
    parts: pl.DataFrame, words: WordsOfParts, chosen: Flags, width: int
) -> tuple[pl.DataFrame, Grams, Numbers]:
    """(runs to search for, the five-word hashes in them, runs left out of each part).

    Only the `chosen` parts are searched for. A run is left out if it overlaps a template's.
    """
    of_chosen = chosen[words.owners]
    hashes, owners = words.hashes[of_chosen], words.owners[of_chosen]
    at, keys = passages.run_hashes(hashes, owners, width)
    marked = passages.covered(at[_common(parts, owners[at], keys)], width, hashes.size)
    touched = np.concatenate(([0], np.cumsum(marked)))
    clean = touched[at + width] == touched[at] if at.size else np.empty(0, np.bool_)
    grams = passages.gram_hashes(hashes)
    is_evidence = clean & _without_repeats(grams, at, width)
    left_out = passages.counted(owners[at[~clean]], parts.height)
    at, keys = at[is_evidence], keys[is_evidence]
    places = at - (np.cumsum(words.counts * chosen) - words.counts * chosen)[owners[at]]
    runs = pl.DataFrame(
        {
            "key": keys,
            "part": owners[at].astype(np.uint32),
            "place": places.astype(np.uint32),
        }
    )
    inside = passages.covered(at, width - passages.GRAM + 1, hashes.size)
    return runs.sort("key", "part", "place"), grams[inside], left_out


def _common(parts: pl.DataFrame, owners: Numbers, keys: Hashes) -> Flags:
    """Which runs occur in so many parts of their set that they belong to a template."""
    sizes = parts.group_by("set").agg(size=pl.len())
    bounds = {
        name: min(max(COMMON_LEAST, ceil(COMMON_SHARE * size)), COMMON_MOST)
        for name, size in sizes.iter_rows()
    }
    rows = pl.DataFrame({"set": parts["set"].gather(owners), "key": keys, "part": owners})
    counted = rows.with_columns(parts=pl.col("part").n_unique().over("set", "key"))
    least = pl.col("set").replace_strict(bounds, return_dtype=pl.Int64)
    return (
        counted.select(pl.col("parts") >= least).to_series().to_numpy()
        if keys.size
        else (np.empty(0, np.bool_))
    )


def _without_repeats(grams: Grams, at: Numbers, width: int) -> Flags:
    """Which of the runs that begin at `at` contain no five words twice."""
    distinct = np.empty(at.size, dtype=np.bool_)
    for start in range(0, at.size, ROWS_AT_ONCE):
        first = at[start : start + ROWS_AT_ONCE]
        rows = np.sort(grams[first[:, None] + np.arange(width - passages.GRAM + 1)], axis=1)
        distinct[start : start + ROWS_AT_ONCE] = (rows[:, 1:] != rows[:, :-1]).all(axis=1)
    return distinct


def _counted(items: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """A row of counts for each set, by name.

    An item whose parts all equal earlier ones is counted as `equal`, not as searched for.
    """
    by_item = parts.group_by("set", "item").agg(
        pl.col("searched").any(), pl.col("as_whole").any(), pl.col("equal").any()
    )
    searched = pl.col("searched")
    whole = pl.col("as_whole") & ~searched
    counts = by_item.group_by("set").agg(
        searched=searched.sum(),
        whole=whole.sum(),
        equal=(pl.col("equal") & ~searched & ~whole).sum(),
    )
    common = parts.group_by("set").agg(pl.col("common").sum())
    joined = (
        items.group_by("set")
        .agg(items=pl.len())
        .join(counts, on="set", how="left")
        .join(common, on="set", how="left")
        .with_columns(pl.exclude("set").fill_null(0).cast(pl.Int64))
    )
    passed = pl.col("items") - pl.col("searched") - pl.col("whole") - pl.col("equal")
    return joined.with_columns(passed=passed).sort("set")
