"""Numbers of a workbook as they are meant: Excel stores dates, times and shares as numbers too.

What a number is stands in the format of its cell's style. Its value is the stored one, however
many digits the format shows: a date is `2024-01-15`, with its time of day `2024-01-15 09:30` where
it has one or the format shows one, a time `09:30`, a duration (`[h]:mm`) `36:00`, a share `15%`.
Seconds stand there unless they are 0, their fractions where the format shows them. All else is a
number of 15 digits at most, which is what Excel shows (it stores 1.1 as 1.1000000000000001).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial

from pipeline.readers.zipped import Parts, local

Shown = Callable[[float], str]
"""What a number is in a cell of one style."""

_CODES = {
    **dict.fromkeys((9, 10), "0%"),
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58), "y-m-d"),
    **dict.fromkeys((18, 19, 20, 21, *range(32, 36), 45, 55, 56), "h:m"),
    22: "y-m-d h:m",
    46: "[h]:m",
    47: "m:s.0",
}
"""Formats that no file spells out, by number: ECMA-376, 18.8.30, of East Asia 27 to 58."""

_MOST_CODE_CHARS = 255  # Excel's own
_SHORTEST = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?")
_SHORT_CHARS = 16  # 15 digits and a point
_MOST_NUMBER_CHARS = 64
_ENDLESS = 1e300
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]|am/pm|a/p')
_TOTAL = re.compile(r"\[[hms]")
_FRACTION = re.compile(r"s\]?[.,]0+")
_NO_DATE = re.compile(r"[0#?@acfi-ln-rt-xz]")  # digits, text, letters that stand for no time
_LEAST, _MOST = 1e-10, 1e21  # written without an exponent
_MOST_DAYS = 10_000_000

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000  # in milliseconds
_FIRST_1900 = date(1899, 12, 30).toordinal()
_FIRST_1904 = date(1904, 1, 1).toordinal()
_LEAP_1900 = 60  # the 29 February 1900 that there was not: days before it are one later


def shown_by_style(parts: Parts, styles: str, from_1904: bool) -> dict[str, Shown]:
    """How numbers of each style are shown, by its place in the part `styles`.

    Left out are styles of plain numbers, so that a cell's style is looked up and nothing else.
    """
    codes, found = dict(_CODES), {}
    for group in parts.xml(styles):
        if local(group) == "numFmts":
            own = ((each.get("numFmtId", ""), each.get("formatCode", "")) for each in group)
            codes |= {int(number): code for number, code in own if _is_count(number)}
        elif local(group) == "cellXfs":
            for place, style in enumerate(group):
                number = style.get("numFmtId", "")
                shown = _shown(codes.get(int(number), ""), from_1904) if _is_count(number) else None
                if shown:
                    found[str(place)] = shown
    return found


def plain(text: str) -> str:
    """A stored number in its shortest form; what is none, or whole, as it is.

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
    """The number that a cell stores, None for what is none or too large."""
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
    """What a format says a number is, None for a number."""
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
    """A day with its time, or a time alone; a number where no calendar has such a day."""
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
    """Days in milliseconds, rounded to the second where no fraction of one is shown."""
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
