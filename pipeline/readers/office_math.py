"""Equations of Word and PowerPoint on one line: `(a)/(b)`, `x^2`, `a_1`, `sqrt(x)`.

In the file their parts follow each other, so that without this ½ would read as 12.

Reason: `read.too_deep` (threshold: levels).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.readers.rows import UnreadableError
from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_LEVELS = 64
_SILENT = {"del", "moveFrom", "delText", "instrText"}
ATOM = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]?[\u0300-\u036f\u20d0-\u20ff′]*")
WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W_]*[\u0300-\u036f\u20d0-\u20ff′]*")


def linear(element: _Element, level: int = 0) -> str:
    """The text of an element of an equation, on one line.

    Raises UnreadableError when it is nested too deeply.
    """
    if level > MAX_LEVELS:
        raise UnreadableError("read.too_deep", None, MAX_LEVELS)
    pieces = []
    for child in element:
        kind = NAMES[child.tag]
        if kind in _PARTS:
            pieces.append(_PARTS[kind](child, level + 1))
        elif kind == "t":
            pieces.append(child.text or "")
        elif kind not in _SILENT and not kind.endswith("Pr"):
            pieces.append(linear(child, level + 1))
    return "".join(pieces)


def _part(element: _Element, name: str, level: int, alone: re.Pattern[str] | None = None) -> str:
    """The text of the part `name`, in brackets unless `alone` matches it or it has brackets."""
    part = next((each for each in element if NAMES[each.tag] == name), None)
    if part is None:
        return ""
    text = linear(part, level).strip()
    kinds = [NAMES[each.tag] for each in part if not NAMES[each.tag].endswith("Pr")]
    return text if alone is None or kinds == ["d"] else in_brackets(text, alone)


def in_brackets(text: str, alone: re.Pattern[str]) -> str:
    """Text in brackets, unless `alone` (`ATOM` or `WORD`) matches it."""
    return text if alone.fullmatch(text) else f"({text})"


def _parts(element: _Element, name: str, level: int) -> Iterator[str]:
    return (linear(each, level) for each in element if NAMES[each.tag] == name)


def _said(element: _Element, name: str, without: str) -> str:
    """The property `name` of an element, such as its opening bracket; `without` if it has none."""
    for properties in element:
        if NAMES[properties.tag].endswith("Pr"):
            for each in properties:
                if NAMES[each.tag] == name:
                    return attribute(each, "val") or ""
    return without


def _fraction(element: _Element, level: int) -> str:
    bar = "¦" if _said(element, "type", "") == "noBar" else "/"
    return _part(element, "num", level, ATOM) + bar + _part(element, "den", level, ATOM)


def _scripts(element: _Element, level: int) -> str:
    """`a_b^c`; leading scripts stay in front of their base."""
    base, marks = _part(element, "e", level, WORD), _marks(element, level)
    return f"{marks} {base}" if NAMES[element.tag] == "sPre" else base + marks


def _marks(element: _Element, level: int) -> str:
    below, above = (_part(element, name, level, WORD) for name in ("sub", "sup"))
    return (f"_{below}" if below else "") + (f"^{above}" if above else "")


def _limit(element: _Element, level: int) -> str:
    sign = "_" if NAMES[element.tag] == "limLow" else "^"
    return _part(element, "e", level) + sign + _part(element, "lim", level, WORD)


def _root(element: _Element, level: int) -> str:
    degree, radicand = _part(element, "deg", level), _part(element, "e", level)
    return f"root({degree}, {radicand})" if degree else f"sqrt({radicand})"


def _summed(element: _Element, level: int) -> str:
    of = _part(element, "e", level)
    return f"{_said(element, 'chr', '∫')}{_marks(element, level)} {of}"


def _bracketed(element: _Element, level: int) -> str:
    between = _said(element, "sepChr", "|").join(_parts(element, "e", level))
    return _said(element, "begChr", "(") + between + _said(element, "endChr", ")")


def _function(element: _Element, level: int) -> str:
    name, of = _part(element, "fName", level), _part(element, "e", level)
    return name + of if of.startswith("(") else f"{name} {of}"


def _accented(element: _Element, level: int) -> str:
    sign = "\u0304" if NAMES[element.tag] == "bar" else _said(element, "chr", "\u0302")
    return _part(element, "e", level, ATOM) + sign


def _phantom(element: _Element, level: int) -> str:
    """The text of a phantom, which may take up space without being shown."""
    return _part(element, "e", level) if _said(element, "show", "1") in ("", "1", "on") else ""


def _rows(element: _Element, level: int) -> str:
    """A matrix or lines of equations, `a, b; c, d`."""
    if NAMES[element.tag] == "eqArr":
        return "; ".join(_parts(element, "e", level))
    rows = (each for each in element if NAMES[each.tag] == "mr")
    return "; ".join(", ".join(_parts(row, "e", level)) for row in rows)


_PARTS: dict[str, Callable[[_Element, int], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts,
    "limLow": _limit,
    "limUpp": _limit,
    "rad": _root,
    "nary": _summed,
    "d": _bracketed,
    "func": _function,
    "acc": _accented,
    "bar": _accented,
    "phant": _phantom,
    "m": _rows,
    "eqArr": _rows,
}
