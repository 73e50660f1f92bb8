"""`dedup_near`: one of several records that say nearly the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.corpus_stage import Evidence, Table, Verdict
from pipeline.stage import Broken, Settings, rejected_as
from pipeline.stages import near_earlier, near_pairs, pairings
from pipeline.stages.json_paths import JsonPath
from pipeline.stages.near_pairs import Candidates, Graph, alike
from pipeline.stages.near_sketches import On, Words, around, band_columns, compared, grams
from pipeline.stages.ranking import preference

AT_ONCE = 100_000  # votes in a frame
LARGEST = 10  # clusters that are told of


class DedupNear(Settings):
    """Keeps one of several records with nearly the same words.

    Two texts are alike when the sets of their five-word runs overlap by `threshold` (Jaccard
    similarity); letter case and ASCII punctuation do not count. A character of a script without
    spaces (Chinese, Japanese, Thai) is a word, between which no punctuation counts, and so is a
    syllable of Vietnamese. Pairs are found by MinHash and then
    measured exactly. Who is alike to one that is alike to a third is in one cluster with both; one
    of the cluster is kept.
    Labelled records are compared by their turns and documents by their text; system prompt,
    declared tools and image files must be the same. Texts without a word are kept. What is alike
    to a record of earlier data (`against`) is rejected before clusters are made, however `keep`
    is set; with `compare: within_source` to records of a source with the same name only.
    """

    name: ClassVar[str] = "dedup_near"
    only_rejects: ClassVar[bool] = True
    earlier_reason: ClassVar[str] = "near_duplicate_of_earlier"
    reasons: ClassVar[dict[str, str]] = {
        "near_duplicate": "Nearly the same words are in a record that is kept; the value is the "
        "similarity to it, or to another of the cluster if that one is not alike enough.",
        "near_duplicate_of_earlier": "Nearly the same words are in earlier data that `against` "
        "names; the value is where (the data set, its source and the place in it) and the "
        "similarity.",
    }

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="Jaccard similarity of five-word runs from which on"
    )
    keep: Literal["first", "longest", "best_quality", "newest", "first_source"] = Field(
        "first",
        description="which of a cluster stays: first by source and id; longest in characters; "
        "best_quality: the greatest number at `quality`; newest: the latest at `date`; "
        "first_source: by the order of `prefer`; ties go to the first",
    )
    quality: JsonPath = Field(
        "$.metadata.quality", description="JSON path in `extra` of a number, for best_quality"
    )
    date: JsonPath = Field(
        "$.metadata.date",
        description="JSON path in `extra` of an ISO 8601 date or time, or seconds, for newest",
    )
    prefer: list[str] = Field(
        default_factory=list, description="beginnings of sources, the best first, for first_source"
    )
    compare: Literal["all", "within_source", "across_sources"] = Field(
        "all", description="which records may be duplicates of each other"
    )
    on: On = Field(
        "auto", description="auto: turns where there are any, else the text; text: the text alone"
    )
    words: Words = Field(
        "ascii",
        description="which punctuation parts words that have spaces between: ASCII's, or that of "
        "all scripts (unicode), so that typographic quotes and dashes do not count",
    )

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, `preference` (the greater is kept), and a key of 8 bytes for each band.

        A key is 0 for what is not compared.
        """
        group = around(self.on)
        if self.compare == "within_source":
            group = pl.format("{}\n{}", pl.col("source"), group)
        seen = records.select(
            "id",
            "source",
            preference(self.keep, self.quality, self.date, self.prefer, compared(self.on)),
            content=compared(self.on),
            group=group,
        )
        keys = band_columns(seen["content"], seen["group"], self.threshold, self.words)
        return seen.select("id", "source", "preference").with_columns(keys)

    def candidates(self, sketches: Table) -> pl.Series:
        """Every record that may be alike to another: `decide` needs their five-word runs."""
        return near_pairs.sharing(sketches, near_pairs.band_names(self.threshold))

    def evidence(self, records: pl.DataFrame) -> pl.Series:
        """The five-word runs as 4-byte hashes, ascending; null for what is not compared."""
        return grams(records, self.on, self.words)

    def decide(self, sketches: Table, evidence: Evidence) -> Verdict:
        """A vote on every record of a cluster but the one to keep."""
        everyone, sources = self._ranked(sketches, evidence)
        is_earlier = everyone.rows >= sketches.own
        there = near_earlier.FOUND.to_frame()
        if is_earlier.any():
            there = near_earlier.closest_earlier(everyone, self.threshold, is_earlier)
        left = ~is_earlier.clone().scatter(there["rank"], True)
        candidates = everyone.only(left)
        later, best = self._clustered(candidates, sources.filter(left))
        told = _told(candidates, later) | ({"of_earlier": there.height} if is_earlier.any() else {})
        votes = chain(self._votes(candidates, later, best), self._met(everyone, there))
        return Verdict(votes, told)

    def _clustered(
        self, candidates: Candidates, sources: pl.Series
    ) -> tuple[pl.DataFrame, pl.Series]:
        """`left` and `right`: the first of a cluster and each other of it; and of each rank the
        greatest similarity to any other."""
        graph = Graph(candidates.rows.len())
        pairing = pairings.within
        if self.compare == "across_sources":
            pairing = partial(pairings.across, sources=sources)
        best = pl.repeat(0.0, candidates.rows.len(), dtype=pl.Float64, eager=True)
        for pairs in alike(candidates, self.threshold, graph, pairing):
            best = _raised(best, pairs)
        firsts = graph.roots()
        later = (
            pl.DataFrame({"left": firsts})
            .with_row_index("right")
            .filter(pl.col("left") != pl.col("right"))
            .select("left", "right")
        )
        return later, best

    def _met(self, candidates: Candidates, found: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """The votes on what is alike to earlier data."""
        rule = Broken(pl.lit(True), pl.col("jaccard").round(3), self.threshold)
        for some in found.iter_slices(AT_ONCE):
            rows = (candidates.rows.gather(some[name]) for name in ("rank", "earlier"))
            row, earlier = rows
            yield some.select(
                pl.lit(row).alias("row"),
                pl.lit(earlier).alias("earlier"),
                rejected=rejected_as(self.earlier_reason, rule),
            )

    def _ranked(self, sketches: Table, evidence: Evidence) -> tuple[Candidates, pl.Series]:
        """Those to compare, the one to keep before all others first; and their sources' numbers."""
        rows = evidence.rows
        known = sketches.rows(["id", "source", "preference"], rows).with_columns(row=rows)
        order = known.select(
            pl.arg_sort_by(
                pl.col("preference"),
                "source",
                "id",
                "row",  # earlier data may hold a record of the run's own
                descending=[True, False, False, False],
                nulls_last=True,
            )
        ).to_series()
        sources = known["source"].rank("dense").gather(order)
        return Candidates(sketches, evidence, rows.gather(order), order), sources

    def _votes(
        self, candidates: Candidates, later: pl.DataFrame, best: pl.Series
    ) -> Iterator[pl.DataFrame]:
        """Each with its similarity to the kept one, or its best one if that is not enough."""
        similar = pl.col("jaccard") >= self.threshold
        value = pl.when(similar).then("jaccard").otherwise("best").round(3)
        rejected = rejected_as("near_duplicate", Broken(pl.lit(True), value, self.threshold))
        for some in later.iter_slices(AT_ONCE):
            measured = candidates.measured(some)
            yield measured.select(
                "jaccard",
                row=pl.lit(candidates.rows.gather(measured["right"])),
                into=pl.lit(candidates.rows.gather(measured["left"])),
                best=pl.lit(best.gather(measured["right"])),
            ).select("row", "into", rejected=rejected)


def _raised(best: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    """The greatest similarity of each rank to any other, with more pairs looked at."""
    ends = pl.concat(pairs.select(rank=name, best="jaccard") for name in ("left", "right"))
    most = ends.group_by("rank").agg(pl.col("best").max())
    known = best.gather(most["rank"])
    return best.scatter(most["rank"], most.select(pl.max_horizontal("best", known)).to_series())


def _told(candidates: Candidates, later: pl.DataFrame) -> dict[str, Any]:
    """How many clusters there are, and the largest of them by the record that is kept."""
    sizes = later.group_by(rank="left").agg(records=pl.len() + 1)
    largest = sizes.sort(["records", "rank"], descending=[True, False]).head(LARGEST)
    kept = candidates.sketches.rows(["id", "source"], candidates.rows.gather(largest["rank"]))
    return {
        "candidates": candidates.rows.len(),
        "clusters": sizes.height,
        "merged": later.height,
        "largest": kept.with_columns(largest["records"].cast(pl.Int64)).to_dicts(),
    }
