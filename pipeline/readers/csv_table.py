"""CSV and similar formats: a row is a record, with the header's column names.

Quoting follows RFC 4180 strictly; if the delimiter is a tab and the lines show it, quotes are text
(see `pipeline.readers.quoting`). If each delimiter in the header is followed by a blank, blanks
after delimiters are not part of cells. The delimiter is one of `, ; TAB |`: the one that Excel's
first line `sep=;` names, or else the one that cuts the first rows most evenly. A fault in a row
costs only that row: reading goes on at the line after the one where the row began. The locator is
`row=N`, with data rows counted from 1; blank lines are not rows. For the meaning of the columns see
`pipeline.readers.conventions`.

Reasons, for a file: `read.empty_file`, `read.binary` (value: the kind), `read.bad_encoding`
(value: what was tried), `read.no_rows`, `read.duplicate_header` (value: the name),
`read.unknown_columns` and `read.missing_column` (value: the header, the column). For a row:
`read.ragged_row` (value: cells, threshold: cells of the header), `read.bad_quoting` (value: the
parser's message), `read.unclosed_quote` (value: how many lines it spans), `read.row_too_long`
(threshold: characters), and those of `pipeline.readers.conventions`.
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
    "read.bad_quoting": "a quoted cell has text after its closing quote",
    "read.unclosed_quote": "a quote is opened but never closed",
    "read.row_too_long": "the row is longer than this reader accepts, or a quote is never closed",
}

_IN_RANGES = "utf-8-sig"
"""The codec of every file that is read in ranges, whether or not it has a byte order mark."""

EXTENSIONS = (".csv", ".tsv", ".psv")


class CsvReader(PerFileReader):
    """Tables of delimited text with a header row."""

    name: ClassVar[str] = "csv"
    sandboxed: ClassVar[bool] = False

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="what separates cells; if omitted, detected"
    )
    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; if omitted, detected for each file"
    )
    max_row_chars: int = Field(
        default=delimited.MAX_ROW_CHARS, gt=0, description="longer rows are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:  # noqa: ARG002
        """Claim files by name: .csv, .tsv, .psv."""
        return file.uri.lower().endswith(EXTENSIONS)

    def pieces(self, file: SourceFile) -> Sequence[SourceFile]:
        """Cut a large file in UTF-8 into ranges of rows.

        A file with a fault that concerns the whole file is not cut.
        """
        try:
            if not self._codec(file).startswith("utf-8"):
                return (file,)
            if delimited.named_delimiter(file.head(), _IN_RANGES):
                return (file,)  # ranges count rows, and its first line is not a row
            cut = self.delimiter or delimited.find_delimiter(file.head(), _IN_RANGES)
            names, habits = delimited.read_header(file, _IN_RANGES, cut, self.max_row_chars)
            conventions.header(list(dict.fromkeys(names)), self.columns)
        except UnreadableError:
            return (file,)
        as_text = False
        if cut == quoting.TAB:
            as_text = delimited.quotes_are_text(file, _IN_RANGES, self.max_row_chars)
            if as_text != quoting.of_head(file.head(), _IN_RANGES):
                return (file,)  # for a range, only the first lines would decide
        if habits:
            return (file,)  # ranges look for quotes only where cells begin
        most = self.max_row_chars
        return ranges.by_rows(file, cut, most, ranges.RANGE_BYTES, quotes=not as_text)

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the records of each row of the table."""
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
        for locator, cells in table:
            if isinstance(cells, UnreadableError):
                yield cells.row(file, locator)
                continue
            if not asked:
                # All rows share the header: what it lacks is reported once, for the file.
                layout, asked = conventions.header(list(cells), self.columns), True
            for row in conventions.records(cells, layout, file, locator):
                yield row if "rejected" in row else {"extra": note, **row}
