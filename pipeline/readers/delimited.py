"""Delimited text cut into rows, where a fault costs only the row that has it.

Python's `csv` does the cutting, strictly. Two habits are detected from the file: blanks after all
delimiters of the header, which are then not part of any cell, and quotes that are text (see
`pipeline.readers.quoting`). `csv` cannot say where to go on after a fault: a quote that is never
closed makes everything after it one cell. So the lines of the row being read are kept, and after a
fault all but the first are read again.

Reasons, explained in `pipeline.readers.csv_table`: `read.empty_file`, `read.no_rows`,
`read.duplicate_header`, `read.ragged_row`, `read.bad_quoting`, `read.unclosed_quote`,
`read.row_too_long`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from pipeline.readers import quoting, ranges
from pipeline.readers.encoding import find_encoding
from pipeline.readers.rows import Located, UnreadableError
from pipeline.source import HEAD_BYTES, SourceFile

Habits = Mapping[str, Any]
"""The options of `csv.reader` for a file's rows, apart from the delimiter."""

SPACED: Habits = {"skipinitialspace": True}

DELIMITERS = (",", ";", "\t", "|")
MAX_ROW_CHARS = 1_000_000

_NAMED = re.compile(r'\ufeff?"?sep=([,;\t|])"?(?:\r\n?|\n)', re.IGNORECASE)
_SAMPLE_ROWS = 50
_MAX_RESTARTS = 1_000
"""How often lines may be given back to be read again: each time may cost `max_row_chars`, and a
file could do this without end."""


def file_encoding(file: SourceFile, declared: str | None) -> str:
    """The codec in which the whole file decodes; raises `UnreadableError`."""
    if file.size == 0:
        raise UnreadableError("read.empty_file", 0)
    with file.open() as stream:
        return find_encoding(stream, declared)


def objects(
    file: SourceFile, codec: str, delimiter: str | None = None, limit: int = MAX_ROW_CHARS
) -> Iterator[Located]:
    """Yield each data row as an object by the header's names, or its fault, with its locator.

    `limit` is the most characters of a row. A fault of the whole file has the locator "".
    """
    cut = delimiter or find_delimiter(file.head(), codec)
    try:
        header, habits = read_header(file, codec, cut, limit)
    except UnreadableError as fault:
        yield "", fault
        return
    if cut == quoting.TAB and quotes_are_text(file, codec, limit):
        habits = {"quoting": csv.QUOTE_NONE}
    first = file.span.before if file.span else 0
    number = 0
    range_codec = "utf-8" if file.span else codec  # no range begins with a byte order mark
    with io.TextIOWrapper(ranges.opened(file), encoding=range_codec, newline="") as stream:
        if named_delimiter(file.head(), codec):  # such a file has no ranges
            stream.readline()
        for number, row in enumerate(split_rows(stream, cut, limit, habits), first):
            if number:  # the header is not a data row
                yield f"row={number}", _named(header, row)
    if not number:
        yield "", UnreadableError("read.no_rows")


def quotes_are_text(file: SourceFile, codec: str, limit: int) -> bool:
    """Whether the quotes in a tab-delimited file are text, judging by all its lines.

    For a range of a file, the first lines decide; `CsvReader.pieces` makes sure that they give the
    same answer.
    """
    if file.span or named_delimiter(file.head(), codec):
        return quoting.of_head(file.head(), codec)
    return quoting.of_file(file, codec, limit)


def read_header(
    file: SourceFile, codec: str, delimiter: str, limit: int
) -> tuple[list[str], Habits]:
    """The names of the columns, and the habits of the rows; raises `UnreadableError`."""
    habits: Habits = {}
    while True:
        with io.TextIOWrapper(file.open(), encoding=codec, newline="") as stream:
            if named_delimiter(file.head(), codec):
                stream.readline()
            row = next(split_rows(stream, delimiter, limit, habits), None)
        if habits or not isinstance(row, list) or not _is_spaced(row):
            return _header(row, file), habits
        habits = SPACED


