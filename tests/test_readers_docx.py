"""Word documents: plain paragraphs are read in one pass to what a walk of every element gives."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any
from unittest import mock

import documents_made as made
import pytest

from pipeline.readers import docx
from pipeline.readers.docx import DocxReader
from pipeline.readers.docx_numbering import numeral
from pipeline.source import SourceFile, Unit

MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
PROPERTIES = (
    *("", "", "", "<w:rPr><w:b/></w:rPr>", "<w:rPr><w:rStyle w:val='x'/></w:rPr>"),
    *("<w:rPr><w:vanish/></w:rPr>", '<w:rPr><w:vanish w:val="0"/></w:rPr>'),
)
ODD = (
    *("<w:tab/>", "<w:br/>", "<w:noBreakHyphen/>", '<w:footnoteReference w:id="1"/>', "<w:sym/>"),
    *("<w:instrText>PAGE</w:instrText>", "<w:delText>gone</w:delText>"),
    f'<m:t xmlns:m="{MATH}">x</m:t>',
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
        found = read(tmp_path, body)
        with mock.patch.object(docx, "plain_paragraphs", lambda root, others: {}):
            assert found == read(tmp_path, body), body


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


def level(at: int, text: str, kind: str = "decimal", more: str = "") -> str:
    start = '<w:start w:val="1"/>'
    start = "" if "w:start " in more else start
    return (
        f'<w:lvl w:ilvl="{at}">{start}<w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def counted(levels: str, changes: str = "") -> str:
    """Lists 1 and 2 of the same definition, what list 2 changes of it."""
    return (
        f'<w:abstractNum w:abstractNumId="7">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="7"/>{changes}</w:num>'
    )


def item(at: int = 0, number: int = 1, text: str = "x", more: str = "") -> str:
    told = made.run(text) if text else ""
    numbered = f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{more}{numbered}</w:pPr>{told}</w:p>"


LAW = level(0, "Điều %1.") + level(1, "%1.%2", more='<w:pStyle w:val="Clause"/>')
AGAIN = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride>'
LETTERS = '<w:lvlOverride w:ilvl="0">' + level(0, "%1)", "upperLetter") + "</w:lvlOverride>"
NEVER, LEGAL = '<w:lvlRestart w:val="0"/>', "<w:isLgl/>"
EMPTY = item(text="")
ALPHABET = "\n".join(f"{letter}) x" for letter in [*string.ascii_lowercase, "aa", "bb"])
ROWS = "| 1. | a |\n| --- | --- |\n| 2. | b |"


@pytest.mark.parametrize(
    ("levels", "changes", "body", "text"),
    [
        (LAW, "", item() + item(1) * 2 + item(), "Điều 1. x\n\n1.1 x\n\n1.2 x\n\nĐiều 2. x"),
        (LAW, "", item(1), "1.1 x"),
        (level(0, "%1."), "", item() + item(number=2) + item(), "1. x\n2. x\n3. x"),
        (level(0, "%1."), AGAIN, item() + item(number=2) * 2, "1. x\n4. x\n5. x"),
        (level(0, "%1."), LETTERS, item() + item(number=2), "1. x\nB) x"),
        (level(0, "%1)", "lowerLetter"), "", item() * 28, ALPHABET),
        (level(0, "(%1)", "lowerRoman"), "", item() * 4, "(i) x\n(ii) x\n(iii) x\n(iv) x"),
        (level(0, "§ %1", "upperRoman"), "", item(), "§ I x"),
        (level(0, "第%1条", "chineseCounting", '<w:suff w:val="nothing"/>'), "", item(), "第一条x"),
        (level(0, "%1."), "", EMPTY + item(), "2. x"),
        (level(0, "%1."), "", table(held(EMPTY) + cell("a"), held(EMPTY) + cell("b")), ROWS),
        (level(0, "*", "bullet"), "", item() * 2, "- x\n- x"),
        (level(0, ""), "", item(), "x"),
        (level(0, "%1."), "", item(number=9), "- x"),
        (level(0, "%1.", more='<w:start w:val="7"/>'), "", item(), "7. x"),
        (
            level(0, "%1.", "upperRoman") + level(1, "%1.%2.", more=LEGAL),
            "",
            item() + item(1),
            "I. x\n\n1.1. x",
        ),
        (
            level(0, "%1.") + level(1, "%2)", more=NEVER),
            "",
            (item() + item(1)) * 2,
            "1. x\n1) x\n2. x\n2) x",
        ),
        (
            LAW,
            "",
            item(more='<w:pStyle w:val="Heading1"/>') + made.paragraph(made.run("x"), "Clause"),
            "# Điều 1. x\n\n1.1 x",
        ),
    ],
)
def test_paragraphs_have_their_numbers(
    levels: str, changes: str, body: str, text: str, tmp_path: Path
) -> None:
    """As Word counts and writes them, in plain paragraphs and in walked ones."""
    styles = (
        '<w:style w:styleId="Base"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="Clause"><w:basedOn w:val="Base"/></w:style>'
    )
    for end in ("</w:p>", "<w:r><w:tab/></w:r></w:p>"):
        parts = {"numbering": counted(levels, changes), "styles": styles}
        [row] = read(tmp_path, body.replace("</w:p>", end), **parts)
        assert row["text"] == text


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        ("lowerLetter", 26, "z"),
        ("lowerLetter", 781, "781"),
        ("upperRoman", 1994, "MCMXCIV"),
        ("lowerRoman", 4000, "4000"),
        ("decimalZero", 7, "07"),
        ("chineseCounting", 12, "十二"),
        ("chineseCountingThousand", 1_020, "一千零二十"),
        ("chineseCountingThousand", 110, "一百一十"),
        ("unheardOf", 3, "3"),
        ("none", 3, ""),
        ("lowerLetter", 0, "0"),
    ],
)
def test_numerals(kind: str, number: int, text: str) -> None:
    """Figures where a kind has no numeral of its own."""
    assert numeral(kind, number) == text
