"""JSON Lines: a line is a record, and a bad line costs only that record.

Lines end at the byte LF, as the format says, so a U+2028 or a lone CR in a string does not end one.
Each is parsed by itself, and strictly: see `pipeline.readers.json_object`. For the meaning of the
columns see `pipeline.readers.conventions`. The locator is `line=N`, counted from 1. One blank line
at the end of the file is ignored; other blank lines are rejected.

Reasons, for a file: `read.empty_file`, `read.binary` (value: the kind), `read.wide_encoding`,
`read.not_json_lines`. For a line: `read.bad_json` (value: the parser's message), `read.blank_line`,
`read.line_too_long` (value: bytes), `read.duplicate_key` (value: the key), `read.too_deep` (value:
depth), `read.not_an_object` (value: what it is), and those of `pipeline.readers.conventions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

import orjson
import polars as pl
from pydantic import Field

from pipeline.readers import conventions, json_object, ranges
from pipeline.readers.conventions import Columns
from pipeline.readers.jsonl_blocks import Alike, Blocks, Texts
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Located, Row, UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import HEAD_BYTES, SourceFile

REASONS = {
    **conventions.REASONS,
    "read.empty_file": "the file is empty or holds only white space",
    "read.binary": "the file is not text; its first bytes identify what it is",
    "read.wide_encoding": "the file is in UTF-16 or UTF-32, but JSON must be in UTF-8; convert "
    "it, for example with `iconv -t utf-8 -f utf-16`",
    "read.not_json_lines": "the file is a JSON document over several lines; write one object on "
    "each line, for example with `jq -c .[]`",
    "read.bad_json": "the line or item is not valid JSON",
    "read.blank_line": "the line is blank",
    "read.line_too_long": "the line is longer than this reader accepts",
    "read.duplicate_key": "an object has the same key twice, and parsers disagree on which counts",
    "read.too_deep": "it is nested more deeply than any real data or document",
    "read.not_an_object": "the line or item is valid JSON but not an object",
}

EXTENSIONS = (".jsonl", ".ndjson", ".jsonlines", ".json")

MAX_LINE_BYTES = 16_000_000
_WIDE_STARTS = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{", b"\0\0\0{", b"\0\0\xfe\xff")


class JsonlReader(PerFileReader):
    """JSON Lines: prompts and completions, conversations or texts, one object on each line."""

    name: ClassVar[str] = "jsonl"
    sandboxed: ClassVar[bool] = False

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    max_line_bytes: int = Field(
        default=MAX_LINE_BYTES, gt=0, description="longer lines are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.jsonl, .ndjson, .json), or if the first line is an object."""
        return file.uri.lower().endswith(EXTENSIONS) or _starts_with_object(head)

    def pieces(self, file: SourceFile) -> Sequence[SourceFile]:
        """Cut a large file into ranges of lines."""
        try:
            _refuse_other_formats(file.head())
        except UnreadableError:
            return (file,)
        return ranges.by_lines(file, ranges.RANGE_BYTES)

    def rows(self, file: SourceFile) -> Iterator[Row | Texts]:
        """Yield the records of each line, or many lines at once."""
        alike = Alike(self.columns)
        for number, line in _numbered(file, self.max_line_bytes, alike):
            if isinstance(line, dict):
                yield Texts(file.uri, number - 1, line)
                continue
            item = _parsed(line)
            if isinstance(item, UnreadableError):
                yield item.row(file, _locator(number))
            else:
                yield from conventions.records(item, self.columns, file, _locator(number))


def objects(file: SourceFile, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Located]:
    """Yield each line as an object, or its fault, with its locator.

    A fault of the whole file has the locator "".
    """
    for number, line in _numbered(file, max_line_bytes, None):
        assert not isinstance(line, dict), "without `alike`, lines are read one by one"
        yield _locator(number), _parsed(line)


Line = bytes | UnreadableError | dict[str, pl.Series]
"""A line; or what is wrong with it; or the columns of several lines that are alike."""


