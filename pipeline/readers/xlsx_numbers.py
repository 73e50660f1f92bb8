"""Write a workbook's numbers as they are meant: Excel also stores dates and times as numbers.

The format of a cell's style says what its number means. The value is the stored one, however many
digits the format shows: a date becomes `2024-01-15`, or `2024-01-15 09:30` if it has a time of day
or the format shows one, a time `09:30`, a duration (`[h]:mm`) `36:00`, a percentage `15%`. Seconds
are written unless they are 0, and their fractions if the format shows them. Everything else is a
number of at most 15 digits, which is what Excel shows (it stores 1.1 as 1.1000000000000001).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial

from pipeline.readers.zipped import Parts, local

Shown = Callable[[float], str]
"""Writes a number as cells of one style mean it."""

_CODES = {
    **dict.fromkeys((9, 10), "0%"),
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58), "y-m-d"),
    **dict.fromkeys((18, 19, 20, 21, *range(32, 36), 45, 55, 56), "h:m"),
    22: "y-m-d h:m",
    46: "[h]:m",
    47: "m:s.0",
}
"""Built-in formats, which files do not spell out, by number: ECMA-376, 18.8.30; 27 to 58 are those
of East Asia."""

_MOST_CODE_CHARS = 255  # Excel's own
_SHORTEST = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?")
_SHORT_CHARS = 16  # 15 digits and a point
_MOST_NUMBER_CHARS = 64
_ENDLESS = 1e300
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]|am/pm|a/p')
_TOTAL = re.compile(r"\[[hms]")
_FRACTION = re.compile(r"s\]?[.,]0+")
_NO_DATE = re.compile(r"[0#?@acfi-ln-rt-xz]")  # digits, text, letters that do not mean a time
_LEAST, _MOST = 1e-10, 1e21  # numbers between them are written without an exponent
_MOST_DAYS = 10_000_000

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000  # in milliseconds
_FIRST_1900 = date(1899, 12, 30).toordinal()
_FIRST_1904 = date(1904, 1, 1).toordinal()
_LEAP_1900 = 60  # 29 February 1900, which did not exist: days before it are one later


def shown_by_style(parts: Parts, styles: str, from_1904: bool) -> dict[str, Shown]:
    """How numbers are shown, by the place of a style in the part `styles`.

    Styles of plain numbers are left out, so that a cell needs only one lookup.
    """
    codes, by_style = dict(_CODES), {}
    for group in parts.xml(styles):
        if local(group) == "numFmts":
            formats = ((each.get("numFmtId", ""), each.get("formatCode", "")) for each in group)
            codes |= {int(number): code for number, code in formats if _is_count(number)}
        elif local(group) == "cellXfs":
            for place, style in enumerate(group):
                number = style.get("numFmtId", "")
                shown = _shown(codes.get(int(number), ""), from_1904) if _is_count(number) else None
                if shown:
                    by_style[str(place)] = shown
    return by_style


def plain(text: str) -> str:
    """A stored number in its shortest form; an integer, or text that is not a number, unchanged.

    >>> [plain(text) for text in ("1.1000000000000001", "5.0", "1E-5", "12345678901234567890")]
    ['1.1', '5', '0.00001', '12345678901234567890']
    """
    if len(text) <= _SHORT_CHARS and _SHORTEST.fullmatch(text):
        return text
    if text.removeprefix("-").isdecimal():
        return text
    number = as_number(text)
    return text if number is None else _written(number)


def as_number(text: str) -> float | None:
    """The number that a cell stores; None if it is not a number or too large."""
    if len(text) > _MOST_NUMBER_CHARS:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < _ENDLESS else None


def _written(number: float) -> str:
    text = format(number + 0.0, ".15g")
    if "e" in text and _LEAST <= abs(number) < _MOST:
        return format(Decimal(text), "f")
    return text


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


@lru_cache(256)
def _shown(code: str, from_1904: bool) -> Shown | None:
    """How a format code shows numbers; None for a plain number.

    `from_1904`: the workbook counts days from 1904.
    """
    if len(code) > _MOST_CODE_CHARS:
        return None
    section = _LITERAL.sub(" ", code.lower()).partition(";")[0]
    in_total = _TOTAL.search(section) is not None
    section, fractions = _FRACTION.subn("s", section)
    if _NO_DATE.search(section):
        return _share if "%" in section else None
    if in_total:
        return partial(_duration, fractions > 0)
    timed = "h" in section or "s" in section
    dated = "y" in section or "d" in section or ("m" in section and not timed)
    return partial(_moment, from_1904, timed, fractions > 0) if timed or dated else None


def _share(number: float) -> str:
    return _written(100 * number) + "%"


def _duration(finely: bool, number: float) -> str:
    if abs(number) > _MOST_DAYS:
        return _written(number)
    return ("-" if number < 0 else "") + _clock(_ticks(abs(number), finely))


def _moment(from_1904: bool, timed: bool, finely: bool, number: float) -> str:
    """A day with its time, or a time alone; the number itself if the calendar has no such day."""
    if abs(number) > _MOST_DAYS:
        return _written(number)
    whole = number.is_integer()
    days, ticks = (int(number), 0) if whole else divmod(_ticks(number, finely), _DAY)
    if days == 0 and (ticks or timed):
        return _clock(ticks)
    day = _day(days, from_1904)
    if not day:
        return _written(number)
    return f"{day} {_clock(ticks)}" if ticks or timed else day


def _day(days: int, from_1904: bool) -> str:
    if not from_1904 and days == _LEAP_1900:
        return "1900-02-29"
    first = _FIRST_1904 if from_1904 else _FIRST_1900 + (days < _LEAP_1900)
    ordinal = first + days
    known = days >= 1 and ordinal <= date.max.toordinal()
    return date.fromordinal(ordinal).isoformat() if known else ""


def _ticks(number: float, finely: bool) -> int:
    """Days in milliseconds, rounded to the second unless fractions are shown (`finely`)."""
    return round(number * _DAY) if finely else 1_000 * round(number * _DAY / 1_000)


def _clock(ticks: int) -> str:
    """Milliseconds as hours, minutes and, unless they are 0, seconds.

    >>> _clock(34_200_000), _clock(129_615_250)
    ('09:30', '36:00:15.250')
    """
    seconds, rest = divmod(ticks % _MINUTE, 1_000)
    text = f"{ticks // _HOUR:02}:{ticks % _HOUR // _MINUTE:02}"
    text += f":{seconds:02}" if seconds or rest else ""
    return text + (f".{rest:03}" if rest else "")
