"""MathML on one line, written as equations of Word documents are: `(a+b)/2`, `x^2`, `sqrt(x)`.

If the formula carries its source text (LibreOffice's StarMath, TeX), that text is taken instead.

Reason: `read.too_deep` (threshold: levels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.readers.office_math import ATOM, MAX_LEVELS, WORD, in_brackets
from pipeline.readers.rows import UnreadableError
from pipeline.readers.zipped import NAMES

if TYPE_CHECKING:
    from lxml.etree import _Element

_SCRIPTS = {"msup": "^", "mover": "^", "msub": "_", "munder": "_"}
_BOTH = ("msubsup", "munderover")
_SILENT = ("annotation", "annotation-xml", "mphantom")


def formula(math: _Element) -> str:
    """The text of a `math` element; raises UnreadableError when it is nested too deeply."""
    written = next(math.iter("{*}annotation"), None)
    text = (written.text if written is not None else "") or linear(math)
    return " ".join(text.split())


def linear(element: _Element, level: int = 0) -> str:
    """An element's text without annotations; raises UnreadableError when nested too deeply."""
    if level > MAX_LEVELS:
        raise UnreadableError("read.too_deep", None, MAX_LEVELS)
    kind = NAMES[element.tag]
    if kind in _SILENT:
        return ""
    parts = [linear(child, level + 1) for child in element]
    if not parts:
        return (element.text or "").strip()
    if kind == "mfrac" and len(parts) == 2:
        return "/".join(in_brackets(part, ATOM) for part in parts)
    if kind in _SCRIPTS and len(parts) == 2:
        return in_brackets(parts[0], WORD) + _SCRIPTS[kind] + in_brackets(parts[1], WORD)
    if kind in _BOTH and len(parts) == 3:
        base, below, above = (in_brackets(part, WORD) for part in parts)
        return f"{base}_{below}^{above}"
    if kind == "mroot" and len(parts) == 2:
        return f"root({parts[1]}, {parts[0]})"
    joined = {"mtable": "; ", "mtr": ", "}.get(kind, "").join(parts)
    return f"sqrt({joined})" if kind == "msqrt" else joined
