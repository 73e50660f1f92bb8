"""Pages as they are shown: what is hidden is not read, and a formula is told once."""

from __future__ import annotations

import time
from pathlib import Path

import documents_made as made
import pytest
from test_readers import put, read
from test_readers_odd import mail, told

from pipeline.readers.html import HtmlReader, page_text

TEX = '<annotation encoding="application/x-tex">%s</annotation>'
MADE = "<math><semantics><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac></mrow>%s</semantics></math>"
KATEX = (
    f'<span class="katex"><span class="katex-mathml">{MADE % TEX}</span>'
    '<span class="katex-html" aria-hidden="true"><span>drawn</span></span></span>'
)
WIKI = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" '
    f'style="display: none;">{MADE % TEX}</span><img src="x.svg" alt="no"/></span>'
)
SCRIPTS = (
    "<math><msubsup><mi>x</mi><mn>1</mn><mrow><mi>n</mi><mo>-</mo><mn>1</mn></mrow></msubsup>"
    "<mo>=</mo><msqrt><mi>y</mi><mo>+</mo><mn>1</mn></msqrt></math>"
)
FUNCTIONS = (
    "<math><mroot><mi>x</mi><mn>3</mn></mroot><mspace/><mi>sin</mi><mo>&#x2061;</mo><mi>a</mi>"
    "<mi>f</mi><mo>&#x2061;</mo><mo>(</mo></math>"
)
TABLE = (
    "<math><mtable><mtr><mtd><mn>1</mn></mtd><mtd>2</mtd></mtr><mtr><mtd>3</mtd></mtr>"
    "</mtable><mfenced><mi>a</mi><mi>b</mi></mfenced></math>"
)
MATHJAX = (
    "<mjx-container><mjx-math aria-hidden=true>drawn</mjx-math><mjx-assistive-mml>"
    "<math><mi>x</mi></math></mjx-assistive-mml></mjx-container>"
)
DRAWN = (
    "<span class=MathJax><nobr aria-hidden=true>drawn</nobr><span class=MJX_Assistive_MathML>"
    "<math><mi>x</mi></math></span></span>"
)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (MADE % TEX % "\\frac{1}{2}", "\\frac{1}{2}"),
        (KATEX % "E=mc^2\n &lt; 3", "E=mc^2 < 3"),
        (WIKI % "{\\displaystyle {\\frac {1}{2}}}", "{\\frac {1}{2}}"),
        (MATHJAX, "x"),
        (DRAWN, "x"),
        (MADE % "<annotation encoding='StarMath 5.0'>1 over 2</annotation>", "1/2"),
        ("<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2.5</mn></mfrac></math>",
         "(a+b)/2.5"),
        ("<math><msup><mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow><mn>2</mn></msup><mi>b</mi></math>",
         "(a)^2 b"),
        (SCRIPTS, "x_1^(n-1)=sqrt(y+1)"),
        (FUNCTIONS, "root(x, 3) sin af("),
        (TABLE, "1, 2; 3(a, b)"),
        ("<m:math><m:msup><m:mi>a</m:mi><m:mi>b</m:mi></m:msup></m:math>", "a^b"),
        ("<math>if <mtext>so <b>b</b> is</mtext><!-- no --><mfrac>x</mfrac></math>", "ifso b isx"),
        ("<math><annotation>only</annotation></math><math></math>", "only"),
        ("<math>" + "<mrow>" * 90 + "deep<math>er</math>", "deeper"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("extract", ["main", "full"])
def test_a_formula_is_told_once(formula: str, text: str, extract: str) -> None:
    """As the TeX that it was made of, else on one line; never with what is drawn of it."""
    page = f"<title>Tea</title><body><p>Tea: {formula} so</p></body>"
    assert page_text(page, extract) == f"Tea: {text} so"


HIDDEN = (
    '<div style="color:red; DISPLAY : none!important">no</div><p hidden>no</p><i HIDDEN="">no</i>'
    '<p hidden="until-found">one</p><p style="overflow:hidden;x-display:none">two</p>'
)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (HIDDEN, "one\n\ntwo"),
        (f'<body style="display:none" hidden>{HIDDEN}</body>', "one\n\ntwo"),
        ("<p>Wait.</p><div style='display:none'>" + "Tea leaves. " * 90, "Wait.\n\nTea leaves."),
        ("<p>Wait.</p><div style='display:none'>Tea leaves.", "Wait."),
        ("<div style='display:none'><math><mi>x</mi></math></div>", "x"),
    ],
)
def test_what_is_hidden_is_not_read(page: str, text: str) -> None:
    """Unless nearly all is: a script shows it."""
    assert page_text(page, "full").startswith(text)
    assert "no" not in page_text(page, "full")


def test_messages_and_books_hide_too(tmp_path: Path) -> None:
    """The preview of a message, and a chapter's title, which is no line of its text."""
    preview = '<div style="display:none">Preview</div><p>Hello.</p>'
    [(_, text)] = told(tmp_path, "a.eml", mail("multipart/alternative", ("text/html", preview)))
    assert text.endswith("\n\nHello.") and "Preview" not in text
    book = made.epub("First.</p><p hidden>no", "<b>Two.</b>")
    assert told(tmp_path, "a.epub", book) == [("", "First.\n\nTwo.")]


def test_titles_stand_on_top_of_pages_alone() -> None:
    page = "<title>Tea</title><p>Leaves."
    assert page_text(page, "full") == "Tea\n\nLeaves."
    assert page_text(page, "full", titled=False) == "Leaves."


@pytest.mark.parametrize(
    "piece",
    [
        "<span class=katex><span class=katex-mathml><math><mi>x</mi></math></span></span>",
        "<p hidden>x</p>",
        "<math><mfrac>",
        "<i style=display:none>",
        "<div class=header>x</div>",
    ],
)
def test_many_of_them_take_no_time(piece: str, tmp_path: Path) -> None:
    """Time grows with their number: lists of the parser's own are quadratic to walk."""
    often = 1_500 if "</" not in piece else 8_000
    head = "<meta name=generator content=makeinfo><p>Tea.</p>"
    started = time.process_time()
    assert read(HtmlReader(), put(tmp_path, "a.html", head + piece * often))
    assert page_text(head + piece * often, "full")
    assert time.process_time() - started < 10
