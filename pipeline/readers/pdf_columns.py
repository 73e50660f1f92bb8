"""Columns of a page: lines that end where others begin beside them.

Lines of the left column start where an abstract, a table or a caption over both columns starts,
and end in the middle of the page. So the right edge of a column is that of its own lines, where
these are prose, which fills them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

Line = tuple[str, float, float, float]
"""A line of text and its place in points from the lower left corner: the text, where it starts and
ends, and where its letters stand. A plain tuple: there are millions, and no other is as fast."""

FILLED = 0.88  # of the width, from which on a line is full
NEAR = 36.0  # points within which lines start alike

_JUMP = 36.0  # points up, from the end of a column to the top of the next
_FEWEST = 4  # lines of a column
_SHORTEST = 15  # characters of a line of prose
_FULL_SHARE = 0.5  # of the lines of a column of prose


def right_edges(lines: Iterable[Line]) -> dict[float, float]:
    """How far lines reach that start in a place or in one beside it, by its number."""
    own: dict[float, float] = {}
    for _, left, right, _ in lines:
        place = left // NEAR
        if right > own.get(place, 0.0):
            own[place] = right
    edges: dict[float, float] = {}
    for place, right in own.items():
        for near in (place - 1, place, place + 1):
            if right > edges.get(near, 0.0):
                edges[near] = right
    return edges


def edges_of_lines(page: Sequence[Line]) -> list[dict[float, float]] | None:
    """For each line the edges of its column, or of the page if it is in none; None where no line
    is in one."""
    bases = [base for _, _, _, base in page]
    ups = [n for n, (above, base) in enumerate(pairwise(bases), 1) if base - above > _JUMP]
    if not ups:
        return None
    bounds = [0, *ups, len(page)]
    columns: dict[int, list[int]] = {}  # by the number of a line, all those beside it
    for start, up, end in zip(bounds, ups, bounds[2:], strict=False):
        for column in _beside(page, range(start, up), range(up, end)):
            if _is_prose([page[n] for n in column]):
                columns.update(dict.fromkeys(column, column))
    if not columns:
        return None
    found = {id(column): column for column in columns.values()}
    own = {name: right_edges(page[n] for n in column) for name, column in found.items()}
    whole = right_edges(page)
    return [own[id(columns[n])] if n in columns else whole for n in range(len(page))]


def _beside(page: Sequence[Line], before: range, after: range) -> tuple[list[int], list[int]]:
    """The lines before a jump that end left of those after it, and these."""
    _, first, _, top = page[after[0]]
    gutter = min(page[n][1] for n in after if abs(page[n][1] - first) < NEAR)
    over = (n for n in before if page[n][2] > gutter and page[n][3] > top)
    start = max(over, default=before.start - 1) + 1
    left = [n for n in range(start, before.stop) if page[n][2] <= gutter]
    return left, [n for n in after if page[n][1] >= gutter] if left else []


def _is_prose(column: Sequence[Line]) -> bool:
    """Whether most lines are as long as prose has them and reach the edge: those of lists do not
    reach it, cells of tables are short."""
    edges = right_edges(column)
    full = sum(
        len(text) >= _SHORTEST and right - left >= FILLED * (edges.get(left // NEAR, left) - left)
        for text, left, right, _ in column
    )
    return len(column) >= _FEWEST and full >= _FULL_SHARE * len(column)
