"""How far a run's data has moved from the previous run's: lengths, languages, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from pipeline.publish import whole_name

HALF = 0.5
"""Added to every bin (Jeffreys' prior), so empty bins stay finite and few records weigh little."""

STABLE, SHIFTED = 0.1, 0.25
"""The usual reading of a population stability index: below 0.1 stable, above 0.25 shifted."""


@dataclass(frozen=True)
class TargetDrift:
    """The drift of one target; an index is None if one of the runs has no records of the target."""

    records_before: int
    records_after: int
    tokens: float | None  # population stability index of the lengths
    languages: float | None  # population stability index of the languages


@dataclass(frozen=True)
class Drift:
    """The distance between two runs."""

    before: str  # digest of the earlier run
    rejected: float  # change in the share of rejected records among those ingested, -1 to 1
    merged: float
    sources_removed: float  # share of the earlier run's sources
    targets: dict[str, TargetDrift]

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values, as in report.json."""
        return asdict(self)


@dataclass(frozen=True)
class Counted:
    """The records of one target, all its parts together, by length bin and by language."""

    records: int = 0
    lengths: Mapping[Any, int] = field(default_factory=dict)
    languages: Mapping[Any, int] = field(default_factory=dict)

    def __add__(self, other: Counted) -> Counted:
        lengths = _summed(self.lengths, other.lengths)
        languages = _summed(self.languages, other.languages)
        return Counted(self.records + other.records, lengths, languages)


def _summed(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    """Add two counts; unlike a Counter, this keeps empty bins, which count for the index."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}


def whole_targets(targets: Mapping[str, Any], entries: Mapping[str, Any]) -> dict[str, Counted]:
    """Add up each target's parts, so that dividing a target into more parts is not drift.

    `targets` are those of report.json, `entries` those of the manifest.
    """
    by_target: dict[str, Counted] = {}
    for name, target in targets.items():
        records, measured = sum(target["records"].values()), target["measured"]
        counted = Counted(records, _lengths(measured), _languages(measured))
        whole = whole_name(name, entries[name])
        by_target[whole] = by_target.get(whole, Counted()) + counted
    return by_target


def measure_drift(
    before: Mapping[str, Any], after: Mapping[str, Any], sources_removed: float = 0.0
) -> Drift:
    """The drift between two runs.

    Both have `run` and `records` as in report.json, and `targets` from `whole_targets`. A target
    that only the earlier run has counts as having lost all of its records.
    """
    targets_before, targets_after = before["targets"], after["targets"]
    shares = [_shares(run["records"]) for run in (before, after)]
    return Drift(
        before=before["run"],
        rejected=round(shares[1]["rejected"] - shares[0]["rejected"], 6),
        merged=round(shares[1]["merged"] - shares[0]["merged"], 6),
        sources_removed=round(sources_removed, 6),
        targets={
            name: _target(targets_before.get(name, Counted()), targets_after.get(name, Counted()))
            for name in dict.fromkeys((*targets_after, *targets_before))
        },
    )


def _shares(records: Mapping[str, int]) -> dict[str, float]:
    ingested = max(records["came"], 1)
    return {name: records[name] / ingested for name in ("rejected", "merged")}


def _target(before: Counted, after: Counted) -> TargetDrift:
    return TargetDrift(
        records_before=before.records,
        records_after=after.records,
        tokens=stability_index(before.lengths, after.lengths),
        languages=stability_index(before.languages, after.languages),
    )


def _lengths(measured: Mapping[str, Any]) -> dict[Any, int]:
    return {bin_["from"]: bin_["records"] for bin_ in measured["tokens"]["histogram"]}


def _languages(measured: Mapping[str, Any]) -> dict[Any, int]:
    languages = measured["languages"]
    counted = {language["language"]: language["records"] for language in languages["shown"]}
    return counted | ({"others": languages["others"]} if languages["others"] else {})


def stability_index(before: Mapping[Any, int], after: Mapping[Any, int]) -> float | None:
    """Population stability index of two counts by bin; None if one of them is empty.

    It is Σ (after − before) · ln(after / before) over the shares of each bin: 0 for equal shares.
    """
    totals = sum(before.values()), sum(after.values())
    if not all(totals):
        return None
    bins = sorted(before.keys() | after.keys(), key=str)
    whole = [total + HALF * len(bins) for total in totals]
    shares = (
        ((before.get(one, 0) + HALF) / whole[0], (after.get(one, 0) + HALF) / whole[1])
        for one in bins
    )
    return round(sum((new - old) * log(new / old) for old, new in shares), 6)


def standing(index: float) -> str:
    """The usual reading of a stability index: `stable`, `moved` or `shifted`."""
    return "stable" if index < STABLE else "moved" if index <= SHIFTED else "shifted"
