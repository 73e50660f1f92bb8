"""`dedup_lines`: lines and paragraphs that stand in many documents, such as navigation."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.record import ID_LENGTH
from pipeline.stage import TALLIES, Broken, Observed, Settings, fewest, reject
from pipeline.stages.before_after import changed_texts, sampled
from pipeline.stages.sketches import digest
from pipeline.stages.texts import KEPT, has_images, one_line

BETWEEN = {"line": "\n", "paragraph": "\n\n"}

FENCE = r"(?m)^ {0,3}(?:```|~~~)"
STRUCTURE = r"^\s*\|[^\n]*$|^ {0,3}#{1,6} [^\n]*$"
"""A row of a Markdown table, or a heading: the same in many documents that have one form."""

ROOT = pl.col("id").str.slice(0, ID_LENGTH)


class DedupLines(Settings):
    """Takes lines out of documents that stand in many of them: navigation, notices, footers.

    A line that stands in `min_documents` documents or more stays once, where it comes first by
    source, id and place; with `keep: none` nowhere. Lines are compared as `dedup_exact` compares
    texts, so layout does not count. Lines without a letter, Markdown headings, rows of tables and
    fenced code are neither compared nor taken out. Labelled records and captions stay as they are.
    """

    name: ClassVar[str] = "dedup_lines"
    key: ClassVar[str] = "key"
    reasons: ClassVar[dict[str, str]] = {
        "only_repeated": "Every line of the document also stands in others, so nothing is left; "
        "the value is the number of its lines or paragraphs that were taken out.",
    }

    unit: Literal["line", "paragraph"] = Field(
        "line", description="what is compared: lines, or what stands between empty lines"
    )
    min_documents: int = Field(
        3, ge=2, description="documents that a line must stand in to be taken out of them"
    )
    min_characters: int = Field(
        1, ge=1, description="characters that a line must have to be taken out, white space aside"
    )
    keep: Literal["first", "none"] = Field("first", description="whether one occurrence stays")

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`key` (16 bytes that equal lines share), `source` and `id`, for each line of a record."""
        lines = self._lines(records).filter(pl.col("key").is_not_null())
        return lines.select("key", "source", "id").unique(["key", "id"], maintain_order=True)

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`key` of each line to take out, and `kept`: the record in which it stays, if in one."""
        documents = sketches.group_by("key").agg(documents=ROOT.n_unique())
        many = documents.filter(pl.col("documents") >= self.min_documents)
        first = (
            sketches.join(many, on="key", how="semi")
            .sort("key", "source", "id")
            .unique("key", keep="first", maintain_order=True)
        )
        kept = pl.col("id") if self.keep == "first" else pl.lit(None, pl.String)
        return first.select("key", kept=kept)

    def apply(self, records: pl.DataFrame, decided: pl.DataFrame) -> Observed:
        """The records without those lines, and how many of which length were taken out of each."""
        lines = self._lines(records)
        here = decided.join(lines, on="key", how="semi")  # a few of them, before any more is held
        found = lines.join(here, on="key", how="inner", maintain_order="left")
        own = found.filter(pl.col("id") == pl.col("kept"))
        staying = own.unique(["id", "key"], keep="first", maintain_order=True)
        gone = found.join(staying, on=["id", "number"], how="anti", maintain_order="left")
        if gone.is_empty():
            return Observed(records)
        counted = gone.group_by("id", maintain_order=True).agg(
            gone=pl.len(), characters=pl.col("line").str.len_chars().sum()
        )
        left = (
            lines.join(counted, on="id", how="semi", maintain_order="left")
            .join(gone, on=["id", "number"], how="anti", maintain_order="left")
            .group_by("id", maintain_order=True)
            .agg(left=pl.col("line").str.join(BETWEEN[self.unit]).str.strip_chars())
        )
        shorter = self._shortened(records, counted, left)
        few = fewest(counted.select("id"))
        shown = [
            one.join(few, on="id", how="semi", maintain_order="left") for one in (records, shorter)
        ]
        samples = sampled(changed_texts(*shown), {f"{self.unit}s": pl.lit(True)})
        return Observed(shorter, tallies=_tallied(counted, self.unit), samples=samples)

    def _shortened(
        self, records: pl.DataFrame, counted: pl.DataFrame, left: pl.DataFrame
    ) -> pl.DataFrame:
        joined = records.join(counted, on="id", how="left", maintain_order="left").join(
            left, on="id", how="left", maintain_order="left"
        )
        touched = pl.col("gone").is_not_null()
        text = pl.when(touched).then(pl.col("left").fill_null("")).otherwise("text")
        rewritten = joined.with_columns(text=text)
        emptied = Broken(touched & (pl.col("text") == ""), value=pl.col("gone"))
        return reject(rewritten, only_repeated=emptied).select(records.columns)

    def _lines(self, records: pl.DataFrame) -> pl.DataFrame:
        """A row for each line of a document: `id`, `source`, `number`, `line`, `key`.

        A null key is what is not compared.
        """
        document = KEPT & pl.col("messages").is_null() & ~has_images()
        split = pl.col("text").str.split(BETWEEN[self.unit])
        lines = (
            records.filter(document & pl.col("text").is_not_null())
            .select("id", "source", line=split, number=pl.int_ranges(split.list.len()))
            .explode("line", "number")
        )
        fences = pl.col("line").str.count_matches(FENCE)
        before = (fences.cum_sum() - fences).over("id")
        code = (fences > 0) | (before % 2 == 1)
        words = pl.col("line").str.contains(r"\pL") & ~pl.col("line").str.contains(STRUCTURE)
        long = pl.col("words").str.len_chars() >= self.min_characters
        compared = lines.with_columns(words=pl.when(words & ~code).then("line"))
        compared = compared.with_columns(words=one_line(pl.col("words")))
        key = digest(compared.select(key=pl.when(long).then("words"))["key"])
        return compared.drop("words").with_columns(key)


def _tallied(counted: pl.DataFrame, unit: str) -> pl.DataFrame:
    """`TALLIES`: the lines and the characters that were taken out of each record."""
    kinds = {f"{unit}s": "gone", "characters": "characters"}
    return pl.concat(
        counted.select("id", kind=pl.lit(kind), number=pl.col(name).cast(pl.Int64))
        for kind, name in kinds.items()
    ).match_to_schema(TALLIES)
