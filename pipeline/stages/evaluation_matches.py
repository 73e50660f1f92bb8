"""Which records share passages with evaluation sets, found in the tables of the index.

The compiled kernel's five-word hashes show which texts may share a run at all. All runs of these
texts are looked up, a few megabytes at a time, and runs that follow each other in both texts are
joined into passages.
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
    """How large an overlap must be to count; lengths in words of English, see `passages`."""

    words: int  # in a row
    width: int  # of the runs whose share is measured
    share: float


def matches(records: pl.DataFrame, index: Index, measure: Measure) -> pl.DataFrame:
    """The clearest and largest match of each record with each set: `MATCHES`, by id and set."""
    texts = _texts(records)
    rows = pl.concat([_by_runs(texts, index, measure), as_whole(texts, index)])
    items = index.parts.with_row_index("part").select(
        "part", "set", "script", item_source="source", item_locator="locator", item_turn="turn"
    )
    plain = pl.col("kind").replace_strict(KINDS, range(len(KINDS)), return_dtype=pl.Int64)
    order = [plain, -pl.col("share"), -pl.col("words"), "part", "turn", "start"]
    named = rows.join(items, on="part").with_columns(pl.col("words") / pl.col("script"))
    ordered = named.sort(order)
    item = pl.struct("item_source", "item_locator")
    counted = ordered.with_columns(items=item.n_unique().over("id", "set").cast(pl.Int64))
    best = counted.unique(["id", "set"], keep="first", maintain_order=True)
    return best.sort("id", "set").match_to_schema(MATCHES, extra_columns="ignore")


def _texts(records: pl.DataFrame) -> pl.DataFrame:
    """A row for each text of a kept record: `id`, `turn` (see `MATCHES`), `text`, `asks`.

    `asks` says whether the text, or a line of it, may be an item as a whole; answers may not.
    """
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
    """The texts that share a long enough run of words, or enough runs, with a part: `PLACED`."""
    found = [pl.DataFrame(schema=PLACED)]
    rows = grams_of(texts["text"] if index.runs else _NOTHING)
    grams = np.frombuffer(b"".join(rows.to_list()), dtype="<u4")
    ends = np.cumsum(rows.bin.size().to_numpy() // 4)
    for script, (_, _, table) in index.runs.items():
        hits = table.holds(grams)
        least = measure.width * script - passages.GRAM + 1  # five-word hashes in a run
        together = hits[least - 1 :] - hits[: max(hits.size - least + 1, 0)] == least - 1
        owners = np.searchsorted(ends, hits[: together.size][together], side="right")
        chosen = texts[np.unique(owners)]
        sizes = chosen["text"].str.len_chars().to_list()
        found += [
            _Shared(chosen[batch], index, script, measure).placed()
            for batch in passages.batches(sizes, AT_ONCE)
        ]
    return pl.concat(found)


class _Shared:
    """What a batch of texts shares with the parts of one script."""

    def __init__(self, texts: pl.DataFrame, index: Index, script: int, measure: Measure) -> None:
        self.texts, self.index, self.measure, self.script = texts, index, measure, script
        self.width = measure.width * script
        self.words = passages.words_of(texts["text"].to_list())

    def placed(self) -> pl.DataFrame:
        """The pairs of text and part that share enough, each with its longest passage: `PLACED`."""
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
        return self._located(measured.filter(enough).with_columns(kind=kind).sort("text", "part"))

    def _pairs(self) -> pl.DataFrame:
        """Every run that a text shares with a part: `text`, `part`, `at`, `place`.

        `at` is its place in words of the batch, `place` that in words of the part.
        """
        rows, table, _ = self.index.runs[self.script]
        first, keys = passages.run_hashes(self.words.hashes, self.words.owners, self.width)
        hits = table.holds(keys)
        at, keys = first[hits], keys[hits]
        start = np.searchsorted(table.keys, keys, side="left")
        counts = np.searchsorted(table.keys, keys, side="right") - start
        entries = np.arange(counts.sum()) + np.repeat(start - (np.cumsum(counts) - counts), counts)
        at = np.repeat(at, counts)
        shared = rows.select(pl.col("part", "place").gather(pl.Series(entries)))
        return shared.with_columns(
            pl.col("place").cast(pl.Int64),
            text=pl.Series(self.words.owners[at], dtype=pl.Int64),
            at=pl.Series(at, dtype=pl.Int64),
        )

    def _located(self, found: pl.DataFrame) -> pl.DataFrame:
        """The pairs with their kind and with each passage's place in characters: `PLACED`."""
        parts = found["part"].unique().sort()
        texts = self.index.parts["text"].gather(parts)
        words = passages.words_of(texts.to_list())
        of_part = parts.search_sorted(found["part"]).to_numpy()
        text, at, place, size, share = (
            found[name].to_numpy() for name in ("text", "at", "place", "words", "share")
        )
        whole = (share >= 1) & self._all_of(words, of_part, at - place, text)
        at, place = np.where(whole, at - place, at), np.where(whole, 0, place)
        size = np.where(whole, words.counts[of_part], size)
        in_item = words.firsts[of_part] + place
        known, asked = self.texts["text"].gather(text).to_list(), texts.gather(of_part).to_list()
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
                "item_start": words.starts[in_item],
                "item_end": words.ends[in_item + size - 1],
            },
            schema=PLACED,
        )

    def _all_of(self, words: Words, of_part: Numbers, lead: Numbers, text: Numbers) -> Flags:
        """For each pair, whether its text contains all words of the part, beginning at `lead`."""
        mine, firsts = self.words, words.firsts
        is_whole = np.zeros(of_part.size, dtype=np.bool_)
        for n, (part, start) in enumerate(zip(of_part.tolist(), lead.tolist(), strict=True)):
            size, first = words.counts[part], firsts[part]
            begin = mine.firsts[text[n]]
            if begin <= start and start + size <= begin + mine.counts[text[n]]:
                same = mine.hashes[start : start + size] == words.hashes[first : first + size]
                is_whole[n] = bool(same.all())
        return is_whole


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
