"""`dedup_near`: one of several records that say nearly the same."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.kernels import band_keys, gram_sets, jaccard
from pipeline.stage import Broken, Settings, rejected_as
from pipeline.stages.near_pairs import alike, clusters, sharing
from pipeline.stages.sketches import digest
from pipeline.stages.texts import KEPT, image_files, one_line

BANDS = ((0.8, 20, 6), (0.7, 25, 5), (0.6, 32, 4), (0.5, 42, 3))
"""From which threshold on, bands, and rows of each. A pair that is just alike enough is looked at
with a chance of 1-(1-threshold^rows)^bands: 99.8, 99.0, 98.8 and 99.6 %."""


class DedupNear(Settings):
    """Keeps one of several records with nearly the same words.

    Two texts are alike when the sets of their five-word runs overlap by `threshold` (Jaccard
    similarity); letter case and punctuation do not count. Pairs are found by MinHash and then
    measured exactly. Who is alike to one that is alike to a third is in one cluster with both;
    one of the cluster is kept. Labelled records are compared by their turns and documents by
    their text; system prompt and image files must be the same. Texts without a word are kept.
    """

    name: ClassVar[str] = "dedup_near"
    reasons: ClassVar[dict[str, str]] = {
        "near_duplicate": "Nearly the same words are in a record that is kept; the value is the "
        "similarity to it, or to another of the cluster if that one is not alike enough.",
    }

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="Jaccard similarity of five-word runs from which on"
    )
    keep: Literal["first", "longest"] = Field(
        "first", description="first by source and id, or the longest, then the first"
    )
    on: Literal["auto", "text"] = Field(
        "auto", description="auto: turns where there are any, else the text; text: the text alone"
    )

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, `length` in characters, `group` and `bands`, 8 bytes a key.

        Records are compared inside a group: same kind, system prompt and image files. `bands` is
        null for what is not compared.
        """
        contents = records.select("id", "source", content=self._content(), around=self._around())
        _, bands, rows = next(shape for shape in BANDS if self.threshold >= shape[0])
        group = digest(contents["around"]).bin.slice(0, 8)
        return contents.select(
            "id",
            "source",
            length=pl.col("content").str.len_chars(),
            group=group.bin.reinterpret(dtype=pl.UInt64, endianness="little"),
            bands=band_keys(contents["content"], bands, rows),
        )

    def candidates(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` of every record that may be alike to another: `decide` needs their evidence."""
        return sharing(sketches).select("id")

    def evidence(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, and `grams`: the five-word runs as 4-byte hashes; null for what is not compared."""
        contents = records.select("id", content=self._content())
        return contents.select("id", grams=gram_sets(contents["content"]))

    def decide(self, sketches: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
        """`id` and `rejected` of every record of a cluster but the one to keep."""
        ranked = self._ranked(sketches.join(evidence, on="id"))
        pairs = alike(ranked, self.threshold)
        firsts = pl.Series("first", clusters(ranked.height, pairs), dtype=pl.UInt32)
        members = pl.DataFrame([firsts]).with_row_index("rank")
        later = members.filter(pl.col("rank") != pl.col("first")).select("first", "rank")
        to_first = later.with_columns(jaccard(ranked["grams"], later))
        told = to_first.join(_best(pairs), on="rank", how="left", maintain_order="left")
        similar = pl.col("jaccard") >= self.threshold
        value = pl.when(similar).then("jaccard").otherwise("best").round(3)
        merged_into = pl.lit(ranked["id"].gather(later["first"]))
        rule = Broken(pl.lit(True), value, self.threshold, merged_into)
        votes = told.select(
            id=pl.lit(ranked["id"].gather(later["rank"])),
            rejected=rejected_as("near_duplicate", rule),
        )
        return votes.sort("id")

    def _ranked(self, records: pl.DataFrame) -> pl.DataFrame:
        """Those to compare, the one to keep before all others first."""
        compared = records.filter(pl.col("bands").is_not_null(), pl.col("grams").is_not_null())
        first = compared.sort("source", "id")
        if self.keep == "first":
            return first
        return first.sort("length", descending=True, maintain_order=True)

    def _content(self) -> pl.Expr:
        """What is compared; null for records set aside before."""
        texts = pl.element().struct.field("text").fill_null("")
        turns = pl.col("messages").list.eval(texts).list.join("\n")
        labelled = pl.col("messages").is_not_null() & (self.on == "auto")
        return pl.when(KEPT).then(pl.when(labelled).then(turns).otherwise("text"))

    def _around(self) -> pl.Expr:
        """What must be equal: the kind, the image files, the system prompt."""
        kind = pl.col("messages").is_null() | pl.lit(self.on == "text")
        return pl.format(
            "{}\n{}\n{}", kind, image_files(), one_line(pl.col("system").fill_null(""))
        )


def _best(pairs: pl.DataFrame) -> pl.DataFrame:
    """`rank` and `best`, its greatest similarity to any other."""
    ends = [pairs.select(rank=name, best="jaccard") for name in ("left", "right")]
    return pl.concat(ends).group_by("rank").agg(pl.col("best").max())
