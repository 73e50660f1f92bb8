"""How fast the knowledge behind a data set changes, measured over the published runs."""

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
    """How the sources of a recipe changed over its runs."""

    runs: int
    days: float  # between the first and the last run that were compared
    added: int  # sources, over all steps from run to run
    changed: int
    removed: int
    sources: float  # average number per run

    @property
    def share_a_month(self) -> float | None:
        """Share of the sources added, changed or removed in a month; None: not known yet."""
        if self.runs < 2 or self.days < LEAST_DAYS or not self.sources:
            return None
        turned = self.added + self.changed + self.removed
        return turned / self.sources / self.days * DAYS_A_MONTH

    def as_json(self) -> dict[str, Any]:
        """All fields and `share_a_month` as plain JSON values."""
        return asdict(self) | {"share_a_month": self.share_a_month}


def read_history(place: Place, name: str) -> History:
    """The changes over the last `MOST_RUNS` runs of the recipe `name` published at a place.

    The place says when a run was published, because a run itself contains no time.
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
    """Time of publication (in seconds) and inputs of each run of the recipe, the oldest first."""
    newest = sorted(place.published(), key=lambda listed: (listed[1], listed[0]), reverse=True)
    dated_runs: list[tuple[float, list[dict[str, Any]]]] = []
    for run, when in newest:
        found = read_run(place, run)
        if found is not None and found[0]["name"] == name:
            dated_runs.append((when, found[0]["inputs"]))
            if len(dated_runs) == MOST_RUNS:
                break
    yield from reversed(dated_runs)
