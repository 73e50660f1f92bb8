"""`dedup_near`: keeps one of several records with nearly the same words."""

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
LARGEST = 10  # clusters listed in the manifest


class DedupNear(Settings):
    """Keeps one of several records with nearly the same words.

    Two texts are similar when the sets of their five-word runs overlap by `threshold` (Jaccard
    similarity); letter case and ASCII punctuation do not count. In a script without spaces
    (Chinese, Japanese, Thai) each character is a word and no punctuation between them counts; in
    Vietnamese each syllable is a word. Pairs are found by MinHash and then measured exactly.
    Records linked by a chain of similar pairs form a cluster, and one record of it is kept.
    Labelled records are compared by their turns and documents by their text; system prompt,
    declared tools and image files must be the same. Texts without a word are kept. A record
    similar to one of earlier data (`against`) is rejected before clusters are formed, whatever
    `keep` says; with `compare: within_source` only if both have a source of the same name.
    """

    name: ClassVar[str] = "dedup_near"
    only_rejects: ClassVar[bool] = True
    earlier_reason: ClassVar[str] = "near_duplicate_of_earlier"
    reasons: ClassVar[dict[str, str]] = {
        "near_duplicate": "A record that is kept has nearly the same words; the value is the "
        "similarity to it, or to another record of the cluster if that one is not similar enough.",
        "near_duplicate_of_earlier": "Earlier data that `against` names has nearly the same words; "
        "the value says where (the data set, its source and the place in it) and how similar.",
    }

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="lowest Jaccard similarity of five-word runs for duplicates"
    )
    keep: Literal["first", "longest", "best_quality", "newest", "first_source"] = Field(
        "first",
        description="which record of a cluster stays: first by source and id; longest in "
        "characters; best_quality: the greatest number at `quality`; newest: the latest at `date`; "
        "first_source: by the order of `prefer`; of equals the first stays",
    )
    quality: JsonPath = Field(
        "$.metadata.quality", description="JSON path in `extra` of a number, for best_quality"
    )
    date: JsonPath = Field(
        "$.metadata.date",
        description="JSON path in `extra` of an ISO 8601 date or time, or seconds, for newest",
    )
    prefer: list[str] = Field(
        default_factory=list, description="prefixes of sources, the best first, for first_source"
    )
    compare: Literal["all", "within_source", "across_sources"] = Field(
        "all", description="which records may be duplicates of each other"
    )
    on: On = Field(
        "auto", description="auto: turns where there are any, else the text; text: only the text"
    )
    words: Words = Field(
        "ascii",
        description="which punctuation separates words in scripts with spaces: ASCII's, or that of "
        "all scripts (unicode), so that typographic quotes and dashes do not count",
    )

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, `preference` (the greatest is kept), and a key of 8 bytes for each band.

        All keys of a record that is not compared are 0.
        """
        group = around(self.on)
        if self.compare == "within_source":
            group = pl.format("{}\n{}", pl.col("source"), group)
        contents = records.select(
            "id",
            "source",
            preference(self.keep, self.quality, self.date, self.prefer, compared(self.on)),
            content=compared(self.on),
            group=group,
        )
        keys = band_columns(contents["content"], contents["group"], self.threshold, self.words)
        return contents.select("id", "source", "preference").with_columns(keys)

    def candidates(self, sketches: Table) -> pl.Series:
        """Rows of the records that may be similar to another: `decide` needs their evidence."""
        return near_pairs.sharing(sketches, near_pairs.band_names(self.threshold))

    def evidence(self, records: pl.DataFrame) -> pl.Series:
        """Each record's five-word runs as 4-byte hashes, ascending; null if not compared."""
        return grams(records, self.on, self.words)

    def decide(self, sketches: Table, evidence: Evidence) -> Verdict:
        """A vote to reject every record of a cluster except the one to keep."""
        everyone, sources = self._ranked(sketches, evidence)
        is_earlier = everyone.rows >= sketches.own
        of_earlier = near_earlier.FOUND.to_frame()
        if is_earlier.any():
            of_earlier = near_earlier.closest_earlier(everyone, self.threshold, is_earlier)
        left = ~is_earlier.clone().scatter(of_earlier["rank"], True)
        candidates = everyone.only(left)
        later, best = self._clustered(candidates, sources.filter(left))
        summary = _summary(candidates, later)
        if is_earlier.any():
            summary |= {"of_earlier": of_earlier.height}
        votes = chain(
            self._votes(candidates, later, best), self._votes_of_earlier(everyone, of_earlier)
        )
        return Verdict(votes, summary)

    def _clustered(
        self, candidates: Candidates, sources: pl.Series
    ) -> tuple[pl.DataFrame, pl.Series]:
        """(pairs, best similarity of each rank to any other).

        A pair is `left`, the first rank of a cluster, and `right`, another rank of it.
        """
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

    def _votes_of_earlier(
        self, candidates: Candidates, found: pl.DataFrame
    ) -> Iterator[pl.DataFrame]:
        """The votes on records that are similar to earlier data."""
        rule = Broken(pl.lit(True), pl.col("jaccard").round(3), self.threshold)
        for batch in found.iter_slices(AT_ONCE):
            rows = (candidates.rows.gather(batch[name]) for name in ("rank", "earlier"))
            row, earlier = rows
            yield batch.select(
                pl.lit(row).alias("row"),
                pl.lit(earlier).alias("earlier"),
                rejected=rejected_as(self.earlier_reason, rule),
            )

    def _ranked(self, sketches: Table, evidence: Evidence) -> tuple[Candidates, pl.Series]:
        """(the records to compare, the most preferred first; the number of each one's source)."""
        rows = evidence.rows
        known = sketches.rows(["id", "source", "preference"], rows).with_columns(row=rows)
        order = known.select(
            pl.arg_sort_by(
                pl.col("preference"),
                "source",
                "id",
                "row",  # earlier data may contain a record of this run
                descending=[True, False, False, False],
                nulls_last=True,
            )
        ).to_series()
        sources = known["source"].rank("dense").gather(order)
        return Candidates(sketches, evidence, rows.gather(order), order), sources

    def _votes(
        self, candidates: Candidates, later: pl.DataFrame, best: pl.Series
    ) -> Iterator[pl.DataFrame]:
        """The votes, with the similarity to the kept record, or the best one if that is too low."""
        similar = pl.col("jaccard") >= self.threshold
        value = pl.when(similar).then("jaccard").otherwise("best").round(3)
        rejected = rejected_as("near_duplicate", Broken(pl.lit(True), value, self.threshold))
        for batch in later.iter_slices(AT_ONCE):
            measured = candidates.measured(batch)
            yield measured.select(
                "jaccard",
                row=pl.lit(candidates.rows.gather(measured["right"])),
                into=pl.lit(candidates.rows.gather(measured["left"])),
                best=pl.lit(best.gather(measured["right"])),
            ).select("row", "into", rejected=rejected)


def _raised(best: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    """`best`, the greatest similarity of each rank to any other, updated by more pairs."""
    ends = pl.concat(pairs.select(rank=name, best="jaccard") for name in ("left", "right"))
    most = ends.group_by("rank").agg(pl.col("best").max())
    known = best.gather(most["rank"])
    return best.scatter(most["rank"], most.select(pl.max_horizontal("best", known)).to_series())


def _summary(candidates: Candidates, later: pl.DataFrame) -> dict[str, Any]:
    """Counts for the manifest, and the largest clusters, each named by the record kept of it."""
    sizes = later.group_by(rank="left").agg(records=pl.len() + 1)
    largest = sizes.sort(["records", "rank"], descending=[True, False]).head(LARGEST)
    kept = candidates.sketches.rows(["id", "source"], candidates.rows.gather(largest["rank"]))
    return {
        "candidates": candidates.rows.len(),
        "clusters": sizes.height,
        "merged": later.height,
        "largest": kept.with_columns(largest["records"].cast(pl.Int64)).to_dicts(),
    }
