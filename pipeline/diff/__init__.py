"""What changed between two runs: sources, recipe, decisions with their causes, drift."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import polars as pl

from pipeline.diff.decisions import Decisions, compare_decisions
from pipeline.diff.drift import Drift, measure_drift, whole_targets
from pipeline.diff.sources import Changes, SourceChanges, compare_made, compare_sources

__all__ = ["Comparable", "Diff", "compare"]


class Comparable(Protocol):
    """A run that can be compared, whether it is published or only staged."""

    run: str
    manifest: dict[str, Any]

    def scan(self, name: str) -> pl.LazyFrame:
        """A Parquet file of the run."""
        ...

    def report(self) -> dict[str, Any]:
        """The run's report.json."""
        ...


@dataclass(frozen=True)
class Diff:
    """Everything that differs between an earlier run and a later one."""

    before: str  # digests of the runs
    after: str
    sources: SourceChanges
    made: Changes  # recipe, versions, model cards
    decisions: Decisions
    drift: Drift

    @property
    def same(self) -> bool:
        """Whether nothing differs except the runs' names."""
        return not (self.sources.total or self.made.total or self.decisions.total)

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


def compare(before: Comparable, after: Comparable) -> Diff:
    """Compare two runs, whether of the same recipe or not; records are matched by id.

    An id stands for a place (source and locator), so an edited document keeps its id.
    """
    sources = compare_sources(before.manifest["inputs"], after.manifest["inputs"])
    made = compare_made(before.manifest, after.manifest)
    gone = sources.removed / max(sources.before, 1)
    return Diff(
        before=before.run,
        after=after.run,
        sources=sources,
        made=made,
        decisions=compare_decisions(before, after, made),
        drift=measure_drift(_whole(before), _whole(after), gone),
    )


def _whole(run: Comparable) -> dict[str, Any]:
    """The run's report as drift needs it: the parts of each target are added up."""
    report = run.report()
    return report | {"targets": whole_targets(report["targets"], run.manifest["targets"])}
