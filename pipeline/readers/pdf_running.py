"""Headers, footers and page numbers: lines at a page's edge that run through the document.

A line runs that stands at the same place of three pages, apart from the body by more than lines
are, and says the same there, or the same but for a number that goes up with the pages. A body's
first lines may be the same on each page too, as of forms, and differ in numbers only: they stand
no further from the next line than lines do, and are kept.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter

from pipeline.readers.pdf_columns import Line

_EDGE_LINES = 2
_FEWEST = 3  # pages on which a line runs
_PLACE = 6.0  # points that a running line may wander
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_LONGEST_NUMBER = 9
_MOST_NUMBERS = 8  # in one line: a row of a table has more
_WORD = re.compile(r"\w")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_APART = 1.3  # of the usual distance of lines
_WIDEST = 25.0  # points, such a distance: lines that are further apart are paragraphs
_USUAL = 12.0
_NEAR = 8  # pages
_ROW = 1.0  # points within which lines stand side by side

_Key = tuple[str, int]
_Shift = tuple[_Key, int, int]
"""Of a line without its numbers: which of its numbers is by how much more than the page's."""
_Running = set[_Key | _Shift]


def without_running_lines(pages: dict[int, list[Line]]) -> dict[int, list[Line]]:
    """The pages without headers, footers and numbers that stand at the same place on three.

    Only a page with more lines than an edge has tells what runs; on others, such as slides, the
    lines may be all there is to say. None of those with more is left without a line.
    """
    seen: Counter[_Key] = Counter()
    edges = {number: _edge(page) for number, page in pages.items()}
    for number, edge in edges.items():
        if len(pages[number]) > _EDGE_LINES:
            for line in edge:
                seen.update(_keys(line, _without_numbers(line[0])))
    often = {key for key, count in seen.items() if count >= _FEWEST}
    if not often:
        return pages
    repeated = {
        number: [
            line for line in edge if not often.isdisjoint(_keys(line, _without_numbers(line[0])))
        ]
        for number, edge in edges.items()
    }
    running = _running(pages, repeated)
    kept = {}
    for number, page in pages.items():
        gone = [line for line in repeated[number] if _runs(line, number, running)]
        kept[number] = _without(page, gone) if gone else page
    return kept


def _edge(page: list[Line]) -> set[Line]:
    return {*page[:_EDGE_LINES], *page[-_EDGE_LINES:]}


def _without(page: list[Line], gone: list[Line]) -> list[Line]:
    last = max(len(page) - _EDGE_LINES, _EDGE_LINES)
    top, bottom = (
        [line for line in edge if line not in gone] for edge in (page[:_EDGE_LINES], page[last:])
    )
    own = [*top, *page[_EDGE_LINES:last], *bottom]
    return own if own or len(page) <= _EDGE_LINES else page


def _running(pages: dict[int, list[Line]], repeated: dict[int, list[Line]]) -> _Running:
    """What is told of running lines: of those that stand apart on pages enough."""
    told: defaultdict[_Key | _Shift, list[int]] = defaultdict(list)
    for number, lines in repeated.items():
        if lines and len(pages[number]) > _EDGE_LINES:
            for one in {
                one for line in _apart(pages[number], lines) for one in _told(line, number)
            }:
                told[one].append(number)
    running = {one for one, on in told.items() if len(on) >= _FEWEST}
    running -= {one for one in running if len(one) == 3 and not _is_near(told[one])}
    # Where a number alone goes up with the pages, others stand for pages too: those of a preface.
    return running | {one[0] for one in running if len(one) == 3 and not _WORD.search(one[0][0])}


def _is_near(numbers: list[int]) -> bool:
    """Whether as many pages as make a line run are near each other: far ones agree by chance."""
    return any(b - a <= _NEAR for a, b in zip(numbers, numbers[_FEWEST - 1 :], strict=False))


def _runs(line: Line, page: int, running: _Running) -> bool:
    if not running.isdisjoint(_told(line, page)):
        return True
    words = _without_numbers(line[0])
    return not _WORD.search(words) and not running.isdisjoint(_keys(line, words))


def _keys(line: Line, words: str) -> tuple[_Key, _Key]:
    """What a running line has in common on all pages: its words, and its place."""
    place = int(line[3] // _PLACE)
    return (words, place), (words, place + 1)


def _told(line: Line, page: int) -> Iterator[_Key | _Shift]:
    """What a line says at its place, and how its numbers go with the page's."""
    text = line[0].lower()
    yield from _keys(line, text)
    numbers = _numbers(text)
    if 0 < len(numbers) <= _MOST_NUMBERS:
        for key in _keys(line, _without_numbers(line[0])):
            yield from ((key, at, one - page) for at, one in enumerate(numbers))


def _apart(page: list[Line], repeated: list[Line]) -> Iterator[Line]:
    """Those of a page's repeated lines that stand apart from its other lines."""
    far = _APART * min(_usual_distance(page), _WIDEST)
    down = sorted(page, key=itemgetter(3), reverse=True)
    yield from _apart_at_an_end(down, repeated, far)
    yield from _apart_at_an_end(down[::-1], repeated, far)
    body = [line for line in page if line not in repeated]
    if body:  # numbers and marks in the margin
        left, right = min(line[1] for line in body), max(line[2] for line in body)
        yield from (line for line in repeated if line[2] < left or line[1] > right)


def _apart_at_an_end(lines: list[Line], repeated: list[Line], far: float) -> Iterator[Line]:
    """Of lines from the top down, or up, the first one or two rows that a gap follows."""
    waiting: list[Line] = []
    rows = 0
    for line, following in pairwise(lines):
        if line not in repeated or rows == _EDGE_LINES:
            return
        waiting.append(line)
        step = abs(line[3] - following[3])
        rows += step > _ROW
        if step > far:
            yield from waiting
            waiting = []


def _usual_distance(page: list[Line]) -> float:
    """The median of the steps down from line to line, in points."""
    down = sorted(step for a, b in pairwise(page) if (step := a[3] - b[3]) > _ROW)
    return down[len(down) // 2] if down else _USUAL


@lru_cache(maxsize=1_000)
def _without_numbers(text: str) -> str:
    return _NUMBER.sub("#", text.lower())


def _numbers(text: str) -> list[int]:
    """The numbers of a line in lower case, also Roman ones; -1 for what is too long for one."""
    found = _NUMBER.findall(text)
    return [
        -1 if len(one) > _LONGEST_NUMBER else int(one) if one.isdecimal() else _roman(one)
        for one in found
    ]


def _roman(number: str) -> int:
    values = [_ROMAN[letter] for letter in number]
    return sum(-value if value < after else value for value, after in pairwise([*values, 0]))
