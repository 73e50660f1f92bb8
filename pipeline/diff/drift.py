"""How far the data of a run is from the run before: lengths, languages, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any

from pipeline.publish import whole_name

HALF = 0.5
"""Added to every bin (Jeffreys' prior): an empty bin stays finite, few records prove little."""

STABLE, SHIFTED = 0.1, 0.25
"""The customary reading of a population stability index: under 0.1 the same, over 0.25 another."""


@dataclass(frozen=True)
class TargetDrift:
    """Of one target's records; None where one of the runs has none."""

    records_before: int
    records_after: int
    tokens: float | None  # population stability index of the lengths
    languages: float | None  # and of the languages


@dataclass(frozen=True)
class Drift:
    """The distance between two runs."""

    before: str  # digest of the earlier run
    rejected: float  # change of the share of the ingested records, -1 to 1
    merged: float
    sources_removed: float  # share of the earlier run's sources
    targets: dict[str, TargetDrift]

    def as_json(self) -> dict[str, Any]:
        """For report.json."""
        return asdict(self)


@dataclass(frozen=True)
class Counted:
    """What one target holds, all its parts together."""

    records: int = 0
    lengths: Mapping[Any, int] = field(default_factory=dict)
    languages: Mapping[Any, int] = field(default_factory=dict)

    def __add__(self, other: Counted) -> Counted:
        lengths = _summed(self.lengths, other.lengths)
        languages = _summed(self.languages, other.languages)
        return Counted(self.records + other.records, lengths, languages)


def _summed(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    """A Counter would lose the bins of nobody, which count for the index."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}


def whole_targets(targets: Mapping[str, Any], entries: Mapping[str, Any]) -> dict[str, Counted]:
    """A report's targets, by the manifest's entries: that one is cut in more parts is no drift."""
    found: dict[str, Counted] = {}
    for name, told in targets.items():
        records, measured = sum(told["records"].values()), told["measured"]
        own = Counted(records, _lengths(measured), _languages(measured))
        whole = whole_name(name, entries[name])
        found[whole] = found.get(whole, Counted()) + own
    return found


def measure_drift(
    before: Mapping[str, Any], after: Mapping[str, Any], sources_removed: float = 0.0
) -> Drift:
    """The drift between two runs: `run` and `records` as in report.json, `targets` as wholes.

    A target that only the earlier run has is one that lost all its records.
    """
    there, now = before["targets"], after["targets"]
    shares = [_shares(one["records"]) for one in (before, after)]
    return Drift(
        before=before["run"],
        rejected=round(shares[1]["rejected"] - shares[0]["rejected"], 6),
        merged=round(shares[1]["merged"] - shares[0]["merged"], 6),
        sources_removed=round(sources_removed, 6),
        targets={
            name: _target(there.get(name, Counted()), now.get(name, Counted()))
            for name in dict.fromkeys((*now, *there))
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
    return {one["from"]: one["records"] for one in measured["tokens"]["histogram"]}


def _languages(measured: Mapping[str, Any]) -> dict[Any, int]:
    told = measured["languages"]
    counted = {one["language"]: one["records"] for one in told["shown"]}
    return counted | ({"others": told["others"]} if told["others"] else {})


def stability_index(before: Mapping[Any, int], after: Mapping[Any, int]) -> float | None:
    """Population stability index of two counts by bin; None when one of them is empty.

    Σ (after − before) · ln(after / before) over the shares of each bin: 0 for the same shares.
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
    """The customary reading of an index: `stable`, `moved`, or `shifted`."""
    return "stable" if index < STABLE else "moved" if index <= SHIFTED else "shifted"
