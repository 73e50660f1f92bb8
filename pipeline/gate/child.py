"""Runs the gate's suite with Great Expectations: `python -m pipeline.gate.child`.

A process of its own, because the import alone takes seconds and some 270 MB. It imports, waits for
the name of a folder on stdin (a line of JSON), reads suite.json and the tables that it names from
there, writes gate.json there, and needs no network.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.gate.quick_import import imported

PR_SET_PDEATHSIG = 1
SEEN_MOST = 200
BY_VALUE = {"expect_column_values_to_be_between", "expect_column_values_to_not_be_null"}
"""Expectations that are about each value by itself."""


def main() -> None:
    """Import, then check the folder that stdin names; do nothing if the parent is gone."""
    _die_with_parent()
    gx = imported()
    asked = sys.stdin.buffer.readline()
    if asked:
        hold(gx, Path(json.loads(asked)))
    os._exit(0)  # to take all modules down again takes a tenth of what their import took


def _die_with_parent() -> None:
    """On Linux, end when the parent is killed, so that no process is left behind."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def hold(gx: Any, folder: Path) -> None:
    """Check each suite of `folder`/suite.json against its table; write the results to gate.json."""
    suites = json.loads((folder / "suite.json").read_bytes())["suites"]
    batches = _batches(gx)
    checks = [check for suite in suites for check in _hold(gx, batches, suite, folder)]
    results = {"engine": f"great_expectations {gx.__version__}", "checks": checks}
    unfinished = folder / "gate.json.part"
    unfinished.write_text(json.dumps(results, sort_keys=True, allow_nan=False), encoding="utf-8")
    unfinished.replace(folder / "gate.json")


def _batches(gx: Any) -> Any:
    """What turns data frames into batches: the pandas engine of a context that is never stored."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("metrics").add_dataframe_asset("records")
    return asset.add_batch_definition_whole_dataframe("all")


def _hold(gx: Any, batches: Any, suite: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    listed = suite["expectations"]
    faults = {_key(expectation["meta"]): _refused(gx, expectation) for expectation in listed}
    sound = [expectation for expectation in listed if faults[_key(expectation["meta"])] is None]
    expectations = gx.ExpectationSuite(name=suite["name"], expectations=sound)
    checks_by_key: dict[tuple[str, str], dict[str, Any]] = {}
    for table in _tables(folder / suite["table"], suite["expectations"]):
        batch = batches.get_batch({"dataframe": table})
        results = batch.validate(expectations, result_format="SUMMARY").results
        results_by_key = {_key(result.expectation_config.meta): result for result in results}
        for expectation in sound:
            key, from_recipe = _key(expectation["meta"]), expectation["meta"].get("own", False)
            summarise = _own_check if from_recipe else _check
            check = summarise(expectation, results_by_key[key])
            checks_by_key[key] = _both(checks_by_key[key], check) if key in checks_by_key else check
    for expectation in suite["expectations"]:
        key = _key(expectation["meta"])
        yield checks_by_key[key] if faults[key] is None else _uncomputed(expectation, faults[key])


def _tables(path: Path, expectations: list[dict[str, Any]]) -> Iterator[Any]:
    """A table as pandas frames: in pieces if every expectation is about single values.

    An expectation of the recipe may be about all values together, such as a mean; the table is
    then one frame.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    by_value = all(
        expectation["type"] in BY_VALUE and not expectation["meta"].get("own")
        for expectation in expectations
    )
    if not by_value or file.num_row_groups < 2:
        yield file.read().to_pandas()
        return
    for number in range(file.num_row_groups):
        yield file.read_row_group(number).to_pandas()


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Combine a check's results on two pieces of a table into one."""
    sums = {name: one[name] + other[name] for name in ("records", "unexpected")}
    return {**one, **sums, "passed": one["passed"] and other["passed"]}


def _refused(gx: Any, expectation: dict[str, Any]) -> str | None:
    """Why Great Expectations refuses an expectation of the recipe, in one line."""
    if not expectation["meta"].get("own"):
        return None
    try:
        gx.ExpectationSuite(name="one", expectations=[expectation])
    except Exception as error:  # noqa: BLE001 - whatever the error, the recipe must be corrected
        return " ".join(str(error).split())[:SEEN_MOST]
    return None


