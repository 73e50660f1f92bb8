"""The scan of mark-up: it reads tags as a tokenizer does, and C and Python say the same."""

from __future__ import annotations

import time
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import kernels
from pipeline.kernels import plain_lists, plain_markup

NATIVE = kernels._kernel if kernels.COMPILED else None
BOTH = [plain_markup] + ([NATIVE] if NATIVE else [])
compiled = pytest.mark.skipif(NATIVE is None, reason="the package was built without a compiler")
each = pytest.mark.parametrize("kernel", BOTH, ids=lambda kernel: kernel.__name__.split(".")[-1])

PIECES = (
    "<", ">", "/", "!", "-", "=", "'", '"', " ", "\n", "\v", "a", "B", "é", "\xa0", "<a", "<a>",
    "</a>", "<div>", "</DIV>", "<É>", "</é>", "<script", "<script>", "<Style>", "</script>",
    "</style ", "</scripts>", "<!--", "-->", "--!>", "<!-->", '="', "='", "= x", "<?", "</>",
    "<p>", "</", "<b x='>'>", "<!doctype", "<svg/>",
)  # fmt: skip
pages = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@compiled
@settings(derandomize=True, deadline=None, max_examples=1_000, database=None)
@given(page=pages, longer=st.sampled_from([0, 1, 5]), deeper=st.sampled_from([0, 1, 3]))
def test_compiled_is_plain(page: str, longer: int, deeper: int) -> None:
    """For every page, whatever it is cut from."""
    assert NATIVE is not None
    own = plain_markup.tag_extremes(page, longer, deeper)
    assert NATIVE.tag_extremes(page, longer, deeper) == own


@compiled
def test_compiled_is_plain_for_many_names() -> None:
    """Names that are opened and closed, and those that stay open, over every size of the table."""
    assert NATIVE is not None
    for count in (10, 127, 128, 129, 300, 5_000):
        closed = "".join(f"<x{n}></X{n}>" for n in range(count))
        opened = "".join(f"<y{n}>" for n in range(count))
        ends = "".join(f"</y{n}>" for n in range(0, count, 2))
        page = closed + opened + ends + closed + opened
        assert NATIVE.tag_extremes(page, 0, 0) == plain_markup.tag_extremes(page, 0, 0)
        assert NATIVE.tag_extremes(page, 0, 0)[1] == 2 * count - (count + 1) // 2


@each
@pytest.mark.parametrize(
    ("page", "attributes", "depth"),
    [
        ("", 0, 0),
        ("<b><i>tea</i></b>", 0, 2),
        ("<b>" * 3 + "</i>" * 9, 0, 3),
        ("<p><li><br><td>tea", 0, 0),
        ("<B></b><b></B>", 0, 1),
        ("<a x y='1 2' z = 3 / w>", 4, 1),
        ("<a x='>' y='>' z>", 3, 1),
        ("<a b=c'd e=f\"g>", 2, 1),
        ("<a 'x y' z>", 3, 1),
        ("<a x='never closed> <b>", 3, 2),
        ("</a x y>", 2, 0),
        ("<!-- <b> <a x> --><i>", 0, 1),
        ("<!--><b>", 0, 1),
        ("<!---><b>", 0, 1),
        ("<!-- <b> --!><i>", 0, 1),
        ("<!-- <b>", 0, 0),
        ("<!x '><b y>' z>", 1, 1),
        ("</'><b>", 0, 1),
        ("<script a b><i><i></SCRIPT><i>", 2, 1),
        ("<script><i></scripts></script ><i>", 0, 1),
        ("<script-x><i>", 0, 2),
        ("<script><i>", 0, 0),
        ("<style><b>", 0, 0),
        ("a < b <1> <b", 0, 1),
    ],
)
def test_tags_are_read_as_a_tokenizer_reads_them(
    kernel: ModuleType, page: str, attributes: int, depth: int
) -> None:
    """Quotes, comments and scripts hide tags where they do so for a parser, and nowhere else."""
    assert kernel.tag_extremes(page, 0, 0) == (attributes, depth)