def _is_spaced(row: list[str]) -> bool:
    """Whether all cells except the first begin with a blank."""
    return len(row) > 1 and all(cell.startswith(" ") and cell.strip() for cell in row[1:])


def named_delimiter(head: bytes, codec: str) -> str | None:
    """The delimiter that a first line such as `sep=;` names; None if there is no such line.

    Excel writes and reads that line; it is not a row.
    """
    match = _NAMED.match(head[:100].decode(codec, "ignore"))
    return match[1] if match else None


def find_delimiter(head: bytes, codec: str) -> str:
    """The delimiter that the first line names, or else the one that cuts the first rows most
    evenly; among equals, the one that gives more cells."""
    if named := named_delimiter(head, codec):
        return named
    text = head.decode(codec, "ignore")
    if len(head) == HEAD_BYTES:
        text = text[: text.rfind("\n") + 1] or text
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """The share of rows with as many cells as the first, and that number; zeros for one column."""
    widths = []
    for row in split_rows(io.StringIO(text, newline=""), delimiter, len(text)):
        widths.append(0 if isinstance(row, UnreadableError) else len(row))
        if len(widths) == _SAMPLE_ROWS:
            break
    if not widths or widths[0] <= 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def split_rows(
    stream: TextIO, delimiter: str, limit: int, habits: Habits | None = None
) -> Iterator[list[str] | UnreadableError]:
    """Yield each row as its cells, or its fault; blank lines are not rows."""
    csv.field_size_limit(max(csv.field_size_limit(), limit + 1))  # process-wide, so only raised
    lines = _Lines(stream, limit)
    restarts = 0
    while True:
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True, **(habits or {})):
                lines.start_row()
                if row:
                    yield row
            return
        except csv.Error as error:
            yield _fault(error, lines, limit)
        restarts += len(lines.taken) > 1
        if restarts > _MAX_RESTARTS:
            yield UnreadableError("read.unclosed_quote", "the rest of the file")
            return
        lines.give_back()


class _TooLongError(csv.Error):
    pass


class _Lines:
    """Lines of a stream; those of the row being read can be given back, to be read again."""

    def __init__(self, stream: TextIO, limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.given_back: deque[str] = deque()
        self.start_row()

    def start_row(self) -> None:
        self.taken: list[str] = []
        self.chars = 0

    def give_back(self) -> None:
        self.given_back.extendleft(reversed(self.taken[1:]))
        self.start_row()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.given_back:
            line = self.given_back.popleft()
        else:
            line = self.stream.readline(self.limit + 1)
            if len(line) > self.limit:
                self._skip_rest(line)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.chars += len(line)
        if self.chars > self.limit:
            raise _TooLongError
        return line

    def _skip_rest(self, line: str) -> None:
        """Skip the rest of a line that is over the limit; `line` is what was read of it."""
        while line and not line.endswith(("\n", "\r")):
            line = self.stream.readline(self.limit + 1)


def _fault(error: csv.Error, lines: _Lines, limit: int) -> UnreadableError:
    if isinstance(error, _TooLongError):
        return UnreadableError("read.row_too_long", None, limit)
    if "end of data" in str(error):
        return UnreadableError("read.unclosed_quote", len(lines.taken))
    return UnreadableError("read.bad_quoting", error)


def _header(row: list[str] | UnreadableError | None, file: SourceFile) -> list[str]:
    if row is None:
        raise UnreadableError("read.empty_file", file.size)
    if isinstance(row, UnreadableError):
        raise row
    header = [name.strip() for name in row]
    names = set[str]()
    for name in filter(None, header):
        if name in names:
            raise UnreadableError("read.duplicate_header", name)
        names.add(name)
    return header


def _named(
    header: Sequence[str], row: list[str] | UnreadableError
) -> dict[str, Any] | UnreadableError:
    if isinstance(row, UnreadableError):
        return row
    if len(row) != len(header):
        return UnreadableError("read.ragged_row", len(row), len(header))
    return dict(zip(header, row, strict=True))
