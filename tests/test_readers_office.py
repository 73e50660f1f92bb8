"""Office documents say things in odd ways: a field, a repeated row, an escape, a code page."""

from __future__ import annotations

from pathlib import Path

import documents_made as made
import pytest
from test_readers_odd import told

FIELDS = (
    "<t:p>See <t:bookmark-ref>Chapter <t:span>3</t:span></t:bookmark-ref>, Figure "
    "<t:sequence>7</t:sequence>: due <t:date>1 May 2024</t:date>, <t:author-name>Lan"
    "</t:author-name><t:bibliography-mark>[L1]</t:bibliography-mark> "
    "<t:drop-down><t:label/>hot</t:drop-down>.</t:p>"
)
NO_FIELDS = (
    '<t:h><t:number>1.</t:number>a<t:hidden-text t:is-hidden="true">no</t:hidden-text>'
    '<t:variable-set t:display="none">no</t:variable-set><t:bookmark t:name="no"/>'
    "<office:annotation><t:p>no</t:p></office:annotation><t:script>no</t:script>"
    "<t:ruby><t:ruby-base>b</t:ruby-base><t:ruby-text>no</t:ruby-text></t:ruby></t:h>"
)
REPEATED = (
    '<b:table xmlns:b="b"><b:table-row b:number-rows-repeated="3"><b:table-cell><t:p>x'
    "</t:p></b:table-cell><b:table-cell><t:p>y</t:p></b:table-cell></b:table-row>"
    '<b:table-row b:number-rows-repeated="1048573"><b:table-cell/></b:table-row></b:table>'
)

CELL = "<b:table-cell>%s</b:table-cell>"
TABLE = '<b:table xmlns:b="b"><b:table-row>%s</b:table-row></b:table>'
LIST = f"<t:list>{''.join(f'<t:list-item><t:p>{x}</t:p></t:list-item>' for x in 'ab')}</t:list>"
FRAME = TABLE % (CELL % ("<t:h>Rules</t:h><t:p>One.</t:p>" + LIST) + CELL % "")
NESTED = TABLE % (CELL % (TABLE % (CELL % "<t:p>a</t:p>" * 2)) + CELL % "<t:p>b</t:p>")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (FRAME, "# Rules\n\nOne.\n\n- a\n- b"),
        (NESTED, "| a; a | b |\n| --- | --- |"),
        (FIELDS, "See Chapter 3, Figure 7: due 1 May 2024, Lan[L1] hot."),
        (NO_FIELDS, "# ab"),
        (REPEATED, "| x | y |\n| --- | --- |\n| x | y |\n| x | y |"),
    ],
)
def test_open_documents_say_what_they_show(body: str, text: str, tmp_path: Path) -> None:
    """Fields are text, what is hidden or only about the text is not, a repeated row repeats."""
    assert told(tmp_path, "a.odt", made.odt(body)) == [("", text)]


FONTS = rb"{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset0 B;}{\f2\fcharset128 C;}}"
SHAPE = rb"{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt %b\par}}{\shprslt{\*\do{\dptxbxtext %b}}}}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"One \v no\plain two {\*\x \plain no}{\deleted no}{\v no \v0 three}", "One two three"),
        (rb"\ansicpg1251\deff0" + FONTS + rb"\f1 \'e9 \plain \'cf\'f0\'e8", "é При"),
        (rb"\deff0" + FONTS + rb"\'c4\'e0 {\f1\'e9\plain\'e9}", "Да éй"),
        (rb"\ansicpg1251\deff1" + FONTS + rb"\'c4\'e0 \f7\'c4", "Да Д"),
        (b"a" + SHAPE % (b"b", b"b") + b"c{\\header" + SHAPE % (b"no", b"no") + b"}", "a\nb\n\nc"),
        (rb"{\shpgrp{\*\shpinst" + SHAPE % (b"b", b"b") + rb"}}{\*\do{\dptxbxtext c}}", "b\n\nc"),
        (rb"\ansicpg1258{\fonttbl{\f0\fcharset1 A;}{\f1\fcharset0 B;}}\f0 h\'f4\'f2m", "hô\u0323m"),
        (rb"\'93a\'81\'94", "“a\x81”"),
        (rb"\deff2" + FONTS + rb"\'81", "read.damaged"),
        (rb"\ansicpg1253 \'81\'d2", "read.damaged"),
    ],
)
def test_rich_text_is_what_a_word_processor_shows(body: bytes, text: str, tmp_path: Path) -> None:
    """Hidden as far as it is hidden, in the font that counts there, boxes of text too."""
    assert told(tmp_path, "a.rtf", rb"{\rtf1\ansi " + body + b"}") == [("", text)]


def test_cells_of_a_workbook_are_unescaped(tmp_path: Path) -> None:
    """What XML cannot hold stands there as `_x000D_`; an error is an empty cell."""
    rows = ("one_x000D_\ntwo_x0009_x", "_x005F_x000d_"), ("_xD800_ _x1_", "a_x000D__x000A_b")
    text = "| one two x | _x000d_ |\n| --- | --- |\n| _xD800_ _x1_ | a b |"
    assert told(tmp_path, "a.xlsx", made.xlsx(*rows)) == [("sheet=Tea", text)]
    pair = made.xlsx(("prompt", "completion"), ("p", "one_x000d_\ntwo"), ("q", "#N/A"))
    assert told(tmp_path, "b.xlsx", pair) == [
        ("sheet=Tea,row=2", "p / one\ntwo"),
        ("sheet=Tea,row=3", "q / "),
    ]


