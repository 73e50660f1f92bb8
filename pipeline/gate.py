"""The quality gate: what the data must meet before a run is published, held by Great Expectations.

Polars derives a table of numbers from each record's measures, Great Expectations holds a suite
of generated expectations against it in a process of its own. Measured with one million records
and 17 checks: 13 CPU seconds and 0.43 GB in the child, 4 of them its import; 1.3 CPU seconds and
0.35 GB here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.diff.drift import Drift
from pipeline.errors import LawBroken, PrepError
from pipeline.gate_drift import drift_checks, drift_counts
from pipeline.gate_suite import (
    ABOUT,
    COUNTS,
    Check,
    TargetLimits,
    as_suite,
    count_checks,
    record_checks,
)
from pipeline.shards import write_bytes

if TYPE_CHECKING:
    from pipeline.recipe import Gate

__all__ = ["GateProcess", "TargetLimits", "check_gate"]

FAILING_MOST = 20
SECONDS_MOST = 30 * 60
SPLITS = ("train", "validation", "test")


def check_gate(
    gate: Gate,
    targets: dict[str, TargetLimits],
    metrics: Path,
    counts: dict[str, int],
    folder: Path,
    process: GateProcess | None = None,
    drift: Drift | None = None,
) -> dict[str, Any]:
    """Hold every rendered record and the run's counts against the gate.

    `metrics` is a Parquet file with a row for each record of each target; `counts` holds `came`
    and `rejected`, in records. `folder` exists and gets suite.json and gate.json, both the same
    for the same data. Returns what gate.json holds: `passed`, `engine`, `about`, `checks` in the
    suite's order, and `failing`, the first 20 records of each broken check, by `target.check`.
    `process` is one that was started before, while there was other work to do. `drift` is the
    distance to the run before, where the gate bounds it.
    Raises PrepError when the gate's own process dies or outlasts 30 minutes.
    """
    rows = pl.scan_parquet(metrics)
    _refuse_unknown(rows, targets)
    tables = {name: f"records-{index:03d}.parquet" for index, name in enumerate(targets)}
    checks = [
        *(
            one
            for name in targets
            for one in record_checks(name, targets[name], gate, tables[name])
        ),
        *count_checks(gate, list(targets)),
        *(drift_checks(gate.drift, drift) if gate.drift and drift else ()),
    ]
    made = [folder / name for name in (*tables.values(), COUNTS)]
    try:
        for name, table in tables.items():
            _derived(rows, name).collect().write_parquet(folder / table)
        counted = _counted(rows, targets, counts, gate) | (drift_counts(drift) if drift else {})
        pl.DataFrame([counted]).write_parquet(folder / COUNTS)
        write_bytes(folder / "suite.json", _as_bytes(as_suite(checks)))
        with process or GateProcess() as child:
            told = child.hold(folder)
    finally:
        for path in made:
            path.unlink(missing_ok=True)
    told |= {"about": ABOUT, "passed": all(one["passed"] for one in told["checks"])}
    told["failing"] = dict(_failing(rows, checks, told["checks"]))
    write_bytes(folder / "gate.json", _as_bytes(told))
    return told


def _refuse_unknown(rows: pl.LazyFrame, targets: dict[str, TargetLimits]) -> None:
    found = rows.select(pl.col("target").unique()).collect()["target"].to_list()
    unknown = sorted(str(name) for name in found if name not in targets)
    if unknown:
        raise LawBroken(f"the gate was given records of {unknown[0]}, which is no target")


def _derived(rows: pl.LazyFrame, target: str) -> pl.LazyFrame:
    """The numbers of one target's records that the suite is held against."""
    return (
        rows.filter(pl.col("target") == target)
        .select("id", "document", "source", "split", "tokens", "bytes", "turns", "images")
        .select(*_flags(), "tokens", "bytes", "turns", "images")
    )


