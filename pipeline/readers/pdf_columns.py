"""Columns of a page: lines that end where other lines, beside them, begin.

Lines of the left column start at the same place as an abstract, a table or a caption over both
columns, but end in the middle of the page. So a column's right edge is taken from its own lines,
if these are prose, which fills its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

Line = tuple[str, float, float, float]
"""A line of text and its place in points from the lower left corner: the text, its left end, its
right end, and its baseline. A plain tuple: there are millions, and nothing else is as fast."""

FILLED = 0.88  # the share of the width from which a line counts as full
NEAR = 36.0  # lines that start within this many points of each other start at the same place

_JUMP = 36.0  # more points up than this lead from the end of a column to the top of the next
_FEWEST = 4  # lines of a column
_SHORTEST = 15  # characters of a line of prose
_FULL_SHARE = 0.5  # at least this share of the lines in a column of prose is full


def right_edges(lines: Iterable[Line]) -> dict[float, float]:
    """By the number of a place, `NEAR` points wide: how far lines reach to the right that start in
    it or in a place beside it."""
    farthest: dict[float, float] = {}
    for _, left, right, _ in lines:
        place = left // NEAR
        if right > farthest.get(place, 0.0):
            farthest[place] = right
    edges: dict[float, float] = {}
    for place, right in farthest.items():
        for near in (place - 1, place, place + 1):
            if right > edges.get(near, 0.0):
                edges[near] = right
    return edges


def edges_of_lines(page: Sequence[Line]) -> list[dict[float, float]] | None:
    """For each line, the right edges of its column, or of the page if it is in no column.

    None if no line is in a column.
    """
    bases = [base for _, _, _, base in page]
    ups = [n for n, (above, base) in enumerate(pairwise(bases), 1) if base - above > _JUMP]
    if not ups:
        return None
    bounds = [0, *ups, len(page)]
    columns: dict[int, list[int]] = {}  # by the number of a line: all lines of its column
    for start, up, end in zip(bounds, ups, bounds[2:], strict=False):
        for column in _beside(page, range(start, up), range(up, end)):
            if _is_prose([page[n] for n in column]):
                columns.update(dict.fromkeys(column, column))
    if not columns:
        return None
    distinct = {id(column): column for column in columns.values()}
    edges = {name: right_edges(page[n] for n in column) for name, column in distinct.items()}
    whole = right_edges(page)
    return [edges[id(columns[n])] if n in columns else whole for n in range(len(page))]


def _beside(page: Sequence[Line], before: range, after: range) -> tuple[list[int], list[int]]:
    """The numbers of the lines before a jump that end left of those after it, and of the latter."""
    _, first, _, top = page[after[0]]
    gutter = min(page[n][1] for n in after if abs(page[n][1] - first) < NEAR)
    over = (n for n in before if page[n][2] > gutter and page[n][3] > top)
    start = max(over, default=before.start - 1) + 1
    left = [n for n in range(start, before.stop) if page[n][2] <= gutter]
    return left, [n for n in after if page[n][1] >= gutter] if left else []


def _is_prose(column: Sequence[Line]) -> bool:
    """Whether most lines are long enough for prose and reach the right edge.

    Lines of lists do not reach it, and cells of tables are short.
    """
    edges = right_edges(column)
    full = sum(
        len(text) >= _SHORTEST and right - left >= FILLED * (edges.get(left // NEAR, left) - left)
        for text, left, right, _ in column
    )
    return len(column) >= _FEWEST and full >= _FULL_SHARE * len(column)
