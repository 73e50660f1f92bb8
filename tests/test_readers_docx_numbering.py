"""Word documents: the numbers that Word gives to paragraphs."""

from __future__ import annotations

import string
from pathlib import Path

import documents_made as made
import pytest
from test_readers_docx import cell, held, read, table

from pipeline.readers.docx_numbering import numeral


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
        (LAW, "", (item() + item(1)) * 2, "Điều 1. x\n\n1.1 x\n\nĐiều 2. x\n\n2.1 x"),
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


LINKED = (
    '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Own"/></w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="2"><w:styleLink w:val="Own"/>{LAW}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
)


def test_a_list_may_be_a_styles(tmp_path: Path) -> None:
    """Defined where the style is."""
    [row] = read(tmp_path, item() * 2, numbering=LINKED)
    assert row["text"] == "Điều 1. x\n\nĐiều 2. x"
