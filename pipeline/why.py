"""A record's whole way through a run: kept where, merged into what, rejected by which rule."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import RecipeError, StorageError
from pipeline.publish import read_latest, read_manifest
from pipeline.storage import Aws, Place, is_remote, open_place

LEAST_PREFIX = 6
MOST_SHOWN = 200


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

    def scan(self, name: str) -> pl.LazyFrame:
        """A Parquet file of the run."""
        if not is_remote(self.place.uri):
            return pl.scan_parquet(Path(self.place.uri, "runs", self.run, name))
        found = self.place.read(f"runs/{self.run}/{name}")
        if found is None:
            raise StorageError(f"{self.uri}/{name}: is missing")
        return pl.read_parquet(io.BytesIO(found[0])).lazy()


def open_run(uri: str, aws: Aws | None = None) -> PublishedRun:
    """The run that an output (its latest) or a `…/runs/<digest>` folder names.

    Raises StorageError when there is none.
    """
    base, _, run = uri.rstrip("/").partition("/runs/")
    if not run and uri.startswith("runs/"):
        base, run = ".", uri.rstrip("/").removeprefix("runs/")
    place = open_place(base, aws or Aws())
    if not run:
        latest = read_latest(place)
        if latest is None:
            raise StorageError(f"{uri}: no run is published there")
        run = latest.run
    found = read_manifest(place, run)
    if found is None:
        raise StorageError(f"{uri}: no such run")
    return PublishedRun(place, run, found[0])


@dataclass
class Way:
    """What became of one record or source."""

    what: str
    lines: list[dict[str, Any]] = field(default_factory=list)  # where it stands, lineage rows
    rejections: list[dict[str, Any]] = field(default_factory=list)  # rejected.parquet rows
    stages: list[str] = field(default_factory=list)  # in order, for the way up to a rejection

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"what": self.what, "lines": self.lines, "rejections": self.rejections}

    def told(self) -> Iterator[str]:
        """For people, line by line."""
        for row in self.rejections:
            yield from self._told_rejection(row)
        for row in self.lines[:MOST_SHOWN]:
            part = f" ({row['locator']})" if row["locator"] else ""
            where = f"{row['target']}/{row['split']}.jsonl:{row['line']}"
            yield f"{row['source']}{part}  {row['id']}  kept: {where}"
        if len(self.lines) > MOST_SHOWN:
            yield f"… and {len(self.lines) - MOST_SHOWN} lines more"

    def _told_rejection(self, row: dict[str, Any]) -> Iterator[str]:
        at = f" ({row['locator']})" if row["locator"] else ""
        verdict = "merged by" if row["merged_into"] else "rejected by"
        measured = f", value {row['value']}" if row["value"] is not None else ""
        allowed = f", threshold {row['threshold']}" if row["threshold"] is not None else ""
        told = f"{row['reason']}{measured}{allowed}"
        yield f"{row['source']}{at}  {row['id']}  {verdict} {row['stage']}: {told}"
        stage = row["stage"]
        if stage in self.stages and self.stages.index(stage):
            yield f"  passed before: {' → '.join(self.stages[: self.stages.index(stage)])}"
        if row["merged_into"]:
            yield f"  stands for it: {row['merged_into']}"


def why(run: PublishedRun, what: str) -> Way:
    """The way of a record id (or its first 6 or more digits), of a document, or of a source.

    A merged record is followed to the one that stands for it. Raises RecipeError when the run has
    never seen it.
    """
    stages = [count["stage"] for count in run.manifest["stages"]]
    way = Way(what, stages=stages)
    lineage, rejected = run.scan("lineage.parquet"), run.scan("rejected.parquet")
    asked: pl.Expr | None = _asked(what)
    seen: set[str] = set()
    while asked is not None:
        way.lines += lineage.filter(asked).collect().to_dicts()
        rows = rejected.filter(asked).collect().to_dicts()
        way.rejections += rows
        merged = {row["merged_into"] for row in rows if row["merged_into"]} - seen
        seen |= merged
        asked = _any_of(merged) if merged else None
    if way.lines or way.rejections:
        return way
    for listed in run.manifest["inputs"]:
        if listed["source"] == what and listed["sidecar"]:
            way.rejections = []
            way.what = f"{what}: was read along with other files (captions or metadata)"
            return way
    raise RecipeError(f"{what}: run {run.run} has no such record id, document or source")


def _any_of(ids: set[str]) -> pl.Expr:
    return pl.col("id").is_in(sorted(ids)) | pl.col("document").is_in(sorted(ids))


def _asked(what: str) -> pl.Expr:
    """Rows that an id, the beginning of one, a document or a source means."""
    source = (pl.col("source") == what) | pl.col("source").str.ends_with(f"/{what}")
    own = (pl.col("id") == what) | (pl.col("document") == what)
    if len(what) >= LEAST_PREFIX:
        own = own | pl.col("id").str.starts_with(what)
    return own | source
