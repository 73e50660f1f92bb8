"""A run that was published: opened by its output or by its own folder, or the latest of a place."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import StorageError
from pipeline.publish import Latest, read_latest, read_manifest, whole_name
from pipeline.record import ID_LENGTH
from pipeline.storage import Aws, Place, is_remote, open_place

RUN = re.compile(rf"(?:(?P<base>.*)/)?runs/(?P<run>[0-9a-f]{{{ID_LENGTH}}})")
"""A run's folder; an output may lie below a folder `runs` itself."""


@dataclass
class PublishedRun:
    """A run that readers can see, at its place."""

    place: Place
    run: str
    manifest: dict[str, Any]

    @property
    def uri(self) -> str:
        """Of the run's folder."""
        return f"{self.place.uri.rstrip('/')}/runs/{self.run}"

    def whole(self, target: str) -> str:
        """The recipe's name for a target, which here may be a part of it."""
        return whole_name(target, self.manifest["targets"][target])

    def scan(self, name: str) -> pl.LazyFrame:
        """A Parquet file of the run."""
        if not is_remote(self.place.uri):
            return pl.scan_parquet(Path(self.place.uri, "runs", self.run, name))
        found = self.place.read(f"runs/{self.run}/{name}")
        if found is None:
            raise StorageError(f"{self.uri}/{name}: is missing")
        return pl.read_parquet(io.BytesIO(found[0])).lazy()

    def report(self) -> dict[str, Any]:
        """Its report.json. Raises StorageError when that is missing or damaged."""
        read = self.place.read(f"runs/{self.run}/report.json")
        if read is None:
            raise StorageError(f"{self.uri}/report.json: is missing")
        try:
            told: dict[str, Any] = json.loads(read[0])
        except ValueError as error:
            raise StorageError(f"{self.uri}/report.json: is damaged: {error}") from error
        return told


def open_run(uri: str, aws: Aws | None = None) -> PublishedRun:
    """The run that an output (its latest) or a `…/runs/<digest>` folder names.

    Raises StorageError when there is none.
    """
    found = RUN.fullmatch(uri.rstrip("/"))
    base, run = (found["base"] or ".", found["run"]) if found else (uri.rstrip("/") or uri, "")
    place = open_place(base, aws or Aws())
    if not run:
        latest = read_latest(place)
        if latest is None:
            raise StorageError(f"{uri}: no run is published there")
        run = latest.run
    told = read_manifest(place, run)
    if told is None:
        raise StorageError(f"{uri}: no such run")
    return PublishedRun(place, run, told[0])


def run_before(place: Place, latest: Latest | None) -> PublishedRun | None:
    """The run that LATEST names; None when nothing is published yet.

    Raises StorageError when LATEST names a run that is not there.
    """
    if latest is None:
        return None
    found = read_manifest(place, latest.run)
    if found is None:
        raise StorageError(
            f"{place.uri}/LATEST: names run {latest.run}, which is not there; remove it, and the "
            "next run writes it anew"
        )
    return PublishedRun(place, latest.run, found[0])
