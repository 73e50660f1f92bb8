"""What monitoring reads of a run: OpenMetrics by its reference parser, OpenLineage events."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pipeline.errors import DataError, RecipeError, StorageError
from pipeline.prepare import prepare_recipe
from pipeline.stopping import Stopped
from pipeline.telemetry import watched

RECIPE = """\
name: tea
sources: [{path: documents/}]
stages: [clean, {quality: {min_words: 3}}, dedup_exact]
targets: {corpus: {format: pretraining}}
split: {validation: 0.0}
gate: {min_records: 2}
"""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three documents, one of them too short, and their recipe."""
    (tmp_path / "documents").mkdir()
    for name, text in {
        "a": "rinse the kettle first",
        "b": "fill it with water",
        "c": "tea",
    }.items():
        (tmp_path / "documents" / f"{name}.md").write_text(text)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def run(folder: Path, *changes: str) -> None:
    out, recipe = str(folder / "out"), folder / "recipe.yaml"
    metrics, events = folder / "metrics.prom", folder / "events.jsonl"
    prepare_recipe(
        recipe, changes=changes, output=out, workers=1, metrics=metrics, lineage_events=events
    )


def samples(folder: Path) -> Samples:
    """The file as a monitor reads it: name and labels → value."""
    text = (folder / "metrics.prom").read_text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """The only sample of that name with those labels."""
    [one] = [
        number
        for (named, told), number in found.items()
        if named == f"bedrock_prep_{name}" and labels.items() <= dict(told).items()
    ]
    return one


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_a_run_is_told_in_metrics(folder: Path) -> None:
    """The counts are those of the manifest."""
    run(folder)
    found = samples(folder)
    assert value(found, "attempt_exit_code", recipe="tea") == 0
    assert value(found, "records", stage="read", outcome="came") == 3
    assert value(found, "set_aside_records", stage="quality", reason="too_short") == 1
    assert value(found, "target_records", target="corpus", split="train") == 2
    assert value(found, "success_timestamp_seconds") > 0


def test_a_failure_leaves_what_was_said_of_the_last_good_run(folder: Path) -> None:
    """An alert can tell both that the last attempt failed and how old the data is."""
    run(folder)
    good = samples(folder)
    with pytest.raises(DataError):
        run(folder, "gate.min_records=9")
    now = samples(folder)
    assert value(now, "attempt_exit_code") == 3
    for name in ("success_timestamp_seconds", "run"):
        assert value(now, name) == value(good, name)
    assert [one["eventType"] for one in events(folder)] == ["START", "COMPLETE", "START", "FAIL"]


def test_events_name_inputs_and_outputs_with_their_versions(folder: Path) -> None:
    """Both events of an attempt have its id; data sets are named with their digests."""
    run(folder)
    start, complete = events(folder)
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert {one["name"] for one in complete["inputs"]} == {
        "documents/a.md", "documents/b.md", "documents/c.md"
    }  # fmt: skip
    [output] = complete["outputs"]
    assert output["name"].endswith("/corpus")
    latest = json.loads((folder / "out" / "LATEST").read_text())
    assert output["facets"]["version"]["datasetVersion"] == latest["run"]


