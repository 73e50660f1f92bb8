"""Turn lines on pages into running text by joining lines that were wrapped.

A line was wrapped if it reaches the right edge of the lines that start at the same place in its
column (`pipeline.readers.pdf_columns`), and the next line continues below it. A gap larger than
usual, or an indented first line, starts a paragraph. Everything else keeps its lines: verse, code,
tables, lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise, repeat

from pipeline.readers.pdf_columns import FILLED, NEAR, Line, edges_of_lines, right_edges

HYPHEN = "\ufffe"
"""The character by which PDFium replaces a hyphen at a line's end, with the line's end."""

_FEW_LINES = 2
_GAP = 1.45  # times the usual distance between lines
_INDENT = 5.0  # points

_ENDS = ".!?。！？:"
_LEADER = re.compile(r"(?:\. ?){3,}\s*\w+$")  # of a table of contents
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_FIRST_WIDE = "\u2e80"
_LAST_WORD, _WORD = re.compile(r"\w+\Z"), re.compile(r"\w+")
_LONGEST_WORD = 200
_MANY_WORDS = 30  # searching for each takes longer than splitting the text into its words
_LETTER = re.compile(r"\w")
_COMPOUND = re.compile(r"\w+-\w+")


def as_text(pages: Sequence[Sequence[Line]]) -> str:
    """Join the lines of pages into one text, with a blank line between paragraphs."""
    pieces: list[str] = []
    before: Line | None = None
    full = False
    whole: dict[float, float] | None = None
    for page in pages:
        if len(page) > _FEW_LINES:
            of_lines = edges_of_lines(page) or repeat(right_edges(page))
        else:  # one or two lines show no edge: titles would count as full, and be joined
            whole = whole or right_edges(chain(*(each for each in pages if len(each) > _FEW_LINES)))
            of_lines = repeat(whole)
        gap = _GAP * _usual_distance(page)
        turned = True
        for line, edges in zip(page, of_lines, strict=False):
            text, left, right, base = line
            if before is not None:
                # Most lines continue below the one before: decided here, as `_between` would.
                indent = left - before[1]
                below = not turned and 0 <= before[3] - base <= gap
                if below and indent <= _INDENT and text < _FIRST_WIDE:
                    pieces.append(" " if full and indent > -NEAR else "\n")
                else:
                    pieces.append(_between(before, line, full, gap, turned))
            pieces.append(text)
            width = edges.get(left // NEAR, left) - left
            full = right - left >= FILLED * width > 0 and not (
                ". ." in text and _LEADER.search(text)
            )
            before, turned = line, False
    return _with_hyphens("".join(pieces)).strip()


def _between(line: Line, following: Line, full: bool, gap: float, turned: bool) -> str:
    """What to put between two lines: a space, nothing, a line end or a paragraph's end.

    `full`: the first line reaches the right edge; `gap`: a larger step down, in points, starts a
    paragraph; `turned`: the next line is on another page.
    """
    text, left, _, base = line
    next_text, next_left, _, next_base = following
    down = base - next_base
    jumped = turned or down < 0  # to the next page or column
    if not jumped and down > gap:
        return "\n\n"
    indent = next_left - left
    indented = _INDENT < indent < NEAR
    if full and not indented and (jumped or abs(indent) < NEAR):
        if jumped and text[-1] in _ENDS:
            return "\n\n"
        return "" if _is_wide(text[-1]) and _is_wide(next_text[0]) else " "
    return "\n\n" if jumped or (indented and text[-1] in _ENDS) else "\n"


def _is_wide(char: str) -> bool:
    return char >= _FIRST_WIDE and _WIDE.match(char) is not None


def _usual_distance(page: Sequence[Line]) -> float:
    """The median of the steps down from line to line, in points."""
    bases = [base for _, _, _, base in page]
    down = sorted([step for a, b in pairwise(bases) if (step := a - b) > 1.0])
    middle = len(down) // 2
    if not down:
        return 12.0
    return down[middle] if len(down) % 2 else (down[middle - 1] + down[middle]) / 2


def _with_hyphens(text: str) -> str:
    """Join words that a line's end has cut, except those that the document hyphenates elsewhere."""
    if HYPHEN not in text:
        return text
    pieces = text.split(HYPHEN)
    cuts = [_cut_word(before, after) for before, after in pairwise(pieces)]
    lower = " ".join(pieces).lower()
    compounds = set(_COMPOUND.findall(_hyphenated(lower)))
    whole = _words_of(lower, {cut.replace("-", "") for cut in cuts if cut in compounds})
    joined = [pieces[0]]
    for cut, after in zip(cuts, pieces[1:], strict=True):
        kept = not cut or (cut in compounds and cut.replace("-", "") not in whole)
        joined.append("-" * kept + after)
    return "".join(joined)


def _cut_word(before: str, after: str) -> str:
    """The word that a line's end has cut, with a hyphen; "" if there is none."""
    first, second = _LAST_WORD.search(before[-_LONGEST_WORD:]), _WORD.match(after)
    return f"{first[0]}-{second[0]}".lower() if first and second else ""


def _hyphenated(text: str) -> str:
    """The words of a text that have a hyphen, with anything that no space separates from them."""
    hyphenated = []
    end = 0
    while (at := text.find("-", end)) >= 0:
        start = max(text.rfind(" ", end, at), end)
        end = text.find(" ", at)
        if end < 0:
            end = len(text)
        hyphenated.append(text[start:end])
    return " ".join(hyphenated)


def _words_of(text: str, words: set[str]) -> set[str]:
    """Those of the words that occur in a text as whole words."""
    if len(words) > _MANY_WORDS:
        return words & set(_WORD.findall(text))
    return {word for word in words if _has_word(text, word)}


def _has_word(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        beside = text[at - 1 : at] + text[at + len(word) : at + len(word) + 1]
        if not _LETTER.search(beside):
            return True
        at = text.find(word, at + 1)
    return False
