"""What a scheduler's monitoring reads of a run, each a local file that the caller names.

OpenMetrics text, for node_exporter's textfile collector and its like; OpenLineage events, a JSON
object a line. Nothing is sent anywhere. Both may hold clock readings: they are no part of a run.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import PrepError, StorageError
from pipeline.open_metrics import Ended, open_metrics, recipe_of
from pipeline.shards import write_bytes
from pipeline.stopping import Stopped

PRODUCER = "https://pypi.org/project/bedrock-prep/"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
DATASET_SCHEMA = "https://openlineage.io/spec/facets/1-0-0/DatasetVersionDatasetFacet.json"
Result = TypeVar("Result")


def watched(
    unnamed: str,
    load: Callable[[], tuple[str, Callable[[], Result]]],
    published: Callable[[Result], tuple[str, Mapping[str, Any]]],
    metrics: Path | None,
    events: Path | None,
) -> Result:
    """Load a recipe, do its work, and write how that ended.

    `load` gives the recipe's name and its work; where it fails the attempt has the name that
    `metrics` tells of, or is called `unnamed`. `published` gives a result's URI and manifest.

    A failure is written and raised on, a signal that stops the run too. Raises StorageError when a
    file cannot be written: before the work where that can be known, and never in the place of the
    work's own failure.
    """
    if metrics is not None and not (metrics.parent.is_dir() and os.access(metrics.parent, os.W_OK)):
        raise StorageError(f"{metrics}: {metrics.parent} is no folder that can be written to")
    attempt = Attempt(metrics, events)
    try:
        attempt.recipe, work = load()
        attempt.start()
        result = work()
    except BaseException as error:
        if attempt.recipe is None:
            attempt.recipe = recipe_of(_read(metrics)) or unnamed
            with suppress(StorageError):
                attempt.start()
        for write in (attempt.write_event, attempt.write_metrics):
            with suppress(StorageError):
                write(attempt.ended(_exit_code(error), message=str(error)))
        raise
    uri, manifest = published(result)
    ended = attempt.ended(0, uri=uri, manifest=manifest)
    attempt.write_event(ended)
    attempt.write_metrics(ended)
    return result


class Attempt:
    """One call of `prepare`, and where is told of it."""

    def __init__(self, metrics: Path | None, events: Path | None) -> None:
        self.metrics, self.events = metrics, events
        self.recipe: str | None = None  # its name, once that is known
        self.id, self.began = str(uuid.uuid4()), time.monotonic()

    def ended(self, exit_code: int, **more: Any) -> Ended:
        """How it ended, now; `more` as `Ended` has it."""
        return Ended(self.recipe or "", exit_code, time.monotonic() - self.began, **more)

    def start(self) -> None:
        """Tell that it goes on."""
        self._append("START", self.ended(0))

    def write_event(self, ended: Ended) -> None:
        """Tell the lineage how it ended. Raises StorageError."""
        code = ended.exit_code
        self._append("COMPLETE" if code == 0 else "ABORT" if code > 128 else "FAIL", ended)

    def write_metrics(self, ended: Ended) -> None:
        """Tell monitoring how it ended. Raises StorageError."""
        if self.metrics is None:
            return
        before = "" if ended.manifest is not None else _read(self.metrics)
        text = open_metrics(ended, before, time.time())
        try:
            write_bytes(self.metrics, text.encode())
        except OSError as error:
            raise StorageError(f"{self.metrics}: cannot be written as metrics: {error}") from error

    def _append(self, kind: str, ended: Ended) -> None:
        if self.events is None:
            return
        event = lineage_event(kind, self.id, ended)
        try:
            with self.events.open("a", encoding="utf-8") as file:
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
        except OSError as error:
            raise StorageError(f"{self.events}: {error.strerror}") from error


def _read(metrics: Path | None) -> str:
    """What a file of metrics says; nothing where it cannot be read."""
    try:
        return metrics.read_text(encoding="utf-8", errors="replace") if metrics else ""
    except OSError:
        return ""


def _exit_code(error: BaseException) -> int:
    """What the command line is going to say."""
    if isinstance(error, PrepError):
        return error.exit_code
    if isinstance(error, Stopped):
        return 128 + error.signal
    return StorageError.exit_code if isinstance(error, OSError | MemoryError) else 1


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
