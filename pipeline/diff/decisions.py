"""Which records were decided differently in two runs, and what caused the difference."""

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
    """Records with the same two verdicts, before and after, and the same cause."""

    before: str  # kept: assistant · rejected by quality: too_short · merged by dedup_exact: …
    after: str
    cause: str
    records: int
    samples: list[dict[str, Any]]  # id, source, locator, values and thresholds


@dataclass(frozen=True)
class Decisions:
    """Counts of the records in both runs, by id; a document is kept if any of its chunks is."""

    both: int
    total: int  # records whose verdict changed
    moved: int  # kept in both runs, but in different splits
    flips: list[Flip]  # the most frequent first, `GROUPS_MOST` at most


def compare_decisions(before: _Run, after: _Run, made: Changes) -> Decisions:
    """Match the outcomes of two runs by ingested record."""
    pair = outcomes(before).join(outcomes(after), on="root", suffix="_after").collect()
    flipped = pair.filter(pl.col("verdict") != pl.col("verdict_after"))
    kept = pair.filter(pl.col("splits").is_not_null() & pl.col("splits_after").is_not_null())
    caused = flipped.with_columns(cause=_cause(flipped, before, after, made))
    groups = caused.partition_by("verdict", "verdict_after", "cause", maintain_order=True)
    flips = [_flip(group) for group in groups]
    flips.sort(key=lambda flip: (-flip.records, flip.before, flip.after, flip.cause))
    return Decisions(
        both=pair.height,
        total=flipped.height,
        moved=kept.filter(pl.col("splits") != pl.col("splits_after")).height,
        flips=flips[:GROUPS_MOST],
    )


def outcomes(run: _Run) -> pl.LazyFrame:
    """One row for each ingested record: `root`, `source`, `verdict`, and how it was decided.

    A record that any target kept has `targets` and `splits`. Any other has the `stage`, `value`,
    `threshold` and `merged_into` of the first stage, in the ledger's order, that set it aside.
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
    order = {count["stage"]: number for number, count in enumerate(run.manifest["stages"])}
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
    """The cause of each difference: the closest thing to the record that has changed.

    In this order: its source, its stage's settings, its targets, its duplicates, anything else.
    """
    old, new = digests(before.manifest["inputs"]), digests(after.manifest["inputs"])
    edited = [name for name in old.keys() & new.keys() if old[name] != new[name]]
    stages = set(flipped["stage"].drop_nulls()) | set(flipped["stage_after"].drop_nulls())
    causes = {stage: _stage_cause(made, stage, before, after) for stage in stages}
    known = {stage: text for stage, text in causes.items() if text}

    def settings(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(known, default=None, return_dtype=pl.String)

    targets = _targets_cause(flipped, before, after, made)
    merged = pl.col("merged_into").is_not_null() | pl.col("merged_into_after").is_not_null()
    elsewhere = "the recipe" if made.recipe else "the version" if made.versions else None
    rest = pl.lit(f"{elsewhere}, in another stage" if elsewhere else "other records")
    by_settings = pl.coalesce(settings("stage_after"), settings("stage"))
    both = pl.format("the source changed, or {}", by_settings)  # the edit may be in another record
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
    """What changed in the targets that kept a record in only one of the runs.

    Null for records that a stage before the targets set aside.
    """
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
        causes = [_stage_cause(made, stage, before, after) for stage in stages]
        known[several] = "; ".join(filter(None, causes)) or None
    return names.to_series().replace_strict(known, default=None, return_dtype=pl.String)


def _target_stage(name: str, before: _Run, after: _Run) -> str:
    """The ledger's stage of a target or of one of its parts."""
    entries = before.manifest["targets"] | after.manifest["targets"]
    return target_label(whole_name(name, entries[name]))


def _stage_cause(made: Changes, stage: str, before: _Run, after: _Run) -> str | None:
    """Which settings of a stage differ, or that only one of the runs has it; None if neither."""
    has_stage = [
        any(count["stage"] == stage for count in run.manifest["stages"]) for run in (before, after)
    ]
    if has_stage == [False, True]:
        return f"{stage} is new"
    if has_stage == [True, False]:
        return f"{stage} is gone"
    changes = made.of_stage(stage)
    return (
        "; ".join(f"{change.where}: {change.before} → {change.after}" for change in changes[:4])
        or None
    )


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