class Terminated(Stopped):
    """As a SIGTERM leaves it."""

    signal = signal.SIGTERM


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (Terminated(), "ABORT", 143),
        (OSError(28, "No space left on device"), "FAIL", 4),
        (ZeroDivisionError(), "FAIL", 1),
    ],
)
def test_every_end_is_told(tmp_path: Path, error: BaseException, kind: str, code: int) -> None:
    """A signal, a full disk and a bug of ours; labels survive quotes, backslashes and line ends."""
    metrics, lines = tmp_path / "metrics.prom", tmp_path / "events.jsonl"

    def work() -> None:
        raise error

    name = 'tea "green" \\ 1\n'
    with pytest.raises(type(error)):
        watched("none", lambda: (name, work), lambda _: ("", {}), metrics, lines)
    assert events(tmp_path)[-1]["eventType"] == kind
    assert value(samples(tmp_path), "attempt_exit_code", recipe=name) == code


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Before any work is done, where it can be known."""
    with pytest.raises(StorageError, match="no/such/events"):
        watched(
            "none",
            lambda: ("tea", lambda: None),
            lambda _: ("", {}),
            None,
            tmp_path / "no/such/events",
        )


def test_a_folder_of_metrics_that_is_not_there_is_told_before_the_work(tmp_path: Path) -> None:
    """An hour of work is not done first."""
    done: list[bool] = []
    with pytest.raises(StorageError, match="no/such"):
        watched(
            "none",
            lambda: ("tea", lambda: done.append(True)),
            lambda _: ("", {}),
            tmp_path / "no/such/m",
            None,
        )
    assert not done


def test_the_works_own_failure_is_what_is_told(tmp_path: Path) -> None:
    """Also when the file of metrics has become unwritable in the meantime."""
    metrics = tmp_path / "metrics.prom"

    def work() -> None:
        metrics.mkdir()
        raise DataError("nothing is left")

    with pytest.raises(DataError, match="nothing is left"):
        watched("none", lambda: ("tea", work), lambda _: ("", {}), metrics, None)


def test_what_is_wrong_with_the_call_is_told_too(folder: Path) -> None:
    """A recipe that somebody broke, by the name that monitoring knows; the good run stays."""
    run(folder)
    good = samples(folder)
    for at_fault in ({"changes": ["stages[0]=nothing"]}, {"output": "gs://b"}, {"memory": "much"}):
        asked: dict[str, Any] = {"output": str(folder / "out"), "workers": 1} | at_fault
        with pytest.raises(RecipeError):
            prepare_recipe(
                folder / "recipe.yaml",
                metrics=folder / "metrics.prom",
                lineage_events=folder / "events.jsonl",
                **asked,
            )
        assert value(samples(folder), "attempt_exit_code", recipe="tea") == 2
    for name in ("success_timestamp_seconds", "run"):
        assert value(samples(folder), name, recipe="tea") == value(good, name)
    told = [(one["eventType"], one["job"]["name"]) for one in events(folder)]
    assert told[2:] == [("START", "tea"), ("FAIL", "tea")] * 3
    assert len({one["run"]["runId"] for one in events(folder)}) == 4


def test_an_attempt_has_its_recipes_name_as_soon_as_that_is_read(folder: Path) -> None:
    """Though the file of metrics is new and an option is wrong."""
    asked: dict[str, Any] = {"metrics": folder / "metrics.prom", "memory": "much"}
    with pytest.raises(RecipeError):
        prepare_recipe(folder / "recipe.yaml", **asked)
    assert value(samples(folder), "attempt_exit_code", recipe="tea") == 2


def test_a_recipe_that_was_never_read_has_the_name_of_its_file(tmp_path: Path) -> None:
    """Its first night, too, is told."""
    asked: dict[str, Any] = {"metrics": tmp_path / "m.prom", "lineage_events": tmp_path / "e.jsonl"}
    with pytest.raises(RecipeError):
        prepare_recipe(tmp_path / "lotus.yaml", output=str(tmp_path / "out"), **asked)
    assert 'exit_code{recipe="lotus"} 2' in (tmp_path / "m.prom").read_text()
    [start, fail] = (tmp_path / "e.jsonl").read_text().splitlines()
    assert json.loads(start)["job"]["name"] == json.loads(fail)["job"]["name"] == "lotus"


DAMAGED = b"""\
# TYPE bedrock_prep_run gauge
bedrock_prep_run{recipe="tea",run="a",version="1"} 1
bedrock_prep_run{recipe="tea",run="a",version="1"} 2
bedrock_prep_records{recipe="tea",stage="re\xff\xfed",outcome="came"} 3
bedrock_prep_records{recipe="tea",stage="read",outcome="kept"} 3
bedrock_prep_records{recipe="coffee",stage="read",outcome="kept"} 4
bedrock_prep_records{recipe="tea",sta"""


def test_a_damaged_file_of_metrics_is_written_anew(folder: Path) -> None:
    """A good night does not read it; a bad one keeps what is whole and its own."""
    metrics = folder / "metrics.prom"
    metrics.write_bytes(DAMAGED)
    with pytest.raises(DataError):
        run(folder, "gate.min_records=9")
    kept = {
        (name, number)
        for (name, labels), number in samples(folder).items()
        if "attempt" not in name and ("recipe", "tea") in labels
    }
    assert kept == {("bedrock_prep_run", 1), ("bedrock_prep_records", 3)}
    assert "coffee" not in metrics.read_text()
    metrics.write_bytes(DAMAGED)
    run(folder)
    assert value(samples(folder), "attempt_exit_code") == 0
