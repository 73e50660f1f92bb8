"""The quality gate: what the data must meet before a run is published.

Polars derives a table of numbers from each record's measures; Great Expectations checks it against
a suite of generated expectations in a separate process. Measured with one million records and 17
checks: 13 CPU seconds (4 of them the import) and 0.43 GB in the child, 1.3 CPU seconds and 0.35 GB
here.
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
from pipeline.errors import LawBroken, PrepError, RecipeError, StorageError
from pipeline.gate.drift import drift_checks, drift_counts
from pipeline.gate.own import NUMBERS
from pipeline.gate.suite import (
    ABOUT,
    COUNTS,
    NOT_NULL,
    Check,
    TargetLimits,
    as_suite,
    count_checks,
    own_checks,
    record_checks,
)
from pipeline.gate.tables import counted, derived, own_columns, with_measures
from pipeline.metrics_facts import Faulty, find_faulty
from pipeline.shards import write_bytes

if TYPE_CHECKING:
    from pipeline.recipe_settings import Gate

__all__ = ["SUITE", "GateProcess", "TargetLimits", "check_gate", "stops"]

SUITE = "suite.json"
FAILING_MOST = 20
SECONDS_MOST = 30 * 60
ROW_GROUP = 1 << 19  # rows that the child has in memory at once


def check_gate(
    gate: Gate,
    targets: dict[str, TargetLimits],
    metrics: Path,
    counts: dict[str, int],
    folder: Path,
    process: GateProcess | None = None,
    drift: Drift | None = None,
    measures: Path | None = None,
) -> dict[str, Any]:
    """Check every rendered record and the run's counts against the gate.

    `metrics` is a Parquet file with a row for each record of each target; `counts` has `came` and
    `rejected`, in records. `folder` must exist; suite.json and gate.json are written to it, the
    same for the same data. `process` is a gate process that was started earlier, while there was
    other work to do. `drift` is the distance to the previous run, if the gate limits it.
    `measures` is a folder of `<stage>.parquet` files, whose columns the recipe's own expectations
    may name.

    Returns the content of gate.json: `passed`, `engine`, `about`, `checks` in the suite's order,
    and `failing`, the first 20 records of each failed check, by `target.check`. Raises PrepError
    when the gate's process dies or takes over 30 minutes, RecipeError for an expectation of the
    recipe that cannot be computed.
    """
    rows = pl.scan_parquet(metrics)
    _refuse_unknown(rows, targets)
    tables = {name: f"records-{index:03d}.parquet" for index, name in enumerate(targets)}
    checks = [
        *(
            check
            for name in targets
            for check in (
                *record_checks(name, targets[name], gate, tables[name]),
                *own_checks(name, gate, tables[name]),
            )
        ),
        *count_checks(gate, targets),
        *(drift_checks(gate.drift, drift) if gate.drift and drift else ()),
    ]
    table_paths = [folder / name for name in (*tables.values(), COUNTS)]
    try:
        faulty = {name: find_faulty(metrics, name) for name in tables}
        for name, table in tables.items():
            target_rows = rows.filter(pl.col("target") == name)
            derived_rows = derived(target_rows, faulty[name], own_columns(gate, name), measures)
            derived_rows.sink_parquet(folder / table, row_group_size=ROW_GROUP)
        row = counted(rows, targets, counts, gate) | (drift_counts(drift) if drift else {})
        pl.DataFrame([row]).write_parquet(folder / COUNTS)
        write_bytes(folder / SUITE, _as_bytes(as_suite(checks)))
        with process or GateProcess() as child:
            answer = child.hold(folder)
    finally:
        for path in table_paths:
            path.unlink(missing_ok=True)
    _refuse_uncomputed(answer["checks"])
    answer |= {"about": ABOUT, "passed": not any(stops(check) for check in answer["checks"])}
    answer["failing"] = dict(_failing(rows, checks, answer["checks"], measures, faulty))
    for check in answer["checks"]:
        check.pop("values", None)
        check.pop("error", None)
    write_bytes(folder / "gate.json", _as_bytes(answer))
    return answer


def stops(check: dict[str, Any]) -> bool:
    """Whether a check stops a run from being published; one that only warns does not."""
    return not check["passed"] and check.get("severity", "critical") == "critical"


def _refuse_uncomputed(checks: list[dict[str, Any]]) -> None:
    faults = [
        f"gate.expectations: {check['expectation']} {check['asked']}: {check['error']}"
        for check in checks
        if check.get("error")
    ]
    if faults:
        raise RecipeError(*dict.fromkeys(faults))


def _refuse_unknown(rows: pl.LazyFrame, targets: dict[str, TargetLimits]) -> None:
    names = rows.select(pl.col("target").unique()).collect()["target"].to_list()
    unknown = sorted(str(name) for name in names if name not in targets)
    if unknown:
        raise LawBroken(f"the gate was given records of {unknown[0]}, which is not a target")


class GateProcess:
    """Great Expectations in a separate process, without credentials and without a terminal.

    It starts to import at once, which takes seconds, and then waits for the folder to check.
    """

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        # -P: the child must not import modules from the current folder
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.gate.child"],
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
        """Check the folder's suite; returns what the child wrote. It can be called only once."""
        result = folder / "gate.json"
        result.unlink(missing_ok=True)
        try:
            asked = json.dumps(str(folder.resolve())).encode() + b"\n"  # whatever is in its name
            _, stderr = self.child.communicate(asked, SECONDS_MOST)
        except subprocess.TimeoutExpired:
            late = f"the quality gate took over {SECONDS_MOST} seconds; run again"
            raise PrepError(late) from None
        if self.child.returncode or not result.exists():
            lines = stderr.decode("utf-8", "replace").strip().splitlines()
            last = lines[-1][:300] if lines else "it printed no error"
            code = self.child.returncode
            if "[Errno" in last:  # a full or broken disk: not a bug, and worth a retry
                raise StorageError(f"{folder}: the quality gate could not write: {last}")
            raise PrepError(f"the quality gate's process ended with {code}: {last}")
        read: dict[str, Any] = json.loads(result.read_bytes())
        return read


