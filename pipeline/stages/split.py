"""`split`: divides records into train, validation and test, with no family in two of them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import Field, StringConstraints, model_validator

from pipeline.corpus_stage import Evidence, Table, Verdict
from pipeline.stage import Broken, Settings, rejected_as
from pipeline.stages import near_pairs, pairings
from pipeline.stages.families import TRAIN, closest, joined, shared_out
from pipeline.stages.json_paths import IF_PATH
from pipeline.stages.near_pairs import Candidates, Graph, alike
from pipeline.stages.near_sketches import band_columns, compared, grams, kind
from pipeline.stages.texts import KEPT

AT_ONCE = 200_000  # votes in a frame
GROUPS = r"^(document|source|record|\$\..+)$"
SET_ASIDE = 0
"""The group of records that earlier stages rejected."""


class Split(Settings):
    """Divides records into train, validation and test, whole families at a time.

    A family is all the records that `group_by` keeps together and all records nearly the same as
    one of them (`near_duplicates`: Jaccard similarity of five-word runs of text or turns,
    whatever the system prompt and tools), so that none leaks into another split. The digest of a
    group's key decides, not its place: the same records give the same splits in any order. Shares
    are met as far as whole families allow. If near-duplicates chain more than half of all records
    into one family, that family is divided by group, and any record of another split that is
    still nearly the same as a training record is rejected. The manifest reports the greatest
    similarity measured between a training record and another, with the pair, and the probability
    of finding a pair that is just similar enough.
    """

    name: ClassVar[str] = "split"
    reasons: ClassVar[dict[str, str]] = {
        "near_training": "A training record of another family has nearly the same words; the "
        "value is the similarity. It would make validation look better than it is.",
    }

    validation: float = Field(0, ge=0, lt=1, description="share of records for validation")
    test: float = Field(0, ge=0, lt=1, description="share of records for testing")
    group_by: Annotated[str, StringConstraints(pattern=GROUPS), IF_PATH] = Field(
        "document",
        description="what must stay together: document, source, record, or a JSON path in "
        "`extra` such as $.metadata.customer; a record without a value there goes by its document",
    )
    near_duplicates: float | None = Field(
        0.8, ge=0.5, le=1, description="lowest similarity of records to keep together; null: off"
    )

    @model_validator(mode="after")
    def _leaves_training_data(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self

    @property
    def _threshold(self) -> float:
        return self.near_duplicates or 0.8

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `labelled`, `group`, and a key of 8 bytes for each band.

        `group` is an 8-byte digest of the key of what must stay together, 0 for rejected records.
        """
        contents = records.select(
            "id",
            labelled=pl.col("messages").is_not_null(),
            key=pl.when(KEPT).then(self._group()),
            content=compared("auto"),
            kind=kind(),
        )
        keys = band_columns(contents["content"], contents["kind"], self._threshold, "ascii")
        return contents.select("id", "labelled", _digests(contents["key"])).with_columns(keys)

    def _group(self) -> pl.Expr:
        if self.group_by.startswith("$"):
            value = pl.col("extra").str.json_path_match(self.group_by)
            key = pl.format("{}\n{}", pl.lit(self.group_by), value)
            return pl.when(value != "").then(key).otherwise("document")
        return pl.col("id" if self.group_by == "record" else self.group_by)

    def candidates(self, sketches: Table) -> pl.Series:
        """Rows of the records that may be similar to another."""
        return near_pairs.sharing(sketches, near_pairs.band_names(self._threshold))

    def evidence(self, records: pl.DataFrame) -> pl.Series:
        """Each record's five-word runs as 4-byte hashes, ascending."""
        return grams(records, "auto", "ascii")

    def decide(self, sketches: Table, evidence: Evidence) -> Verdict:
        """A split for every record that is not rejected, and the rejection of leaks."""
        numbers, sized = _numbered(sketches)
        candidates = self._candidates(sketches, evidence)
        groups = numbers.gather(candidates.rows)
        families = Graph(sized.height)
        if self.near_duplicates is not None:
            for pairs in alike(candidates, self._threshold, Graph(groups.len()), pairings.within):
                joined(families, groups, pairs)
        shares = {"test": self.test, "validation": self.validation}
        splits = shared_out(sized, families.roots(), shares)
        of_candidates = splits.gather(groups)
        alike_to = closest(candidates, self._threshold, of_candidates == TRAIN)
        leaks = alike_to.filter(pl.col("jaccard") >= self._threshold)
        if self.near_duplicates is None:
            leaks = leaks.clear()
        rest = alike_to.join(leaks, on="rank", how="anti", maintain_order="left").head(1)
        summary = self._summary(candidates, of_candidates, rest)
        leaks = leaks.select("jaccard", row=pl.lit(candidates.rows.gather(leaks["rank"])))
        splits = splits.set(sized["size"] == 0, None)
        return Verdict(self._votes(numbers, splits, leaks), summary)

    def _candidates(self, sketches: Table, evidence: Evidence) -> Candidates:
        """The candidates, ranked by their ids, an order that nobody chooses."""
        rows = evidence.rows
        order = sketches.rows(["id"], rows)["id"].arg_sort()
        return Candidates(sketches, evidence, rows.gather(order), order)

    def _summary(
        self, candidates: Candidates, splits: pl.Series, rest: pl.DataFrame
    ) -> dict[str, Any]:
        """The manifest's entry: the closest remaining pair of a training record and another."""
        bands, rows = near_pairs.bands_of(self._threshold)
        ranks = pl.concat([rest["train"], rest["rank"]])
        ids = candidates.sketches.rows(["id"], candidates.rows.gather(ranks))["id"]
        ends = zip(ids, splits.gather(ranks), strict=True)
        return {
            "similarity": {
                "measure": "Jaccard similarity of five-word runs",
                "kept_together_from": self.near_duplicates,
                "greatest": None if rest.is_empty() else round(rest["jaccard"].item(), 4),
                "between": [{"id": name, "split": split} for name, split in ends],
                "found": round(1 - (1 - self._threshold**rows) ** bands, 4),
                "found_from": self._threshold,
            },
        }

    def _votes(
        self, numbers: pl.Series, splits: pl.Series, leaks: pl.DataFrame
    ) -> Iterator[pl.DataFrame]:
        rule = Broken(pl.col("jaccard").is_not_null(), pl.col("jaccard").round(3), self._threshold)
        rejected = pl.when(rule.where).then(rejected_as("near_training", rule))
        for start in range(0, numbers.len(), AT_ONCE):
            batch = splits.gather(numbers.slice(start, AT_ONCE)).alias("split")
            kept = batch.to_frame().with_row_index("row", start).drop_nulls()
            joined_leaks = kept.join(leaks, on="row", how="left", maintain_order="left")
            yield joined_leaks.select("row", "split", rejected=rejected)


