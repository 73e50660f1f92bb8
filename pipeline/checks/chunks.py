"""Reads files in chunks of whole lines, so that memory does not grow with the size of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1 << 18
"""Bytes read at once: few enough that parsed values stay in the processor's cache."""

MAX_LINE_BYTES = 1 << 26
"""64 MiB: a longer line is not kept in memory."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a file."""

    data: bytes  # without the final newline
    start: int  # number of the first line, from 1
    ends: bool  # whether a newline ended it; False only for the file's last line
    last: bool = False  # of the file
    # Where its only line stands in the file, when that is over MAX_LINE_BYTES: `data` is its head.
    span: tuple[int, int] | None = None

    @property
    def endless(self) -> bool:
        """Whether `data` is only the head of a line that is too long to hold."""
        return self.span is not None

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines, without their newlines."""
        return self.data.split(b"\n")


def read_chunks(path: Path, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The file's lines in order; an empty file has no chunk."""
    start, rest, size = 1, bytearray(), path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(chunk_bytes):
            cut = block.rfind(b"\n")
            if cut < 0:
                rest += block
                if len(rest) > MAX_LINE_BYTES:
                    begin = file.tell() - len(rest)
                    ended = _skip_line(file)
                    span = (begin, file.tell() - ended)
                    yield Chunk(bytes(rest[:1000]), start, ended, file.tell() >= size, span)
                    start, rest = start + 1, bytearray()
                continue
            data = b"".join((rest, memoryview(block)[:cut]))
            rest = bytearray(block[cut + 1 :])
            chunk = Chunk(data, start, True, not rest and file.tell() >= size)
            yield chunk
            start += len(chunk.lines)
    if rest:
        yield Chunk(bytes(rest), start, ends=False, last=True)


def _skip_line(file: BinaryIO) -> bool:
    """Skip the rest of the line and its newline; returns whether there was a newline."""
    while block := file.read(CHUNK_BYTES):
        at = block.find(b"\n")
        if at >= 0:
            file.seek(at + 1 - len(block), 1)
            return True
    return False
