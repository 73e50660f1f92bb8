"""HTML: text without mark-up, in the right letters, and never at any price."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from test_readers import put, read

from pipeline.readers.html import _ENDED, HtmlReader, _declared_charset

PARAGRAPH = "<p>Green tea is made from leaves that were not left to wither for long.</p>\n" * 6
PAGE = f"""<!doctype html><html><head><title>Green tea | Tea shop</title>
<style>p {{color: red}}</style><script>var secret = "<p>code</p>"</script></head>
<body><nav><a href="/">Home</a> <a href="/blog">Blog</a></nav>
<main><h1>Green tea</h1>{PARAGRAPH}<pre>water   80 C
  time  2 min</pre><img alt="a cup" src="x.png"><a href="https://a.example/">source</a></main>
<footer>All rights reserved</footer></body></html>"""


def text_of(tmp_path: Path, page: bytes | str, **settings: str) -> str | None:
    return read(HtmlReader(**settings), put(tmp_path, "page.html", page))[0]["text"]


def test_main_content(tmp_path: Path) -> None:
    """Navigation, footers, scripts, styles, links and alternative texts are not the text."""
    text = text_of(tmp_path, PAGE)
    assert text.startswith("Green tea\n")
    assert "water   80 C\n  time  2 min" in text
    for gone in ("Home", "rights", "secret", "color", "a cup", "a.example", "Tea shop"):
        assert gone not in text


def test_full_text(tmp_path: Path) -> None:
    """With `full`, navigation and footers stay; scripts and styles never do."""
    text = text_of(tmp_path, PAGE, extract="full")
    assert "Home" in text and "All rights reserved" in text
    assert "secret" not in text and "color" not in text
    assert text.startswith("Green tea | Tea shop\n\nHome")


def test_all_is_taken_where_the_main_content_was_missed(tmp_path: Path) -> None:
    """A page that is nearly all list or navigation keeps its text."""
    items = "".join(f"<li><a href=x>Tea number {n}</a></li>" for n in range(80))
    text = text_of(tmp_path, f"<title>Teas</title><nav><ul>{items}</ul></nav><p>Teas.</p>")
    assert "Tea number 79" in text


NAVIGATION = "<table><tr><td><a href=a>Prev</a></td><td><a href=b>Next</a></td></tr></table>"
ITEMS = "<ul><li>Green tea is steamed.</li><li>Black tea is withered.</li></ul>"


@pytest.mark.parametrize(
    ("generator", "navigation", "contents"),
    [
        ("Modular DocBook HTML Stylesheet Version 1.79", "div class=NAVHEADER", "div class=TOC"),
        ("DocBook XSL Stylesheets V1.79.2", "div class=navfooter", "div class=toc"),
        ("GTK-Doc V1.33 (XML mode)", "table class=navigation", "div class=toc"),
        ("makeinfo", "div class=header", "div class=contents"),
        ("GNU Texinfo 7.1, http://www.gnu.org/software/texinfo/ makeinfo", "div class=nav-panel",
         "div class=element-contents"),
    ],
)  # fmt: skip
def test_pages_of_books_keep_their_lists(
    tmp_path: Path, generator: str, navigation: str, contents: str
) -> None:
    """And lose what leads to other pages, which the generator's names tell."""
    kind, inside = navigation.split()[0], contents.split()[0]
    page = (
        f'<html><head><META\nNAME="generator"\nCONTENT="{generator}"><title>Tea</title></head>'
        f"<body><{navigation}><tr><td>{NAVIGATION}</td></tr></{kind}>"
        f"<{contents}><p>Chapter 9</p></{inside}><div class=sect1><h1>Tea</h1>{ITEMS}"
        f"<div class=sect2><h2>Making</h2>{PARAGRAPH}</div></div></body></html>"
    )
    text = text_of(tmp_path, page)
    assert "Green tea is steamed" in text and "Black tea is withered" in text
    assert text.count("not left to wither") == 6
    assert not any(gone in text for gone in ("Prev", "Next", "Chapter 9"))


def test_other_pages_have_no_names_left_out(tmp_path: Path) -> None:
    """What a book's generator calls its links may be content elsewhere."""
    header = "<div class=header><p>The harvest is in May, when the leaves are young.</p></div>"
    page = f"<html><head><title>Tea</title></head><body><main>{header}{PARAGRAPH}</main></body>"
    assert "harvest" in text_of(tmp_path, page)
    named = page.replace("<title>", "<meta name=generator content=makeinfo><title>")
    assert "harvest" not in text_of(tmp_path, named)


