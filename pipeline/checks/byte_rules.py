"""Rules about bytes, before JSON is parsed: how a file begins, line endings and line length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.checks.chunks import Chunk
from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault
from pipeline.kernels import holds_any

SEPARATORS = {b"\xc2\x85": "U+0085", b"\xe2\x80\xa8": "U+2028", b"\xe2\x80\xa9": "U+2029"}
"""Characters, as UTF-8, that some readers take for the end of a line."""

BOM = b"\xef\xbb\xbf"
HEAD_BYTES = 4
"""Bytes by which a file that is not text in UTF-8 is known."""

_GZIP = b"\x1f\x8b"
_WIDE = {
    "UTF-32": (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"),  # first: UTF-16 begins alike
    "UTF-16": (b"\xff\xfe", b"\xfe\xff"),
}


def head_fault(head: bytes) -> tuple[str, str] | None:
    """Rule and detail of a file that is not text at all, by its first HEAD_BYTES bytes."""
    if not head:
        return "empty-file", ""
    if head.startswith(_GZIP):
        return "gzip", ""
    encoding = wide_encoding(head)
    return ("not-utf-8", encoding) if encoding else None


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, if the first HEAD_BYTES bytes of a file have its byte order mark."""
    return next((name for name, marks in _WIDE.items() if head.startswith(marks)), None)


def byte_faults(
    chunk: Chunk, lines: list[bytes], standard: Standard
) -> Iterator[tuple[int, RuleFault]]:
    """(line number, fault) for the lines of a chunk that end in CR LF or are too long."""
    if b"\r" in chunk.data:
        for number, line in enumerate(lines, chunk.start):
            if line.endswith(b"\r"):
                yield number, ("carriage-return", "", None, None)
    limit = standard.plan.limits.line_bytes_max if standard.plan else None
    if limit and max(map(len, lines)) > limit.value:
        for number, line in enumerate(lines, chunk.start):
            if len(line) > limit.value:
                detail = f"{len(line)} bytes, at most {limit.value}"
                yield number, ("line-too-long", detail, len(line), limit.value)


def separator_faults(
    data: bytes, numbers: Sequence[int], lines: Sequence[bytes]
) -> Iterator[tuple[int, RuleFault]]:
    """(line number, fault) of each raw separator; `data` is the lines joined, in valid UTF-8."""
    if data.isascii() or not holds_any(data, list(SEPARATORS)):
        return
    for number, line in zip(numbers, lines, strict=True):
        for mark, name in SEPARATORS.items():
            if mark in line:
                yield number, ("line-separator", name, name, None)
