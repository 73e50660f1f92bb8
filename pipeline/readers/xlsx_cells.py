"""The cells of a sheet of Excel: where each stands, what it says, and which are shown.

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
"""A row's number and its cells, as far as the last that is not empty."""


class Values(NamedTuple):
    """What the cells of a workbook refer to."""

    strings: list[str]
    shown: dict[str, Shown]  # of numbers, by style


def cells_of(parts: Parts, part: str, values: Values) -> Iterator[Cells]:
    """The rows of a sheet, parsed one by one: a large sheet is never held as a tree."""
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
    """Whether a row or column is hidden, and not only folded away with its group."""
    return element.get("hidden") in _YES and element.get("outlineLevel", "0") == "0"


def _leave_out(element: _Element, columns: bytearray) -> None:
    """Mark columns that are hidden."""
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
    """Columns from 0 by their letters, found once; -1 for none."""

    def __missing__(self, letters: str) -> int:
        match = _COLUMN.match(letters)
        number = 0
        for letter in match[0] if match else "":
            number = 26 * number + ord(letter) - 64
        if len(letters) > _MOST_LETTERS:  # no column of Excel, and there may be any number of them
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
    """A value that stands in the cell itself."""
    if kind == "b":
        return "FALSE" if text == "0" else "TRUE"
    if kind not in (None, "n"):
        return _unescaped(text)
    number = as_number(text) if shown else None
    return plain(text) if shown is None or number is None else shown(number)


def _count(text: str, otherwise: int) -> int:
    """A number that counts something; digits of other kinds (`²`) are none."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else otherwise


def text_of(item: _Element) -> str:
    """What a string says, without its phonetic guide."""
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
