"""Word documents: plain paragraphs are read in one pass to what a walk of every element gives."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any
from unittest import mock

import documents_made as made
import pytest
from test_readers_odd import told

from pipeline.readers import docx
from pipeline.readers.docx import DocxReader
from pipeline.source import SourceFile, Unit

MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
PROPERTIES = (
    *("", "", "", "<w:rPr><w:b/></w:rPr>", "<w:rPr><w:rStyle w:val='x'/></w:rPr>"),
    *("<w:rPr><w:vanish/></w:rPr>", '<w:rPr><w:vanish w:val="0"/></w:rPr>'),
    "<w:rPr><w:rStyle w:val='Also'/></w:rPr>",
)
ODD = (
    *("<w:tab/>", "<w:br/>", "<w:noBreakHyphen/>", '<w:footnoteReference w:id="1"/>', "<w:sym/>"),
    *("<w:instrText>PAGE</w:instrText>", "<w:delText>gone</w:delText>"),
    f'<m:t xmlns:m="{MATH}">x</m:t>',
    *('<w:sym w:font="Symbol" w:char="F061"/>', "<w:rt><w:t>no</w:t></w:rt>"),
)
WRAPPERS = (
    *("hyperlink", "ins", "del", "moveFrom", "moveTo", "smartTag", "sdt", "Choice", "Fallback"),
    *("fldSimple", "r"),
)
STYLES = (
    *("", "", "", "<w:pPr/>", '<w:pPr><w:pStyle w:val="Heading2"/></w:pPr>'),
    '<w:pPr><w:pStyle w:val="ListBullet"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>',
    '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr></w:pPr>',
    *("<w:pPr><w:numPr/></w:pPr>", '<w:pPr><w:pStyle w:val="ListBullet"/><w:jc/></w:pPr>'),
    '<w:pPr><w:pPrChange><w:pPr><w:pStyle w:val="Title"/></w:pPr></w:pPrChange></w:pPr>',
    "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>",
    *('<w:pPr><w:framePr w:dropCap="drop"/></w:pPr>', '<w:pPr><w:pStyle w:val="Secret"/></w:pPr>'),
)
WRITTEN = "<w:p>" + "<w:r><w:t>Steep for 3 minutes.</w:t></w:r>" * 2 + "</w:p>"


class Writer:
    """A document by lot: runs are mostly of text, paragraphs mostly of runs."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.boxes = seed % 4 == 0
        self.words = 0

    def run(self) -> str:
        parts = [self.chance.choice(PROPERTIES)]
        for _ in range(self.chance.randrange(3)):
            self.words += 1
            text = f'<w:t xml:space="preserve">w{self.words} </w:t>'
            parts.append(self.chance.choice(ODD) if self.chance.random() < 0.1 else text)
        if self.boxes and self.chance.random() < 0.05:
            parts.append(f"<w:pict><w:txbxContent>{self.paragraph()}</w:txbxContent></w:pict>")
        return f"<w:r>{''.join(parts)}</w:r>"

    def inline(self, depth: int) -> str:
        if depth == 3 or self.chance.random() < 0.8:
            return self.run()
        name = self.chance.choice(WRAPPERS)
        inner = "".join(self.inline(depth + 1) for _ in range(self.chance.randrange(3)))
        return f"<w:{name}>{inner}</w:{name}>"

    def paragraph(self) -> str:
        inner = "".join(self.inline(0) for _ in range(self.chance.randrange(5)))
        return f"<w:p>{self.chance.choice(STYLES)}{inner}</w:p>"

    def block(self, depth: int) -> str:
        if depth == 3 or self.chance.random() < 0.8:
            return self.paragraph()
        inner = "".join(self.block(depth + 1) for _ in range(self.chance.randrange(3)))
        name = self.chance.choice(["tbl", "sdt", "del", "ins"])
        held = f"<w:tr><w:tc>{inner}</w:tc></w:tr>" if name == "tbl" else inner
        return f"<w:{name}>{held}</w:{name}>"