def _numbered(file: SourceFile, limit: int, alike: Alike | None) -> Iterator[tuple[int, Line]]:
    """Yield the lines with their numbers; a fault of the whole file has the number 0."""
    empty = True
    try:
        _refuse_other_formats(file.head())
    except UnreadableError as fault:
        yield 0, fault
        return
    span = file.span
    with ranges.opened(file) as stream:
        before, ends = (span.before, span.end == file.size) if span else (_skip_mark(stream), True)
        for numbered in _lines(Blocks(stream), limit, before, alike, ends=ends):
            empty = False
            yield numbered
    if empty:
        yield 0, UnreadableError("read.empty_file", file.size)


def _locator(number: int) -> str:
    return f"line={number}" if number else ""


def _parsed(line: bytes | UnreadableError) -> dict[str, Any] | UnreadableError:
    if isinstance(line, UnreadableError):
        return line
    try:
        return json_object.parsed(line)
    except UnreadableError as fault:
        return fault


def _skip_mark(stream: BinaryIO) -> int:
    """Skip a byte order mark; returns the number of lines before this place, which is 0."""
    if stream.read(3) != b"\xef\xbb\xbf":
        stream.seek(0)
    return 0


def _lines(
    stream: Blocks, limit: int, before: int, alike: Alike | None, *, ends: bool
) -> Iterator[tuple[int, Line]]:
    """Yield lines with their numbers; a line over the limit is never held as a whole.

    `before` lines precede the stream. If the file `ends` with it, a blank last line is left out.
    """
    number = before
    blank: int | None = None
    while True:
        if alike and not blank and (columns := alike.read(stream.ahead(limit))) is not None:
            stream.passed()
            yield number + 1, columns
            number += len(next(iter(columns.values())))
            continue
        if not (line := stream.readline(limit + 1)):
            break
        number += 1
        if blank:
            yield blank, UnreadableError("read.blank_line")
        blank = None
        if len(line) > limit and not line.endswith(b"\n"):
            size = len(line) + _skip_line(stream)
            yield number, UnreadableError("read.line_too_long", size, limit)
        elif line.isspace():
            blank = number
        else:
            yield number, line
    if blank and not ends:
        yield blank, UnreadableError("read.blank_line")


def _skip_line(stream: Blocks) -> int:
    size = 0
    while piece := stream.readline(1 << 20):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size


def is_document(head: bytes) -> bool:
    """Whether this is one JSON document, not JSON Lines: an array, or an object over lines."""
    if _over_several_lines(head) or _goes_on(head):
        return True
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    line, newline, _ = start.partition(b"\n")
    return start.startswith(b"[") and not (newline and _is_object(line))


def _refuse_other_formats(head: bytes) -> None:
    if kind := signature(head):
        raise UnreadableError("read.binary", kind)
    if head.startswith(_WIDE_STARTS):
        raise UnreadableError("read.wide_encoding")
    if _over_several_lines(head):
        raise UnreadableError("read.not_json_lines")


def _over_several_lines(head: bytes) -> bool:
    """Whether the first line opens a value that it does not close, and the second is no record."""
    first, _, rest = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    opens = first.strip() == b"{" or (first.startswith(b"[") and not _is_valid(first))
    return opens and bool(rest) and not _is_object(rest.partition(b"\n")[0])


def _goes_on(head: bytes) -> bool:
    """Whether the first line breaks off inside an object, and the second is no record.

    In JSON Lines that is a faulty line, so only a file's name can make it a document.
    """
    first, _, rest = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    second, newline, _ = rest.partition(b"\n")
    breaks_off = first.rstrip().endswith((b"{", b"[", b",", b":"))
    closes = second.lstrip().startswith((b"}", b"]", b","))
    if not first.startswith(b"{") or not (breaks_off or closes) or _is_valid(first):
        return False
    cut = not newline and len(head) == HEAD_BYTES
    return not (second.lstrip().startswith(b"{") if cut else _is_object(second))


def _starts_with_object(head: bytes) -> bool:
    line, newline, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    whole = bool(newline) or len(head) < HEAD_BYTES
    return whole and line.startswith(b"{") and _is_object(line)


def _is_valid(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and _is_valid(line)
