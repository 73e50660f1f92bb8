"""Word documents: plain paragraphs are read in one pass to what a walk of every element gives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any
from unittest import mock

import documents_made as made
import pytest

from pipeline.readers import docx
from pipeline.readers.docx import DocxReader
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


def read(folder: Path, body: str) -> list[dict[str, object]]:
    path = folder / "a.docx"
    path.write_bytes(made.docx(body))
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
