"""What the sandbox and its child say to each other: lines of JSON there, framed Arrow back.

The child is not trusted: nothing that it sends is unpickled, no length is believed that is over
the limit, and its frames are validated to the last offset before Polars sees them.
"""

from __future__ import annotations

import importlib
import io
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.record import SCHEMA
from pipeline.source import Reader, SourceFile, Span, Unit

UNIT = "unit"
"""The column beside the record's own that says of which unit of the batch a row is, from 0."""

HEADER = struct.Struct("<cIIQ")
"""Kind, number of units done, frames handed over of the unit in work, bytes that follow."""

_SENT = pl.Schema([*SCHEMA.items(), (UNIT, pl.UInt32)])

READY, STARTED, FRAME, DONE, FAILED = b"R", b"S", b"F", b"D", b"X"
"""The child: is ready (JSON: what holds), starts a unit, hands over a frame, is done with the
batch, gives up on the unit in work (JSON: reason and value)."""


def to_line(units: Sequence[tuple[Reader, Unit]], skip: int) -> bytes:
    """A batch of units as one line; of the first, the first `skip` frames are not wanted."""
    told = [
        {
            "module": type(reader).__module__,
            "reader": type(reader).__qualname__,
            "settings": reader.model_dump(mode="json"),  # type: ignore[attr-defined]
            "files": [_told(file) for file in unit.files],
            "sidecars": [_told(file) for file in unit.sidecars],
        }
        for reader, unit in units
    ]
    return json.dumps({"units": told, "skip": skip}).encode() + b"\n"


def from_line(line: bytes) -> tuple[list[tuple[Reader, Unit]], int]:
    """The batch that `to_line` wrote; in the child only, since it imports what it is told to."""
    told = json.loads(line)
    return [_unit(one) for one in told["units"]], told["skip"]


def _told(file: SourceFile) -> dict[str, Any]:
    return asdict(file) | {"path": str(file.path)}


def _unit(told: dict[str, Any]) -> tuple[Reader, Unit]:
    kind = getattr(importlib.import_module(told["module"]), told["reader"])
    files, sidecars = (tuple(_file(one) for one in told[name]) for name in ("files", "sidecars"))
    return kind(**told["settings"]), Unit(files, sidecars)


def _file(told: dict[str, Any]) -> SourceFile:
    span = Span(**told["span"]) if told["span"] else None
    return SourceFile(**told | {"path": Path(told["path"]), "span": span})


def pack(frames: Sequence[pl.DataFrame]) -> bytes:
    """Frames as one Arrow IPC stream."""
    stream = io.BytesIO()
    pl.concat(frames).write_ipc_stream(stream)
    return stream.getvalue()


def unpack(data: bytes) -> pl.DataFrame:
    """The frame of an Arrow IPC stream from the child; raises ValueError when it is not one."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(data) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"no Arrow stream: {error}") from error
    frame = pl.DataFrame(table)
    if frame.schema != _SENT:
        raise ValueError("its frame is not of the record's schema")
    return frame
