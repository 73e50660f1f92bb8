"""Counts that must balance: what came into each stage, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from pipeline.errors import LawBroken

TARGETS = "targets."


def target_label(target: str) -> str:
    """The name of a target's stage in the ledger; for records that a target leaves out, `.delta` or
    `.select` is appended. Names of targets have no dot."""
    return TARGETS + target


def target_of(stage: str) -> str | None:
    """The target that a ledger's stage belongs to; None for a stage before the targets."""
    return stage.split(".")[1] if stage.startswith(TARGETS) else None


@dataclass
class StageCount:
    """What one stage did, summed over shards: `came = kept + rejected + merged + divided`."""

    stage: str
    came: int = 0  # records that came in
    kept: int = 0  # records that went on under their own id
    merged: int = 0  # records that another record represents
    divided: int = 0  # records that were replaced by chunks
    chunks: int = 0  # chunks that replaced them
    reasons: Counter[str] = field(default_factory=Counter)  # rejected or merged, by reason

    @property
    def rejected(self) -> int:
        """Records that were set aside and that no other record represents."""
        return sum(self.reasons.values()) - self.merged

    @property
    def went(self) -> int:
        """The number of records that the next stage gets."""
        return self.kept + self.chunks

    def add(self, other: StageCount) -> None:
        """Add another shard's count of the same stage to this one."""
        self.came += other.came
        self.kept += other.kept
        self.merged += other.merged
        self.divided += other.divided
        self.chunks += other.chunks
        self.reasons.update(other.reasons)

    def check(self) -> None:
        """Raise LawBroken unless every record that came in is accounted for."""
        accounted = self.kept + self.rejected + self.merged + self.divided
        if self.came != accounted:
            raise LawBroken(
                f"{self.stage}: {self.came} records came in, {accounted} are accounted for"
            )

    def as_json(self) -> dict[str, Any]:
        """The count as the manifest has it."""
        return {
            "stage": self.stage,
            "came": self.came,
            "kept": self.kept,
            "rejected": self.rejected,
            "merged": self.merged,
            "divided": self.divided,
            "chunks": self.chunks,
            "reasons": dict(sorted(self.reasons.items())),
        }

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> StageCount:
        """The inverse of `as_json`."""
        numbers = {k: line[k] for k in ("came", "kept", "merged", "divided", "chunks")}
        return cls(stage=line["stage"], reasons=Counter(line["reasons"]), **numbers)


def corpus_counts(counts: Iterable[StageCount]) -> list[StageCount]:
    """The counts of the stages before the targets."""
    return [count for count in counts if target_of(count.stage) is None]


def total(counts: Iterable[StageCount]) -> list[StageCount]:
    """The sums of counts by stage, in order of first appearance, each checked."""
    sums: dict[str, StageCount] = {}
    for count in counts:
        sums.setdefault(count.stage, StageCount(count.stage)).add(count)
    for count in sums.values():
        count.check()
    return list(sums.values())


Line = TypeVar("Line")


def legs(lines: Iterable[Line], divided: Callable[[Line], int]) -> Iterator[list[Line]]:
    """The ledger's lines, grouped by the records they are about: a line that `divided` any ends
    its group."""
    leg: list[Line] = []
    for line in lines:
        leg.append(line)
        if divided(line):
            yield leg
            leg = []
    if leg:
        yield leg


def check_chain(counts: list[StageCount]) -> None:
    """Raise LawBroken unless each stage got exactly the records that the previous one passed on."""
    for before, after in pairwise(counts):
        if before.went != after.came:
            raise LawBroken(
                f"{before.stage} passed on {before.went} records, {after.stage} got {after.came}"
            )


def left_out(manifest: dict[str, Any]) -> list[str]:
    """What each stage of a run has set aside, a line each: `clean: too_short 3, empty 1`."""
    return [
        f"{stage['stage']}: " + ", ".join(f"{reason} {n}" for reason, n in stage["reasons"].items())
        for stage in manifest["stages"]
        if stage["reasons"]
    ]
