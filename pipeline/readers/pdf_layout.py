"""Lines on pages to running text: what repeats at the edges goes, what was wrapped is joined.

A line is wrapped when it reaches the right edge of the lines that start where it starts, and the
next goes on below it. A gap over the usual, or a first line's indent, starts a paragraph. All
else keeps its lines: verse, code, tables, lists.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median

HYPHEN = "\ufffe"
"""What PDFium puts in the place of a hyphen and a line's end."""

_EDGE_LINES = 2
_FEWEST = 3  # pages on which a line runs
_PLACE = 6.0  # points that a running line may wander
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_FILLED = 0.88  # of the width, from which on a line is full
_GAP = 1.45  # of the usual distance of lines
_COLUMN = 36.0  # points within which lines start alike
_INDENT = 5.0  # points

_LEADER = re.compile(r"(?:\. ?){3,}\s*\w+$")  # of a table of contents
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_LAST_WORD, _FIRST_WORD = re.compile(r"\w+\Z"), re.compile(r"\w+")
_LONGEST_WORD = 200
_LETTER = re.compile(r"\w")
_COMPOUND = re.compile(r"\w+-\w+")


@dataclass(frozen=True)
class Line:
    """A line of text and its place, in points from the lower left corner."""

    text: str
    left: float
    right: float
    base: float  # where its letters stand


def without_running_lines(pages: dict[int, list[Line]]) -> dict[int, list[Line]]:
    """The pages without headers, footers and numbers that stand at the same place on three.

    Only a page with more lines than an edge has tells what runs; on others, such as slides, the
    lines may be all there is to say. None of those with more is left without a line.
    """
    seen: Counter[tuple[str, int]] = Counter()
    for page in pages.values():
        if len(page) > _EDGE_LINES:
            for line in {*page[:_EDGE_LINES], *page[-_EDGE_LINES:]}:
                seen.update(_keys(line))
    kept = {}
    for number, page in pages.items():
        last = len(page) - _EDGE_LINES
        own = [
            line
            for at, line in enumerate(page)
            if _EDGE_LINES <= at < last or max(seen[key] for key in _keys(line)) < _FEWEST
        ]
        kept[number] = own if own or len(page) <= _EDGE_LINES else page
    return kept


def _keys(line: Line) -> tuple[tuple[str, int], tuple[str, int]]:
    """What a running line has in common on all pages: its words without numbers, its place."""
    words = _without_numbers(line.text)
    place = int(line.base // _PLACE)
    return (words, place), (words, place + 1)


@lru_cache(maxsize=1_000)
def _without_numbers(text: str) -> str:
    return _NUMBER.sub("#", text.lower())


def as_text(pages: Sequence[Sequence[Line]]) -> str:
    """The pages as one text, paragraphs with a blank line between them."""
    pieces: list[str] = []
    before: Line | None = None
    full = False
    whole = _right_edges([line for page in pages if len(page) > _EDGE_LINES for line in page])
    for page in pages:
        # A line or two tell no edge of their own: titles would be full, and run together.
        edges = _right_edges(page) if len(page) > _EDGE_LINES else whole
        usual = _usual_distance(page)
        for at, line in enumerate(page):
            if before is not None:
                pieces.append(_between(before, line, full, usual, turned=at == 0))
            pieces.append(line.text)
            before, full = line, _is_full(line, edges)
    return _with_hyphens("".join(pieces)).strip()


def _between(line: Line, following: Line, full: bool, usual: float, *, turned: bool) -> str:
    """What stands between two lines: a space, nothing, a line's end or a paragraph's."""
    down = line.base - following.base
    jumped = turned or down < 0  # to the next page or column
    indent = following.left - line.left
    if not jumped and down > _GAP * usual:
        return "\n\n"
    if full and (jumped or abs(indent) < _COLUMN) and not (_INDENT < indent < _COLUMN):
        wide = _WIDE.match(line.text[-1]) and _WIDE.match(following.text[0])
        ends = jumped and line.text[-1] in ".!?。！？:"
        return "\n\n" if ends else "" if wide else " "
    if _INDENT < indent < _COLUMN and line.text[-1] in ".!?。！？:":
        return "\n\n"
    return "\n\n" if jumped else "\n"


def _right_edges(page: Sequence[Line]) -> dict[int, float]:
    """How far lines reach that start in a column or in one beside it."""
    own: dict[int, float] = {}
    for line in page:
        column = int(line.left // _COLUMN)
        if line.right > own.get(column, 0.0):
            own[column] = line.right
    edges: dict[int, float] = defaultdict(float)
    for column, right in own.items():
        for near in (column - 1, column, column + 1):
            edges[near] = max(edges[near], right)
    return edges


def _is_full(line: Line, edges: dict[int, float]) -> bool:
    width = edges.get(int(line.left // _COLUMN), line.left) - line.left
    filled = width > 0 and line.right - line.left >= _FILLED * width
    return filled and not (". ." in line.text and _LEADER.search(line.text))


def _usual_distance(page: Sequence[Line]) -> float:
    steps = [a.base - b.base for a, b in pairwise(page)]
    down = [step for step in steps if step > 1.0]
    return median(down) if down else 12.0


def _with_hyphens(text: str) -> str:
    """Words joined that a line's end had cut, except those that the document hyphenates."""
    if HYPHEN not in text:
        return text
    lower = text.lower()
    compounds = set(_COMPOUND.findall(" ".join(word for word in lower.split() if "-" in word)))
    pieces = text.split(HYPHEN)
    joined = [pieces[0]]
    for before, after in pairwise(pieces):
        first, second = _LAST_WORD.search(before[-_LONGEST_WORD:]), _FIRST_WORD.match(after)
        kept = True
        if first and second:
            own = f"{first[0]}-{second[0]}".lower()
            kept = own in compounds and not _has_word(lower, own.replace("-", ""))
        joined.append("-" * kept + after)
    return "".join(joined)


def _has_word(text: str, word: str) -> bool:
    """Whether a word stands in a text by itself."""
    at = text.find(word)
    while at >= 0:
        beside = text[at - 1 : at] + text[at + len(word) : at + len(word) + 1]
        if not _LETTER.search(beside):
            return True
        at = text.find(word, at + 1)
    return False
