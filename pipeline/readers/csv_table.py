"""CSV and its kin: a row is a record, named by the header.

Quoting is RFC 4180's and strict; where the delimiter is a tab and the lines say so, quotes are
text (see `pipeline.readers.quoting`). Where each of the header's delimiters has a blank behind it,
blanks behind delimiters are no part of a cell. The delimiter is the one of `, ; TAB |` that Excel's
first line `sep=;` names, or else the one that cuts the first rows most evenly. A row with a fault
costs itself: reading goes on at the line after the one it began on. The locator is `row=N`, data
rows counted from 1; blank lines are no rows. What the columns mean is told by
`pipeline.readers.conventions`.

Reasons, for a file: `read.empty_file`, `read.binary` (value: the kind), `read.bad_encoding`
(value: what was tried), `read.no_rows`, `read.duplicate_header` (value: the name),
`read.unknown_columns` and `read.missing_column` (value: the header, the column). For a row:
`read.ragged_row` (value: cells, threshold: cells of the header), `read.bad_quoting` (value: the
parser's words), `read.unclosed_quote` (value: lines it ran on), `read.row_too_long` (threshold:
characters), and those of `pipeline.readers.conventions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from pipeline.readers import conventions, delimited, encoding, quoting, ranges
from pipeline.readers.conventions import Columns
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Located, Row, UnreadableError
from pipeline.readers.text import Encoding, encoding_note
from pipeline.source import SourceFile

REASONS = {
    **conventions.REASONS,
    **{reason: text for reason, text in encoding.REASONS.items() if reason != "read.too_large"},
    "read.no_rows": "there are no rows, or none below the header",
    "read.ragged_row": "the row has more or fewer cells than the header",
    "read.bad_quoting": "a quoted cell goes on after its closing quote",
    "read.unclosed_quote": "a quote is opened and never closed",
    "read.row_too_long": "the row is longer than this reader accepts, or a quote is never closed",
}

_IN_RANGES = "utf-8-sig"
"""The codec of every file that is read in ranges, with a mark or without."""

EXTENSIONS = (".csv", ".tsv", ".psv")


class CsvReader(PerFileReader):
    """Tables as delimited text with a header row."""

    name: ClassVar[str] = "csv"
    sandboxed: ClassVar[bool] = False

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="what separates cells; left out, it is found"
    )
    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; if omitted, detected for each file"
    )
    max_row_chars: int = Field(
        default=delimited.MAX_ROW_CHARS, gt=0, description="longer rows are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:  # noqa: ARG002
        """By name: .csv, .tsv, .psv."""
        return file.uri.lower().endswith(EXTENSIONS)

    def pieces(self, file: SourceFile) -> Sequence[SourceFile]:
        """A large file in UTF-8 in ranges of rows; one with a fault that is the file's is whole."""
        try:
            if not self._codec(file).startswith("utf-8"):
                return (file,)
            if delimited.named_delimiter(file.head(), _IN_RANGES):
                return (file,)  # ranges count rows, and its first line is none
            cut = self.delimiter or delimited.find_delimiter(file.head(), _IN_RANGES)
            names, habits = delimited.read_header(file, _IN_RANGES, cut, self.max_row_chars)
            conventions.header(list(dict.fromkeys(names)), self.columns)
        except UnreadableError:
            return (file,)
        as_text = False
        if cut == quoting.TAB:
            as_text = delimited.quotes_are_text(file, _IN_RANGES, self.max_row_chars)
            if as_text != quoting.of_head(file.head(), _IN_RANGES):
                return (file,)  # a range would be read as the first lines say
        if habits:
            return (file,)  # quotes are looked for where cells begin
        most = self.max_row_chars
        return ranges.by_rows(file, cut, most, ranges.RANGE_BYTES, quotes=not as_text)

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """One row for each row of the table."""
        codec = self._codec(file)
        table = delimited.objects(file, codec, self.delimiter, self.max_row_chars)
        yield from self._records(file, table, encoding_note(codec))

    def _codec(self, file: SourceFile) -> str:
        if file.span:
            return _IN_RANGES
        return delimited.file_encoding(file, self.encoding)

    def _records(
        self, file: SourceFile, table: Iterator[Located], note: str | None
    ) -> Iterator[Row]:
        layout: Columns | None = None
        asked = False
        for locator, found in table:
            if isinstance(found, UnreadableError):
                yield found.row(file, locator)
                continue
            if not asked:
                # The header is every row's: what it lacks is said once, for the file.
                layout, asked = conventions.header(list(found), self.columns), True
            for row in conventions.records(found, layout, file, locator):
                yield row if "rejected" in row else {"extra": note, **row}
