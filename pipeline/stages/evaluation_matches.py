"""Which records share passages with evaluation sets: looked up in the tables of the index.

Five-word hashes by the compiled kernel say which texts may share a run at all. Of these, a few
megabytes at a time, all runs are looked up, and those that follow each other in both texts are
joined to passages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.kernels import passages
from pipeline.kernels.passages import Flags, Numbers, Words
from pipeline.references import MATCHES, SYSTEM_TURN
from pipeline.stages.evaluation_tables import AT_ONCE, KINDS, PLACED, Index, grams_of, kind_of
from pipeline.stages.evaluation_whole import as_whole
from pipeline.stages.texts import KEPT, nfc

_NOTHING = pl.Series(dtype=pl.String)


@dataclass(frozen=True)
class Measure:
    """From what on an overlap counts; lengths in words of English, see `passages`."""

    words: int  # in a row
    width: int  # of the runs whose share is measured
    share: float


def matches(records: pl.DataFrame, index: Index, measure: Measure) -> pl.DataFrame:
    """The plainest and largest match of each record with each set: `MATCHES`, by id and set."""
    texts = _texts(records)
    rows = pl.concat([_by_runs(texts, index, measure), as_whole(texts, index)])
    items = index.parts.with_row_index("part").select(
        "part", "set", "script", item_source="source", item_locator="locator", item_turn="turn"
    )
    plain = pl.col("kind").replace_strict(KINDS, range(len(KINDS)), return_dtype=pl.Int64)
    order = [plain, -pl.col("share"), -pl.col("words"), "part", "turn", "start"]
    named = rows.join(items, on="part").with_columns(pl.col("words") / pl.col("script"))
    found = named.sort(order)
    item = pl.struct("item_source", "item_locator")
    counted = found.with_columns(items=item.n_unique().over("id", "set").cast(pl.Int64))
    best = counted.unique(["id", "set"], keep="first", maintain_order=True)
    return best.sort("id", "set").match_to_schema(MATCHES, extra_columns="ignore")


def _texts(records: pl.DataFrame) -> pl.DataFrame:
    """A row for each text of a kept record: `id`, `turn` (see `MATCHES`), `text`, and `asks`:
    whether it may be an item as a whole, or a line of it, as an answer may not."""
    kept = records.filter(KEPT)
    asked = (pl.col("role") == "user").fill_null(False)
    turns = (
        kept.filter(pl.col("messages").list.len() > 0)
        .select("id", "messages", turn=pl.int_ranges(1, pl.col("messages").list.len() + 1))
        .explode("messages", "turn")
        .select("id", pl.col("turn").cast(pl.Int64), pl.col("messages").struct.unnest())
        .with_columns(asks=asked)
    )
    columns = ["id", "turn", "text", "asks"]
    own = [
        kept.select("id", turn=pl.lit(number, pl.Int64), text=name, asks=pl.lit(True))
        for number, name in ((SYSTEM_TURN, "system"), (0, "text"))
    ]
    every = pl.concat([*own, turns.select(columns)])
    return every.filter(pl.col("text").str.len_bytes() > 0).with_columns(nfc(pl.col("text")))


def _by_runs(texts: pl.DataFrame, index: Index, measure: Measure) -> pl.DataFrame:
    """Texts that share a run of words long enough, or enough runs of one part."""
    found = [pl.DataFrame(schema=PLACED)]
    rows = grams_of(texts["text"] if index.runs else _NOTHING)
    grams = np.frombuffer(b"".join(rows.to_list()), dtype="<u4")
    ends = np.cumsum(rows.bin.size().to_numpy() // 4)
    for script, (_, _, table) in index.runs.items():
        hits = table.holds(grams)
        least = measure.width * script - passages.GRAM + 1  # neighbours that a run has
        together = hits[least - 1 :] - hits[: max(hits.size - least + 1, 0)] == least - 1
        owners = np.searchsorted(ends, hits[: together.size][together], side="right")
        chosen = texts[np.unique(owners)]
        sizes = chosen["text"].str.len_chars().to_list()
        found += [
            _Shared(chosen[some], index, script, measure).placed()
            for some in passages.batches(sizes, AT_ONCE)
        ]
    return pl.concat(found)


class _Shared:
    """What some texts share with the parts of one script."""

    def __init__(self, texts: pl.DataFrame, index: Index, script: int, measure: Measure) -> None:
        self.texts, self.index, self.measure, self.script = texts, index, measure, script
        self.width = measure.width * script
        self.words = passages.words_of(texts["text"].to_list())

    def placed(self) -> pl.DataFrame:
        """The pairs of text and part that share enough, with the longest passage of each."""
        pairs = self._pairs()
        place = pl.col("place")
        shares = pairs.group_by("text", "part").agg(shared=place.n_unique())
        runs = self.index.parts.select("runs").with_row_index("part")
        measured = (
            _longest(pairs, self.width)
            .join(shares, on=["text", "part"])
            .join(runs, on="part")
            .with_columns(share=(pl.col("shared") / pl.col("runs")).round(4))
        )
        run = pl.col("words") >= self.measure.words * self.script
        enough = run | (pl.col("share") >= self.measure.share)
        kind = pl.when(run).then(pl.lit("run")).otherwise(pl.lit("share"))
        return self._told(measured.filter(enough).with_columns(kind=kind).sort("text", "part"))

    def _pairs(self) -> pl.DataFrame:
        """Every run of the texts that a part has too: `text`, `part`, and in words of the batch
        `at`, in words of the part `place`."""
        rows, table, _ = self.index.runs[self.script]
        first, keys = passages.run_hashes(self.words.hashes, self.words.owners, self.width)
        hits = table.holds(keys)
        at, keys = first[hits], keys[hits]
        start = np.searchsorted(table.keys, keys, side="left")
        counts = np.searchsorted(table.keys, keys, side="right") - start
        entries = np.arange(counts.sum()) + np.repeat(start - (np.cumsum(counts) - counts), counts)
        at = np.repeat(at, counts)
        met = rows.select(pl.col("part", "place").gather(pl.Series(entries)))
        return met.with_columns(
            pl.col("place").cast(pl.Int64),
            text=pl.Series(self.words.owners[at], dtype=pl.Int64),
            at=pl.Series(at, dtype=pl.Int64),
        )

    def _told(self, found: pl.DataFrame) -> pl.DataFrame:
        """With the kind and in characters the place of each passage."""
        parts = found["part"].unique().sort()
        texts = self.index.parts["text"].gather(parts)
        words = passages.words_of(texts.to_list())
        own = parts.search_sorted(found["part"]).to_numpy()
        text, at, place, size, share = (
            found[name].to_numpy() for name in ("text", "at", "place", "words", "share")
        )
        whole = (share >= 1) & self._all_of(words, own, at - place, text)
        at, place = np.where(whole, at - place, at), np.where(whole, 0, place)
        size = np.where(whole, words.counts[own], size)
        there = words.firsts[own] + place
        known, asked = self.texts["text"].gather(text).to_list(), texts.gather(own).to_list()
        kinds = [
            kind_of(asked[n] in known[n] or asked[n].strip() in known[n]) if whole[n] else kind
            for n, kind in enumerate(found["kind"])
        ]
        return pl.DataFrame(
            {
                "id": self.texts["id"].gather(text),
                "part": found["part"],
                "kind": pl.Series(kinds, dtype=pl.String),
                "share": found["share"],
                "words": size,
                "turn": self.texts["turn"].gather(text),
                "start": self.words.starts[at],
                "end": self.words.ends[at + size - 1],
                "item_start": words.starts[there],
                "item_end": words.ends[there + size - 1],
            },
            schema=PLACED,
        )

    def _all_of(self, words: Words, own: Numbers, lead: Numbers, text: Numbers) -> Flags:
        """Whether all words of each part stand in its text, the first one at `lead`."""
        mine, firsts = self.words, words.firsts
        told = np.zeros(own.size, dtype=np.bool_)
        for n, (part, start) in enumerate(zip(own.tolist(), lead.tolist(), strict=True)):
            size, first = words.counts[part], firsts[part]
            begin = mine.firsts[text[n]]
            if begin <= start and start + size <= begin + mine.counts[text[n]]:
                same = mine.hashes[start : start + size] == words.hashes[first : first + size]
                told[n] = bool(same.all())
        return told


def _longest(pairs: pl.DataFrame, width: int) -> pl.DataFrame:
    """The longest passage of each `text` and `part`: `at`, `place` and its length in `words`."""
    ordered = pairs.with_columns(lead=pl.col("at") - pl.col("place")).sort(
        "text", "part", "lead", "at"
    )
    goes_on = pl.all_horizontal(pl.col(n) == pl.col(n).shift() for n in ("text", "part", "lead"))
    goes_on = goes_on & (pl.col("at") == pl.col("at").shift() + 1)
    joined = ordered.group_by(run=(~goes_on.fill_null(False)).cum_sum()).agg(
        pl.col("text", "part", "at", "place").first(), words=pl.len().cast(pl.Int64) + width - 1
    )
    longest = joined.sort(-pl.col("words"), "at", "place")
    return longest.unique(["text", "part"], keep="first", maintain_order=True).drop("run")
