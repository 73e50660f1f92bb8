"""Headers of messages: what is parsed in a fraction of the time says what the library says."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from email import policy, utils
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Literal

import pytest
from test_readers import put, read

from pipeline.readers import reader_of
from pipeline.readers.email_headers import POLICY, header
from pipeline.readers.email_text import EmailReader

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


def told(folder: Path, data: bytes, name: str = "a.eml") -> list[str]:
    """Each message's text or reason."""
    rows = read(EmailReader(), put(folder, name, data))
    return [str(row["reason"] or row["text"]) for row in rows]


PLAIN = b"Content-Type: text/plain; charset="
PAGE = b"Content-Type: text/html"
SAID = "Trà: “15€”"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (PLAIN + b"iso-8859-1", b"\x93hello\x94 it\x92s \x80", "“hello” it’s €"),
        (PLAIN + b"gb2312", "你好，朕是镕".encode("gbk"), "你好，朕是镕"),
        (PLAIN + b"us-ascii", "Trà".encode(), "Trà"),
        (PLAIN + b"iso-8859-1", b"\x81\xe9", "\x81é"),
        (PLAIN + b"cp850", b"caf\x82", "café"),
        (PLAIN + b"ISO-2022-JP", "茶".encode("iso2022_jp"), "茶"),
        (PLAIN + b"hz-gb-2312", "茶".encode("hz"), "茶"),
        *((PLAIN + name.encode(), SAID.encode(name), SAID) for name in ("utf-8", "utf-7")),
        *((PLAIN + name, b"a \\u00e9", "a \\u00e9") for name in (b"unicode_escape", b"undefined")),
        (PLAIN + b"punycode", b"a -b", "a -b"),
        (PAGE, b"<meta charset=windows-1251><p>\xc4\xe0", "Да"),
        (PAGE + b"; charset=windows-1251", b"<meta charset=koi8-r><p>\xc4\xe0", "Да"),
    ],
)
def test_a_charset_is_what_mail_means_by_it(
    tmp_path: Path, kind: bytes, body: bytes, expected: str
) -> None:
    """The larger set of the web; ASCII is often UTF-8; codecs of Python's alone are no charsets."""
    head = b"Subject: s\nFrom: a\n" + kind + b"\nContent-Transfer-Encoding: base64\n\n"
    assert told(tmp_path, head + base64.b64encode(body)) == [f"Subject: s\nFrom: a\n\n{expected}"]


@pytest.mark.parametrize(
    ("subject", "charset", "expected"),
    [
        (b"=?iso-8859-1?Q?=93hi=94?=", b"utf-8", "“hi”"),
        (b"=?GB2312*zh?B?6Us=?= =?unicode_escape?Q?=5Cx41?=", b"utf-8", "镵\\x41"),
        (b"Caf\xe9", b"iso-8859-1", "Café"),
        (b"\xc4\xe0", b"windows-1251", "Да"),
        ("Trà".encode(), b"windows-1251", "Trà"),
        (b"Caf\xe9", b"utf-8", "Café"),
        (b"J\xf6rg", b"us-ascii", None),
    ],
)
def test_letters_of_a_subject(
    tmp_path: Path, subject: bytes, charset: bytes, expected: str | None
) -> None:
    """Bytes in no charset are in UTF-8, the text's or a sure one; none is replaced in silence."""
    data = b"Subject: %s\nFrom: a\n%s\n\nTea." % (subject, PLAIN + charset)
    text = f"Subject: {expected}\nFrom: a\n\nTea." if expected else "read.bad_encoding"
    assert told(tmp_path, data) == [text]


@pytest.mark.parametrize(
    "start",
    [
        "lan@tea.example Mon Jan  1 00:00:00 2024",
        "lan at tea.example  Mon Jan  1 00:00 2024 remote from hanoi",
        "12@xxx Fri Mar 01 12:00:00 +0000 2019",
        "- Thu, 01 Jan 2020 00:00:00 +0700",
    ],
)
def test_a_sentence_does_not_end_a_message(tmp_path: Path, start: str) -> None:
    """Where messages begin with a sender and a date; blank lines may stand before the first."""
    said = "From my point of view it is fine.\n\nFrom Monday, 10:30, on.\n\nFrom 2024.\n"
    one = f"From {start}\nSubject: s\nFrom: a\n\n{said}\n"
    text = f"Subject: s\nFrom: a\n\n{said}".rstrip()
    assert told(tmp_path, ("\n\r\n" + one * 2).encode(), "a.mbox") == [text] * 2


