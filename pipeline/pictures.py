"""Pictures of a target's records: prepared for its model, one file each in the work folder.

A line names a picture with the format that it is published in, and a model's limits hold for the
published bytes. So a target's lines are made twice: once as if every picture fitted, which tells
whose pictures are worth preparing, and once with the facts of those that were prepared.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from pipeline.bedrock.card import Limits
from pipeline.errors import SourceChanged
from pipeline.identity import rejection
from pipeline.local_sources import CHANGED
from pipeline.record import REJECTED
from pipeline.rendering import Rendering
from pipeline.shards import write_bytes
from pipeline.stage import TALLIES
from pipeline.targets.images import file_name, most_images
from pipeline.targets.prepared import USUAL_FORMATS, prepare_image

NOT_PREPARED = "image_not_prepared"

Facts = dict[str, Any]
_FACTS = ("width", "height", "format", "bytes")


@dataclass(frozen=True)
class Pictured:
    """Rendered records, and what was done to the pictures that their lines name."""

    rendered: pl.DataFrame
    files: list[Path]
    changes: pl.DataFrame  # `TALLIES`: the kinds are of `targets.prepared.CHANGES`


@dataclass(frozen=True)
class Pictures:
    """How the pictures of one target are prepared."""

    rendering: Rendering
    folder: Path  # where their files are written, as `<target>.image.<file name>`
    paths_file: Path  # JSON: path and SHA-256 of each input by its URI

    def rendered(
        self, records: pl.DataFrame, render: Callable[[pl.DataFrame], pl.DataFrame]
    ) -> Pictured:
        """The lines of the records, by `render`, with the pictures of those that have one.

        A record whose picture cannot be prepared is rejected (`image_not_prepared`, value: the
        picture and why). Raises SourceChanged.
        """
        if not self.rendering.place.image_prefix or not most_images(records):
            return Pictured(render(records), [], pl.DataFrame(schema=TALLIES))
        as_if = render(records.with_columns(extra=self._as_if(records)))
        made: dict[str, list[Path]] = {}
        rows = [*self._prepared(records.with_columns(as_if["rejected"]), made)]
        extras, marks, done = zip(*rows, strict=True)
        prepared = records.with_columns(
            extra=pl.Series(extras, dtype=pl.String), rejected=pl.Series(marks, dtype=REJECTED)
        )
        rendered = render(prepared).with_columns(records["extra"])
        kept = rendered["rejected"].is_null()
        unnamed = rendered.filter(~kept)["id"]
        for path in (path for name in unnamed for path in made.pop(name, ())):
            path.unlink()
        files = [path for paths in made.values() for path in paths]
        tallies = _tallies(records["id"], kept, done)
        return Pictured(rendered, files, tallies)

    @property
    def _limits(self) -> Limits:
        return self.rendering.plan.limits if self.rendering.plan else Limits()

    @property
    def _formats(self) -> Sequence[str]:
        limit = self._limits.image_formats
        return USUAL_FORMATS if limit is None else limit.value

    def _as_if(self, records: pl.DataFrame) -> pl.Series:
        """`extra` as if each picture had a format and a weight that the model takes."""
        fitting = {"format": self._formats[0], "bytes": None}
        rows = records.select(pl.col("images").list.len(), "extra").iter_rows()
        extras = [
            _with_images(
                extra, [fitting if image.get("format") else {} for image in _images_of(extra)]
            )
            if images
            else extra
            for images, extra in rows
        ]
        return pl.Series(extras, dtype=pl.String)

    def _prepared(
        self, records: pl.DataFrame, made: dict[str, list[Path]]
    ) -> Iterator[tuple[str | None, Any, list[str]]]:
        """`extra`, `rejected` and changes of each record; its files go into `made`, by its id."""
        picture = functools.lru_cache(maxsize=1)(self._picture)  # captions of one follow each other
        columns = records.select("id", "images", "extra", "rejected")
        for name, uris, extra, mark in columns.iter_rows():
            if mark is not None or not uris:
                yield extra, mark, []
                continue
            facts, changes = [], []
            paths = made.setdefault(name, [])
            try:
                for index, uri in enumerate(uris):
                    data, fact = picture(uri)
                    own = file_name(name, index, fact["format"])
                    paths.append(self.folder / f"{self.rendering.name}.image.{own}")
                    write_bytes(paths[-1], data)
                    changes += fact["changed"]
                    facts.append({key: fact[key] for key in _FACTS})
            except ValueError as error:
                yield extra, rejection(NOT_PREPARED, str(error)[:200]), []
                continue
            yield _with_images(extra, facts), None, changes

    def _picture(self, uri: str) -> tuple[bytes, Facts]:
        """A picture as it is published, and what is to be said of it. Raises ValueError."""
        data = _pinned(uri, *_input_paths(self.paths_file)[uri])
        limit = self._limits.image_bytes_max
        most = None if limit is None else limit.value
        try:
            made, kind, facts = prepare_image(data, self._formats, most)
        except ValueError as error:
            raise ValueError(f"{uri}: {error}") from error
        return made, facts | {"format": kind, "bytes": len(made)}


def _images_of(extra: str | None) -> list[Facts]:
    """The facts of the images that `extra` lists; none where it is of another shape."""
    try:
        held = orjson.loads(extra or "")
    except orjson.JSONDecodeError:
        return []
    images = held.get("images") if isinstance(held, dict) else None
    if isinstance(images, list) and all(isinstance(image, dict) for image in images):
        return images
    return []


def _with_images(extra: str | None, facts: Sequence[Facts]) -> str | None:
    """`extra` with what is new of each image that it lists."""
    known = _images_of(extra)
    if extra is None or not known:
        return extra
    images = [image | new for image, new in zip(known, facts, strict=False)]
    return orjson.dumps(orjson.loads(extra) | {"images": images}).decode()


def _tallies(ids: pl.Series, kept: pl.Series, done: Sequence[list[str]]) -> pl.DataFrame:
    rows = [
        (name, kind, changes.count(kind))
        for name, stays, changes in zip(ids, kept, done, strict=True)
        for kind in dict.fromkeys(changes)
        if stays
    ]
    return pl.DataFrame(rows, schema=TALLIES, orient="row")


@functools.lru_cache(maxsize=1)
def _input_paths(path: Path) -> dict[str, tuple[str, str]]:
    paths: dict[str, tuple[str, str]] = json.loads(path.read_bytes())
    return paths


def _pinned(uri: str, path: str, digest: str) -> bytes:
    """The bytes of a source; raises SourceChanged when they are no longer those it was read as."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        data = b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise SourceChanged(CHANGED.format(uri))
    return data
