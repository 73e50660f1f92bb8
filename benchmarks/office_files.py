"""Slides and tables for the readers' benchmarks, made from texts because no real ones are at hand.

A slide has a title and five paragraphs in runs of five words. A table has a row for each line, with
the line's words and two numbers. Tables with an even number of lines use shared strings, the others
have the strings inside the cells.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
COLUMNS = "ABCDEFGHIJ"


def relations(targets: dict[str, str]) -> str:
    made = "".join(
        f'<Relationship Id="{name}" Type="{R}/part" Target="{target}"/>'
        for name, target in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}">{made}</Relationships>'


def paragraph(line: str) -> str:
    words = escape(line).split()
    runs = (" ".join(words[at : at + 5]) for at in range(0, len(words), 5))
    return f"<a:p>{''.join(f'<a:r><a:t>{run} </a:t></a:r>' for run in runs)}</a:p>"


def shape(kind: str, lines: list[str]) -> str:
    place = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
    return f"<p:sp>{place}<p:txBody>{''.join(map(paragraph, lines))}</p:txBody></p:sp>"


def write_pptx(lines: list[str], path: Path) -> None:
    lines = [line for line in lines if line.strip()]
    slides = [lines[at : at + 6] for at in range(0, len(lines), 6)]
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(len(slides)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", "<Types/>")
        parts.writestr(
            "ppt/presentation.xml",
            f'<p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst>{ids}</p:sldIdLst>'
            "</p:presentation>",
        )
        targets = {f"r{n}": f"slides/slide{n}.xml" for n in range(len(slides))}
        parts.writestr("ppt/_rels/presentation.xml.rels", relations(targets))
        for n, slide in enumerate(slides):
            shapes = shape("title", slide[:1]) + shape("body", slide[1:])
            parts.writestr(
                f"ppt/slides/slide{n}.xml",
                f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree>{shapes}</p:spTree>'
                "</p:cSld></p:sld>",
            )


def write_xlsx(lines: list[str], path: Path) -> None:
    lines = [line for line in lines if line.strip()]
    shared: dict[str, int] = {}
    inline = len(lines) % 2 == 1
    rows = []
    for number, line in enumerate(lines, 1):
        words = escape(line).split()[: len(COLUMNS) - 2]
        cells = [f'<c r="I{number}"><v>{len(line)}</v></c><c r="J{number}"><v>0.25</v></c>']
        for column, word in reversed(list(zip(COLUMNS, words, strict=False))):
            at = f'<c r="{column}{number}"'
            cell = f'{at} t="s"><v>{shared.setdefault(word, len(shared))}</v></c>'
            cells.insert(0, f'{at} t="inlineStr"><is><t>{word}</t></is></c>' if inline else cell)
        rows.append(f'<row r="{number}">{"".join(cells)}</row>')
    strings = "".join(f"<si><t>{word}</t></si>" for word in shared)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", "<Types/>")
        parts.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="Words" sheetId="1" '
            'r:id="r1"/></sheets></workbook>',
        )
        targets = {"r1": "worksheets/sheet1.xml", "r2": "sharedStrings.xml"}
        parts.writestr("xl/_rels/workbook.xml.rels", relations(targets))
        parts.writestr("xl/sharedStrings.xml", f'<sst xmlns="{S}">{strings}</sst>')
        parts.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{S}"><sheetData>{"".join(rows)}</sheetData></worksheet>',
        )