@pytest.mark.parametrize(
    ("flags", "outcome"),
    [
        ("X-Mozilla-Status: 0001", None),
        ("X-Mozilla-Status: 0009", "X-Mozilla-Status: 0009"),
        ("x-mozilla-status: 101C", "X-Mozilla-Status: 101C"),
        ("X-Mozilla-Status: what", None),
        ("X-Status: A", None),
        ("X-Mozilla-Status: 0001\nX-Status: AD", "X-Status: AD"),
        ("X-Any: 1\n\nX-Mozilla-Status: 0009", None),
    ],
)
def test_mail_that_was_deleted_is_set_aside(
    tmp_path: Path, flags: str, outcome: str | None
) -> None:
    """A mailbox holds it until it is compacted; a message by itself was saved to be kept."""
    message = f"Subject: s\n{flags}\n\nTea.\n\n"
    box = "From - Mon Jan  1 10:00:00 2024\n" + message
    first, last = read(EmailReader(), put(tmp_path, "a.mbox", box + box.replace(flags, "X: 1")))
    assert first["reason"] == (outcome and "read.deleted_message")
    assert (first["rejected"] or {}).get("value") == outcome
    assert last["text"] == "Subject: s\n\nTea."
    assert told(tmp_path, message.encode())[0].endswith("Tea.")


FLOWED = b"Subject: s\nContent-Type: text/plain; charset=utf-8; format="


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("flowed", "Green \ntea.\n\nIt is \nhot \nand good.", "Green tea.\n\nIt is hot and good."),
        ("Flowed", "Tea:\n From A.\n > B.\n   C.", "Tea:\nFrom A.\n> B.\n  C."),
        ("flowed; DelSp=Yes", "茶は \nいい。 \nhttps:// \na.b", "茶はいい。https://a.b"),
        ("flowed; delsp=no", "茶 \nいい", "茶 いい"),
        ("flowed", "Best, \n-- \nLan \nPham", "Best,\n-- \nLan Pham"),
        ("flowed; delsp=yes", "a\n> -- \n> b", "a\n> -- \n> b"),
        ("flowed", ">> a \n>> b\n> c \nd \n>\n>e \n> f", ">> a b\n> c\nd\n>\n> e f"),
        ("flowed", "> Tea?\n>\n> a \n\nYes.", "> Tea?\n>\n> a\n\nYes."),
        ("fixed", "Green \ntea.", "Green \ntea."),
    ],
)
def test_wrapped_lines_are_joined(tmp_path: Path, kind: str, body: str, expected: str) -> None:
    """Where the message says so (RFC 3676), and as deep as they are quoted."""
    data = FLOWED + f"{kind}\n\n{body}\n".encode()
    assert told(tmp_path, data) == [f"Subject: s\n\n{expected}"]


def parts(kind: str, *inner: tuple[str, str]) -> str:
    cut = f"B{len(kind)}"
    made = "".join(f"--{cut}\nContent-Type: {given}\n\n{text}\n" for given, text in inner)
    return f"Content-Type: {kind}; boundary={cut}\n\n{made}--{cut}--\n"


def nested(kind: str, *inner: tuple[str, str]) -> tuple[str, str]:
    """A multipart as a part of another."""
    head, _, rest = parts(kind, *inner).partition("\n\n")
    return head.removeprefix("Content-Type: "), rest


ROOT = ("text/html", "<h1>Tea</h1><p>Green tea.</p>")
STYLE = ("text/css", "p { color: red }")
INVITATION = ("text/calendar; method=REQUEST", "BEGIN:VCALENDAR")
AMP = ("text/x-amp-html", "<html amp4email><p>Amp.</p></html>")


