"""A run that was published: opened by its output or by its own folder, or the latest of a place."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from pipeline.errors import StorageError
from pipeline.publish import Latest, mend, read_latest, read_run, require, whole_name
from pipeline.record import ID_LENGTH
from pipeline.storage import Aws, Place, is_remote, open_place

RUN = re.compile(rf"(?:(?P<base>.*)/)?runs/(?P<run>[0-9a-f]{{{ID_LENGTH}}})")
"""A run's folder; an output may lie below a folder `runs` itself."""

REPORTED: Mapping[str, type] = {"run": str, "records": dict, "targets": dict, "stages": list}
"""What every report.json holds, and of which kind."""


@dataclass
class PublishedRun:
    """A run that readers can see, at its place."""

    place: Place
    run: str
    manifest: dict[str, Any]
    seen: set[str] = field(default_factory=set)  # files that are known to be whole

    @property
    def uri(self) -> str:
        """Of the run's folder."""
        return f"{self.place.uri.rstrip('/')}/runs/{self.run}"

    def whole(self, target: str) -> str:
        """The recipe's name for a target, which here may be a part of it."""
        return whole_name(target, self.manifest["targets"][target])

    def scan(self, name: str) -> pl.LazyFrame:
        """A Parquet file of the run, which is digested first where the manifest lists it.

        Raises StorageError when it is missing, cannot be read, or is not as it was published.
        """
        try:
            rows = pl.scan_parquet(self._whole(name))
            rows.collect_schema()
        except (OSError, pl.exceptions.PolarsError) as error:
            told = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            self._refuse(name, f"cannot be read: {told}")
        return rows

    def _whole(self, name: str) -> Path | io.BytesIO:
        """A file as it was published."""
        if is_remote(self.place.uri):
            found = self.place.read(f"runs/{self.run}/{name}")
            data = found[0] if found else self._refuse(name, "is missing")
            self._confirm(name, io.BytesIO(data))
            return io.BytesIO(data)
        path = Path(self.place.uri, "runs", self.run, name)
        if not path.is_file():
            self._refuse(name, "is missing")
        with path.open("rb") as file:
            self._confirm(name, file)
        return path

    def _confirm(self, name: str, file: io.BufferedReader | io.BytesIO) -> None:
        """Digest a file, once, if the manifest lists it."""
        listed = (one["sha256"] for one in self.manifest["files"] if one["path"] == name)
        wanted = None if name in self.seen else next(listed, None)
        if wanted is not None and hashlib.file_digest(file, "sha256").hexdigest() != wanted:
            self._refuse(name, "is not as it was published")
        self.seen.add(name)

    def _refuse(self, name: str, found: str) -> NoReturn:
        raise StorageError(f"{self.uri}/{name}: {found}; {mend(self.uri)}")

    def report(self) -> dict[str, Any]:
        """Its report.json. Raises StorageError when that is missing or damaged."""
        read = self.place.read(f"runs/{self.run}/report.json")
        if read is None:
            self._refuse("report.json", "is missing")
        try:
            told: dict[str, Any] = json.loads(read[0])
        except ValueError as error:
            self._refuse("report.json", f"is damaged: {error}")
        require(told, REPORTED, self.uri, "report.json")
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
    told = read_run(place, run)
    if told is None:
        raise StorageError(f"{uri}: no such run")
    return PublishedRun(place, run, told[0])


def run_before(place: Place, latest: Latest | None) -> PublishedRun | None:
    """The run that LATEST names; None when nothing is published yet.

    Raises StorageError when LATEST names a run that is not there.
    """
    if latest is None:
        return None
    found = read_run(place, latest.run)
    if found is None:
        raise StorageError(
            f"{place.uri}/LATEST: names run {latest.run}, which is not there; remove it, and the "
            "next run writes it anew"
        )
    return PublishedRun(place, latest.run, found[0])
