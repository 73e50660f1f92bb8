"""The protocol between the sandbox and its child: lines of JSON there, framed JSON or Arrow back.

The child is not trusted: nothing that it sends is unpickled, a length over the limit is refused,
its rows are checked against the record's types, and its frames are validated to the last offset
before Polars sees them. Polars is imported only where a frame is made, because few children make
one.
"""

from __future__ import annotations

import importlib
import io
import json
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.source import Reader, SourceFile, Span, Unit

if TYPE_CHECKING:
    import polars as pl

UNIT = "unit"
"""The column, in addition to the record's, that says which unit of the batch a row belongs to;
units are counted from 0."""

HEADER = struct.Struct("<cIIQ")
"""Kind, number of units done, frames sent of the unit being read, bytes that follow."""

READY, ROWS, FRAME, DONE, FAILED = b"R", b"J", b"F", b"D", b"X"
"""The kinds of messages: the child is ready (JSON: the limits in force and its peak memory), sends
rows (JSON) or a frame (Arrow), has finished the batch, gives up on the unit being read (JSON:
reason and value). The number of the unit being read is in memory that both processes share
(`pipeline.readers.counted`)."""


def to_line(units: Sequence[tuple[Reader, Unit]], skip: int) -> bytes:
    """Encode a batch of units as one line of JSON.

    The child leaves out the first `skip` frames of the first unit.
    """
    readers = {id(reader): reader for reader, _ in units}
    places = {key: place for place, key in enumerate(readers)}
    batch = {
        "readers": [_reader_entry(reader) for reader in readers.values()],
        "units": [
            [places[id(reader)], [*map(_entry, unit.files)], [*map(_entry, unit.sidecars)]]
            for reader, unit in units
        ],
        "skip": skip,
    }
    return json.dumps(batch).encode() + b"\n"


def from_line(line: bytes) -> tuple[list[tuple[Reader, Unit]], int]:
    """Decode the units and `skip` from a line that `to_line` wrote.

    Only the child may call this, because it imports whatever modules the line names.
    """
    batch = json.loads(line)
    readers = [_reader(entry) for entry in batch["readers"]]
    units = [
        (readers[place], Unit(tuple(map(_file, files)), tuple(map(_file, sidecars))))
        for place, files, sidecars in batch["units"]
    ]
    return units, batch["skip"]


def _reader_entry(reader: Reader) -> dict[str, Any]:
    return {
        "module": type(reader).__module__,
        "reader": type(reader).__qualname__,
        "settings": reader.model_dump(mode="json"),  # type: ignore[attr-defined]
    }


def _reader(entry: dict[str, Any]) -> Reader:
    kind = getattr(importlib.import_module(entry["module"]), entry["reader"])
    reader: Reader = kind(**entry["settings"])
    return reader


def _entry(file: SourceFile) -> list[Any]:
    span = file.span and [file.span.start, file.span.before, file.span.end]
    return [file.uri, str(file.local), file.size, file.sha256, span]


def _file(entry: list[Any]) -> SourceFile:
    uri, path, size, sha256, span = entry
    return SourceFile(uri, path, size, sha256, Span(*span) if span else None)


def pack(frames: Sequence[pl.DataFrame]) -> bytes:
    """Encode frames as one Arrow IPC stream."""
    import polars as pl

    stream = io.BytesIO()
    pl.concat(frames).write_ipc_stream(stream)
    return stream.getvalue()


def unpack(data: bytes) -> pl.DataFrame:
    """Decode the frame in an Arrow IPC stream from the child; raises ValueError if invalid."""
    import polars as pl
    import pyarrow as pa

    from pipeline.record import SCHEMA

    try:
        with pa.ipc.open_stream(data) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not a valid Arrow stream: {error}") from error
    frame = pl.DataFrame(table)
    if frame.schema != pl.Schema([*SCHEMA.items(), (UNIT, pl.UInt32)]):
        raise ValueError("the child's frame does not have the record's schema")
    return frame
