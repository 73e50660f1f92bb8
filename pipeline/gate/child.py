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
"""Expectations about each value by itself."""


def main() -> None:
    """Import, then hold what stdin names; nothing when the parent has gone."""
    _die_with_parent()
    gx = imported()
    asked = sys.stdin.buffer.readline()
    if asked:
        hold(gx, Path(json.loads(asked)))
    os._exit(0)  # to take all modules down again takes a tenth of what their import took


def _die_with_parent() -> None:
    """Linux: end when the run is killed, so that no process is left behind."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def hold(gx: Any, folder: Path) -> None:
    """Hold each suite of `folder`/suite.json against its table."""
    suites = json.loads((folder / "suite.json").read_bytes())["suites"]
    batches = _batches(gx)
    checks = [one for suite in suites for one in _hold(gx, batches, suite, folder)]
    told = {"engine": f"great_expectations {gx.__version__}", "checks": checks}
    unfinished = folder / "gate.json.part"
    unfinished.write_text(json.dumps(told, sort_keys=True, allow_nan=False), encoding="utf-8")
    unfinished.replace(folder / "gate.json")


def _batches(gx: Any) -> Any:
    """Where frames become batches: the pandas engine of a context that is never stored."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("metrics").add_dataframe_asset("records")
    return asset.add_batch_definition_whole_dataframe("all")


def _hold(gx: Any, batches: Any, suite: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    faults = {_key(one["meta"]): _refused(gx, one) for one in suite["expectations"]}
    sound = [one for one in suite["expectations"] if faults[_key(one["meta"])] is None]
    expectations = gx.ExpectationSuite(name=suite["name"], expectations=sound)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for table in _tables(folder / suite["table"], suite["expectations"]):
        batch = batches.get_batch({"dataframe": table})
        results = batch.validate(expectations, result_format="SUMMARY").results
        found = {_key(one.expectation_config.meta): one for one in results}
        for expectation in sound:
            key, own = _key(expectation["meta"]), expectation["meta"].get("own", False)
            one = _own(expectation, found[key]) if own else _told(expectation, found[key])
            told[key] = _both(told[key], one) if key in told else one
    for expectation in suite["expectations"]:
        key = _key(expectation["meta"])
        yield told[key] if faults[key] is None else _uncomputed(expectation, faults[key])


def _tables(path: Path, expectations: list[dict[str, Any]]) -> Iterator[Any]:
    """A table as pandas frames: in pieces if every expectation is about single values.

    An expectation of the recipe may be about all of them, such as a mean: then it is one frame.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    single = all(one["type"] in BY_VALUE and not one["meta"].get("own") for one in expectations)
    if not single or file.num_row_groups < 2:
        yield file.read().to_pandas()
        return
    for number in range(file.num_row_groups):
        yield file.read_row_group(number).to_pandas()


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A check's results on two pieces of a table as one."""
    sums = {name: one[name] + other[name] for name in ("records", "unexpected")}
    return {**one, **sums, "passed": one["passed"] and other["passed"]}


def _refused(gx: Any, expectation: dict[str, Any]) -> str | None:
    """Why Great Expectations refuses an expectation of the recipe, in one line."""
    if not expectation["meta"].get("own"):
        return None
    try:
        gx.ExpectationSuite(name="one", expectations=[expectation])
    except Exception as error:  # noqa: BLE001 - whatever it says, the recipe must be mended
        return " ".join(str(error).split())[:SEEN_MOST]
    return None


def _uncomputed(expectation: dict[str, Any], error: str | None) -> dict[str, Any]:
    asked = json.dumps(expectation["kwargs"], sort_keys=True, ensure_ascii=False)
    return {"expectation": expectation["type"], "asked": asked, "error": error, "passed": False}


def _key(meta: dict[str, Any]) -> tuple[str, str]:
    return meta["target"], meta["check"]


def _told(expectation: dict[str, Any], result: Any) -> dict[str, Any]:
    """One check's result; an expectation that could not be computed is no failed check."""
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


def _own(expectation: dict[str, Any], result: Any) -> dict[str, Any]:
    """The result of an expectation of the recipe, with what was asked and some values that fail.

    One that could not be computed says so under `error`: it is the recipe's fault.
    """
    raised = any(one.get("raised_exception") for one in _infos(result.exception_info))
    error = _reason(result.exception_info) if raised else None
    seen = result.result.get("observed_value")
    blank = {"element_count": None} if error or "observed_value" not in result.result else {}
    told = _told(expectation, _Result(result, blank))
    return told | {
        "own": True,
        "severity": expectation["severity"],
        "about": expectation.get("description"),
        "asked": json.dumps(expectation["kwargs"], sort_keys=True, ensure_ascii=False),
        "seen": None if seen is None or told["observed"] is not None else str(seen)[:SEEN_MOST],
        "values": list(_values(result.result.get("partial_unexpected_list") or [])),
        "error": error,
    }


def _values(unexpected: list[Any]) -> Iterator[int | float | str]:
    """Those that a column can be searched for; a pair of values and a NaN are none."""
    for one in map(_plain, unexpected):
        if isinstance(one, int | float | str) and one == one:
            yield one


class _Result:
    """A result of Great Expectations, with counts that are not there filled in."""

    def __init__(self, result: Any, blank: dict[str, None]) -> None:
        self.result = blank | result.result
        self.success, self.exception_info = result.success, result.exception_info


def _bound(kwargs: dict[str, Any], name: str) -> Any:
    """A bound that is a number; a date or a text is told under `asked` alone."""
    return _number(kwargs.get(name))


def _number(value: Any) -> int | float | None:
    plain = _plain(value)
    is_number = isinstance(plain, int | float) and not isinstance(plain, bool)
    return plain if is_number and plain == plain else None  # a mean of nothing is not a number


def _plain(number: Any) -> int | float | None:
    """A numpy number as one of Python's own, which JSON takes."""
    plain: int | float | None = number.item() if hasattr(number, "item") else number
    return plain


def _infos(info: Any) -> list[dict[str, Any]]:
    """What Great Expectations tells of exceptions: one of them, or several by metric."""
    return [one for one in (info, *(info or {}).values()) if isinstance(one, dict)]


def _reason(info: dict[str, Any]) -> str:
    """The first message of Great Expectations' report on an exception, in one line."""
    for told in _infos(info):
        if told.get("exception_message"):
            return " ".join(str(told["exception_message"]).split())
    return "could not be computed"


if __name__ == "__main__":
    main()
