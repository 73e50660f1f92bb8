"""The cells of an Excel sheet: where each is, what it contains, and which are shown.

Reasons: `read.damaged` (value: what is wrong), `read.xml_entities`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers import zipped
from pipeline.readers.rows import UnreadableError
from pipeline.readers.xlsx_numbers import Shown, as_number, plain
from pipeline.readers.zipped import NAMES, Parts, local

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_COLUMNS = 16_384  # Excel's own

_COLUMN = re.compile(r"[A-Z]{1,3}")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FILTER = re.compile(rb"filterColumn|filterMode=.(?:1|true)")
_DIGITS = "0123456789"
_MOST_DIGITS = 9
_MOST_LETTERS = 3
_YES = ("1", "true")

Cells = tuple[int, list[str]]
"""A row's number and its cells, up to the last that is not empty."""


class Values(NamedTuple):
    """The workbook-wide values that cells refer to."""

    strings: list[str]
    shown: dict[str, Shown]  # of numbers, by style


def cells_of(parts: Parts, part: str, values: Values) -> Iterator[Cells]:
    """Yield the rows of a sheet, parsed one by one, so that a large sheet is never held as a tree.

    Raises UnreadableError.
    """
    from lxml import etree

    data = parts.read(part)
    if zipped.has_document_type(data):
        raise UnreadableError("read.xml_entities")
    walk = etree.iterparse(
        BytesIO(data), tag=("{*}row", "{*}col"), resolve_entities=False, no_network=True,
        load_dtd=False,
    )  # fmt: skip
    shown = bytearray(b"\1") * MAX_COLUMNS
    filtered: bool | None = None
    number = 0
    try:
        for _, element in walk:
            if NAMES[element.tag] == "col":
                _leave_out(element, shown)
                continue
            number += 1
            if _is_hidden(element) and filtered is None:
                filtered = _is_filtered(parts, part, data)
            if filtered or not _is_hidden(element):
                yield _count(element.get("r", ""), number), _row(element, values, shown)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise UnreadableError("read.damaged", f"XML: {error}") from error


def _is_filtered(parts: Parts, part: str, data: bytes) -> bool:
    """Whether a filter hides rows of the sheet, or of a table in it."""
    tables = (parts.read(table) for table in parts.related(part, "table"))
    return any(_FILTER.search(each.replace(b"\0", b"")) for each in (data, *tables))


def _is_hidden(element: _Element) -> bool:
    """Whether a row or column is hidden itself, and not only folded away with its group."""
    return element.get("hidden") in _YES and element.get("outlineLevel", "0") == "0"


def _leave_out(element: _Element, columns: bytearray) -> None:
    """Set the flags in `columns` to 0 for the columns that the element hides."""
    if _is_hidden(element):
        first = max(1, _count(element.get("min", ""), 1))
        last = min(_count(element.get("max", ""), first), MAX_COLUMNS)
        columns[first - 1 : last] = bytes(max(0, last - first + 1))


def _row(row: _Element, values: Values, shown: bytearray) -> list[str]:
    cells: list[str] = []
    following = 0
    for cell in row:
        at = _PLACES[cell.get("r", "").rstrip(_DIGITS)]
        if at < 0:
            at = min(following, MAX_COLUMNS - 1)
        following = at + 1
        if shown[at] and (value := _value(cell, values)):
            cells += [""] * (following - len(cells))
            cells[at] = value
    return [*compress(cells, shown)] if 0 in shown[: len(cells)] else cells


class _Places(dict[str, int]):
    """The number of a column, from 0, by its letters; each is computed once. -1 for no column."""

    def __missing__(self, letters: str) -> int:
        match = _COLUMN.match(letters)
        number = 0
        for letter in match[0] if match else "":
            number = 26 * number + ord(letter) - 64
        if len(letters) > _MOST_LETTERS:  # not a column of Excel; there may be any number of such
            return min(number, MAX_COLUMNS) - 1
        self[letters] = min(number, MAX_COLUMNS) - 1
        return self[letters]


_PLACES = _Places()


def _value(cell: _Element, values: Values) -> str:
    kind = cell.get("t")
    if kind == "e":
        return ""
    for child in cell:
        name = NAMES[child.tag]
        if name == "v" and (text := child.text):
            if kind == "s":
                place = _count(text, len(values.strings))
                return values.strings[place] if place < len(values.strings) else ""
            return _stored(text, kind, values.shown.get(cell.get("s", "")))
        if name == "is":
            return text_of(child)
    return ""


def _stored(text: str, kind: str | None, shown: Shown | None) -> str:
    """The text of a value that is stored in the cell itself.

    `kind` is the cell's type, `shown` how its style shows numbers.
    """
    if kind == "b":
        return "FALSE" if text == "0" else "TRUE"
    if kind not in (None, "n"):
        return _unescaped(text)
    number = as_number(text) if shown else None
    return plain(text) if shown is None or number is None else shown(number)


def _count(text: str, otherwise: int) -> int:
    """A count in decimal digits as a number; `otherwise` for any other text (such as `²`)."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else otherwise


def text_of(item: _Element) -> str:
    """The text of a string element, without its phonetic guide."""
    pieces = []
    for child in item:
        if local(child) == "t":
            pieces.append(child.text or "")
        elif local(child) == "r":
            pieces += [each.text or "" for each in child if local(each) == "t"]
    return _unescaped("".join(pieces))


def _unescaped(text: str) -> str:
    """Replace Excel's escapes, such as `_x000D_`, which it writes for characters that XML cannot
    hold or would change.

    `_x005F_` is the underscore of a text that only looks like an escape. Lines end in LF.
    """
    if "_x" not in text:
        return text
    whole = _ESCAPE.sub(lambda match: _character(match[0], match[1]), text)
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _character(escape: str, digits: str) -> str:
    """The character of an escape; an escape for half of a surrogate pair stays as it is."""
    number = int(digits, 16)
    return escape if 0xD800 <= number < 0xE000 else chr(number)
