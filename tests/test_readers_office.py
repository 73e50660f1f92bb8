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
    "<o:annotation><t:p>no</t:p></o:annotation><t:script>no</t:script>"
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
