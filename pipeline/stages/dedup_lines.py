"""`dedup_lines`: removes lines and paragraphs found in many documents, such as navigation."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.kernels import pieces
from pipeline.stage import TALLIES, Broken, Observed, Settings, fewest, reject
from pipeline.stages.before_after import changed_texts, sampled
from pipeline.stages.texts import KEPT, has_images, nfc

BETWEEN = {"line": "\n", "paragraph": "\n\n"}


class DedupLines(Settings):
    """Removes lines that many documents contain: navigation, notices, footers.

    A line in `min_documents` documents or more is kept once, where it comes first by source, id
    and place; with `keep: none` it is removed everywhere. Lines are compared as `dedup_exact`
    compares texts, so layout does not count. Lines without a letter, Markdown headings, table rows
    and fenced code are neither compared nor removed. Labelled records and captions are unchanged.
    """

    name: ClassVar[str] = "dedup_lines"
    reasons: ClassVar[dict[str, str]] = {
        "only_repeated": "Other documents contain every line of this one, so nothing is left; "
        "the value is the number of its lines or paragraphs that were removed.",
    }

    unit: Literal["line", "paragraph"] = Field(
        "line", description="what is compared: lines, or the paragraphs between empty lines"
    )
    min_documents: int = Field(
        3, ge=2, description="documents that must contain a line before it is removed"
    )
    min_characters: int = Field(
        1, ge=1, description="characters, without white space, that a line needs to be removed"
    )
    keep: Literal["first", "none"] = Field("first", description="whether one occurrence stays")

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, and `pieces`: number and key of each line, packed.

        `pieces` is null for records that are not compared.
        """
        document = KEPT & pl.col("messages").is_null() & ~has_images()
        texts = records.select(text=nfc(pl.when(document).then("text")))["text"]
        keyed = pieces.keyed(texts, len(BETWEEN[self.unit]), self.min_characters)
        return records.select("id", "source").with_columns(keyed.alias("pieces"))

    def pieces(self, packed: pl.Series) -> pl.DataFrame:
        """`row`, `number`, `key`, `rest` of each line, unpacked from the column of `sketch`."""
        return pieces.unpacked(packed)

    def decide(self, pieces: pl.DataFrame) -> pl.DataFrame:
        """The lines to remove: those in enough documents, without the occurrence that is kept."""
        keys = pieces["key"].sort()
        often = keys.slice(self.min_documents - 1)  # most keys occur once, so few are left
        often = often.filter(often == keys.head(often.len())).unique()
        del keys
        suspects = pieces.filter(pl.col("key").is_in(often.implode()))
        documents = suspects.group_by("key", "rest").agg(pl.col("document").n_unique())
        many = documents.filter(pl.col("document") >= self.min_documents)
        repeated = suspects.join(many, on=["key", "rest"], how="semi")
        if self.keep == "none":
            return repeated
        ordered = repeated.sort("place", "number")
        return ordered.filter(~pl.struct("key", "rest").is_first_distinct())

    def apply(self, records: pl.DataFrame, taken: pl.DataFrame) -> Observed:
        """The records without the lines in `taken`, with tallies of lines and characters removed.

        `taken` has the `id` of a record and the `numbers` of its lines to remove.
        """
        lines = self._lines(records, taken)
        numbers = taken.select("id", number="numbers").explode("number")
        gone = lines.join(numbers, on=["id", "number"], how="semi", maintain_order="left")
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
            frame.join(few, on="id", how="semi", maintain_order="left")
            for frame in (records, shorter)
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

    def _lines(self, records: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
        """A row for each line of the records that lose lines: `id`, `number`, `line`."""
        split = pl.col("text").str.split(BETWEEN[self.unit])
        number = pl.int_ranges(split.list.len(), dtype=pl.UInt32)
        losing = records.join(taken, on="id", how="semi", maintain_order="left")
        return losing.select("id", line=split, number=number).explode("line", "number")


def _tallied(counted: pl.DataFrame, unit: str) -> pl.DataFrame:
    """`TALLIES`: the lines and the characters that were removed from each record."""
    kinds = {f"{unit}s": "gone", "characters": "characters"}
    return pl.concat(
        counted.select("id", kind=pl.lit(kind), number=pl.col(name).cast(pl.Int64))
        for kind, name in kinds.items()
    ).match_to_schema(TALLIES)
