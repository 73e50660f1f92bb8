"""Excel workbooks: rows of a sheet with a known header are records; other sheets are text tables.

With `record: row`, or if a sheet's first row has columns that `pipeline.readers.conventions` knows,
each row below it is a record, with the locator `sheet=NAME,row=N` as Excel counts. Every other
sheet becomes one record with the locator `sheet=NAME`, as a Markdown table. Values are the stored
ones: a formula gives its last result, an error (`#N/A`) gives no value. Numbers that a cell's
format shows as dates, times, durations or percentages are written as such
(`pipeline.readers.xlsx_numbers`).

Hidden sheets, rows and columns are left out. But rows that a filter hides at present, and rows and
columns of a folded group, do not count as hidden: they are data, and are kept.

Reasons: those of `pipeline.readers.zipped`, including `read.damaged` and `read.xml_entities`, those
of `pipeline.readers.conventions`, `read.no_text`, `read.no_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.readers import conventions, zipped
from pipeline.readers.conventions import Columns
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.tables import as_lines
from pipeline.readers.xlsx_cells import Cells, Values, cells_of, text_of
from pipeline.readers.xlsx_numbers import Shown, shown_by_style
from pipeline.readers.zipped import Parts, attribute, local
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

REASONS = {
    **zipped.REASONS,
    **conventions.REASONS,
    "read.no_text": "it contains no text",
    "read.no_rows": "there are no rows, or none below the header",
}

EXTENSIONS = (".xlsx", ".xlsm", ".xltx")
MAX_BYTES = 100_000_000


class XlsxReader(PerFileReader):
    """Excel workbooks (.xlsx): rows of records, or tables of text."""

    name: ClassVar[str] = "xlsx"

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    record: Literal["row", "sheet"] | None = Field(
        default=None, description="what a record is; if omitted, a row if the header is known"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.xlsx, .xlsm), or by the members of the zip file."""
        by_name = file.uri.lower().endswith(EXTENSIONS)
        return by_name or zipped.is_office(head, "xl/workbook.xml")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the records of all sheets that have text."""
        empty = True
        with zipped.opened(file, self.max_bytes) as parts:
            main = _main(parts)
            workbook = parts.xml(main)
            values = Values(_strings(parts, main), _shown(parts, main, workbook))
            for name, part in _sheets(parts, main, workbook):
                cells = [row for row in cells_of(parts, part, values) if row[1]]
                if cells:
                    empty = False
                    yield from self._sheet(file, name, cells)
        if empty:
            raise UnreadableError("read.no_text")

    def _sheet(self, file: SourceFile, name: str, cells: list[Cells]) -> Iterator[Row]:
        place = f"sheet={name}"
        header = cells[0][1]
        try:
            is_rows, layout = self._layout(header)
            if is_rows and len(cells) == 1:
                raise UnreadableError("read.no_rows")
        except UnreadableError as fault:
            yield fault.row(file, place)
            return
        if not is_rows:
            text = as_lines([row for _, row in cells])
            yield {"source": file.uri, "locator": place, "text": text}
            return
        for number, row in cells[1:]:
            item = dict(zip(header, [*row, *[""] * len(header)], strict=False))
            yield from conventions.records(item, layout, file, f"{place},row={number}")

    def _layout(self, header: list[str]) -> tuple[bool, Columns | None]:
        """Whether rows, and not the sheet, are records; and what the columns are.

        See `columns.header` for the latter.
        """
        if self.record == "sheet":
            return False, None
        try:
            return True, conventions.header(header, self.columns)
        except UnreadableError as fault:
            known = fault.reason != "read.unknown_columns"
            if known or self.record == "row" or self.columns:
                raise
            return False, None


def _main(parts: Parts) -> str:
    return next(iter(parts.related("", "officeDocument")), "xl/workbook.xml")


def _strings(parts: Parts, main: str) -> list[str]:
    """The strings that cells refer to by number, without their phonetic guides."""
    usual = [name for name in ("xl/sharedStrings.xml",) if name in parts]
    for name in parts.related(main, "sharedStrings") or usual:
        return [text_of(item) for item in parts.xml(name) if local(item) == "si"]
    return []


def _shown(parts: Parts, main: str, workbook: _Element) -> dict[str, Shown]:
    """By a cell's style: how it shows numbers."""
    values = (local(each) == "workbookPr" and each.get("date1904") for each in workbook)
    from_1904 = any(value in ("1", "true") for value in values)
    for name in parts.related(main, "styles"):
        return shown_by_style(parts, name, from_1904)
    return {}


def _sheets(parts: Parts, main: str, workbook: _Element) -> Iterator[tuple[str, str]]:
    """Yield the name and the part of each sheet that is not hidden, in order."""
    relations = parts.relations(main)
    for element in workbook.iter():
        if local(element) == "sheet" and element.get("state", "visible") == "visible":
            part = relations.get(attribute(element, "id") or "", "")
            if part in parts:
                yield element.get("name", "?"), part
