"""Vietnam's phone numbers, however people group their digits."""

from __future__ import annotations

import re

from pipeline.stages.number_words import word_before
from pipeline.stages.spans import BLANK, DASH

APART = rf"(?:[{BLANK}]?[.{DASH}][{BLANK}]?|[{BLANK}])"


def _more(digits: int) -> str:
    return rf"(?:{APART}?[0-9]){{{digits}}}"


_CODE = rf"(?:\((?:\+|00)?84\)|(?:\+|00)?84){APART}?(?:\(0\){APART}?|0)?"
_IN_CODE = rf"\((?:\+|00)?84{APART}0?"  # the area's code in the brackets of the country's
VIETNAMESE = (
    rf"0[35789]{_more(8)}|02{_more(9)}",  # 0912 345 678, 091.2345678, 028-38.221.234
    rf"\(0[35789](?:[0-9]\){_more(7)}|[0-9]{{2}}\){_more(6)})",  # (0912) 345 678
    rf"\(02(?:[0-9]\){_more(8)}|[0-9]{{2}}\){_more(7)})",  # (024) 3825 1234
    rf"{_CODE}(?:[35789]{_more(8)}|2{_more(9)})",  # (+84) 91 234 56 78
    rf"{_CODE}\(2(?:[0-9]\){_more(8)}|[0-9]{{2}}\){_more(7)})",  # +84 (24) 3825 1234
    rf"{_IN_CODE}2(?:[0-9]\){_more(8)}|[0-9]{{2}}\){_more(7)})",  # (84-28) 3822 1234
)

_MOBILE = re.compile(r"(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-9])[0-9]{7}")
_LANDLINE = re.compile(r"2[0-9]{9}")
DATE = re.compile(r"[0-9]{2}[^0-9]+[0-9]{2}[^0-9]+(?:19|20)[0-9]{2}(?![0-9])")
_TAX_CODE = re.compile(r"0[79]0[01][0-9]{6}")
"""Tax codes that provinces issue and that mobile numbers may begin like."""


def national_number(number: str) -> str | None:
    """The digits after country's code and trunk zero; None if no number of today begins so.

    >>> national_number("(84-28) 3822 1234"), national_number("0310728990")
    ('2838221234', None)
    """
    digits = re.sub(r"[^0-9]", "", number)
    if digits.startswith("0084"):
        digits = digits[4:]
    elif not digits.startswith("0"):
        digits = digits.removeprefix("84")
    digits = digits.removeprefix("0")
    return digits if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits) else None


def is_written_so(match: re.Match[str]) -> bool:
    """Whether digits stand as those of a phone do, not as dates, columns or a tax code.

    What could be either is a phone only after a word for one.
    """
    number = match.group()
    if number.startswith(("+", "00", "(")):
        return True
    if number.startswith("0"):
        if not _is_grouped(number):
            return False
        if not (_is_row(number) or _is_tax_code(number)):
            return True
    return word_before(match.string, match.start()) == "phone"


def _is_grouped(number: str) -> bool:
    """Whether no group is a single digit and the marks between groups are alike.

    Only an area's or operator's code of three or four digits may have a mark of its own.
    """
    groups, marks = _groups(number)
    alike = marks[1:] if len(groups[0]) > 2 else marks
    return min(map(len, groups)) > 1 and len(set(alike)) <= 1 and not DATE.match(number)


def _is_row(number: str) -> bool:
    """Whether groups of one size, the last perhaps shorter, stand with blanks between them."""
    groups, marks = _groups(number)
    sizes = [len(group) for group in groups]
    return "" in marks and len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]


def _groups(number: str) -> tuple[list[str], list[str]]:
    """Groups of digits and the marks between them, without blanks: a blank alone is ""."""
    return re.findall("[0-9]+", number), [
        mark.strip(BLANK) for mark in re.findall("[^0-9]+", number)
    ]


def _is_tax_code(number: str) -> bool:
    from stdnum.vn import mst

    return _TAX_CODE.fullmatch(number) is not None and bool(mst.is_valid(number))
