"""One large file as several units: ranges of whole records that any process can read by itself.

A range begins at the first record after each multiple of `RANGE_BYTES`, whichever process reads it,
so a record's locator, its order and every byte of the output are the same as with a single reader.
One pass over the bytes finds the cuts and counts the lines or rows before each. A file that cannot
be cut safely (see `by_lines` and `by_rows`) stays one unit: one process reads it, with the same
result.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.kernels import rows
from pipeline.source import SourceFile, Span

RANGE_BYTES = 16 << 20
"""As many source bytes as the largest shard takes; a file of less than twice as many is not cut."""

BLOCK = 1 << 20


def is_large(file: SourceFile) -> bool:
    """Whether a file is large enough to be cut."""
    return file.size >= 2 * RANGE_BYTES


_MARK = b"\xef\xbb\xbf"


@dataclass
class _Cuts:
    """Where ranges begin, and how many lines or rows precede each."""

    step: int
    places: list[tuple[int, int]]  # offset, records before it

    def wants(self, at: int) -> bool:
        """Whether a new range should begin in the block at the offset `at`."""
        return at // self.step > self.places[-1][0] // self.step

    def pieces(self, file: SourceFile) -> tuple[SourceFile, ...]:
        """The file divided into its ranges."""
        ends = [start for start, _ in self.places[1:]] + [file.size]
        spans = (Span(*place, end) for place, end in zip(self.places, ends, strict=True))
        return tuple(file._replace(span=span) for span in spans)


def _blocks(file: SourceFile, step: int) -> Iterator[tuple[int, bytes]]:
    """Yield the file's bytes in blocks, each with its offset, without a byte order mark.

    No block crosses a multiple of `step` (a multiple of `BLOCK`, or less than it).
    """
    at, block = 0, min(BLOCK, step)
    with file.open() as stream:
        while data := stream.read(block):
            skipped = len(_MARK) if at == 0 and data.startswith(_MARK) else 0
            yield at + skipped, data[skipped:]
            at += len(data)


def by_lines(file: SourceFile, step: int) -> tuple[SourceFile, ...]:
    """Cut a file of lines that end with LF about every `step` bytes.

    Returns the ranges, or only the file itself if there is nothing to cut. A range's `span.before`
    is the number of lines before it.
    """
    if file.size < 2 * step:
        return (file,)
    cuts, lines = _Cuts(step, []), 0
    for at, block in _blocks(file, step):
        if not cuts.places:
            cuts.places.append((at, 0))
        if cuts.wants(at) and (end := block.find(b"\n") + 1):
            cuts.places.append((at + end, lines + 1))
        lines += block.count(b"\n")
    while len(cuts.places) > 1 and _is_blank(file, cuts.places[-1][0]):
        cuts.places.pop()  # a blank last line is not a record
    return cuts.pieces(file) if len(cuts.places) > 1 else (file,)


def _is_blank(file: SourceFile, start: int) -> bool:
    with file.open() as stream:
        stream.seek(start)
        return all(block.isspace() for block in iter(lambda: stream.read(BLOCK), b""))


def by_rows(
    file: SourceFile, delimiter: str, most_bytes: int, step: int, *, quotes: bool = True
) -> tuple[SourceFile, ...]:
    """Cut a file of delimited rows in UTF-8 about every `step` bytes.

    Returns the ranges, or only the file itself if there is nothing to cut. A file is not cut either
    if it has a row of `most_bytes` or more, a quote that is never closed, or a quote closed on a
    later line with text after it: there the reader goes back, and its result depends on bytes far
    away. A range's `span.before` is the number of rows before it, including the header; each range
    has a row besides the header. Without `quotes`, quotation marks do not enclose cells.
    """
    if file.size < 2 * step:
        return (file,)
    cuts, state = _Cuts(step, []), rows.START
    for at, block in _blocks(file, step):
        if not cuts.places:
            cuts.places.append((at, 0))
        scanned = block if quotes else block.replace(b'"', b"'")
        state, cut, before = rows.scan_rows(scanned, ord(delimiter), state)
        mode, _, _, size, longest = state
        if mode == rows.LOST or max(size, longest) >= most_bytes:
            return (file,)
        if cut >= 0 and cuts.wants(at) and before > max(cuts.places[-1][1], 1):
            cuts.places.append((at + cut, before))
    mode, _, ended, _, _ = state
    total = ended + (mode not in (rows.ROW, rows.ROW_CR))
    while len(cuts.places) > 1 and cuts.places[-1][1] >= total:
        cuts.places.pop()  # blank lines are not rows
    return (file,) if mode == rows.QUOTED or len(cuts.places) < 2 else cuts.pieces(file)


class _Bounded(io.RawIOBase):
    """The bytes of a span of an open file."""

    def __init__(self, stream: BinaryIO, span: Span) -> None:
        self.stream, self.left = stream, span.end - span.start
        stream.seek(span.start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.stream.read(min(len(buffer), self.left))
        buffer[: len(data)] = data
        self.left -= len(data)
        return len(data)

    def close(self) -> None:
        self.stream.close()
        super().close()


def opened(file: SourceFile) -> BinaryIO:
    """Open a file, or its range if it has one; the caller closes the stream."""
    if file.span is None:
        return file.open()
    return io.BufferedReader(_Bounded(file.open(), file.span), BLOCK)
