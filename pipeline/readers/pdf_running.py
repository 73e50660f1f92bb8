"""Headers, footers and page numbers: lines at a page's edge that run through the document.

A line is a running line if it is at the same place on three pages, further from the body than lines
are from each other, and has the same text on each, or the same except for a number that goes up
with the pages. The first lines of the body may also be the same on each page, or differ only in
numbers, as in forms: they are no further from the next line than other lines, and are kept.
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
_FEWEST = 3  # pages on which a running line must be
_PLACE = 6.0  # points by which the place of a running line may vary
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_LONGEST_NUMBER = 9
_MOST_NUMBERS = 8  # in one line: a row of a table has more
_WORD = re.compile(r"\w")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_APART = 1.3  # times the usual distance between lines
_WIDEST = 25.0  # the most points of such a distance: lines further apart are paragraphs
_USUAL = 12.0
_NEAR = 8  # pages
_ROW = 1.0  # lines within this many points are side by side

_Key = tuple[str, int]
"""The text of a line, or its text without numbers, and the number of its place on the page."""
_Shift = tuple[_Key, int, int]
"""The key of a line without its numbers, the index of one of its numbers, and by how much that is
larger than the page's number."""
_Running = set[_Key | _Shift]


def without_running_lines(pages: dict[int, list[Line]]) -> dict[int, list[Line]]:
    """The pages without headers, footers and page numbers, which are at the same place on three.

    Only pages with more lines than an edge has are used to find running lines: on others, such as
    slides, those lines may be the whole content. No page with more lines is left without any.
    """
    pages_with: Counter[_Key] = Counter()
    edges = {number: _edge(page) for number, page in pages.items()}
    for number, edge in edges.items():
        if len(pages[number]) > _EDGE_LINES:
            for line in edge:
                pages_with.update(_keys(line, _without_numbers(line[0])))
    often = {key for key, count in pages_with.items() if count >= _FEWEST}
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
    left = [*top, *page[_EDGE_LINES:last], *bottom]
    return left if left or len(page) <= _EDGE_LINES else page


def _running(pages: dict[int, list[Line]], repeated: dict[int, list[Line]]) -> _Running:
    """The traits of running lines: those that lines apart from the body have on enough pages."""
    pages_of: defaultdict[_Key | _Shift, list[int]] = defaultdict(list)
    for number, lines in repeated.items():
        if lines and len(pages[number]) > _EDGE_LINES:
            for trait in {
                trait for line in _apart(pages[number], lines) for trait in _traits(line, number)
            }:
                pages_of[trait].append(number)
    running = {trait for trait, on in pages_of.items() if len(on) >= _FEWEST}
    running -= {trait for trait in running if len(trait) == 3 and not _is_near(pages_of[trait])}
    # If a lone number goes up with the pages, other lone ones (of a preface) are page numbers too.
    return running | {
        trait[0] for trait in running if len(trait) == 3 and not _WORD.search(trait[0][0])
    }


def _is_near(numbers: list[int]) -> bool:
    """Whether enough of these pages are near each other: far pages may agree by chance."""
    return any(b - a <= _NEAR for a, b in zip(numbers, numbers[_FEWEST - 1 :], strict=False))


def _runs(line: Line, page: int, running: _Running) -> bool:
    if not running.isdisjoint(_traits(line, page)):
        return True
    words = _without_numbers(line[0])
    return not _WORD.search(words) and not running.isdisjoint(_keys(line, words))


def _keys(line: Line, words: str) -> tuple[_Key, _Key]:
    """Two keys of a line: its words with its place and with the next, so that near lines match."""
    place = int(line[3] // _PLACE)
    return (words, place), (words, place + 1)


def _traits(line: Line, page: int) -> Iterator[_Key | _Shift]:
    """Yield the keys of a line, and how far each of its numbers is from the page's number."""
    text = line[0].lower()
    yield from _keys(line, text)
    numbers = _numbers(text)
    if 0 < len(numbers) <= _MOST_NUMBERS:
        for key in _keys(line, _without_numbers(line[0])):
            yield from ((key, at, number - page) for at, number in enumerate(numbers))


def _apart(page: list[Line], repeated: list[Line]) -> Iterator[Line]:
    """Yield those of a page's repeated lines that are apart from its other lines."""
    far = _APART * min(_usual_distance(page), _WIDEST)
    down = sorted(page, key=itemgetter(3), reverse=True)
    yield from _apart_at_an_end(down, repeated, far)
    yield from _apart_at_an_end(down[::-1], repeated, far)
    body = [line for line in page if line not in repeated]
    if body:  # numbers and marks in the margin
        left, right = min(line[1] for line in body), max(line[2] for line in body)
        yield from (line for line in repeated if line[2] < left or line[1] > right)


def _apart_at_an_end(lines: list[Line], repeated: list[Line], far: float) -> Iterator[Line]:
    """Yield the repeated lines of the first one or two rows, if a gap over `far` follows them.

    `lines` are sorted from the top down, or from the bottom up.
    """
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
    """The numbers in a line in lower case, also Roman ones; -1 for one that is too long."""
    numerals = _NUMBER.findall(text)
    return [
        -1 if len(each) > _LONGEST_NUMBER else int(each) if each.isdecimal() else _roman(each)
        for each in numerals
    ]


def _roman(number: str) -> int:
    values = [_ROMAN[letter] for letter in number]
    return sum(-value if value < after else value for value, after in pairwise([*values, 0]))
