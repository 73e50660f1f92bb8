"""What another threshold would do to a finished run, computed from stored measures: no rerun.

bedrock-prep why out/lotus-documents --what-if quality.min_words=30
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
import yaml

from pipeline.errors import RecipeError
from pipeline.faults import did_you_mean
from pipeline.published import PublishedRun
from pipeline.stages import STAGES
from pipeline.why.measures import Thresholds, labelled_stages, measures_of, stage_with

MOST_SHOWN = 5
"""How many records of each reason are listed in the text output."""


@dataclass(frozen=True)
class Moved:
    """Records on which one stage would decide differently, for one reason."""

    rejected: bool  # True: kept now, would be rejected; False: the other way round
    reason: str  # of the new rejection, or of the one that would no longer happen
    ids: list[str]  # those nearest to the threshold first
    values: list[float]  # what was measured, in the order of `ids`

    def told(self) -> str:
        """One line of text, with the first `MOST_SHOWN` records."""
        verdict = "would be rejected" if self.rejected else "would be kept"
        nearest = list(zip(self.ids, self.values, strict=True))[:MOST_SHOWN]
        shown = ", ".join(f"{record} with {value:g}" for record, value in nearest)
        more = ", …" if len(self.ids) > MOST_SHOWN else ""
        return f"  {len(self.ids)} {verdict}: {self.reason}  ({shown}{more})"


@dataclass(frozen=True)
class WhatIf:
    """What changed settings would do to one stage of one run."""

    stage: str
    changes: dict[str, Any]
    judged: int
    rejected: int  # with the run's settings
    would_be: int  # with the changed settings
    moved: list[Moved]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, with the id of every record."""
        moved = [
            {
                "would_be_rejected": group.rejected,
                "reason": group.reason,
                "records": group.ids,
                "values": group.values,
            }
            for group in self.moved
        ]
        counts = {"judged": self.judged, "rejected": self.rejected, "would_be": self.would_be}
        return {"stage": self.stage, "changes": self.changes, **counts, "moved": moved}

    def told(self) -> Iterator[str]:
        """Text for the terminal, line by line."""
        set_to = ", ".join(f"{name}={value}" for name, value in self.changes.items())
        beside = "as now" if self.would_be == self.rejected else f"not {self.rejected}"
        share = f"{self.would_be} of {self.judged} rejected, {beside}"
        yield f"{self.stage} with {set_to}: {share}"
        yield from (group.told() for group in self.moved)
        if any(not group.rejected for group in self.moved):
            yield "  (later stages would still judge the records that it keeps)"


def what_if(run: PublishedRun, changes: list[str]) -> list[WhatIf]:
    """What `changes` (`label.setting=value`) would do to each stage by itself, in the run's order.

    Raises RecipeError for a stage that the run does not have or that stores no measures, and for
    a setting or value that it does not accept.
    """
    steps = labelled_stages(run)
    asked: dict[str, dict[str, Any]] = {}
    for change in changes:
        label, setting, value = _parsed(change, steps)
        asked.setdefault(label, {})[setting] = value
    return [_answer(run, label, *steps[label], asked[label]) for label in steps if label in asked]


def _parsed(change: str, steps: dict[str, Any]) -> tuple[str, str, Any]:
    path, equals, text = change.partition("=")
    label = next(
        (name for name in sorted(steps, reverse=True) if path.startswith(f"{name}.")), None
    )
    if not equals or label is None:
        close = did_you_mean(path.split(".")[0], steps)
        raise RecipeError(
            f"--what-if {change}: is not STAGE.SETTING=VALUE for a stage of this run{close}; "
            f"its stages are {', '.join(steps)}"
        )
    try:
        return label, path.removeprefix(f"{label}."), yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise RecipeError(f"--what-if {change}: the value is not valid YAML") from None


def _answer(
    run: PublishedRun, label: str, name: str, settings: dict[str, Any], changes: dict[str, Any]
) -> WhatIf:
    if not issubclass(STAGES[name], Thresholds):
        raise RecipeError(
            f"--what-if: {name} decides by more than thresholds; change the recipe and run it"
        )
    now, then = stage_with(name, settings, {}), stage_with(name, settings, changes)
    _refuse_idle(label, now, name, settings, changes)
    frame = measures_of(run, label)
    if frame is None:
        raise RecipeError(f"--what-if: run {run.run} stores no measures of {label}")
    measures = frame.collect()
    missing = {column for rule in then.broken().values() for column in rule.where.meta.root_names()}
    missing -= set(measures.columns)
    if missing:
        raise RecipeError(f"--what-if: run {run.run} has not measured {', '.join(sorted(missing))}")
    verdicts = measures.select(
        "id", now=_first(now), then=_first(then), was=_nearness(now), would_be=_nearness(then)
    )
    return _compared(label, changes, verdicts)


def _refuse_idle(
    label: str, now: Thresholds, name: str, settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Refuse a setting of rules that the run did not apply: the answer "as now" would mislead."""
    applied = {reason: rule.threshold for reason, rule in now.broken().items()}
    for setting, value in changes.items():
        then = stage_with(name, settings, {setting: value})
        bare = stage_with(name, settings, {})
        idle = {reason: rule.threshold for reason, rule in then.broken().items()} == applied
        if idle and then != bare:
            raise RecipeError(
                f"--what-if {label}.{setting}: belongs to no rule that this run applied; its rules "
                f"give these reasons: {', '.join(applied)}"
            )


def _first(stage: Thresholds) -> pl.Expr:
    """The reason of the first broken rule; null if none is broken."""
    return pl.coalesce(
        pl.when(rule.where.fill_null(False)).then(pl.lit(reason))
        for reason, rule in stage.broken().items()
    )


def _nearness(stage: Thresholds) -> pl.Expr:
    """Distance to the threshold (`far`) and measured `value` of the first broken rule."""
    return pl.coalesce(
        pl.when(rule.where.fill_null(False)).then(
            pl.struct(far=(rule.value - rule.threshold).abs(), value=rule.value).cast(NEARNESS)
        )
        for rule in stage.broken().values()
    )


NEARNESS = pl.Struct({"far": pl.Float64, "value": pl.Float64})


def _compared(label: str, changes: dict[str, Any], verdicts: pl.DataFrame) -> WhatIf:
    now, then = pl.col("now"), pl.col("then")
    moved = []
    for rejected, gone, reason, near in (
        (True, now.is_null() & then.is_not_null(), then, "would_be"),
        (False, now.is_not_null() & then.is_null(), now, "was"),
    ):
        rows = verdicts.filter(gone).select("id", pl.col(near).struct.unnest(), reason=reason)
        groups = (
            rows.sort("far", "id").group_by("reason", maintain_order=True).agg("id", "value")
        ).sort("reason")
        moved += [Moved(rejected, why, ids, values) for why, ids, values in groups.iter_rows()]
    rejected, would_be = verdicts.select(now.count(), then.count()).row(0)
    return WhatIf(label, changes, verdicts.height, rejected, would_be, moved)
