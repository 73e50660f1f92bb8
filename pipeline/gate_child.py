"""Runs the gate's suite with Great Expectations: `python -m pipeline.gate_child`.

A process of its own, because the import alone takes seconds and some 270 MB. It imports, waits for
the name of a folder on stdin, reads suite.json and the tables that it names from there, writes
gate.json there, and needs no network.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Import, then hold what stdin names; nothing when the parent has gone."""
    _die_with_parent()
    _import_when_used("scipy.stats")
    import great_expectations as gx

    folder = sys.stdin.readline().rstrip("\n")
    if folder:
        hold(gx, Path(folder))


def _die_with_parent() -> None:
    """Linux: end when the run is killed, so that no process is left behind."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _import_when_used(name: str) -> None:
    """Leave a module unread until something of it is used.

    Great Expectations imports scipy.stats for the tests of distributions, which the suite has none
    of: 1.0 of the 2.8 CPU seconds that its own import takes.
    """
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    assert spec.loader is not None, name
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    package, _, child = name.rpartition(".")
    setattr(sys.modules[package], child, module)
    spec.loader.exec_module(module)


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
    import pyarrow.parquet as pq

    expectations = gx.ExpectationSuite(name=suite["table"], expectations=suite["expectations"])
    table = pq.read_table(folder / suite["table"]).to_pandas()
    batch = batches.get_batch({"dataframe": table})
    results = batch.validate(expectations, result_format="SUMMARY").results
    found = {_key(one.expectation_config.meta): one for one in results}
    for expectation in suite["expectations"]:
        yield _told(expectation, found[_key(expectation["meta"])])


def _key(meta: dict[str, str]) -> tuple[str, str]:
    return meta["target"], meta["check"]


def _told(expectation: dict[str, Any], result: Any) -> dict[str, Any]:
    """One check's result; an expectation that could not be computed is no failed check."""
    measured, kwargs = result.result, expectation["kwargs"]
    if "element_count" not in measured and "observed_value" not in measured:
        raise RuntimeError(f"{expectation['meta']}: {_reason(result.exception_info)}")
    return {
        **expectation["meta"],
        "expectation": expectation["type"],
        "column": kwargs["column"],
        "bounds": {"min": kwargs.get("min_value"), "max": kwargs.get("max_value")},
        "passed": bool(result.success),
        "observed": _plain(measured.get("observed_value")),
        "records": _plain(measured.get("element_count")),
        "unexpected": _plain(measured.get("unexpected_count")),
    }


def _plain(number: Any) -> int | float | None:
    """A numpy number as one of Python's own, which JSON takes."""
    plain: int | float | None = number.item() if hasattr(number, "item") else number
    return plain


def _reason(info: dict[str, Any]) -> str:
    """The first message of Great Expectations' report on an exception, in one line."""
    for told in (info, *info.values()):
        if isinstance(told, dict) and told.get("exception_message"):
            return " ".join(str(told["exception_message"]).split())
    return "could not be computed"


if __name__ == "__main__":
    main()
