"""Headers of messages: what is parsed in a fraction of the time says what the library says."""

from __future__ import annotations

import random
from collections.abc import Callable
from email import policy, utils
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from pipeline.readers.email_headers import POLICY, header

NAMES = ("Subject", "From", "Date", "Message-ID", "Content-Type", "Content-Disposition", "X-Any")
PIECES = (
    *"abZ09 .,;:@<>()[]\"'\\=?_+-/\té茶",
    *("  ", "=?utf-8?q?Ch=C3=A0o?=", "=?utf-8?b?Y2jDoG8=?=", "Lan Pham", "<lan@tea.example>"),
    *("lan.pham+tea@a-b.example", "Re: tea", "Fri, 20 Aug 1976 03:36:42 +0000", "31 Feb", "-0000"),
    *("text/plain", 'charset="utf-8"', "attachment", "filename*=UTF-8''%e8%8c%b6.txt", "=?"),
)


def values(seed: int, count: int) -> list[tuple[str, str]]:
    """Headers' names and values by lot: now and then a date or an address as programs write it."""
    lot = random.Random(seed)
    found = []
    for _ in range(count):
        name = lot.choice(NAMES)
        value = "".join(lot.choice(PIECES) for _ in range(lot.randint(0, 6)))
        if name == "Date" and lot.random() < 0.7:
            value = utils.formatdate(lot.randint(0, 2**32)).replace("20", lot.choice(("20", "31")))
            value = value.replace("-0000", lot.choice(("-0000", "+0700", "+9999")))
        if name in ("From", "Message-ID") and lot.random() < 0.5:
            who = "".join(lot.choice("abc. _-+1") for _ in range(lot.randint(0, 9)))
            value = f"{who} <{lot.choice(PIECES)}{who}@{who or 'tea'}.example>"
        found.append((name, value))
    return found


def shown(parse: Callable[[str, str], object], name: str, value: str) -> str:
    """What a header says, or what its parser raises: the library does, much, for bad ones."""
    try:
        return str(parse(name, value))
    except Exception as error:  # noqa: BLE001
        return repr(type(error))


def is_short(name: str, value: str) -> bool:
    """Whether a header was not taken apart: then it is a plain string."""
    try:
        return type(header(name, value)) is str
    except Exception:  # noqa: BLE001
        return False


@pytest.mark.parametrize("seed", range(4))
def test_a_header_says_what_the_library_says(seed: int) -> None:
    tried = values(seed, 3_000)
    for name, value in tried:
        same = shown(policy.default.header_factory, name, value)
        assert shown(header, name, value) == same, (name, value)
    assert sum(is_short(*one) for one in tried) > 300, "the short way was hardly tried"


def test_parts_know_their_charsets_and_names() -> None:
    message = EmailMessage()
    message["Subject"] = "Chào Lan"
    message.set_content("Trà sen", charset="utf-8")
    message.add_attachment(b"tea", maintype="image", subtype="png", filename="trà.png")
    read = BytesParser(_class=EmailMessage, policy=POLICY).parsebytes(message.as_bytes())
    text, picture = read.iter_parts()
    assert read["subject"] == "Chào Lan"
    assert text.get_content_charset() == "utf-8" and text.get_content().strip() == "Trà sen"
    assert picture.get_filename() == "trà.png" and picture.get_content_type() == "image/png"


def test_a_header_that_is_long_is_not_kept() -> None:
    from pipeline.readers.email_headers import _parsed_once

    before = _parsed_once.cache_info().currsize
    header("X-Long", "tea " * 1_000)
    assert _parsed_once.cache_info().currsize == before