def _environment(package: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    paths = [path for path in (os.environ.get("PYTHONPATH"), package) if path]
    # The gate needs no threads for linear algebra, which would use CPU time while they wait.
    own = {"GX_ANALYTICS_ENABLED": "False", "OPENBLAS_NUM_THREADS": "1"}
    return kept | own | {"PYTHONPATH": os.pathsep.join(paths)}


def _failing(
    rows: pl.LazyFrame,
    checks: list[Check],
    results: list[dict[str, Any]],
    measures: Path | None,
    faulty: dict[str, Faulty],
) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    """The first records that fail each failed check, for the checks that are about records."""
    failed = {(one["target"], one["check"]): one for one in results if not one["passed"]}
    for check in checks:
        result = failed.get((check.target, check.name))
        if check.table == COUNTS or result is None:
            continue
        target_rows = rows.filter(pl.col("target") == check.target)
        broken = _breaking(target_rows, check, result, measures, faulty[check.target].flags())
        if broken is not None:
            shown = broken.select("id", "source", "locator").head(FAILING_MOST).collect()
            yield f"{check.target}.{check.name}", shown.to_dicts()


def _breaking(
    rows: pl.LazyFrame,
    check: Check,
    result: dict[str, Any],
    measures: Path | None,
    flags: list[pl.Expr],
) -> pl.LazyFrame | None:
    """The records that fail a check; None if the check is not about single values of a column."""
    if check.own is None:
        columns = dict.fromkeys(["id", "source", "locator", "document", "split", *_number(check)])
        return rows.select(list(columns)).with_columns(flags).filter(check.broken())
    column, values = result["column"], result["values"]
    if not isinstance(column, str):
        return None
    rows = with_measures(rows, [column] if "." in column else [], measures).with_columns(flags)
    if check.own.type == NOT_NULL:
        return rows.filter(pl.col(column).is_null())
    if not values:
        return None
    kind = (
        pl.String if isinstance(values[0], str) else pl.Float64
    )  # pandas may turn whole numbers into floats
    return rows.filter(pl.col(column).cast(kind).is_in(pl.Series(values, dtype=kind).implode()))


def _number(check: Check) -> list[str]:
    """The check's column in a list if it is one of `NUMBERS`, else an empty list."""
    return [check.column] if check.column in NUMBERS else []


def _as_bytes(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
