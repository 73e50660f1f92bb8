"""Workbooks: what their numbers mean, which rows are shown, where their parts lie."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import documents_made as made
import pytest
from test_readers_odd import told

from pipeline.readers.xlsx_numbers import plain

SHEET = f'<worksheet xmlns="{made.S}">%s</worksheet>'
KINDS = "".join(
    f'<Relationship Id="{name}" Type="{made.R}/{kind}" Target="{target}"/>'
    for name, kind, target in (
        ("r1", "worksheet", "worksheets/sheet1.xml"),
        ("r2", "sharedStrings", "/xl/Texts/SharedStrings.xml"),
        ("r3", "styles", "Styles.xml"),
    )
)


def workbook(
    sheet: str, codes: tuple[str | int, ...] = (), properties: str = "", table: str = ""
) -> bytes:
    """A sheet whose style 1 is the first format, by its code or number, and so on."""
    own = enumerate((code for code in codes if isinstance(code, str)), 164)
    formats = {code: number for number, code in own}
    numbers = [0, *(code if isinstance(code, int) else formats[code] for code in codes)]
    said = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>'
        for code, number in formats.items()
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in numbers)
    return made.zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": made.relations(r1="officeDocuments/../xl/Book.xml"),
            "xl/Book.xml": f'<workbook xmlns="{made.S}" xmlns:r="{made.R}">{properties}<sheets>'
            '<sheet name="S" r:id="r1"/></sheets></workbook>',
            "xl/_rels/Book.xml.rels": f'<Relationships xmlns="{made.RELS}">{KINDS}</Relationships>',
            "xl/texts/sharedStrings.xml": f'<sst xmlns="{made.S}"><si><t>Tea</t></si></sst>',
            "xl/styles.xml": f'<styleSheet xmlns="{made.S}"><numFmts>{said}</numFmts>'
            f"<cellXfs>{styles}</cellXfs></styleSheet>",
            "xl/worksheets/sheet1.xml": SHEET % sheet,
            "xl/worksheets/_rels/sheet1.xml.rels": made.relations(r1="table/../../t.xml"),
            "xl/t.xml": f"<table>{table}</table>",
        }
    )


def rows(*cells: str) -> str:
    return f"<sheetData>{''.join(f'<row>{each}</row>' for each in cells)}</sheetData>"


@pytest.mark.parametrize(
    ("code", "stored", "shown"),
    [
        ("General", "1.1000000000000001", "1.1"),
        ("Standard", "45306.0", "45306"),
        ("#,##0.00", "0.30000000000000004", "0.3"),
        ("0.00E+00", "1E-5", "0.00001"),
        ('0 "days"', "3", "3"),
        ("0\\d", "3", "3"),
        ("[Red]0", "3", "3"),
        ("@", "12345678901234567890", "12345678901234567890"),
        (9, "0.15", "15%"),
        ("0.0%;[Red]-0.0%", "-0.07", "-7%"),
        (14, "45306", "2024-01-15"),
        ("dd/mm/yyyy", "45306.395833333336", "2024-01-15 09:30"),
        ("[$-42A]d\\-mmm\\-yy;@", "45306", "2024-01-15"),
        ('yyyy"年"m"月"d"日"', "45306", "2024-01-15"),
        ("mmmm", "45306", "2024-01-15"),
        (58, "45306", "2024-01-15"),
        (22, "45306", "2024-01-15 00:00"),
        ("yyyy-mm-dd hh:mm:ss", "45306.999988425923", "2024-01-15 23:59:59"),
        ("h:mm AM/PM", "0.3958333333333333", "09:30"),
        ("mm:ss.0", "0.00075520833", "00:01:05.250"),
        (20, "0", "00:00"),
        (46, "1.5", "36:00"),
        ("[mm]:ss", "-0.0006944444", "-00:01"),
        (14, "1", "1900-01-01"),
        (14, "60", "1900-02-29"),
        (14, "61", "1900-03-01"),
        (14, "0", "0"),
        (14, "-3", "-3"),
        (14, "2958466", "2958466"),
        (14, "1E+250", "1e+250"),
        (46, "1E+250", "1e+250"),
        (9, "x²", "x²"),
        ("y" * 300, "45306", "45306"),
    ],
)
def test_numbers_are_what_their_format_says(
    code: str | int, stored: str, shown: str, tmp_path: Path
) -> None:
    """A date, a time, a duration or a share in one way; a number without the noise of binary."""
    data = workbook(rows(f'<c s="1"><v>{stored}</v></c>'), (code,))
    assert told(tmp_path, "a.xlsx", data) == [("sheet=S", shown)]


def test_days_may_count_from_1904(tmp_path: Path) -> None:
    """As in workbooks that were made on a Mac."""
    cell = rows('<c s="1"><v>43844</v></c>')
    data = workbook(cell, (14,), '<workbookPr date1904="1"/>')
    assert told(tmp_path, "a.xlsx", data) == [("sheet=S", "2024-01-15")]


def test_values_of_other_kinds_have_no_format(tmp_path: Path) -> None:
    """A text in a cell of dates is a text, a style that is not there a plain number."""
    cells = (
        '<c s="1" t="str"><v>45306</v></c><c s="1" t="b"><v>1</v></c><c s="9"><v>2.50</v></c>'
        '<c s="1" t="d"><v>2024-01-15</v></c><c s="1" t="s"><v>0</v></c><c s="²" t="s"><v>²</v></c>'
        "<c/><c><v>7</v></c>"
    )
    text = "| 45306 | TRUE | 2.5 | 2024-01-15 | Tea |  |  | 7 |"
    [(_, table)] = told(tmp_path, "a.xlsx", workbook(rows(cells), (14,)))
    assert table.splitlines()[0] == text


TEXT = '<c t="inlineStr"><is><t>%s</t></is></c>'
HIDDEN = (
    '<cols><col min="2" max="2" hidden="1"/><col min="4" max="4" hidden="1" outlineLevel="1"/>'
    '<col min="5" max="99999999999" hidden="true"/><col min="0" max="0" hidden="1"/>'
    "</cols><sheetData>"
    f"<row>{''.join(TEXT % each for each in 'abcde')}</row>"
    f'<row r="2" hidden="1">{TEXT % "secret"}</row>'
    f'<row r="3" hidden="1" outlineLevel="1">{TEXT % "folded"}</row>'
    f'<row r="4" hidden="0">{TEXT % "shown"}</row></sheetData>'
)
TABLE = "| a | c | d |\n| --- | --- | --- |\n%s| folded |  |  |\n| shown |  |  |"


ALL = TABLE % "| secret |  |  |\n"
FILTER = '<autoFilter ref="A1:E4"><filterColumn/></autoFilter>'


@pytest.mark.parametrize(
    ("sheet", "table", "text"),
    [
        (HIDDEN, "", TABLE % ""),
        (HIDDEN + '<autoFilter ref="A1:E4"/>', "", TABLE % ""),
        (HIDDEN + FILTER, "", ALL),
        ('<sheetPr filterMode="1"/>' + HIDDEN, "", ALL),
        (HIDDEN, FILTER, ALL),
    ],
)
def test_what_is_hidden_is_left_out(sheet: str, table: str, text: str, tmp_path: Path) -> None:
    """Rows and columns, but for those that a filter or a folded group does not show just now."""
    data = workbook(sheet, table=table)
    assert told(tmp_path, "a.xlsx", data) == [("sheet=S", text)]


def test_numbers_stay_numbers() -> None:
    """The shortest form is the same number, to the 15 digits that Excel knows of it."""
    for k in range(-320, 300, 7):
        for text in (repr(1.1 * 10.0**k), format(-(10.0**k), ".17g"), format(3 * 0.1**5, "f")):
            assert float(plain(text)) == pytest.approx(float(text), rel=1e-14)
            assert plain(plain(text)) == plain(text)