def _uncomputed(expectation: dict[str, Any], error: str | None) -> dict[str, Any]:
    """The result of an expectation that was refused: failed, with the reason under `error`."""
    asked = json.dumps(expectation["kwargs"], sort_keys=True, ensure_ascii=False)
    return {"expectation": expectation["type"], "asked": asked, "error": error, "passed": False}


def _key(meta: dict[str, Any]) -> tuple[str, str]:
    return meta["target"], meta["check"]


def _check(expectation: dict[str, Any], result: Any) -> dict[str, Any]:
    """One check's result. Raises RuntimeError for an expectation that could not be computed."""
    measured, kwargs = result.result, expectation["kwargs"]
    if "element_count" not in measured and "observed_value" not in measured:
        raise RuntimeError(f"{expectation['meta']}: {_reason(result.exception_info)}")
    return {
        "target": expectation["meta"]["target"],
        "check": expectation["meta"]["check"],
        "expectation": expectation["type"],
        "column": kwargs.get("column"),
        "bounds": {"min": _bound(kwargs, "min_value"), "max": _bound(kwargs, "max_value")},
        "passed": bool(result.success),
        "observed": _number(measured.get("observed_value")),
        "records": _plain(measured.get("element_count")),
        "unexpected": _plain(measured.get("unexpected_count")),
    }


def _own_check(expectation: dict[str, Any], result: Any) -> dict[str, Any]:
    """The result of an expectation of the recipe, with its arguments and some values that fail.

    If it could not be computed, `error` says why: that is a fault of the recipe.
    """
    raised = any(info.get("raised_exception") for info in _infos(result.exception_info))
    error = _reason(result.exception_info) if raised else None
    seen = result.result.get("observed_value")
    blank = {"element_count": None} if error or "observed_value" not in result.result else {}
    check = _check(expectation, _Result(result, blank))
    return check | {
        "own": True,
        "severity": expectation["severity"],
        "about": expectation.get("description"),
        "asked": json.dumps(expectation["kwargs"], sort_keys=True, ensure_ascii=False),
        "seen": None if seen is None or check["observed"] is not None else str(seen)[:SEEN_MOST],
        "values": list(_values(result.result.get("partial_unexpected_list") or [])),
        "error": error,
    }


def _values(unexpected: list[Any]) -> Iterator[int | float | str]:
    """The values that a column can be searched for; pairs of values and NaN are left out."""
    for value in map(_plain, unexpected):
        if isinstance(value, int | float | str) and value == value:
            yield value


class _Result:
    """A result of Great Expectations, with its missing counts filled in."""

    def __init__(self, result: Any, blank: dict[str, None]) -> None:
        self.result = blank | result.result
        self.success, self.exception_info = result.success, result.exception_info


def _bound(kwargs: dict[str, Any], name: str) -> Any:
    """A bound that is a number; other bounds (dates, texts) are None and appear only in `asked`."""
    return _number(kwargs.get(name))


def _number(value: Any) -> int | float | None:
    plain = _plain(value)
    is_number = isinstance(plain, int | float) and not isinstance(plain, bool)
    return plain if is_number and plain == plain else None  # the mean of no values is NaN


def _plain(number: Any) -> int | float | None:
    """A numpy number as a Python number, which can be written as JSON."""
    plain: int | float | None = number.item() if hasattr(number, "item") else number
    return plain


def _infos(info: Any) -> list[dict[str, Any]]:
    """Great Expectations' exception infos as a list; it reports one, or several by metric."""
    return [entry for entry in (info, *(info or {}).values()) if isinstance(entry, dict)]


def _reason(info: dict[str, Any]) -> str:
    """The first exception message in Great Expectations' report, in one line."""
    for entry in _infos(info):
        if entry.get("exception_message"):
            return " ".join(str(entry["exception_message"]).split())
    return "could not be computed"


if __name__ == "__main__":
    main()