def read(folder: Path, body: str, **parts: str) -> list[dict[str, object]]:
    path = folder / "a.docx"
    path.write_bytes(made.docx(body, **parts))
    unit = Unit((SourceFile("a.docx", path, path.stat().st_size, ""),))
    return [row for frame in DocxReader().read(unit) for row in frame.to_dicts()]


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_plain_paragraphs_are_as_walked(seed: int, tmp_path: Path) -> None:
    """Whatever stands in them and around them."""
    for number in range(seed, seed + 20):
        writer = Writer(number)
        body = "".join(writer.block(0) for _ in range(20))
        found = read(tmp_path, body, styles=HIDING)
        with mock.patch.object(docx, "plain_paragraphs", lambda *of: {}):
            assert found == read(tmp_path, body, styles=HIDING), body


def test_most_paragraphs_are_plain(tmp_path: Path) -> None:
    """The walk is for the others alone."""
    walked: list[str] = []
    real = docx._Document._walked

    def watched(self: docx._Document, paragraph: Any, level: int) -> docx.Plain:
        told = real(self, paragraph, level)
        walked.append(told.text)
        return told

    odd = "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r></w:p>"
    with mock.patch.object(docx._Document, "_walked", watched):
        [row] = read(tmp_path, WRITTEN * 3 + odd + WRITTEN)
    assert walked == ["a\tb"]
    assert str(row["text"]).count("Steep for 3 minutes.Steep for 3 minutes.") == 4


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ('<w:numPr><w:ilvl w:val="0"/><w:numId w:val="0"/></w:numPr>', "x"),
        ('<w:pStyle w:val="ListBullet"/><w:numPr><w:numId w:val="0"/></w:numPr>', "x"),
        ('<w:pStyle w:val="ListBullet"/>', "- x"),
        ('<w:numPr><w:numId w:val="10"/></w:numPr>', "- x"),
    ],
)
def test_number_0_is_no_list(properties: str, text: str, tmp_path: Path) -> None:
    """In a plain paragraph and in one that is walked."""
    for end in ("", "<w:r><w:tab/></w:r>"):
        body = f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>x</w:t></w:r>{end}</w:p>"
        assert [row["text"] for row in read(tmp_path, body)] == [text]


def cell(text: str, width: int = 1) -> str:
    properties = f'<w:tcPr><w:tcW/><w:gridSpan w:val="{width}"/></w:tcPr>' if width > 1 else ""
    return f"<w:tc>{properties}{made.paragraph(made.run(text))}</w:tc>"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [cell("Q") + cell("A") + cell("Note"), cell("wide", 2) + cell("n")],
            "| Q | A | Note |\n| --- | --- | --- |\n| wide |  | n |",
        ),
        (
            [cell("a", 2) + cell("b"), cell("c", 2) + cell("d")],
            "| a | b |\n| --- | --- |\n| c | d |",
        ),
        (
            [cell("a") + cell("b"), '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + cell("c")],
            "| a | b |\n| --- | --- |\n|  | c |",
        ),
        ([cell("a", 9999), cell("") + cell("")], "a"),
    ],
)
def test_cells_stand_in_their_columns(rows: list[str], text: str, tmp_path: Path) -> None:
    """Behind a wide one too; a column of the grid that no cell begins at is none."""
    body = "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    assert [row["text"] for row in read(tmp_path, f"<w:tbl>{body}</w:tbl>")] == [text]


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def held(*blocks: str) -> str:
    return f"<w:tc>{''.join(blocks)}</w:tc>"


PRICES = table(cell("a") + cell("b"), cell("1") + cell("2"))
RULES = made.paragraph(made.run("Rules"), "Heading1") + "".join(
    made.paragraph(made.run(text), style)
    for text, style in [("Read this.", ""), ("Unplug it.", "ListBullet"), ("Cool.", "ListBullet")]
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (table(held(RULES)), "# Rules\n\nRead this.\n\n- Unplug it.\n- Cool."),
        (table(held(RULES) + held()), "# Rules\n\nRead this.\n\n- Unplug it.\n- Cool."),
        (table(held(made.run("") + PRICES)), "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        (table(held(PRICES) + cell("x")), "| a; b / 1; 2 | x |\n| --- | --- |"),
        (table(held(table(held(PRICES))) + cell("x")), "| a; b / 1; 2 | x |\n| --- | --- |"),
    ],
)
def test_a_frame_is_what_it_holds(body: str, text: str, tmp_path: Path) -> None:
    """A table of one column keeps headings, lists and tables; in a cell a table is one line."""
    assert [row["text"] for row in read(tmp_path, body)] == [text]


