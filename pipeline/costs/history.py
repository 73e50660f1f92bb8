"""How fast the knowledge behind a data set changes, told by the runs that were published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from pipeline.diff.sources import compare_sources
from pipeline.publish import read_run
from pipeline.storage import Place

MOST_RUNS = 24
LEAST_DAYS = 7.0
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class History:
    """The sources of a recipe over its runs."""

    runs: int
    days: float  # between the first and the last run that were compared
    added: int  # sources, over all steps from run to run
    changed: int
    removed: int
    sources: float  # of a run, on average

    @property
    def share_a_month(self) -> float | None:
        """Sources that are new, changed or gone in a month, of all; None: it cannot be told yet."""
        if self.runs < 2 or self.days < LEAST_DAYS or not self.sources:
            return None
        turned = self.added + self.changed + self.removed
        return turned / self.sources / self.days * DAYS_A_MONTH

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"share_a_month": self.share_a_month}


def read_history(place: Place, name: str) -> History:
    """The last `MOST_RUNS` runs of the recipe `name` that are published at a place.

    When a run was published is told by the place: a run holds no clock reading.
    """
    runs = list(_runs(place, name))
    steps = [compare_sources(before, after) for (_, before), (_, after) in pairwise(runs)]
    sources = [len(inputs) for _, inputs in runs]
    return History(
        runs=len(runs),
        days=round((runs[-1][0] - runs[0][0]) / 86_400, 2) if runs else 0.0,
        added=sum(step.added for step in steps),
        changed=sum(step.changed for step in steps),
        removed=sum(step.removed for step in steps),
        sources=round(sum(sources) / len(sources), 1) if sources else 0.0,
    )


def _runs(place: Place, name: str) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    """When each run of the recipe was published, in seconds, and its sources; the oldest first."""
    newest = sorted(place.published(), key=lambda one: (one[1], one[0]), reverse=True)
    own: list[tuple[float, list[dict[str, Any]]]] = []
    for run, when in newest:
        found = read_run(place, run)
        if found is not None and found[0]["name"] == name:
            own.append((when, found[0]["inputs"]))
            if len(own) == MOST_RUNS:
                break
    yield from reversed(own)
