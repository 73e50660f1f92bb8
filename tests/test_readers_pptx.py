"""Slides: what is shown on them, diagrams too, and nothing that is hidden."""

from __future__ import annotations

from pathlib import Path

import documents_made as made
import pytest
from test_readers_odd import told

DGM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
FRAME = (
    "<p:graphicFrame><p:nvGraphicFramePr/><a:graphic><a:graphicData><d:relIds r:dm='r9'/>"
    "</a:graphicData></a:graphic></p:graphicFrame>"
)


def shape(text: str, shown: str = "") -> str:
    name = f'<p:nvSpPr><p:cNvPr id="2" name="x" {shown}/></p:nvSpPr>'
    return f"<p:sp>{name}<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"


def point(name: str, *lines: str, kind: str = "node") -> str:
    text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
    return f'<d:pt modelId="{name}" type="{kind}"><d:prSet/><d:t>{text}</d:t></d:pt>'


def joint(source: str, target: str, order: object, kind: str = "parOf") -> str:
    return f'<d:cxn type="{kind}" srcId="{source}" destId="{target}" srcOrd="{order}"/>'


def deck(shapes: str, diagram: str = "") -> bytes:
    spaces = f'xmlns:p="{made.P}" xmlns:a="{made.A}" xmlns:r="{made.R}" xmlns:d="{DGM}"'
    slide = f"<p:sld {spaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
    return made.zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": made.relations(r1="officeDocuments/../ppt/Deck.xml"),
            "ppt/Deck.xml": f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="256" r:id="r1"/>'
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/Deck.xml.rels": made.relations(r1="slides/slide1.xml"),
            "ppt/slides/slide1.xml": slide,
            "ppt/slides/_rels/slide1.xml.rels": made.relations(r9="../diagrams/data1.xml"),
            "ppt/diagrams/data1.xml": f"<d:dataModel {spaces}>{diagram}</d:dataModel>",
        }
    )


HIDDEN = '<p:nvGrpSpPr><p:cNvPr hidden="true"/></p:nvGrpSpPr>'
HALF = (
    "<m:oMath xmlns:m='m'><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num>"
    "<m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>"
)
HIDDEN_GROUP = f"<p:grpSp>{HIDDEN}{shape('no')}</p:grpSp>"
OUTLINE = (
    f"<d:ptLst>{point('c', 'Dry', 'them')}{point('p', 'no', kind='pres')}{point('b', 'Young')}"
    f"{point('a', 'Pick')}{point('top', kind='doc')}{point('z', 'alone', kind='sibTrans')}"
    f"</d:ptLst><d:cxnLst>{joint('top', 'c', 10)}{joint('top', 'a', 9)}{joint('a', 'b', 'x')}"
    f"{joint('b', 'a', 0)}{joint('p', 'c', 0, 'presOf')}{joint('top', 'gone', 1)}</d:cxnLst>"
)


@pytest.mark.parametrize(
    ("shapes", "diagram", "text"),
    [
        (shape("One") + FRAME + FRAME, OUTLINE, "One\n\n- Pick\n  - Young\n- Dry them\n- alone"),
        (
            FRAME + shape("One"),
            point("1", "First") + point("2", "Second"),
            "- First\n- Second\n\nOne",
        ),
        (FRAME + shape("One"), "", "One"),
        (FRAME.replace("r9", "r1") + shape("One"), OUTLINE, "One"),
        (shape("One", 'hidden="0"') + shape("no", 'hidden="1"') + shape("Two"), "", "One\n\nTwo"),
        (HIDDEN_GROUP + shape("One") + "<p:sp/>", "", "One"),
        (shape(f"x</a:t></a:r>{HALF}<a:r><a:t>y"), "", "x1/2y"),
    ],
)
def test_what_a_slide_shows(shapes: str, diagram: str, text: str, tmp_path: Path) -> None:
    """A diagram is told as its outline, once; what is hidden is not."""
    assert told(tmp_path, "a.pptx", deck(shapes, diagram)) == [("slides=1-1", text)]