def _numbered(sketches: Table) -> tuple[pl.Series, pl.DataFrame]:
    """(number of each record's group, frame of the groups).

    The frame has `number`, `digest`, `size` and `labelled`; the group of rejected records has
    size 0.
    """
    groups = sketches.column("group")
    digests = groups.unique().sort()
    numbers = digests.search_sorted(groups).cast(pl.UInt32)
    del groups
    labelled = numbers.filter(sketches.column("labelled")).unique()
    sized = pl.DataFrame({"digest": digests}).with_row_index("number")
    counted = numbers.value_counts(name="size")
    sizes = counted.sort(numbers.name)["size"].cast(pl.UInt32)
    kept = pl.col("digest") != SET_ASIDE
    return numbers, sized.with_columns(
        size=pl.when(kept).then(sizes).otherwise(0),
        labelled=pl.col("number").is_in(labelled.implode()),
    )


def _digests(keys: pl.Series) -> pl.Series:
    """`group`: eight bytes of each key's BLAKE2 digest as a big-endian number; 0 for null."""
    known = keys.unique().drop_nulls()
    digests = [int.from_bytes(blake2b(k.encode(), digest_size=8).digest()) or 1 for k in known]
    numbers = pl.Series("group", digests, dtype=pl.UInt64)
    table = pl.DataFrame([known.alias("key"), numbers])
    joined_keys = pl.DataFrame([keys.alias("key")]).join(
        table, on="key", how="left", maintain_order="left"
    )
    return joined_keys["group"].fill_null(SET_ASIDE)
