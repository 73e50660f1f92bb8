"""Split characters below each other, which PDFium gives as one line, into lines.

PDFium looks at the direction of a piece of text before it ends a line, and a single character has
none: a table column drawn cell by cell, `10`, `3`, `7`, became the number `1037`.
"""

from __future__ import annotations

import ctypes
import string
from array import array
from typing import Any

from pypdfium2 import raw

from pipeline.readers.pdf_columns import Line

# The content of cells with one character; only lines that end with two of these are checked.
_CELL = frozenset(string.digits + string.ascii_uppercase + "+-–—x*•✓✔✗✘")
_BEFORE = _CELL | {" "}
_ONE_LINE = 4.0  # points by which the baseline of a raised or lowered sign may differ
_APART = 0.6  # of a character's height, including its font's space above and below
_FIRST_WIDE = "\u2e80"  # scripts that may be written down a page


def with_stacked_parted(
    page: Any, lines: list[Line], firsts: array[int], length: int
) -> list[Line]:
    """The lines of a page, with those of stacked characters split; few lines need a check.

    `page` and `length` are as for `pdf_places.line_places`; `firsts` has the number of each line's
    first character.
    """
    checked = [
        number
        for number, (text, *_) in enumerate(lines)
        if text[-1] in _CELL and text[-2:-1] in _BEFORE
    ]
    if not checked:
        return lines
    shifted = raw.FPDFText_CountChars(page) != length
    split: dict[int, list[Line]] = {}
    for number in checked:
        text, _, _, base = lines[number]
        last = _index(page, firsts[number] + len(text) - 1, shifted)
        if abs(_origin(page, last)[1] - base) > _ONE_LINE:
            split[number] = _parted(page, lines[number], firsts[number], shifted)
    if not split:
        return lines
    return [part for number, line in enumerate(lines) for part in split.get(number, (line,))]


def _parted(page: Any, line: Line, first: int, shifted: bool) -> list[Line]:
    text = line[0]
    indexes = [_index(page, first + at, shifted) for at in range(len(text))]
    turned = any(raw.FPDFText_GetCharAngle(page, index) for index in (indexes[0], indexes[-1]))
    if turned or max(text) >= _FIRST_WIDE:
        return [line]
    starts, base, before = [0], line[3], indexes[0]
    for at, index in enumerate(indexes):
        if not text[at].isspace():
            left, char_base = _origin(page, index)
            far = _APART * max(_height(page, index), _height(page, before))
            middle = (_origin(page, before)[0] + _right(page, before)) / 2
            if abs(char_base - base) > far and left < middle:  # a lowered sign follows its letter
                starts.append(at)
                base = char_base
            before = index
    parts = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part_text = text[start:end].rstrip()
        left, base = _origin(page, indexes[start])
        parts.append((part_text, left, _right(page, indexes[start + len(part_text) - 1]), base))
    return parts


def _index(page: Any, at: int, shifted: bool) -> int:
    return int(raw.FPDFText_GetCharIndexFromTextIndex(page, at)) if shifted else at


def _origin(page: Any, index: int) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(page, index, x, y)
    return x.value, y.value


def _height(page: Any, index: int) -> float:
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, index, box)
    return float(box.top - box.bottom)


def _right(page: Any, index: int) -> float:
    right, unused = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharBox(page, index, unused, right, unused, unused)
    return right.value
