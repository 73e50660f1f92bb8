"""Excel workbooks: a sheet with a known header is rows of records, any other a table of text.

With `record: row`, or when a sheet's first row has columns that `pipeline.readers.conventions`
knows, each row below is a record, locator `sheet=NAME,row=N` as Excel counts. Other sheets become
one record each, locator `sheet=NAME`, as a Markdown table. Values are what is stored: a formula
is its last result, a date its serial number unless the cell is stored as text, a number as it is
written in the file; an error (`#N/A`) is no value. Hidden sheets are left out.

Reasons: those of `pipeline.readers.zipped`, `read.damaged`, `read.xml_entities` among them and
`pipeline.readers.conventions`, `read.no_text`, `read.no_rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.readers import conventions, zipped
from pipeline.readers.conventions import Columns
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.tables import as_lines
from pipeline.readers.zipped import Parts, attribute, local
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

REASONS = {
    **zipped.REASONS,
    **conventions.REASONS,
    "read.no_text": "there is no text in it",
    "read.no_rows": "there is no row in it, or none below the header",
}

EXTENSIONS = (".xlsx", ".xlsm", ".xltx")
MAX_BYTES = 100_000_000
MAX_COLUMNS = 16_384  # Excel's own

_COLUMN = re.compile(r"[A-Z]{1,3}")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_Cells = tuple[int, list[str]]
"""A row's number and its cells, as far as the last that is not empty."""


class XlsxReader(PerFileReader):
    """Excel workbooks (.xlsx): rows of records, or tables of text."""

    name: ClassVar[str] = "xlsx"

    columns: Columns | None = Field(
        default=None, description="which column is what; left out, known names are looked for"
    )
    record: Literal["row", "sheet"] | None = Field(
        default=None, description="what a record is; left out, rows where the header is known"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.xlsx, .xlsm), or by the members of the zip file."""
        by_name = file.uri.lower().endswith(EXTENSIONS)
        return by_name or zipped.is_office(head, "xl/workbook.xml")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """The records of all sheets that have text."""
        empty = True
        with zipped.opened(file, self.max_bytes) as parts:
            strings = _strings(parts)
            for name, part in _sheets(parts):
                cells = [row for row in _cells(parts, part, strings) if row[1]]
                if cells:
                    empty = False
                    yield from self._sheet(file, name, cells)
        if empty:
            raise UnreadableError("read.no_text")

    def _sheet(self, file: SourceFile, name: str, cells: list[_Cells]) -> Iterator[Row]:
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
            found = dict(zip(header, [*row, *[""] * len(header)], strict=False))
            yield from conventions.records(found, layout, file, f"{place},row={number}")

    def _layout(self, header: list[str]) -> tuple[bool, Columns | None]:
        """Whether rows are records, not the sheet; and what the columns mean (see `header`)."""
        if self.record == "sheet":
            return False, None
        try:
            return True, conventions.header(header, self.columns)
        except UnreadableError as fault:
            known = fault.reason != "read.unknown_columns"
            if known or self.record == "row" or self.columns:
                raise
            return False, None


def _strings(parts: Parts) -> list[str]:
    """The texts that cells refer to by number, without their phonetic guides."""
    name = "xl/sharedStrings.xml"
    if name not in parts:
        return []
    return [_text(item) for item in parts.xml(name) if local(item) == "si"]


def _text(item: _Element) -> str:
    told = []
    for child in item:
        if local(child) == "t":
            told.append(child.text or "")
        elif local(child) == "r":
            told += [each.text or "" for each in child if local(each) == "t"]
    return _unescaped("".join(told))


def _unescaped(text: str) -> str:
    """A text with the characters that XML cannot hold or would change: Excel writes `_x000D_`.

    `_x005F_` is the underscore of what only looks like one of these. Lines end in LF.
    """
    if "_x" not in text:
        return text
    whole = _ESCAPE.sub(lambda found: _character(found[0], found[1]), text)
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _character(escape: str, digits: str) -> str:
    """What an escape stands for; half of a surrogate pair is none, and stays as it is written."""
    number = int(digits, 16)
    return escape if 0xD800 <= number < 0xE000 else chr(number)


def _sheets(parts: Parts) -> Iterator[tuple[str, str]]:
    """Name and part of each sheet that is shown, in order."""
    main = "xl/workbook.xml"
    relations = parts.relations(main)
    for element in parts.xml(main).iter():
        if local(element) == "sheet" and element.get("state", "visible") == "visible":
            part = relations.get(attribute(element, "id") or "", "")
            if part in parts:
                yield element.get("name", "?"), part


def _cells(parts: Parts, part: str, strings: list[str]) -> Iterator[_Cells]:
    """The rows of a sheet, parsed one by one: a large sheet is never held as a tree."""
    from lxml import etree

    data = parts.read(part)
    if zipped.has_document_type(data):
        raise UnreadableError("read.xml_entities")
    walk = etree.iterparse(
        BytesIO(data), tag="{*}row", resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        for number, (_, row) in enumerate(walk, 1):
            at = row.get("r", "")
            yield (int(at) if at.isdigit() else number), _row(row, strings)
            row.clear()
            while row.getprevious() is not None:
                del row.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise UnreadableError("read.damaged", f"XML: {error}") from error


def _row(row: _Element, strings: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        value = _value(cell, strings)
        if value:
            at = _column(cell.get("r", ""), len(cells))
            cells += [""] * (at + 1 - len(cells))
            cells[at] = value
    return cells


def _column(reference: str, following: int) -> int:
    """The place of a cell such as "AB12", from 0."""
    match = _COLUMN.match(reference)
    if match is None:
        return following
    number = 0
    for letter in match[0]:
        number = 26 * number + ord(letter) - 64
    return min(number, MAX_COLUMNS) - 1


def _value(cell: _Element, strings: list[str]) -> str:
    kind = cell.get("t")
    if kind == "e":
        return ""
    for child in cell:
        if local(child) == "is":
            return _text(child)
        if local(child) == "v" and child.text:
            if kind == "b":
                return "FALSE" if child.text == "0" else "TRUE"
            if kind != "s":
                return _unescaped(str(child.text))
            place = int(child.text) if child.text.isdigit() else len(strings)
            return strings[place] if place < len(strings) else ""
    return ""
