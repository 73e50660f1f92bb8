"""What the sandbox and its child say to each other: lines of JSON there, framed JSON or Arrow back.

The child is not trusted: nothing that it sends is unpickled, no length is believed that is over
the limit, its rows are held against the record's types, and its frames are validated to the last
offset before Polars sees them. Polars is imported where a frame is made: few children make one.
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
"""The column beside the record's own that says of which unit of the batch a row is, from 0."""

HEADER = struct.Struct("<cIIQ")
"""Kind, number of units done, frames handed over of the unit in work, bytes that follow."""

READY, ROWS, FRAME, DONE, FAILED = b"R", b"J", b"F", b"D", b"X"
"""The child: is ready (JSON: what holds), hands over rows (JSON) or a frame (Arrow), is done with
the batch, gives up on the unit in work (JSON: reason and value). Which unit is in work stands in
memory that both see (`pipeline.readers.counted`)."""


def to_line(units: Sequence[tuple[Reader, Unit]], skip: int) -> bytes:
    """A batch of units as one line; of the first, the first `skip` frames are not wanted."""
    readers = {id(reader): reader for reader, _ in units}
    places = {one: place for place, one in enumerate(readers)}
    told = {
        "readers": [_reader_told(reader) for reader in readers.values()],
        "units": [
            [places[id(reader)], [*map(_told, unit.files)], [*map(_told, unit.sidecars)]]
            for reader, unit in units
        ],
        "skip": skip,
    }
    return json.dumps(told).encode() + b"\n"


def from_line(line: bytes) -> tuple[list[tuple[Reader, Unit]], int]:
    """The batch that `to_line` wrote; in the child only, since it imports what it is told to."""
    told = json.loads(line)
    readers = [_reader(one) for one in told["readers"]]
    units = [
        (readers[place], Unit(tuple(map(_file, files)), tuple(map(_file, sidecars))))
        for place, files, sidecars in told["units"]
    ]
    return units, told["skip"]


def _reader_told(reader: Reader) -> dict[str, Any]:
    return {
        "module": type(reader).__module__,
        "reader": type(reader).__qualname__,
        "settings": reader.model_dump(mode="json"),  # type: ignore[attr-defined]
    }


def _reader(told: dict[str, Any]) -> Reader:
    kind = getattr(importlib.import_module(told["module"]), told["reader"])
    reader: Reader = kind(**told["settings"])
    return reader


def _told(file: SourceFile) -> list[Any]:
    span = file.span and [file.span.start, file.span.before, file.span.end]
    return [file.uri, str(file.local), file.size, file.sha256, span]


def _file(told: list[Any]) -> SourceFile:
    uri, path, size, sha256, span = told
    return SourceFile(uri, path, size, sha256, Span(*span) if span else None)


def pack(frames: Sequence[pl.DataFrame]) -> bytes:
    """Frames as one Arrow IPC stream."""
    import polars as pl

    stream = io.BytesIO()
    pl.concat(frames).write_ipc_stream(stream)
    return stream.getvalue()


def unpack(data: bytes) -> pl.DataFrame:
    """The frame of an Arrow IPC stream from the child; raises ValueError when it is not one."""
    import polars as pl
    import pyarrow as pa

    from pipeline.record import SCHEMA

    try:
        with pa.ipc.open_stream(data) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"no Arrow stream: {error}") from error
    frame = pl.DataFrame(table)
    if frame.schema != pl.Schema([*SCHEMA.items(), (UNIT, pl.UInt32)]):
        raise ValueError("its frame is not of the record's schema")
    return frame
