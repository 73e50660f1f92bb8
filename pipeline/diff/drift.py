"""How far the data of a run is from the run before: lengths, languages, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log
from typing import Any

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


def measure_drift(
    before: Mapping[str, Any], after: Mapping[str, Any], sources_removed: float = 0.0
) -> Drift:
    """The drift from one report's numbers to another's."""
    shares = [_shares(one["records"]) for one in (before, after)]
    return Drift(
        before=before["run"],
        rejected=round(shares[1]["rejected"] - shares[0]["rejected"], 6),
        merged=round(shares[1]["merged"] - shares[0]["merged"], 6),
        sources_removed=round(sources_removed, 6),
        targets={
            name: _target(before["targets"].get(name), told)
            for name, told in after["targets"].items()
        },
    )


def _shares(records: Mapping[str, int]) -> dict[str, float]:
    ingested = max(records["came"], 1)
    return {name: records[name] / ingested for name in ("rejected", "merged")}


def _target(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> TargetDrift:
    pair = [one["measured"] if one else None for one in (before, after)]
    lengths = [_lengths(one) for one in pair]
    languages = [_languages(one) for one in pair]
    return TargetDrift(
        records_before=sum(before["records"].values()) if before else 0,
        records_after=sum(after["records"].values()),
        tokens=stability_index(*lengths),
        languages=stability_index(*languages),
    )


def _lengths(measured: Mapping[str, Any] | None) -> dict[Any, int]:
    if measured is None:
        return {}
    return {one["from"]: one["records"] for one in measured["tokens"]["histogram"]}


def _languages(measured: Mapping[str, Any] | None) -> dict[Any, int]:
    if measured is None:
        return {}
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