def math(inside: str) -> str:
    """An equation; what stands in square brackets is its text."""
    runs = re.sub(r"\[(.+?)\]", r"<r><t>\1</t></r>", inside)
    marked = re.sub(r"<(/?)(\w)", r"<\1m:\2", runs).replace(" val=", " m:val=")
    return f'<w:p><m:oMath xmlns:m="{MATH}">{marked}</m:oMath></w:p>'


BOTH = "<sub><e/>[i=1]</sub><sup>[n]</sup>"
MATRIX = "<m><mr><e>[a]</e><e>[b]</e></mr><mr><e>[c]</e><e>[d]</e></mr></m>"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<f><num>[1]</num><den>[2]</den></f>", "1/2"),
        ("<f><num>[a+b]</num><den>[xy]</den></f>", "(a+b)/(xy)"),
        ("<f><fPr><type val='noBar'/></fPr><num>[n]</num><den>[k]</den></f>", "n¦k"),
        ("<sSup><e>[10]</e><sup>[-3]</sup></sSup>", "10^(-3)"),
        ("<sSup><e><d><e>[a+b]</e></d></e><sup>[2]</sup></sSup>", "(a+b)^2"),
        ("<sSub><e>[x]</e><sub>[max]</sub></sSub>", "x_max"),
        (f"<sSubSup><e>[x]</e>{BOTH}</sSubSup>", "x_(i=1)^n"),
        (f"<sPre><e>[X]</e>{BOTH}</sPre>", "_(i=1)^n X"),
        (f"<nary><naryPr><chr val='∑'/></naryPr>{BOTH}<e>[i]</e></nary>", "∑_(i=1)^n i"),
        ("<rad><deg/><e>[x+1]</e></rad>", "sqrt(x+1)"),
        ("<rad><deg>[3]</deg><e>[x]</e></rad>", "root(3, x)"),
        ("<func><fName>[sin]</fName><e>[x]</e></func>", "sin x"),
        (
            "<func><fName><limLow><e>[lim]</e><lim>[x→0]</lim></limLow></fName><e/></func>",
            "lim_(x→0)",
        ),
        ("<acc><e>[x]</e></acc>[=]<bar><e>[AB]</e></bar>", "x\u0302=(AB)\u0304"),
        (
            f"<d><dPr><begChr val='&#91;'/><endChr val='&#93;'/></dPr><e>{MATRIX}</e></d>",
            "[a, b; c, d]",
        ),
        ("<eqArr><e>[x=1]</e><e>[y=2]</e></eqArr>", "x=1; y=2"),
        ("[a]<phant><phantPr><show val='0'/></phantPr><e>[b]</e></phant>", "a"),
        ("<box><e>" * 40 + "[x]" + "</e></box>" * 40, "read.too_deep"),
    ],
)
def test_equations_are_on_one_line(inside: str, text: str, tmp_path: Path) -> None:
    """No part runs into another."""
    assert told(tmp_path, "a.docx", made.docx(math(inside))) == [("", text)]


def sign(font: str, code: str) -> str:
    return f'<w:sym w:font="{font}" w:char="{code}"/>'


