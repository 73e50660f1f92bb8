"""What a scheduler's monitoring reads of a run, each a local file that the caller names.

OpenMetrics text, for node_exporter's textfile collector and its like; OpenLineage events, a JSON
object a line. Nothing is sent anywhere. Both may hold clock readings: they are no part of a run.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import PrepError, StorageError
from pipeline.shards import write_bytes
from pipeline.stopping import Stopped

PRODUCER = "https://pypi.org/project/bedrock-prep/"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
DATASET_SCHEMA = "https://openlineage.io/spec/facets/1-0-0/DatasetVersionDatasetFacet.json"
ATTEMPT = "bedrock_prep_attempt"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    recipe: str
    exit_code: int
    seconds: float
    message: str = ""
    uri: str | None = None  # of the run, if it was published
    manifest: Mapping[str, Any] | None = None


def watched(
    recipe: str,
    work: Callable[[], Result],
    published: Callable[[Result], tuple[str, Mapping[str, Any]]],
    metrics: Path | None,
    events: Path | None,
) -> Result:
    """Do `work` and write how it ended; `published` gives a result's URI and manifest.

    A failure is written and raised on, a signal that stops the run too. Raises StorageError when a
    file cannot be written: before the work where that can be known, and never in the place of the
    work's own failure.
    """
    if metrics is not None and not (metrics.parent.is_dir() and os.access(metrics.parent, os.W_OK)):
        raise StorageError(f"{metrics}: {metrics.parent} is no folder that can be written to")
    attempt, started = str(uuid.uuid4()), time.monotonic()
    _append(events, "START", attempt, Ended(recipe, 0, 0.0))
    try:
        result = work()
    except BaseException as error:
        seconds = time.monotonic() - started
        with suppress(StorageError):
            _write(metrics, events, attempt, Ended(recipe, _exit_code(error), seconds, str(error)))
        raise
    uri, manifest = published(result)
    seconds = time.monotonic() - started
    _write(metrics, events, attempt, Ended(recipe, 0, seconds, "", uri, manifest))
    return result


def _exit_code(error: BaseException) -> int:
    """What the command line is going to say."""
    if isinstance(error, PrepError):
        return error.exit_code
    if isinstance(error, Stopped):
        return 128 + error.signal
    return StorageError.exit_code if isinstance(error, OSError | MemoryError) else 1


def _write(metrics: Path | None, events: Path | None, attempt: str, ended: Ended) -> None:
    ending = "COMPLETE" if ended.exit_code == 0 else "ABORT" if ended.exit_code > 128 else "FAIL"
    _append(events, ending, attempt, ended)
    if metrics is None:
        return
    try:
        before = metrics.read_text(encoding="utf-8") if metrics.exists() else ""
        write_bytes(metrics, open_metrics(ended, before, time.time()).encode())
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{metrics}: cannot be written as metrics: {error}") from error


def _append(events: Path | None, kind: str, attempt: str, ended: Ended) -> None:
    if events is None:
        return
    event = lineage_event(kind, attempt, ended)
    try:
        with events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StorageError(f"{events}: {error.strerror}") from error


def open_metrics(ended: Ended, before: str, now: float) -> str:
    """The whole file; after a failure what it said of the last good run (`before`) stays."""
    own = {"recipe": ended.recipe}
    attempt = [
        *_family(f"{ATTEMPT}_exit_code", "0 is good; see the table of exit codes.",
                 [(own, ended.exit_code)]),
        *_family(f"{ATTEMPT}_seconds", "Wall time of the last attempt.",
                 [(own, round(ended.seconds, 3))]),
        *_family(f"{ATTEMPT}_timestamp_seconds", "When the last attempt ended.",
                 [(own, round(now, 3))]),
    ]  # fmt: skip
    if ended.manifest is None:
        kept = [one for one in before.splitlines() if ATTEMPT not in one and one != "# EOF"]
    else:
        kept = list(_run_families(own, ended.manifest, now))
    return "\n".join([*attempt, *kept, "# EOF"]) + "\n"


def _run_families(own: dict[str, str], manifest: Mapping[str, Any], now: float) -> Iterator[str]:
    run = own | {"run": manifest["run"], "version": manifest["version"]}
    yield from _family("bedrock_prep_run", "The last run that was published.", [(run, 1)])
    when = [(own, round(now, 3))]
    yield from _family("bedrock_prep_success_timestamp_seconds", "When that was.", when)
    stages = manifest["stages"]
    outcomes = ("came", "kept", "rejected", "merged", "divided", "chunks")
    yield from _family(
        "bedrock_prep_records",
        "Records of a stage by what became of them.",
        [
            (own | {"stage": one["stage"], "outcome": outcome}, one[outcome])
            for one in stages
            for outcome in outcomes
        ],
    )
    yield from _family(
        "bedrock_prep_set_aside_records",
        "Records set aside, by stage and reason.",
        [
            (own | {"stage": one["stage"], "reason": reason}, number)
            for one in stages
            for reason, number in one["reasons"].items()
        ],
    )
    for measure in ("records", "tokens", "bytes"):
        rows = [
            (own | {"target": name, "split": split}, number)
            for name, told in manifest["targets"].items()
            for split, number in told[measure].items()
        ]
        yield from _family(f"bedrock_prep_target_{measure}", f"A target's {measure}.", rows)


def _family(name: str, about: str, rows: list[tuple[dict[str, str], float]]) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    yield f"# HELP {name} {about}"
    for labels, number in rows:
        told = ",".join(f'{key}="{_label(value)}"' for key, value in labels.items())
        yield f"{name}{{{told}}} {number}"


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def lineage_event(kind: str, attempt: str, ended: Ended) -> dict[str, Any]:
    """An OpenLineage RunEvent: START, COMPLETE with inputs and outputs, FAIL, ABORT."""
    event: dict[str, Any] = {
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
        "run": {"runId": attempt, "facets": _failure(ended)},
        "job": {"namespace": "bedrock-prep", "name": ended.recipe, "facets": {}},
        "inputs": [],
        "outputs": [],
    }
    if ended.manifest is not None and ended.uri is not None:
        event["inputs"] = [
            _data_set(one["source"], one["sha256"]) for one in ended.manifest["inputs"]
        ]
        event["outputs"] = [
            _data_set(f"{ended.uri}/{name}", ended.manifest["run"])
            for name in ended.manifest["targets"]
        ]
    return event


def _data_set(name: str, version: str) -> dict[str, Any]:
    scheme, remote, rest = name.partition("://")
    bucket, _, key = rest.partition("/")
    place = (f"{scheme}://{bucket}", key) if remote else ("file", name)
    facet = {"_producer": PRODUCER, "_schemaURL": DATASET_SCHEMA, "datasetVersion": version}
    return {"namespace": place[0], "name": place[1], "facets": {"version": facet}}


def _failure(ended: Ended) -> dict[str, Any]:
    if not ended.exit_code:
        return {}
    schema = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json"
    told = {"message": ended.message, "programmingLanguage": "python"}
    return {"errorMessage": {"_producer": PRODUCER, "_schemaURL": schema, **told}}
