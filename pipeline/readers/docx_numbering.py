"""The numbers of paragraphs, counted as Word counts them, so that "Article 4" is in the text.

`numbering.xml` holds lists of up to nine levels, each with its first number, its numerals and a
text such as `Article %1.` or `%1.%2`; paragraphs, or their styles, name a list and a level. All
paragraphs that name the same list are counted together, in the order of the document.
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
_LONGEST_TEXT = 100  # of a label before its numbers are put in; Word's own dialog accepts less
_MOST_DIGITS = 9
_PLACE = re.compile(r"%([1-9])")


class _Level(NamedTuple):
    start: int = 1
    numerals: str = "decimal"
    text: str = ""
    legal: bool = False  # all numbers as 1, 2, 3
    restart: int | None = None  # after which level counting restarts: 1 for the first, 0 for none
    gap: str = " "
    style: str = ""  # paragraphs of this style are of this level


class _List(NamedTuple):
    counted: str  # the id of the definition: lists with the same one are counted together
    levels: dict[int, _Level]
    starts: dict[int, int]  # by level: the number at which this list restarts where it begins


class Numbering:
    """The lists of one document while its paragraphs are counted."""

    def __init__(self, root: _Element | None) -> None:
        """Take the root of `numbering.xml`; None for a document without that part."""
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
        """The level of a list that belongs to a style; "" if the list names none for it."""
        definition = self._list(number)
        levels = definition.levels.items() if definition else ()
        return next((str(at) for at, level in levels if level.style == style), "")

    def mark(self, number: Number) -> str:
        """Count a paragraph and return its mark: `- `, a label and a space, or "".

        A list that the document does not define counts as a bulleted one.
        """
        a_list = self._list(number.list)
        if a_list is None:
            return BULLET
        at = min(_int(number.level, 0), LEVELS - 1)
        level = a_list.levels.get(at, _Level())
        if level.numerals == "bullet":
            return BULLET
        counts = self._count(number.list, a_list, at)
        text = _PLACE.sub(
            lambda place: self._shown(a_list, counts, level, place), level.text, LEVELS
        )
        return text.strip() + level.gap if text.strip() else ""

    def _list(self, number: str) -> _List | None:
        """The list with this number, built on first use: a document may define hundreds."""
        if number not in self._lists:
            self._lists[number] = self._new_list(number)
        return self._lists[number]

    def _new_list(self, number: str) -> _List | None:
        element = self._numbers.get(number)
        if element is None:
            return None
        name = self._defined(_value(element, "abstractNumId"))
        definition = self._definitions.get(name)
        if definition is None:
            return None
        if name not in self._levels:
            self._levels[name] = _levels_of(definition)
        return _list_of(element, name, self._levels[name])

    def _defined(self, name: str) -> str:
        """The id of the definition to use: that of a style, if definition `name` links to one."""
        element = self._definitions.get(name)
        link = "" if element is None else _value(element, "numStyleLink")
        return self._styled.get(link, name) if link else name

    @cached_property
    def _styled(self) -> dict[str, str]:
        """By style: the id of the definition that belongs to it."""
        return {_value(each, "styleLink"): name for name, each in self._definitions.items()}

    def _count(self, number: str, a_list: _List, at: int) -> list[int | None]:
        """Count a paragraph at a level of a list; returns the counts of all levels."""
        counts = self._counts.setdefault(a_list.counted, [None] * LEVELS)
        before = counts[at]
        if at in a_list.starts and (number, at) not in self._begun:
            self._begun.add((number, at))
            before = None
        first = a_list.starts.get(at, a_list.levels.get(at, _Level()).start)
        counts[at] = first if before is None else before + 1
        for below in range(at + 1, LEVELS):
            restart = a_list.levels.get(below, _Level()).restart
            if restart is None or at < restart:
                counts[below] = None
        return counts

    def _shown(
        self, a_list: _List, counts: list[int | None], level: _Level, place: re.Match[str]
    ) -> str:
        """The numeral for a place such as `%1` in a level's text."""
        at = int(place[1]) - 1
        named = a_list.levels.get(at, _Level())
        count = counts[at]
        number = a_list.starts.get(at, named.start) if count is None else count
        return numeral("decimal" if level.legal else named.numerals, number)


def numeral(kind: str, number: int) -> str:
    """A number as Word writes it; in digits if the kind is unknown or has no numeral for it.

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
    numeral = ""
    for value, digit in _ROMAN:
        times, number = divmod(number, value)
        numeral += digit * times
    return numeral


def _chinese(number: int) -> str:
    """Up to 9999, with tens and hundreds named: 十二, 一百零三."""
    if not 0 < number < 10_000:
        return ""
    numeral, skipped = "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            numeral += ("零" if skipped and numeral else "") + _CHINESE[digit] + name
        skipped = not digit
    return numeral.removeprefix("一") if 10 <= number < 20 else numeral


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
    levels = {}
    for each in definition:
        if NAMES[each.tag] == "lvl" and (at := _int(attribute(each, "ilvl"), 0)) < LEVELS:
            levels[at] = _level_of(each)
    return levels


def _level_of(level: _Element) -> _Level:
    values = {NAMES[each.tag]: attribute(each, "val") for each in level}
    return _Level(
        start=_int(values.get("start"), 0),  # the schema's default
        numerals=values.get("numFmt") or "decimal",
        text=(values.get("lvlText") or "")[:_LONGEST_TEXT],
        legal="isLgl" in values and values["isLgl"] not in ("0", "false", "off"),
        restart=_int(values["lvlRestart"], 0) if "lvlRestart" in values else None,
        gap="" if values.get("suff") == "nothing" else " ",
        style=values.get("pStyle") or "",
    )


def _value(element: _Element, name: str) -> str:
    """The value of the child element with that name; "" if there is none."""
    return next((attribute(e, "val") or "" for e in element if NAMES[e.tag] == name), "")


def _int(value: str | None, without: int) -> int:
    known = value is not None and value.isdecimal() and len(value) <= _MOST_DIGITS
    return int(value) if known and value else without