def test_a_page_of_contents_keeps_them(tmp_path: Path) -> None:
    """A book's first page may hold nothing else."""
    links = "".join(f"<li><a href={n}.html>Chapter {n}</a></li>" for n in range(40))
    head = "<head><meta name=generator content='DocBook XSL'><title>Tea</title></head>"
    text = text_of(tmp_path, f"<html>{head}<body><div class=toc><ul>{links}</ul></div></body>")
    assert "Chapter 39" in text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<title>Tea</title><p>Leaves.", "Tea\n\nLeaves."),
        ("<title> Green \n tea </title><h1>green TEA</h1>", "green TEA"),
        ("<title>Tea</title><h1>Tea and more</h1>", "Tea and more"),
        ("<p>Leaves.", "Leaves."),
    ],
)
def test_title(tmp_path: Path, body: str, expected: str) -> None:
    """The title stands on top, unless the first line says it."""
    assert text_of(tmp_path, body) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'<meta charset="windows-1258"><p>Ti\xea\xecng', "Tiê\u0301ng"),
        (b'<meta http-equiv=x content="text/html; charset=gbk"><p>\xb2\xe8\xd2\xb6', "茶叶"),
        (b'<meta charset="utf-16"><p>Tr\xc3\xa0', "Trà"),
        (b'<meta charset="iso-8859-1"><p>Tr\xc3\xa0', "Trà"),
        (b'<meta charset="latin1"><p>\x93caf\xe9\x94', "“café”"),
        (b"\xef\xbb\xbf<p>Tr\xc3\xa0", "Trà"),
        ("<p>Trà sen Tây Hồ</p>".encode("utf-16"), "Trà sen Tây Hồ"),
        (b"<p>a\0b", "ab"),
        (b'<?xml version="1.0" encoding="iso-8859-2"?><html><p>\xb1\xea', "ąę"),
        (b"<?xml encoding='iso-8859-2'?><meta charset=windows-1252><p>caf\xe9", "café"),
    ],
)
def test_charset(tmp_path: Path, data: bytes, expected: str) -> None:
    """A mark, then valid UTF-8, then the page's own word, as browsers read it."""
    assert text_of(tmp_path, data) == expected


XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head>'


@pytest.mark.parametrize("head", [XHTML, "<?xml version='1.0'?><html>", "<!doctype html>" + XHTML])
@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("<title/>", "Tea."),
        ('<TITLE>Leaf</TITLE><script src="a.js"/><style />', "Leaf\n\nTea."),
        ("<textarea name='a'\n/><iframe src='a'/><noscript/><xmp/><noframes/>", "Tea."),
        ("<script>add('<script/>', \"<script src='b'/>\")</script>", "Tea."),
    ],
)
def test_xhtml_ends_elements_in_their_own_tag(
    tmp_path: Path, head: str, ended: str, expected: str
) -> None:
    """What follows is no part of them."""
    assert text_of(tmp_path, f"{head}{ended}</head><body><p>Tea.</p></body></html>") == expected


@pytest.mark.parametrize("piece", ["<title ", "<script '", "<xmp", "<title / '", "<?xml "])
def test_xhtml_of_unclosed_tags_takes_no_time(piece: str) -> None:
    """Twice as many take twice as long, not four times."""
    started = time.process_time()
    assert not _ENDED.search(piece * 100_000)
    assert not _ENDED.search(piece + "' " * 500_000)
    _declared_charset(b"<?xml " + b"encoding " * 100_000)
    assert time.process_time() - started < 2


def test_other_encodings_are_noted(tmp_path: Path) -> None:
    """The record says what the page was in, when it was not UTF-8."""
    page = b'<meta charset="windows-1252"><p>caf\xe9'
    row = read(HtmlReader(), put(tmp_path, "page.html", page))[0]
    assert json.loads(row["extra"]) == {"encoding": "cp1252"}


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"", "read.empty_file"),
        (b"<script>only()</script>", "read.no_text"),
        (b"<title>Only a title</title>", "read.no_text"),
        (b"<!-- unclosed <p>text", "read.no_text"),
        (b"\x89PNG\r\n\x1a\n", "read.binary"),
        (b'<meta charset="utf-8"><p>caf\xe9 \x81 \xff\xfe \x90', "read.bad_encoding"),
        (b"<a " + b"x='1' " * 5_001 + b">text", "read.html_too_complex"),
        (b"<a b='>' " + b"x='>' " * 5_001 + b">text", "read.html_too_complex"),
        (b"<div>" * 5_001 + b"text", "read.html_too_complex"),
        (b"<!-->" + b"<div>" * 5_001 + b"text", "read.html_too_complex"),
        (b"<div></x>" * 5_001 + b"text", "read.html_too_complex"),
        (b"<table><tr><td>" * 5_001 + b"text", "read.html_too_complex"),
    ],
)
def test_pages_without_text_or_measure(tmp_path: Path, page: bytes, reason: str) -> None:
    """What gives no text, and what would take the parser too long, is rejected."""
    assert read(HtmlReader(), put(tmp_path, "page.html", page))[0]["reason"] == reason


def test_large_pages_that_are_plain(tmp_path: Path) -> None:
    """Many elements, end tags left out, and long attributes are no complexity."""
    for page in (
        "<ul>" + "<li>tea" * 5_000,
        "<p>tea<br>" * 5_000,
        "<div><b>tea</b></div>" * 5_000,
        "<a x='" + "y=1 " * 20_000 + "'>tea</a>",
        "<script>" + "'<div>'+" * 5_000 + "</script>tea",
        "<!--" + "<div>" * 5_000 + "-->tea",
    ):
        assert "tea" in text_of(tmp_path, page)
