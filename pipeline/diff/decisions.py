"""Which records were decided otherwise in two runs, and what made the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from pipeline.diff.sources import WITHDRAW, Changes, digests
from pipeline.ledger import TARGETS, target_label
from pipeline.publish import whole_name
from pipeline.record import root_id
from pipeline.withdraw import WITHDRAWN

SAMPLES_MOST = 5
GROUPS_MOST = 50


class _Run(Protocol):
    run: str
    manifest: dict[str, Any]

    def scan(self, name: str) -> pl.LazyFrame: ...


@dataclass(frozen=True)
class Flip:
    """Records that went one way and now go another, for one cause."""

    before: str  # kept: assistant · rejected by quality: too_short · merged by dedup_exact: …
    after: str
    cause: str
    records: int
    samples: list[dict[str, Any]]  # id, source, locator, values and thresholds


@dataclass(frozen=True)
class Decisions:
    """Records of both runs, by id; a document counts as kept if any of its chunks is."""

    both: int
    total: int  # flipped
    moved: int  # kept both times, in another split
    flips: list[Flip]  # the most frequent first, `GROUPS_MOST` at most


def compare_decisions(before: _Run, after: _Run, made: Changes) -> Decisions:
    """Match the outcomes of two runs by ingested record."""
    pair = outcomes(before).join(outcomes(after), on="root", suffix="_after").collect()
    flipped = pair.filter(pl.col("verdict") != pl.col("verdict_after"))
    kept = pair.filter(pl.col("splits").is_not_null() & pl.col("splits_after").is_not_null())
    caused = flipped.with_columns(cause=_cause(flipped, before, after, made))
    groups = caused.partition_by("verdict", "verdict_after", "cause", maintain_order=True)
    flips = [_flip(group) for group in groups]
    flips.sort(key=lambda one: (-one.records, one.before, one.after, one.cause))
    return Decisions(
        both=pair.height,
        total=flipped.height,
        moved=kept.filter(pl.col("splits") != pl.col("splits_after")).height,
        flips=flips[:GROUPS_MOST],
    )


def outcomes(run: _Run) -> pl.LazyFrame:
    """One row for each ingested record: `root`, `source`, `verdict`, the rule that set it aside,
    or the `targets` that kept it.

    A record that some target kept is kept there; another was set aside by the first stage that
    names it, in the order of the ledger.
    """
    root = root_id()
    kept = (
        run.scan("lineage.parquet")
        .group_by(root=root)
        .agg(
            pl.col("source").min(),
            pl.col("locator").min(),
            targets=pl.col("target").unique().sort(),
            splits=pl.col("split").unique().sort().str.join(", "),
        )
        .with_columns(verdict=pl.format("kept: {}", pl.col("targets").list.join(", ")))
    )
    order = {one["stage"]: number for number, one in enumerate(run.manifest["stages"])}
    place = pl.col("stage").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    how = pl.when(pl.col("merged_into").is_null()).then(pl.lit("rejected"))
    verdict = pl.format("{} by {}: {}", how.otherwise(pl.lit("merged")), "stage", "reason")
    withdrawn = pl.col("reason") == WITHDRAWN
    decided_by = pl.when(withdrawn).then(pl.lit(WITHDRAW)).otherwise("stage")
    aside = (
        run.scan("rejected.parquet")
        .with_columns(root=root, place=place, verdict=verdict, stage=decided_by)
        .sort("place", "id")
        .group_by("root")
        .agg(pl.first("source", "locator", "stage", "value", "threshold", "merged_into", "verdict"))
        .join(kept.select("root"), on="root", how="anti")
    )
    return pl.concat([kept, aside], how="diagonal")


def _cause(flipped: pl.DataFrame, before: _Run, after: _Run, made: Changes) -> pl.Expr:
    """What made each difference: the nearest thing that differs, from the record outwards."""
    old, new = digests(before.manifest["inputs"]), digests(after.manifest["inputs"])
    edited = [name for name in old.keys() & new.keys() if old[name] != new[name]]
    stages = set(flipped["stage"].drop_nulls()) | set(flipped["stage_after"].drop_nulls())
    told = {stage: _told(made, stage, before, after) for stage in stages}
    known = {stage: text for stage, text in told.items() if text}

    def settings(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(known, default=None, return_dtype=pl.String)

    targets = _targets_cause(flipped, before, after, made)
    merged = pl.col("merged_into").is_not_null() | pl.col("merged_into_after").is_not_null()
    elsewhere = "the recipe" if made.recipe else "the version" if made.versions else None
    rest = pl.lit(f"{elsewhere}, in another stage" if elsewhere else "other records")
    by_settings = pl.coalesce(settings("stage_after"), settings("stage"))
    both = pl.format("the source changed, or {}", by_settings)  # an edit of it may be elsewhere
    return (
        pl.when(pl.col("source").is_in(edited))
        .then(pl.coalesce(both, pl.lit("the source changed")))
        .when(by_settings.is_not_null())
        .then(by_settings)
        .when(targets.is_not_null())
        .then(targets)
        .when(merged)
        .then(pl.lit("its duplicates changed"))
        .otherwise(rest)
    )


def _targets_cause(flipped: pl.DataFrame, before: _Run, after: _Run, made: Changes) -> pl.Series:
    """What differs in the targets of which only one run kept a record; null where another stage
    set it aside."""
    differing = pl.col("targets").list.set_symmetric_difference("targets_after")
    sides = (pl.col("stage"), pl.col("stage_after"))
    here = [side.is_null() | side.str.starts_with(TARGETS) for side in sides]
    empty = pl.col("targets", "targets_after").fill_null([])
    names = flipped.with_columns(empty).select(
        pl.when(*here).then(differing.list.sort().list.join("\n"))
    )
    known = {}
    for several in names.to_series().drop_nulls().unique():
        stages = dict.fromkeys(_target_stage(name, before, after) for name in several.split("\n"))
        told = [_told(made, stage, before, after) for stage in stages]
        known[several] = "; ".join(filter(None, told)) or None
    return names.to_series().replace_strict(known, default=None, return_dtype=pl.String)


def _target_stage(name: str, before: _Run, after: _Run) -> str:
    """The stage of a target, which may be written in parts."""
    entries = before.manifest["targets"] | after.manifest["targets"]
    return target_label(whole_name(name, entries[name]))


def _told(made: Changes, stage: str, before: _Run, after: _Run) -> str | None:
    """The settings of a stage that differ, or that only one of the runs has it."""
    there = [
        any(one["stage"] == stage for one in run.manifest["stages"]) for run in (before, after)
    ]
    if there == [False, True]:
        return f"{stage} is new"
    if there == [True, False]:
        return f"{stage} is gone"
    changes = made.of_stage(stage)
    return "; ".join(f"{one.where}: {one.before} → {one.after}" for one in changes[:4]) or None


def _flip(group: pl.DataFrame) -> Flip:
    first = group.row(0, named=True)
    columns = ["root", "source", "locator"]
    evidence = ["value", "threshold", "value_after", "threshold_after"]
    samples = group.sort("root").head(SAMPLES_MOST).select(columns + evidence)
    return Flip(
        before=first["verdict"],
        after=first["verdict_after"],
        cause=first["cause"],
        records=group.height,
        samples=samples.rename({"root": "id"}).to_dicts(),
    )
