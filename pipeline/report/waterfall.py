"""The waterfall: from what came in to what is left, every loss by stage and reason.

It has one leg for the records, one more for each time that records were divided into chunks, and
one for each target. A leg balances to the last record, and its shares sum to 100.0 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

from pipeline.errors import LawBroken
from pipeline.ledger import legs, target_of

TENTHS = 1000
"""Tenths of a per cent in a whole."""


BRIEF_MOST = 8
"""How many steps of a leg the first screen has room for."""

Merging = set[tuple[str, str]]
"""Stages and reasons whose records were merged into another record."""


def waterfall(stages: Iterable[dict[str, Any]], merging: Merging) -> list[dict[str, Any]]:
    """The legs, in order: `of` (`records`, `chunks` or `target`), `came`, `steps`, `left`.

    `stages` are the manifest's: the corpus stages in order, then `targets.<name>` and, if records
    were left out, `targets.<name>.delta` and `targets.<name>.select`. No name contains a dot.
    Raises LawBroken when a leg does not balance.
    """
    shared: list[dict[str, Any]] = []
    targets: dict[str, list[dict[str, Any]]] = {}
    for stage in stages:
        target = target_of(stage["stage"])
        (shared if target is None else targets.setdefault(target, [])).append(stage)
    shared_legs = [
        _leg("chunks" if number else "records", None, leg, merging)
        for number, leg in enumerate(legs(shared, itemgetter("divided")))
    ]
    return shared_legs + [
        _leg("target", name, target_stages, merging) for name, target_stages in targets.items()
    ]


def _leg(
    of: str, target: str | None, stages: list[dict[str, Any]], merging: Merging
) -> dict[str, Any]:
    came, left = stages[0]["came"], stages[-1]["kept"] + stages[-1]["divided"]
    steps = [step for stage in stages for step in _steps(stage, merging)]
    rest = came
    for step in steps:
        rest -= step["records"]
        step["after"] = rest
    if rest != left:
        raise LawBroken(f"{came} {of} came in, {rest} should be left, but {left} are left")
    *parts, last = shares([*(step["records"] for step in steps), left])
    for step, share in zip(steps, parts, strict=True):
        step["share"] = share
    last_stage = stages[-1]
    return {
        "of": of,
        "target": target,
        "came": came,
        "steps": steps,
        "brief": _brief(steps),
        "left": left,
        "share": last,
        "divided": last_stage["divided"],
        "chunks": last_stage["chunks"],
    }


def _steps(stage: dict[str, Any], merging: Merging) -> Iterator[dict[str, Any]]:
    """A step (one loss) for each reason of a stage, the largest first."""
    name = stage["stage"]
    for reason, records in sorted(stage["reasons"].items(), key=lambda item: (-item[1], item[0])):
        kind = "merged" if (name, reason) in merging else "rejected"
        yield {"stage": name, "reason": reason, "kind": kind, "records": records}


def _brief(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The largest steps in their order, then all others as one step without a reason."""
    if len(steps) <= BRIEF_MOST:
        return steps
    by_size = sorted(range(len(steps)), key=lambda n: (-steps[n]["records"], n))
    large = set(by_size[: BRIEF_MOST - 1])
    others = [step for n, step in enumerate(steps) if n not in large]
    rest = {
        "stage": None,
        "reason": None,
        "kind": "rejected",
        "records": sum(step["records"] for step in others),
        "share": round(sum(step["share"] for step in others), 1),
        "reasons": len(others),
    }
    brief = [dict(steps[n]) for n in sorted(large)] + [rest]
    left = steps[0]["after"] + steps[0]["records"]
    for step in brief:
        left -= step["records"]
        step["after"] = left
    return brief


def shares(parts: list[int]) -> list[float]:
    """Percentages with one decimal that sum to exactly 100.0; largest remainders are rounded up."""
    whole = sum(parts)
    if not whole:
        return [0.0 for _ in parts[:-1]] + [100.0]
    tenths = [part * TENTHS // whole for part in parts]
    left = TENTHS - sum(tenths)
    by_remainder = sorted(range(len(parts)), key=lambda n: (-(parts[n] * TENTHS % whole), n))
    for n in by_remainder[:left]:
        tenths[n] += 1
    return [tenth / 10 for tenth in tenths]