@pytest.mark.parametrize(
    ("body", "expected", "named"),
    [
        (parts("multipart/related", ROOT, STYLE), "Tea\n\nGreen tea.", ["text/css"]),
        (parts("multipart/related", ROOT, ("text/html", "<p>Frame")), "Tea\n\nGreen tea.", None),
        (
            parts("multipart/related", ("text/html", f"<title>x.htm</title>{ROOT[1]}")),
            "Tea\n\nGreen tea.",
            None,
        ),
        (
            parts('multipart/related; start="<r>"', ("text/html", "<p>Frame"), ROOT).replace(
                "html\n\n<h1", "html\nContent-ID: <r>\n\n<h1"
            ),
            "Tea\n\nGreen tea.",
            None,
        ),
        (parts("multipart/related", ("text/plain", ""), ROOT), "Tea\n\nGreen tea.", None),
        (parts("multipart/mixed", INVITATION, ("text/plain", "a")), "a", ["text/calendar"]),
        (parts("multipart/mixed", ("text/plain", "a"), ("text/x-patch", "+b")), "a\n\n+b", None),
        (
            parts("multipart/alternative", ("text/plain", " "), AMP, ("text/html", "<p>Page.")),
            "Page.",
            ["text/x-amp-html"],
        ),
        (
            parts("multipart/mixed", nested("multipart/related", ROOT, STYLE), ("text/plain", "b")),
            "Tea\n\nGreen tea.\n\nb",
            ["text/css"],
        ),
    ],
)
def test_which_parts_are_read(
    tmp_path: Path, body: str, expected: str, named: list[str] | None
) -> None:
    """Of related parts the root; what is there for programs is named as if attached."""
    [row] = read(EmailReader(), put(tmp_path, "a.eml", "Subject: s\nMIME-Version: 1.0\n" + body))
    assert row["text"] == f"Subject: s\n\n{expected}"
    assert json.loads(row["extra"]).get("attachments") == named


SAVED = parts(
    "multipart/related",
    (
        "text/html; charset=windows-1258",
        f"<title>Shop</title><nav>Home</nav>{'<p>Green tea. ' * 30}",
    ),
    STYLE,
)
BLINK = "From: <Saved by Blink>\nSnapshot-Content-Location: https://tea.example/\nSubject: Shop\n"


@pytest.mark.parametrize(
    ("name", "data", "extract", "first", "extra"),
    [
        ("a.mhtml", BLINK + SAVED, "main", "Shop", {"url": "https://tea.example/"}),
        ("a", BLINK + "Date: Sat, 28 Nov 2026 12:55:50 GMT\n" + SAVED, "full", "Shop", None),
        ("a.MHT", "MIME-Version: 1.0\n" + SAVED, "main", "Shop", {}),
        ("a.mht", "MIME-Version: 1.0\nContent-Type: text/plain\n\nTea.", "main", "Tea.", {}),
        ("a.mht", "MIME-Version: 1.0\n" + parts("multipart/related", STYLE), "main", None, {}),
        ("a.mht", "No page at all.\n", "main", None, {}),
    ],
)
def test_a_page_that_was_saved_is_read_as_a_page(
    tmp_path: Path,
    name: str,
    data: str,
    extract: Literal["main", "full"],
    first: str | None,
    extra: dict[str, str] | None,
) -> None:
    """Without what the browser wrote as headers, and its main content alone."""
    file = put(tmp_path, name, data)
    assert reader_of(file).name == "email"
    [row] = read(EmailReader(extract=extract), file)
    assert (row["text"] or "").partition("\n")[0] == (first or "")
    if first is None:
        assert row["reason"] == ("read.no_text" if "MIME" in data else "read.no_message")
        return
    assert "red" not in row["text"] and ("Home" in row["text"]) == (extract == "full")
    assert extra is None or json.loads(row["extra"]) == extra


@pytest.mark.parametrize("level", ["multipart/related", "multipart/alternative"])
def test_related_parts_in_each_other_have_an_end(tmp_path: Path, level: str) -> None:
    """Also in a page that was saved."""
    body = ("text/plain", "Tea.")
    for number in range(30):
        kind, text = nested(level, body)
        body = (kind.replace("=B", f"={number}B"), text.replace("--B", f"--{number}B"))
    data = f"MIME-Version: 1.0\nSubject: s\nContent-Type: {body[0]}\n\n{body[1]}".encode()
    assert told(tmp_path, data) == told(tmp_path, data, "a.mht") == ["read.too_deep"]
