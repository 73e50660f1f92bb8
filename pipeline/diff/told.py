"""A comparison of two runs as text, for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.diff import Diff
from pipeline.diff.decisions import Flip
from pipeline.diff.drift import Drift, TargetDrift, standing
from pipeline.diff.sources import Change

SIGNS = {"added": "+", "changed": "~", "removed": "-"}


def told_diff(diff: Diff) -> Iterator[str]:
    """The comparison line by line: sources, recipe, decisions with their causes, drift."""
    yield f"{diff.before} → {diff.after}" + ("  the same except for the name" if diff.same else "")
    sources = diff.sources
    counted = ", ".join(f"{getattr(sources, kind):,} {kind}" for kind in SIGNS)
    yield f"sources: {sources.before:,} → {sources.after:,}: {counted}"
    for kind, sign in SIGNS.items():
        yield from (f"  {sign} {name}" for name in sources.shown[kind])
        more = getattr(sources, kind) - len(sources.shown[kind])
        if more:
            yield f"  {sign} and {more:,} more"
    for change in (*diff.made.recipe, *diff.made.versions, *diff.made.cards):
        yield told_change(change)
    decisions = diff.decisions
    yield (
        f"decisions: {decisions.both:,} records in both runs, {decisions.total:,} decided "
        f"differently, {decisions.moved:,} in another split"
    )
    for flip in decisions.flips:
        yield from _format_flip(flip)
    yield from told_drift(diff.drift)


def told_change(change: Change) -> str:
    """A changed setting: `recipe.stages.quality.min_words: 5 → 30`."""
    return f"{change.where}: {_plain(change.before)} → {_plain(change.after)}"


def _plain(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _format_flip(flip: Flip) -> Iterator[str]:
    yield f"  {flip.records:>7,}  {flip.before} → {flip.after}"
    yield f"           because: {flip.cause}"
    for sample in flip.samples:
        at = f" ({sample['locator']})" if sample["locator"] else ""
        yield f"           {sample['source']}{at}  {sample['id']}{evidence(sample)}"


def evidence(sample: dict[str, Any]) -> str:
    """Value and threshold of the rule that set the record aside, preferably in the later run."""
    for ending in ("_after", ""):
        value, threshold = sample[f"value{ending}"], sample[f"threshold{ending}"]
        if value is not None and threshold is not None:
            return f"  value {value}, threshold {threshold}"
    return ""


def told_drift(drift: Drift) -> Iterator[str]:
    """The distances line by line, each with its usual reading."""
    yield (
        f"drift: rejected {drift.rejected:+.2%}, merged {drift.merged:+.2%}, "
        f"sources removed {drift.sources_removed:.2%}"
    )
    for name, target in drift.targets.items():
        yield f"  {name}: {told_target(target)}"


def told_target(target: TargetDrift) -> str:
    """Records, lengths and languages of one target."""
    records = f"{target.records_before:,} → {target.records_after:,} records"
    return f"{records}, lengths {reading(target.tokens)}, languages {reading(target.languages)}"


READINGS = {"stable": "stable", "moved": "moved", "shifted": "another population"}


def reading(index: float | None) -> str:
    """A stability index with its usual reading, such as `0.310 (another population)`."""
    if index is None:
        return "not comparable"
    word = READINGS[standing(index)]
    return f"{index:.3f} ({word})"
