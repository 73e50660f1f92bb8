"""How readers hand over rows: faults as rows, rows as frames of a bounded size.

Reason: `read.bad_file_name` (value: the name).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from pipeline.record import frame, rejection
from pipeline.source import SourceFile

Row = dict[str, Any]
"""One record by column name, as `pipeline.record.frame` takes it."""

FRAME_ROWS = 2_000
FRAME_CHARS = 8_000_000
"""A frame is closed when it holds this many rows or characters, whichever comes first."""

VALUE_CHARS = 200
"""A rejection's value is evidence, not a copy of the data."""


class UnreadableError(Exception):
    """What is wrong with a file or with one row of it. Caught inside the reader, always."""

    def __init__(self, reason: str, value: Any = None, threshold: Any = None) -> None:
        self.reason = reason
        self.value = None if value is None else str(value)[:VALUE_CHARS]
        self.threshold = threshold
        super().__init__(reason, self.value, threshold)

    def row(self, file: SourceFile, locator: str = "") -> Row:
        """The rejected row that stands for this part of the file."""
        rejected = rejection(self.reason, self.value, self.threshold)
        return {"source": file.uri, "locator": locator, "rejected": rejected}


Located = tuple[str, dict[str, Any] | UnreadableError]
"""A row of a table as an object with its locator, or what is wrong with it."""


def frames(rows: Iterable[Row]) -> Iterator[pl.DataFrame]:
    """Rows as frames of `record.SCHEMA`, in order, none larger than the two limits above."""
    batch: list[Row] = []
    weight = 0
    for row in rows:
        batch.append(row)
        weight += _chars(row)
        if len(batch) >= FRAME_ROWS or weight >= FRAME_CHARS:
            yield frame(batch)
            batch, weight = [], 0
    if batch:
        yield frame(batch)


def _chars(row: Mapping[str, Any]) -> int:
    turns = row.get("messages") or ()
    own = len(row.get("text") or "") + len(row.get("system") or "")
    return own + sum(len(turn["text"]) for turn in turns)


def sibling(uri: str, name: str) -> str:
    """The URI of the file that `name` means when it stands in the file at `uri`.

    Only downwards: `..`, absolute paths and URLs are refused, so that data cannot name a file
    outside its own folder (CWE-22; Hugging Face's imagefolder keeps the same rule).

    >>> sibling("photos/metadata.csv", "./a/1.png")
    'photos/a/1.png'
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    absolute = name.startswith(("/", "~")) or name[1:2] == ":" or "://" in name
    if not parts or ".." in parts or absolute or "\\" in name or "\0" in name:
        raise UnreadableError("read.bad_file_name", name)
    folder, slash, _ = uri.rpartition("/")
    return folder + slash + "/".join(parts)
