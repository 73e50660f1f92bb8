"""The gate's checks of drift: how far the data has moved from the previous run's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.diff.drift import Drift
from pipeline.gate.suite import ALL_TARGETS, AT_MOST, COUNTS, Check

if TYPE_CHECKING:
    from pipeline.recipe_settings import DriftGate

WHOLE = ("rejected", "merged", "sources_removed")
PER_TARGET = ("lengths", "languages", "records_lost")


def drift_counts(drift: Drift) -> dict[str, float]:
    """The measured distances, by their column in the gate's one-row table of counts."""
    counts: dict[str, float] = {f"drift.{name}": getattr(drift, name) for name in WHOLE}
    for name, target in drift.targets.items():
        lost = 1 - target.records_after / target.records_before if target.records_before else None
        measured = {"lengths": target.tokens, "languages": target.languages, "records_lost": lost}
        counts |= {f"{name}.drift.{one}": v for one, v in measured.items() if v is not None}
    return counts


def drift_checks(gate: DriftGate, drift: Drift) -> Iterator[Check]:
    """A check for each distance that was measured and that the recipe limits."""
    counts = drift_counts(drift)
    places = [(ALL_TARGETS, "drift", WHOLE)]
    places += [(name, f"{name}.drift", PER_TARGET) for name in drift.targets]
    for target, prefix, names in places:
        for name in names:
            most, column = getattr(gate, name), f"{prefix}.{name}"
            if most is not None and column in counts:
                check = f"drift_{name}_allowed"
                yield Check(target, check, COUNTS, column, None, most, AT_MOST)
