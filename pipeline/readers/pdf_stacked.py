"""Characters that stand below each other, which PDFium tells as one line, parted into lines.

It asks how a piece of text runs before it ends a line, and one character runs nowhere: a column of
a table drawn cell by cell, `10`, `3`, `7`, was the number `1037`.
"""

from __future__ import annotations

import ctypes
import string
from array import array
from typing import Any

from pypdfium2 import raw

from pipeline.readers.pdf_columns import Line

# What cells of one character hold: the lines that end with two such are asked about.
_CELL = frozenset(string.digits + string.ascii_uppercase + "+-–—x*•✓✔✗✘")
_BEFORE = _CELL | {" "}
_ONE_LINE = 4.0  # points between baselines, which a raised or lowered sign may have
_APART = 0.6  # of a character's height with what its font leaves above and below
_FIRST_WIDE = "\u2e80"  # scripts that may be written down a page


def with_stacked_parted(
    page: Any, lines: list[Line], firsts: array[int], length: int
) -> list[Line]:
    """The lines of a page, those of stacked characters parted; few are looked at.

    `page` and `length` are as `pdf_places.line_places` takes them; `firsts` numbers each line's
    first character.
    """
    asked = [
        number
        for number, (text, *_) in enumerate(lines)
        if text[-1] in _CELL and text[-2:-1] in _BEFORE
    ]
    if not asked:
        return lines
    shifted = raw.FPDFText_CountChars(page) != length
    found: dict[int, list[Line]] = {}
    for number in asked:
        text, _, _, base = lines[number]
        last = _index(page, firsts[number] + len(text) - 1, shifted)
        if abs(_origin(page, last)[1] - base) > _ONE_LINE:
            found[number] = _parted(page, lines[number], firsts[number], shifted)
    if not found:
        return lines
    return [part for number, line in enumerate(lines) for part in found.get(number, (line,))]


def _parted(page: Any, line: Line, first: int, shifted: bool) -> list[Line]:
    text = line[0]
    indexes = [_index(page, first + at, shifted) for at in range(len(text))]
    turned = any(raw.FPDFText_GetCharAngle(page, index) for index in (indexes[0], indexes[-1]))
    if turned or max(text) >= _FIRST_WIDE:
        return [line]
    starts, base, before = [0], line[3], indexes[0]
    for at, index in enumerate(indexes):
        if not text[at].isspace():
            left, own = _origin(page, index)
            far = _APART * max(_height(page, index), _height(page, before))
            middle = (_origin(page, before)[0] + _right(page, before)) / 2
            if abs(own - base) > far and left < middle:  # a lowered sign stands behind its letter
                starts.append(at)
                base = own
            before = index
    parts = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        own_text = text[start:end].rstrip()
        left, base = _origin(page, indexes[start])
        parts.append((own_text, left, _right(page, indexes[start + len(own_text) - 1]), base))
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
