"""Tables of a Word document: which cells are a table's own, and in which column each begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_COLUMNS = 63  # Word's own
_Cell = TypeVar("_Cell")


def rows_of(table: _Element) -> Iterator[Iterator[tuple[int, _Element]]]:
    """Yield the cells of each row, each with the column of the table's grid where it begins."""
    for row in table.iter("{*}tr"):
        if _is_own(row, "tbl", table):
            yield _cells(row)


def in_columns(rows: Sequence[dict[int, _Cell]], empty: _Cell) -> list[list[_Cell]]:
    """Align rows of cells, so that cells that begin at the same grid column are in one column.

    `rows` maps grid columns to cells; a missing cell is `empty`. The grid is finer than the visible
    table: columns where no cell begins are dropped. Rows of empty cells are left out.

    >>> in_columns([{0: "Q", 1: "A", 3: "Note"}, {0: "wide", 3: "n"}], "")
    [['Q', 'A', 'Note'], ['wide', '', 'n']]
    """
    filled = [row for row in rows if any(row.values())]
    columns = sorted(set().union(*filled))
    return [[row.get(column, empty) for column in columns] for row in filled]


def _cells(row: _Element) -> Iterator[tuple[int, _Element]]:
    column = _before(row)
    for cell in row.iter("{*}tc"):
        if _is_own(cell, "tr", row):
            yield column, cell
            column += _width(cell)


def _width(cell: _Element) -> int:
    """How many columns of the grid a cell spans; its properties come before its text."""
    spans = (each for properties in cell[:1] for each in properties)
    return max(1, next((_columns(each) for each in spans if NAMES[each.tag] == "gridSpan"), 1))


def _before(row: _Element) -> int:
    """How many columns of the grid a row leaves out before its first cell."""
    properties = (each for child in row if NAMES[child.tag] == "trPr" for each in child)
    return next((_columns(each) for each in properties if NAMES[each.tag] == "gridBefore"), 0)


def _columns(element: _Element) -> int:
    """The number of columns that an element gives; 0 if it is not a number."""
    number = attribute(element, "val") or ""
    known = number.isdecimal() and len(number) < 4
    return min(int(number), MOST_COLUMNS) if known else 0


def _is_own(element: _Element, kind: str, owner: _Element) -> bool:
    """Whether `owner` is the nearest element of that kind around `element`.

    It is not if the element is in a nested table.
    """
    above = element.getparent()
    while above is not None and NAMES[above.tag] != kind:
        above = above.getparent()
    return above is owner