def mark(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def code(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


BEGIN, SEPARATE, END = mark("begin"), mark("separate"), mark("end")
SEX = BEGIN + code("MERGEFIELD Sex") + SEPARATE + made.run("M") + END
SALUTATION = BEGIN + code("IF ") + SEX + code('="M" Mr Ms') + SEPARATE + made.run("Mr") + END
RUBY = f"<w:ruby><w:rt>{made.run('no')}</w:rt><w:rubyBase>{made.run('京')}</w:rubyBase></w:ruby>"
GONE = f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{made.run('Half ')}</w:p>"
DROPPED = f"<w:p><w:pPr><w:framePr w:dropCap='drop'/></w:pPr>{made.run('T')}</w:p>"
HALF = made.paragraph(made.run("a half."), "Heading1")
HIDING = (
    '<w:style w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:styleId="Also"><w:basedOn w:val="Secret"/></w:style>'
    '<w:style w:styleId="Seen"><w:basedOn w:val="Also"/><w:rPr><w:vanish w:val="0"/></w:rPr>'
    "</w:style>"
)
AS_STYLED = '<w:r><w:rPr><w:rStyle w:val="%s"/></w:rPr><w:t>%s</w:t></w:r>'
SHOWN_ALL_THE_SAME = '<w:r><w:rPr><w:vanish w:val="off"/></w:rPr><w:t>but</w:t></w:r>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (made.paragraph(f"<w:r>{sign('Symbol', 'F061') + sign('Symbol', 'F0B0')}</w:r>"), "α°"),
        (
            made.paragraph(f"<w:r>{sign('Wingdings', 'F0FC') + sign('Wingdings', 'F041')}</w:r>"),
            "✔",
        ),
        (made.paragraph(f"<w:r>{sign('Arial', '0041') + sign('Arial', 'x')}</w:r>"), "A"),
        (made.paragraph(made.run("Dear ") + SALUTATION + made.run(" Lan")), "Dear Mr Lan"),
        (made.paragraph(SEX + made.run(".")), "M."),
        (made.paragraph(SALUTATION + BEGIN + made.run("open")), "MMropen"),
        (made.paragraph(END + SALUTATION), "MMr"),
        (made.paragraph(f"<w:r>{RUBY}</w:r>"), "京"),
        (GONE + '<w:bookmarkStart w:id="1"/>' + GONE + HALF, "# Half Half a half."),
        (GONE + table(cell("a")) + GONE, "Half\n\na\n\nHalf"),
        (DROPPED + made.paragraph(made.run("ea.")), "Tea."),
        (made.paragraph(made.run("no"), "Also") + made.paragraph(made.run("a"), "Seen"), "a"),
        (made.paragraph(made.run("no") + SHOWN_ALL_THE_SAME, "Secret"), "but"),
        (made.paragraph(AS_STYLED % ("Also", "no") + AS_STYLED % ("Seen", "a")), "a"),
    ],
)
def test_what_is_seen_is_read(body: str, text: str, tmp_path: Path) -> None:
    """Signs of fonts, fields in the code of fields, paragraphs that are one, styles that hide."""
    [row] = read(tmp_path, body, styles=HIDING)
    assert row["text"] == text


def box(own: int, text: str, kind: str = "node") -> str:
    said = f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"
    return f'<d:pt modelId="{own}" type="{kind}"><d:t>{said}</d:t></d:pt>'


def belongs(above: int, own: int, order: int = 0, kind: str = "parOf") -> str:
    return f'<d:cxn type="{kind}" srcId="{above}" destId="{own}" srcOrd="{order}"/>'


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (
            [
                *(box(1, "b"), box(2, "a"), box(3, "a1")),
                *(box(0, "no", "doc"), box(9, "no", "pres")),
                *(belongs(0, 1, 1), belongs(0, 2, 0), belongs(2, 3), belongs(1, 9, 0, "presOf")),
            ],
            "- a\n  - a1\n- b",
        ),
        ([box(1, "a"), belongs(1, 2), box(2, "b"), belongs(2, 1), belongs(2, 2)], "- a\n  - b"),
        ([box(1, ""), box(2, "b"), belongs(1, 2), box(1, "c")], "- c\n  - b"),
    ],
)
def test_a_diagram_is_a_list(model: list[str], text: str, tmp_path: Path) -> None:
    """Its boxes below those they belong to, each once, and the diagram once."""
    root = f'<d:dataModel xmlns:d="{made.A}" xmlns:a="{made.A}">{"".join(model)}</d:dataModel>'
    shown = f'<d:relIds xmlns:d="{made.A}" xmlns:r="{made.R}" r:dm="%s"/>'
    drawn = made.paragraph(f"<w:r><w:drawing>{shown % 'm'}{shown % 'no'}</w:drawing></w:r>")
    body = f'<w:document xmlns:w="{made.W}"><w:body>{drawn * 2}</w:body></w:document>'
    members: dict[str, str | bytes] = {
        "word/document.xml": body,
        "word/_rels/document.xml.rels": made.relations(m="diagrams/data1.xml"),
        "word/diagrams/data1.xml": root,
    }
    assert told(tmp_path, "a.docx", made.zipped(members)) == [("", text)]
