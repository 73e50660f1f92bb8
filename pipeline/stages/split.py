"""`split`: train, validation and test, no group in two of them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from pipeline.stage import Settings
from pipeline.stages.texts import KEPT

MIN_GROUPS = 10
"""From so many groups on, a split that is asked for gets at least one."""


class Split(Settings):
    """Shares records out between train, validation and test, whole groups at a time.

    All chunks of a document (`group_by: document`) or all records of a source go to one split, so
    that none leaks into another. The digest of a group's key decides, not its place: the same
    records give the same splits in any order. Shares are met as far as whole groups allow.
    """

    name: ClassVar[str] = "split"
    reasons: ClassVar[dict[str, str]] = {}

    validation: float = Field(0, ge=0, lt=1, description="share of records for validation")
    test: float = Field(0, ge=0, lt=1, description="share of records for testing")
    group_by: Literal["document", "source", "record"] = Field(
        "document", description="what must not be torn apart"
    )

    @model_validator(mode="after")
    def _leaves_training_data(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, and `group`: the key of what must stay together; null for rejected records."""
        key = "id" if self.group_by == "record" else self.group_by
        return records.select("id", group=pl.when(KEPT).then(pl.col(key)))

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and `split` of every record that was not rejected."""
        kept = sketches.filter(pl.col("group").is_not_null())
        sizes = dict(kept.group_by("group").len().iter_rows())
        placed = list(self._placed(sizes))
        schema = {"group": pl.String, "elsewhere": pl.String}
        elsewhere = pl.DataFrame(placed, schema=schema, orient="row")
        joined = kept.join(elsewhere, on="group", how="left", maintain_order="left")
        return joined.select("id", split=pl.col("elsewhere").fill_null("train"))

    def _placed(self, sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
        """Each group that is not for training, with its split."""
        groups = sorted(sizes, key=lambda group: (_digest(group), group))
        records = sum(sizes.values())
        for split, share in (("test", self.test), ("validation", self.validation)):
            if share:
                chosen = _chosen(groups[:-1], sizes, round(share * records), len(sizes))
                yield from ((group, split) for group in chosen)
                taken = set(chosen)
                groups = [group for group in groups if group not in taken]


def _digest(group: str) -> bytes:
    return blake2b(group.encode(), digest_size=8).digest()


def _chosen(groups: list[str], sizes: dict[str, int], room: int, total: int) -> list[str]:
    """The groups that fit, in order; the smallest if none does and there are groups enough."""
    chosen = []
    for group in groups:
        if sizes[group] <= room:
            chosen.append(group)
            room -= sizes[group]
        if not room:
            break
    if not chosen and total >= MIN_GROUPS:
        return [min(groups, key=lambda group: sizes[group])]
    return chosen
