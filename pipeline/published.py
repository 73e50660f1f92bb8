"""A run that was published before, and what of it a later run may look at."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from pipeline.errors import StorageError
from pipeline.publish import Latest, read_manifest
from pipeline.storage import Place
from pipeline.why.way import PublishedRun


class Published:
    """A published run with its tables and its report: to compare with, or to build upon."""

    def __init__(self, found: PublishedRun) -> None:
        self.found = found
        self.run: str = found.run
        self.manifest: dict[str, Any] = found.manifest

    def scan(self, name: str) -> pl.LazyFrame:
        """A Parquet file of the run."""
        return self.found.scan(name)

    def report(self) -> dict[str, Any]:
        """Its report.json. Raises StorageError when that is missing or damaged."""
        read = self.found.place.read(f"runs/{self.run}/report.json")
        if read is None:
            raise StorageError(f"{self.found.uri}/report.json: is missing")
        try:
            told: dict[str, Any] = json.loads(read[0])
        except ValueError as error:
            raise StorageError(f"{self.found.uri}/report.json: is damaged: {error}") from error
        return told


def run_before(place: Place, latest: Latest | None) -> Published | None:
    """The run that LATEST names; None when nothing is published yet.

    Raises StorageError when LATEST names a run that is not there.
    """
    if latest is None:
        return None
    found = read_manifest(place, latest.run)
    if found is None:
        raise StorageError(f"{place.uri}/LATEST: names run {latest.run}, which is not there")
    return Published(PublishedRun(place, latest.run, found[0]))
