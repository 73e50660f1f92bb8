"""HTML: a document's lists are kept, lists of links go, and what is a line of its own stays one."""

from __future__ import annotations

import time

import pytest

from pipeline.readers.html import page_text
from pipeline.readers.html_lines import with_lines
from pipeline.readers.html_lists import with_lists

TEXT = "<p>Green tea is made from leaves that were not left to wither for long.</p>" * 6
STEPS = "<ul><li>Warm the pot.</li><li>Add the leaves.</li></ul>"
TYPES = (
    "<ul><li>path <a href=s>string</a> | <a href=b>Buffer</a></li>"
    "<li>options <a href=o>Object</a><ul><li>mode <a href=i>integer</a></li></ul></li></ul>"
)
MENU = "<ul><li><a href=/>Warm home</a></li><li><a href=/pot>Pots we sell</a></li></ul>"


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "<article>{}</article>",
        "<main>{}</main>",
        "<div><div>{}</div></div>",
        "<div><div><div><div>{}</div></div></div></div>",
        "<p>Then: {}",
        "<table><tr><td>{}</td></tr></table>",
        "<ol><li>Make it<div>{}</div></li></ol>",
        "<script>add('<ul>')</script>{}",
        "<!-- <ul><li> -->{}",
        "<header><h1>Tea</h1></header>{}",
    ],
)
@pytest.mark.parametrize("text", ["{}" + TEXT, TEXT + "{}", TEXT + "{}And drink."])
def test_lists_of_content_are_kept(around: str, text: str) -> None:
    """Wherever they stand, as they stand in the page's whole text."""
    page = f"<body>{text.format(around.format(STEPS))}</body>"
    assert "• Add the leaves." in page_text(page, "main")
    assert page_text(page, "main") == page_text(page, "full")


@pytest.mark.parametrize(
    "page",
    [
        f"<div>{TEXT}<ol><li>One{STEPS}</li><li>Two</li></ol></div>",
        f"{TEXT}<ul><li>One{STEPS.replace('ul', 'ol')}</li></ul>",
        f"{TEXT}<ul><li>One{STEPS}</li></ul>".replace("ul>", "UL>").replace("li>", "LI>"),
        f"{TEXT}<ul><li>See the <a href=x>teapot</a> page</li><li>On leaves see below</li></ul>",
        f"<div><div><div>{TEXT}{TYPES}{TEXT}</div></div></div>",
        f"<div><div><div>{TEXT}{TYPES.replace('a>', 'A>')}{TEXT}</div></div></div>",
        f"{TEXT}<ul class=x>\n<li><p>One</p><pre>a\n  b</pre></li>\n</ul>\nand so on",
    ],
)
def test_lists_of_content_are_kept_whole(page: str) -> None:
    """With the lists in them, and with links that are the lesser part of the text."""
    assert page_text(f"<body>{page}</body>", "main") == page_text(f"<body>{page}</body>", "full")


@pytest.mark.parametrize(
    "menu",
    [
        MENU,
        f"<div><div>{MENU}</div></div>",
        MENU.replace("</a>", "</a>&nbsp;&raquo; "),
        MENU.replace("ul", "UL").replace("a>", "A>"),
        MENU.replace("<ul>", f"<ul><li><a href=x>All warm things</a>{MENU}</li>"),
        f"<nav>{STEPS}</nav>",
        f"<div class=menu>{STEPS}</div>",
        STEPS.replace("<ul>", "<ul class=navigation>"),
        f"<header>{STEPS}</header>",
        f"<footer><div>{STEPS}</div></footer>",
    ],
)
def test_menus_go(menu: str) -> None:
    """Lists of links, and lists in elements that are navigation by name."""
    page = f"<body>{menu}<main><h1>Tea</h1>{TEXT}{STEPS}</main></body>"
    text = page_text(page, "main")
    assert text.count("Warm") == 1 and "• Warm the pot." in text


def test_pages_without_lists_of_content_are_as_they_were() -> None:
    """Not a byte of them is written anew."""
    for page in (TEXT, TEXT + MENU, f"<header>{STEPS}</header>"):
        assert with_lists(page) is page


def test_figures_are_kept() -> None:
    """What a figure says; the picture's alternative text is none of it."""
    image, caption = "<img src=x alt='a kettle'>", "<figcaption>The kettle</figcaption>"
    page = f"{TEXT}<figure>{image}{caption}</figure><figure><pre>a\n  b</pre></figure>"
    for extract in ("main", "full"):
        text = page_text(page, extract)
        assert text.endswith("The kettle\na\n  b") and "a kettle" not in text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<details><summary>How?</summary>Hold it.</details>", "How?\nHold it."),
        ("<details><summary>How?</summary><p>Hold it.</details>", "How?\n\nHold it."),
        ("<details><SUMMARY>How? <b>Now</b></SUMMARY >Hold.</details>", "How? Now\nHold."),
        ("<form><fieldset><legend>Tea</legend>Green</fieldset></form>", "Tea\nGreen"),
        ("<table><caption>Teas</caption><tr><td>Green</table>", "Teas\nGreen"),
    ],
)
def test_what_is_a_line_of_its_own(page: str, expected: str) -> None:
    """Is not run together with what stands behind it."""
    assert page_text(page, "full") == expected
    assert page_text(page, "main") == expected


@pytest.mark.parametrize(
    "piece",
    ["<ul>", "</ul>", "<ul><a ", "<ul>x</ul>", "<ul><li><a href=x>a</a>b<ul>", "<", "</summary "],
)
def test_pages_of_many_lists_take_no_time(piece: str) -> None:
    """Whatever is left open, twice as many take twice as long."""
    started = time.process_time()
    with_lists("<header>" + piece * 100_000)
    with_lists("<ul><a>" + piece * 100_000 + "</ul>")
    with_lines(piece * 100_000)
    assert time.process_time() - started < 3


def test_many_tables_of_contents_take_no_time() -> None:
    """A generated page's navigation is taken out of it in one walk."""
    head = "<head><meta name=generator content='DocBook XSL'></head>"
    page = f"<html>{head}<body>{TEXT}{'<div class=toc>a</div><p>x</p>' * 2_000}</body></html>"
    started = time.process_time()
    assert "a\n" not in page_text(page, "main")
    assert time.process_time() - started < 3
