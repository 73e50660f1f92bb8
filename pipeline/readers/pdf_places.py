"""The places of the lines on a PDF page, from PDFium's places of their first and last characters.

That takes two or three calls for each line, made by the compiled extension if it is there, else by
ctypes, with the same results in ten times the time.
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
    """The left end, right end and baseline of each line, in points from the lower left corner.

    Returns three numbers for each line; zeros where PDFium does not know them. `page` is PDFium's
    handle of a page's text, and `length` the number of characters in that text. `firsts` and
    `lasts`, of type `i`, are the numbers of each line's first and last characters, from 0.
    """
    # Characters that PDFium drops from the text, such as soft hyphens, shift later numbers.
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
    """The same as `line_places`, by ctypes.

    `shifted` says that characters' numbers in the text differ from PDFium's own.
    """
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
    """The addresses of the three PDFium functions in memory."""
    functions = (
        raw.FPDFText_GetCharOrigin,
        raw.FPDFText_GetCharBox,
        raw.FPDFText_GetCharIndexFromTextIndex,
    )
    origin, box, index = (ctypes.cast(each, ctypes.c_void_p).value or 0 for each in functions)
    return origin, box, index
