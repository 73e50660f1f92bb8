"""Numbers that Word gives to paragraphs: counted as it does, so that "Article 4" is there to cite.

`numbering.xml` holds lists of up to nine levels, each with its first number, its numerals and a
text such as `Article %1.` or `%1.%2`; paragraphs, or their styles, name a list and a level. All
that name the same list are counted together, in the order of the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers.docx_styles import Number
from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

BULLET = "- "
LEVELS = 9
_LONGEST_TEXT = 100  # of a label before its numbers are put in; Word's own dialog takes less
_MOST_DIGITS = 9
_PLACE = re.compile(r"%([1-9])")


class _Level(NamedTuple):
    start: int = 1
    numerals: str = "decimal"
    text: str = ""
    legal: bool = False  # all numbers as 1, 2, 3
    restart: int | None = None  # behind which level it starts anew: 1 for the first, 0 for none
    gap: str = " "
    style: str = ""  # the paragraphs' that are of this level


class _List(NamedTuple):
    counted: str  # what is counted together
    levels: dict[int, _Level]
    starts: dict[int, int]  # of levels that this list starts anew where it begins


class Numbering:
    """The lists of one document while its paragraphs are counted."""

    def __init__(self, root: _Element | None) -> None:
        """From the root of `numbering.xml`; None for a document without one."""
        parts = [] if root is None else [(NAMES[each.tag], each) for each in root]
        self._numbers = {attribute(e, "numId"): e for kind, e in parts if kind == "num"}
        self._definitions = {
            attribute(e, "abstractNumId") or "": e for kind, e in parts if kind == "abstractNum"
        }
        self._lists: dict[str, _List | None] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()

    def level_of(self, number: str, style: str) -> str:
        """The level of a list that a style's paragraphs are of; "" where the list names none."""
        found = self._list(number)
        levels = found.levels.items() if found else ()
        return next((str(at) for at, level in levels if level.style == style), "")

    def mark(self, number: Number) -> str:
        """Count a paragraph and tell what stands before it: `- `, a label and a space, or "".

        A list that the document does not define is one of bullets.
        """
        found = self._list(number.list)
        if found is None:
            return BULLET
        at = min(_int(number.level, 0), LEVELS - 1)
        level = found.levels.get(at, _Level())
        if level.numerals == "bullet":
            return BULLET
        counts = self._count(number.list, found, at)
        text = _PLACE.sub(lambda place: self._told(found, counts, level, place), level.text, LEVELS)
        return text.strip() + level.gap if text.strip() else ""

    def _list(self, number: str) -> _List | None:
        """A list when the first paragraph is of it: a document may define hundreds."""
        if number not in self._lists:
            self._lists[number] = self._new_list(number)
        return self._lists[number]

    def _new_list(self, number: str) -> _List | None:
        element = self._numbers.get(number)
        if element is None:
            return None
        own = self._defined(_value(element, "abstractNumId"))
        definition = self._definitions.get(own)
        if definition is None:
            return None
        if own not in self._levels:
            self._levels[own] = _levels_of(definition)
        return _list_of(element, own, self._levels[own])

    def _defined(self, own: str) -> str:
        """The definition that a definition stands for: another's, where that is a style's."""
        element = self._definitions.get(own)
        link = "" if element is None else _value(element, "numStyleLink")
        return self._styled.get(link, own) if link else own

    @cached_property
    def _styled(self) -> dict[str, str]:
        """Definitions that are a style's, by it."""
        return {_value(each, "styleLink"): own for own, each in self._definitions.items()}

    def _count(self, number: str, found: _List, at: int) -> list[int | None]:
        counts = self._counts.setdefault(found.counted, [None] * LEVELS)
        before = counts[at]
        if at in found.starts and (number, at) not in self._begun:
            self._begun.add((number, at))
            before = None
        first = found.starts.get(at, found.levels.get(at, _Level()).start)
        counts[at] = first if before is None else before + 1
        for below in range(at + 1, LEVELS):
            behind = found.levels.get(below, _Level()).restart
            if behind is None or at < behind:
                counts[below] = None
        return counts

    def _told(
        self, found: _List, counts: list[int | None], level: _Level, place: re.Match[str]
    ) -> str:
        at = int(place[1]) - 1
        named = found.levels.get(at, _Level())
        count = counts[at]
        number = found.starts.get(at, named.start) if count is None else count
        return numeral("decimal" if level.legal else named.numerals, number)


def numeral(kind: str, number: int) -> str:
    """A number as Word writes it; in figures where a kind is not known, or has none for it.

    >>> [numeral(kind, 28) for kind in ("decimal", "lowerLetter", "upperRoman", "decimalZero")]
    ['28', 'bb', 'XXVIII', '28']
    """
    written = _NUMERALS.get(kind)
    return (written(number) if written else "") or ("" if kind == "none" else str(number))


def _letters(number: int) -> str:
    """a to z, then aa, bb …"""
    times, at = divmod(number - 1, 26)
    return chr(97 + at) * (times + 1) if 0 < number <= 780 else ""


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return ""
    told = ""
    for value, digit in _ROMAN:
        times, number = divmod(number, value)
        told += digit * times
    return told


def _chinese(number: int) -> str:
    """Up to 9999, with tens and hundreds named: 十二, 一百零三."""
    if not 0 < number < 10_000:
        return ""
    told, skipped = "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            told += ("零" if skipped and told else "") + _CHINESE[digit] + name
        skipped = not digit
    return told.removeprefix("一") if 10 <= number < 20 else told


_CHINESE = "零一二三四五六七八九"
_ROMAN = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)
_NUMERALS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
}


def _list_of(number: _Element, counted: str, levels: dict[int, _Level]) -> _List:
    changed: dict[int, _Level] = {}
    starts: dict[int, int] = {}
    for override in number:
        if NAMES[override.tag] != "lvlOverride":
            continue
        at = _int(attribute(override, "ilvl"), 0)
        changed |= _levels_of(override)
        for each in override:
            if NAMES[each.tag] == "startOverride" and at < LEVELS:
                starts[at] = _int(attribute(each, "val"), 1)
    return _List(counted, levels | changed if changed else levels, starts)


def _levels_of(definition: _Element) -> dict[int, _Level]:
    found = {}
    for each in definition:
        if NAMES[each.tag] == "lvl" and (at := _int(attribute(each, "ilvl"), 0)) < LEVELS:
            found[at] = _level_of(each)
    return found


def _level_of(level: _Element) -> _Level:
    said = {NAMES[each.tag]: attribute(each, "val") for each in level}
    return _Level(
        start=_int(said.get("start"), 0),  # as the schema has it
        numerals=said.get("numFmt") or "decimal",
        text=(said.get("lvlText") or "")[:_LONGEST_TEXT],
        legal="isLgl" in said and said["isLgl"] not in ("0", "false", "off"),
        restart=_int(said["lvlRestart"], 0) if "lvlRestart" in said else None,
        gap="" if said.get("suff") == "nothing" else " ",
        style=said.get("pStyle") or "",
    )


def _value(element: _Element, name: str) -> str:
    """The value of a part of that name; "" where there is none."""
    return next((attribute(e, "val") or "" for e in element if NAMES[e.tag] == name), "")


def _int(told: str | None, without: int) -> int:
    known = told is not None and told.isdecimal() and len(told) <= _MOST_DIGITS
    return int(told) if known and told else without
