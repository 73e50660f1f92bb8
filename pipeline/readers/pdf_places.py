"""Where the lines of a PDF's page stand, as PDFium tells it of their first and last characters.

There are two or three questions for each line: asked by the compiled extension where it is, else by
ctypes with the same answers and ten times the seconds.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from pypdfium2 import raw

_compiled: Callable[[tuple[int, int, int], int, bytes, bytes], bytes] | None
try:
    from pipeline.kernels import _native

    _compiled = _native.line_places
except ImportError:  # not built, or built for another machine
    _compiled = None


def line_places(page: Any, firsts: array[int], lasts: array[int], length: int) -> Sequence[float]:
    """Where lines from these characters to those start and end, and where their letters stand.

    Three numbers for each line, in points from the page's lower left corner; zeros where PDFium
    does not know. `page` is its handle of a page's text, `length` how many characters that text
    has; `firsts` and `lasts`, of type `i`, number them from 0.
    """
    # Characters that PDFium drops from the text, as soft hyphens, shift the numbers after them.
    shifted = raw.FPDFText_CountChars(page) != length
    if _compiled is None:
        return plain_places(page, firsts, lasts, shifted=shifted)
    origin, box, index = _addresses()
    functions = origin, box, index if shifted else 0
    address = ctypes.cast(page, ctypes.c_void_p).value or 0
    return array("d", _compiled(functions, address, firsts.tobytes(), lasts.tobytes()))


def plain_places(
    page: Any, firsts: array[int], lasts: array[int], *, shifted: bool
) -> Sequence[float]:
    """As `line_places`."""
    numbers: Any = zip(firsts, lasts, strict=True)
    if shifted:
        at = raw.FPDFText_GetCharIndexFromTextIndex
        numbers = [(at(page, first), at(page, last)) for first, last in numbers]
    places: list[float] = []
    for first, last in numbers:
        left, right, base, unused = (ctypes.c_double() for _ in range(4))
        raw.FPDFText_GetCharOrigin(page, first, left, base)
        raw.FPDFText_GetCharBox(page, last, unused, right, unused, unused)
        places += left.value, right.value, base.value
    return places


@cache
def _addresses() -> tuple[int, int, int]:
    """Of the three functions in memory."""
    asked = (
        raw.FPDFText_GetCharOrigin,
        raw.FPDFText_GetCharBox,
        raw.FPDFText_GetCharIndexFromTextIndex,
    )
    origin, box, index = (ctypes.cast(one, ctypes.c_void_p).value or 0 for one in asked)
    return origin, box, index