def _flags() -> list[pl.Expr]:
    """What no bound on a number can say, as 0 or 1 a record."""
    known, split = pl.col("id").is_not_null(), pl.col("split")
    flags = {
        "id_missing": ~known,
        "id_repeated": known & pl.col("id").is_duplicated(),
        "document_missing": pl.col("document").is_null(),
        "document_in_two_splits": pl.col("document").is_not_null()
        & (split.n_unique().over("document") > 1),
        "source_missing": pl.col("source").is_null(),
        "split_unknown": split.is_null() | ~split.is_in(SPLITS),
    }
    return [flag.fill_null(False).cast(pl.UInt8).alias(name) for name, flag in flags.items()]


def _counted(
    rows: pl.LazyFrame, targets: dict[str, TargetLimits], counts: dict[str, int], gate: Gate
) -> dict[str, float]:
    """One row: records and shares by target; a share of nothing is 0."""
    measures = [pl.len(), (pl.col("split") == "train").sum().alias("train")]
    for number, language in enumerate(gate.min_languages_share):
        measures.append((pl.col("language") == language).sum().alias(f"language{number}"))
    found = rows.group_by("target").agg(measures).collect()
    by_target = {row["target"]: row for row in found.iter_rows(named=True)}
    row: dict[str, float] = {"rejected_share": counts["rejected"] / max(counts["came"], 1)}
    for name in targets:
        told = by_target.get(name, {})
        row[f"{name}.train_records"] = told.get("train", 0)
        for number, language in enumerate(gate.min_languages_share):
            spoken = told.get(f"language{number}", 0)
            row[f"{name}.share_{language}"] = spoken / max(told.get("len", 0), 1)
    return row


class GateProcess:
    """Great Expectations in a process of its own, without credentials and without a terminal.

    It starts to import at once, which takes seconds, and then waits to be told what to hold.
    """

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parent.parent)
        # -P: the folder that we were started in must not lend its modules to the child
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.gate_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(package),
        )

    def __enter__(self) -> GateProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()

    def hold(self, folder: Path) -> dict[str, Any]:
        """Hold the folder's suite; returns what the child wrote. Once only."""
        result = folder / "gate.json"
        result.unlink(missing_ok=True)
        try:
            _, told = self.child.communicate(f"{folder.resolve()}\n".encode(), SECONDS_MOST)
        except subprocess.TimeoutExpired:
            late = f"the quality gate took over {SECONDS_MOST} seconds, run again"
            raise PrepError(late) from None
        if self.child.returncode or not result.exists():
            lines = told.decode("utf-8", "replace").strip().splitlines()
            last = lines[-1][:300] if lines else "it said nothing"
            code = self.child.returncode
            raise PrepError(f"the quality gate's process ended with {code}: {last}")
        read: dict[str, Any] = json.loads(result.read_bytes())
        return read


def _environment(package: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    paths = [path for path in (os.environ.get("PYTHONPATH"), package) if path]
    return kept | {"PYTHONPATH": os.pathsep.join(paths), "GX_ANALYTICS_ENABLED": "False"}


def _failing(
    rows: pl.LazyFrame, checks: list[Check], told: list[dict[str, Any]]
) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    """The first records that break each broken check, where it is about records."""
    failed = {(one["target"], one["check"]) for one in told if not one["passed"]}
    for check in checks:
        if check.table == COUNTS or (check.target, check.name) not in failed:
            continue
        own = rows.filter(pl.col("target") == check.target)
        columns = list(
            dict.fromkeys(["id", "source", "locator", "document", "split", *_number(check)])
        )
        broken = own.select(columns).with_columns(_flags()).filter(check.broken())
        shown = broken.select("id", "source", "locator").head(FAILING_MOST).collect()
        yield f"{check.target}.{check.name}", shown.to_dicts()


def _number(check: Check) -> list[str]:
    """The measure that a check reads, unless it is a flag."""
    return [check.column] if check.column in {"tokens", "bytes", "turns", "images"} else []


def _as_bytes(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