def style(name: str, family: str, properties: str) -> str:
    return f'<s:style s:name="{name}" s:family="{family}"><s:p {properties}/></s:style>'


HIDING = (
    style("T1", "text", 't:display="none"')
    + style("P1", "paragraph", 't:display="none"')
    + style("ta1", "table", 'b:display="false"')
    + style("ta2", "table", 'b:display="true"')
    + style("dp1", "drawing-page", 'd:visibility="hidden"')
)
SHEET = f"<b:table b:style-name='%s'><b:table-row>{CELL % '<t:p>%s</t:p>'}</b:table-row></b:table>"
HELP = "<b:help-message><t:p>no</t:p></b:help-message>"
CHECKS = f"<b:content-validations>{HELP}</b:content-validations>"
MARKED = '<t:p>no<t:hidden-paragraph t:is-hidden="%s"/></t:p>'
INNER = "<t:list><t:list-item><t:h t:outline-level='2'>Scope</t:h></t:list-item></t:list>"
NUMBERED = f"<t:list-item>{INNER}</t:list-item>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (SHEET % ("ta1", "no") + CHECKS + SHEET % ("ta2", "a"), "a"),
        ('<d:page d:style-name="dp1"><t:p>no</t:p></d:page><d:page><t:p>a</t:p></d:page>', "a"),
        ('<t:section t:display="none"><t:p>no</t:p></t:section><t:p>a</t:p>', "a"),
        ('<t:section t:is-hidden="true"><t:p>no</t:p></t:section><t:p>a</t:p>', "a"),
        (MARKED % "true" + "<t:p>a</t:p>", "a"),
        (MARKED % "false" + "<t:p>a</t:p>", "no\n\na"),
        ('<t:p>a<t:span t:style-name="T1">no</t:span>b</t:p>', "ab"),
        ('<t:p t:style-name="P1">no</t:p><t:p t:style-name="T1">a</t:p>', "a"),
        (f"<t:list>{NUMBERED}</t:list>", "## Scope"),
        (f"<t:list><t:list-item><t:p>a</t:p></t:list-item>{NUMBERED}</t:list>", "- a\n\n## Scope"),
    ],
)
def test_open_documents_keep_what_they_hide(body: str, text: str, tmp_path: Path) -> None:
    """Packed and flat: sheets, slides, sections, paragraphs, words; numbered headings are some."""
    assert told(tmp_path, "a.odt", made.odt(body, HIDING)) == [("", text)]
    for name in ("a.fodt", "b.xml"):
        assert told(tmp_path, name, made.flat_odt(body, HIDING)) == [("", text)]


def math(inside: str) -> str:
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math>'


def row(*parts: str) -> str:
    return "".join(f"<mi>{part}</mi>" for part in parts)


ANNOTATED = f"<semantics>{row('E')}<annotation>E = m\nc^2</annotation></semantics>"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (ANNOTATED, "E = m c^2"),
        (
            f"<mfrac>{row('1', '2')}</mfrac><mo>+</mo><mfrac>{row('a+b', '2')}</mfrac>",
            "1/2+(a+b)/2",
        ),
        (f"<msup>{row('10', '3')}</msup><msub>{row('x', 'i+1')}</msub>", "10^3x_(i+1)"),
        (f"<msubsup>{row('x', 'i', '2')}</msubsup>", "x_i^2"),
        (
            f"<msqrt>{row('x', '+', '1')}</msqrt><mroot>{row('x', '3')}</mroot>",
            "sqrt(x+1)root(3, x)",
        ),
        (f"<mtable><mtr>{row('a', 'b')}</mtr><mtr>{row('c')}</mtr></mtable>", "a, b; c"),
        ("<mrow>" * 80 + "</mrow>" * 80, "read.too_deep"),
    ],
)
def test_formulas_are_on_one_line(inside: str, text: str, tmp_path: Path) -> None:
    """As they were written, or as they are built; in a part of their own or in the file."""
    wanted = [("", text if text.startswith("read.") else f"See {text}.")]
    linked = '<t:p>See <d:frame><d:object x:href="./Object1"/></d:frame>.</t:p>'
    assert told(tmp_path, "a.odt", made.odt(linked, Object1=math(inside))) == wanted
    held = f"<t:p>See <d:frame><d:object>{math(inside)}</d:object></d:frame>.</t:p>"
    assert told(tmp_path, "a.fodt", made.flat_odt(held)) == wanted


@pytest.mark.parametrize("inside", ["", "<!DOCTYPE math><math/>", "<chart><p>no</p></chart>", "<"])
def test_other_objects_say_nothing(inside: str, tmp_path: Path) -> None:
    """Charts, and formulas that cannot be read; and a formula is told once."""
    linked = '<t:p>a<d:frame><d:object x:href="./%s"/></d:frame></t:p>'
    objects = {"Object1": inside, "Object2": math(row("x"))}
    body = linked % "Object1" + linked % "Object2" * 2
    assert told(tmp_path, "a.odt", made.odt(body, **objects)) == [("", "a\n\nax\n\na")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "read.empty_file"),
        ("no XML", "read.damaged"),
        ("<!DOCTYPE a><a/>", "read.xml_entities"),
    ],
)
def test_flat_documents_that_are_none(data: str, reason: str, tmp_path: Path) -> None:
    """They have a reason, too."""
    assert told(tmp_path, "a.fodt", data) == [("", reason)]