@each
def test_what_is_small_is_not_told(kernel: ModuleType) -> None:
    """Tags up to a length are not counted, and a depth up to a bound is 0."""
    page = "<b><b x='>' y>"
    assert kernel.tag_extremes(page, 7, 1) == (2, 2)
    assert kernel.tag_extremes(page, 7, 2) == (2, 0)
    assert kernel.tag_extremes(page, 8, 1) == (0, 2)


@each
@pytest.mark.parametrize(
    "piece",
    ["<script", "<!--", "<!---", '<a "', "<a x='", "<a b=\n", "<a ", "=", " b", "<", "</", "<a b= ",
     "<script></scrip", "-", "--!", "<?", "</'"],
)  # fmt: skip
def test_the_scan_is_linear(kernel: ModuleType, piece: str) -> None:
    """No run of pieces makes the scan look at the rest again and again."""
    page = "<a" + piece * (1_000_000 // len(piece))
    start = time.process_time()
    kernel.tag_extremes(page, 10, 10)
    assert time.process_time() - start < 5


@each
def test_text_without_utf8_is_refused(kernel: ModuleType) -> None:
    """A lone surrogate is an error, and what is no text too."""
    with pytest.raises(UnicodeEncodeError):
        kernel.tag_extremes("<a>\ud800", 0, 0)
    with pytest.raises((TypeError, AttributeError)):
        kernel.tag_extremes(None, 0, 0)


LISTED = (
    *PIECES, "<ul>", "<UL c='x'>", "</ul>", "</Ul >", "</ul", "<ul/>", "<ull>", "<li>", "<a x>",
    "<A>", "</A>", "</a\n>", "<abbr>", "&amp;", "&", "đ", "𝄞", "\x85", "\u3000", "\x1c", "\r",
)  # fmt: skip
listed = st.lists(st.sampled_from(LISTED), max_size=60).map("".join)


@compiled
@settings(derandomize=True, deadline=None, max_examples=2_000, database=None)
@given(page=listed)
def test_compiled_lists_are_plain(page: str) -> None:
    """For every page, whatever it is cut from."""
    assert NATIVE is not None
    assert NATIVE.page_lists(page) == plain_lists.page_lists(page)


@pytest.mark.parametrize(
    "kernel", [plain_lists, *([NATIVE] if NATIVE else [])], ids=lambda one: one.__name__
)
@pytest.mark.parametrize(
    ("page", "inside", "counts"),
    [
        (
            "é<ul><li>một <a href='#'>hai</a></ul>x",
            "<ul><li>một <a href='#'>hai</a></ul>",
            (6, 3, 1),
        ),
        ("<ul>a<ul>b</ul></ul>", "<ul>a<ul>b</ul></ul>", (2, 0, 0)),
        ("<ul>open<ul>in &nbsp; out</ul>", "<ul>in &nbsp; out</ul>", (6, 0, 0)),
        ("<a name=x><ul>tea</ul>", "<ul>tea</ul>", (3, 0, 0)),
        ("</ul><UL\nclass=x><A>t</A >u</Ul >", "<UL\nclass=x><A>t</A >u</Ul >", (2, 1, 1)),
        ("<ul><a><img></a></ul>", "<ul><a><img></a></ul>", (0, 0, 1)),
        ("<!-- <ul> --><ul>x</ul>", "<ul>x</ul>", (1, 0, 0)),
    ],
)
def test_lists_and_what_of_them_is_links(
    kernel: ModuleType, page: str, inside: str, counts: tuple[int, int, int]
) -> None:
    """Places are in characters; a list within another is part of it, an open one is none."""
    [(start, end, *found)] = kernel.page_lists(page)
    assert (page[start:end], tuple(found)) == (inside, counts)
