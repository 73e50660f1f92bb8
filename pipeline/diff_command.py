"""The `diff` command: what changed between two published runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.diff import Diff, compare
from pipeline.diff.page import render_diff
from pipeline.errors import StorageError
from pipeline.publish import as_json
from pipeline.shards import write_bytes
from pipeline.why import PublishedRun, open_run


class Published:
    """A published run as `compare` wants it."""

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


def diff_runs(before: str, after: str) -> tuple[Diff, str]:
    """Compare two runs by their URIs; returns the difference and the later recipe's name."""
    runs = [Published(open_run(uri)) for uri in (before, after)]
    return compare(*runs), str(runs[1].manifest["name"])


def write_diff(diff: Diff, name: str, folder: Path) -> Path:
    """Write diff.html and diff.json into a folder; returns where the page is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "diff.json", as_json(diff.as_json()))
        write_bytes(folder / "diff.html", render_diff(diff, name).encode())
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    return folder / "diff.html"
