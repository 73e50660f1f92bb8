"""Reads a video file's container and duration from its headers. Nothing is decoded.

MP4 and QuickTime consist of boxes of a size and a name (ISO/IEC 14496-12): `ftyp` names the brand,
`moov/mvhd` the duration. Matroska and WebM are EBML elements (RFC 8794, RFC 9559): the header
names the document type, `Segment/Info` the duration.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT, _INFO = 0x1A45DFA3, 0x18538067, 0x1549A966
_DOC_TYPE, _SCALE, _DURATION = 0x4282, 0x2AD7B1, 0x4489
_USUAL_SCALE = 1_000_000  # nanoseconds of a tick, if the file does not say
_UNKNOWN = -1
_MOST_ELEMENTS = 10_000
_QUICKTIME = b"qt  "
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


@dataclass(frozen=True)
class Video:
    """Container as Bedrock names it, and seconds; None if the file does not record them."""

    format: str  # mp4, mov, mkv or webm
    seconds: float | None


def read_video(path: Path) -> Video:
    """A video's container and duration.

    Raises ValueError for anything that is not a video in a known container, OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == _EBML.to_bytes(4):
            return _matroska(file, size)
        if head[4:8] in _FIRST_BOXES:
            return _boxes(file, size)
    raise ValueError("neither MP4, QuickTime, Matroska nor WebM")


def _boxes(file: BinaryIO, size: int) -> Video:
    brand, seconds, found = _QUICKTIME, None, False
    for name, start, end in _box_headers(file, 0, size):
        if name == b"ftyp":
            file.seek(start)
            brand = file.read(4)
        elif name == b"moov":
            found = True
            seconds = _movie_seconds(file, start, end)
    if not found:
        raise ValueError("no index (moov): the file is cut short")
    return Video("mov" if brand == _QUICKTIME else "mp4", seconds)


def _box_headers(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each box's content."""
    for _ in range(_MOST_ELEMENTS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or at >= end:
            return
        length, name, start = int.from_bytes(head[:4]), head[4:8], at + 8
        if length == 1:  # a longer size follows
            length, start = int.from_bytes(head[8:16]), at + 16
        stop = end if length == 0 else at + length
        if stop < start or stop > end:
            raise ValueError(f"box {name!r} is longer than the file: it is cut short")
        yield name, start, stop
        at = stop


def _movie_seconds(file: BinaryIO, start: int, end: int) -> float | None:
    """Seconds by the movie header; None in fragmented files, which do not record them there."""
    for name, at, stop in _box_headers(file, start, end):
        if name == b"mvhd":
            file.seek(at)
            body = file.read(min(stop - at, 36))
            if len(body) < 20 or (body[0] == 1 and len(body) < 32):
                raise ValueError("its movie header is cut short")
            where = (
                struct.unpack(">IQ", body[20:32])
                if body[0] == 1
                else struct.unpack(">II", body[12:20])
            )
            scale, ticks = where
            return ticks / scale if scale and ticks else None
    return None


def _matroska(file: BinaryIO, size: int) -> Video:
    kind, seconds, found = "", None, False
    for name, start, end in _elements(file, 0, size):
        if name == _EBML:
            kind = _text(file, _first(file, start, end, _DOC_TYPE))
        elif name == _SEGMENT:
            found = True
            info = _first(file, start, end, _INFO)
            seconds = _segment_seconds(file, *info) if info else None
            break
    if kind not in {"webm", "matroska"} or not found:
        raise ValueError(f"EBML of type {kind!r}, without a segment" if kind else "broken EBML")
    return Video("webm" if kind == "webm" else "mkv", seconds)


def _segment_seconds(file: BinaryIO, start: int, end: int) -> float | None:
    scale: float = _USUAL_SCALE
    ticks = None
    for name, at, stop in _elements(file, start, end):
        if name in {_SCALE, _DURATION}:
            file.seek(at)
            body = file.read(min(stop - at, 8))
            if name == _SCALE:
                scale = int.from_bytes(body)
            elif len(body) in {4, 8}:
                (ticks,) = struct.unpack(">f" if len(body) == 4 else ">d", body)
    return ticks * scale / 1e9 if ticks is not None and 0 < ticks < 1e15 else None


def _first(file: BinaryIO, start: int, end: int, wanted: int) -> tuple[int, int] | None:
    spans = (span for name, *span in _elements(file, start, end) if name == wanted)
    at, stop = next(spans, (_UNKNOWN, _UNKNOWN))
    return None if at == _UNKNOWN else (at, stop)


def _text(file: BinaryIO, span: tuple[int, int] | None) -> str:
    if span is None:
        return ""
    file.seek(span[0])
    return file.read(min(span[1] - span[0], 32)).rstrip(b"\0").decode("ascii", "replace")


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(id, start, end) of each element's content; one of unknown size reaches to `end`."""
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            return
        file.seek(at)
        head = file.read(12)
        wide = 9 - head[0].bit_length() if head and head[0] else 0
        if not 1 <= wide <= 4 or len(head) <= wide or not head[wide]:
            return
        long = 9 - head[wide].bit_length()
        bits = int.from_bytes(head[wide : wide + long]) & ((1 << 7 * long) - 1)
        start = at + wide + long
        stop = end if bits == (1 << 7 * long) - 1 else min(start + bits, end)
        yield int.from_bytes(head[:wide]), start, stop
        at = stop
