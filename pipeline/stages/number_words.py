"""Which word before a number says what it is: a phone, or a tax code, an account, an order."""

from __future__ import annotations

import re

WORD_REACH = 40
"""Characters before a number in which its word stands."""

PHONE_WORDS = (
    r"s?[đd]t|điện thoại|dien thoai|di động|hotline|zalo|viber|momo|gọi|liên hệ|lh|alo|nhắn|fax"
    r"|wa\.me/|tel|telephone|phone|mobile|cell|whatsapp|call|contact|sms|telefon|handy|mobil"
)
OTHER_WORDS = (
    r"mst|mã số thuế|mã số doanh nghiệp|tax (?:code|id|number|no)"
    r"|stk|số tk|số tài khoản|account (?:number|no)"
    r"|(?:mã )?vận đơn|mã đơn(?: hàng)?|mã giao dịch|(?:order|tracking) (?:number|code|id|no)"
)
_WORDS = re.compile(
    rf"(?<![^\W\d_])(?:(?P<phone>{PHONE_WORDS})|(?P<other>{OTHER_WORDS}))(?![^\W\d_])",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9](?:[ .-]?[0-9]){5}")
_LINE = re.compile(r"[^\s:|]\s*\n|\n\s*\n")
"""A line's end that parts a word from a number; one right after the word does not."""


def word_before(text: str, start: int) -> str | None:
    """`phone` or `other` by the word nearest before a number that begins at `start`, or None.

    A word speaks of the first number after it, on its line or at the start of the next.

    >>> word_before("MST: 0300588569", 5), word_before("MST 0300588569, ĐT 0912345678", 19)
    ('other', 'phone')
    """
    before = text[max(0, start - WORD_REACH) : start]
    words = list(_WORDS.finditer(before))
    if not words:
        return None
    end = words[-1].end()
    parted = _NUMBER.search(before, end) or _LINE.search(before, end)
    return None if parted else words[-1].lastgroup


_THOUSANDS = re.compile(r"\+[0-9]{1,3}(?:[ \u00a0.][0-9]{3})+")
_CURRENCY = re.compile(
    r"[ \u00a0]?(?:[₫€$£¥]|(?:đ|đồng|vnđ|vnd|triệu|tỷ|usd|eur|euros?|dollars?)(?!\w))",
    re.IGNORECASE,
)


def is_amount(match: re.Match[str]) -> bool:
    """Whether a number with a plus sign is money: thousands in threes before a currency."""
    grouped = _THOUSANDS.fullmatch(match.group())
    return bool(grouped and _CURRENCY.match(match.string, match.end()))
