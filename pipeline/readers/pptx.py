"""Slides of PowerPoint: one record for each slide, or one for the whole file.

A slide's title becomes a heading, its tables Markdown tables, its diagrams (SmartArt) lists, its
equations lines; its speaker's notes follow under `Notes:`. Text of the slide masters (footers,
placeholders), hidden slides and hidden shapes are left out. Slides are in the order of the
presentation. The locator is `slide=N`, or `slides=1-N` for the whole file.

Reasons: those of `pipeline.readers.zipped`, including `read.too_deep`, and `read.no_text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.readers import zipped
from pipeline.readers.diagrams import Diagrams
from pipeline.readers.office_math import linear
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.tables import as_lines
from pipeline.readers.zipped import NAMES, Parts
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

REASONS = {**zipped.REASONS, "read.no_text": "it contains no text"}

EXTENSIONS = (".pptx", ".pptm", ".ppsx", ".potx")
MAX_BYTES = 100_000_000
MAX_LEVELS = 64

_PARAGRAPH = "\0"  # a character that XML cannot contain
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("ftr", "sldNum", "dt", "hdr", "sldImg")
_WITHOUT_SHAPES = {"Fallback", "bg", "clrMapOvr", "grpSpPr", "nvGrpSpPr", "timing", "transition"}


class PptxReader(PerFileReader):
    """PowerPoint files (.pptx), one record each or one for each slide."""

    name: ClassVar[str] = "pptx"

    record: Literal["document", "slide"] = Field(
        default="document", description="what a record is: the whole file, or each slide"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.pptx, .pptm, .ppsx), or by the members of the zip file."""
        by_name = file.uri.lower().endswith(EXTENSIONS)
        return by_name or zipped.is_office(head, "ppt/presentation.xml")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the slides that have text."""
        with zipped.opened(file, self.max_bytes) as parts:
            document = _Document(parts)
            slides = [
                (number, text)
                for number, name in enumerate(_slide_names(parts), 1)
                if (text := document.slide(name))
            ]
        if not slides:
            raise UnreadableError("read.no_text")
        if self.record == "slide":
            for number, text in slides:
                yield {"source": file.uri, "locator": f"slide={number}", "text": text}
        else:
            whole = "\n\n".join(text for _, text in slides)
            place = f"slides=1-{slides[-1][0]}"
            yield {"source": file.uri, "locator": place, "text": whole}


def _slide_names(parts: Parts) -> Iterator[str]:
    """Yield the names of the slides' parts, in the order in which they are shown."""
    main = next(iter(parts.related("", "officeDocument")), "ppt/presentation.xml")
    relations = parts.relations(main)
    for element in parts.xml(main).iter("{*}sldId"):
        for key, value in element.items():
            if str(key).endswith("}id") and value in relations:
                yield relations[str(value)]


class _Document:
    """A presentation while its slides are being read."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.diagrams = Diagrams(parts, "")  # those of the current slide
        self.hides = False  # whether the current slide may have hidden shapes

    def slide(self, name: str) -> str:
        data = self.parts.read(name)
        slide = zipped.parse_xml(data)
        if slide.get("show") == "0":
            return ""
        self.diagrams = Diagrams(self.parts, name)
        self.hides = b"hidden=" in data or b"\0" in data
        if b"oMath" in data or b"\0" in data:
            _replace_equations(slide)
        blocks: list[str] = []
        self._add_shapes(slide, 0, blocks)
        links = self.parts.relations(name).values()
        notes = [target for target in links if "notesSlide" in target]
        for target in notes[:1]:
            said: list[str] = []
            self._add_shapes(self.parts.xml(target), 0, said)
            blocks += ["Notes:\n" + "\n".join(said)] if said else []
        return "\n\n".join(blocks)

    def _add_shapes(self, element: _Element, level: int, blocks: list[str]) -> None:
        """Add the text of each shape to `blocks`, group by group, in the order of the file."""
        if level > MAX_LEVELS:
            raise UnreadableError("read.too_deep", None, MAX_LEVELS)
        for child in element:
            kind = NAMES[child.tag]
            if self.hides and _is_hidden(child):
                continue
            if kind == "sp":
                place, lines = _said(child)
                if place not in _FURNITURE and (text := "\n".join(filter(None, lines))):
                    blocks.append("# " + " ".join(text.split()) if place in _TITLES else text)
            elif kind == "tbl":
                rows = ([*row.iter("{*}tc")] for row in child.iter("{*}tr"))
                cells = [[" ".join(_said(cell)[1]) for cell in row] for row in rows]
                blocks.append(as_lines(cells))
            elif kind == "relIds":
                blocks += filter(None, [self.diagrams.said(child)])
            elif kind not in _WITHOUT_SHAPES:
                self._add_shapes(child, level + 1, blocks)


def _replace_equations(slide: _Element) -> None:
    """Replace each equation by its text on one line; from its parts alone, ½ would become 12."""
    for equation in slide.iter("{*}oMath"):
        said = linear(equation)
        equation.clear()
        text = equation.makeelement("t")
        text.text = said
        equation.append(text)


def _is_hidden(shape: _Element) -> bool:
    """Whether a shape, a group or a frame is not shown."""
    named = shape[0][0] if len(shape) and len(shape[0]) else None
    return named is not None and named.get("hidden") in ("1", "true")


def _said(element: _Element) -> tuple[str | None, list[str]]:
    """What a shape is on the slide (such as `title`; None if unknown), and its paragraphs."""
    place: str | None = None
    pieces: list[str] = []
    for each in element.iter("{*}p", "{*}t", "{*}br", "{*}ph"):
        kind = NAMES[each.tag]
        if kind == "t":
            pieces.append(each.text or "")
        elif kind == "ph":
            place = place or each.get("type")
        else:
            pieces.append(_PARAGRAPH if kind == "p" else "\n")
    return place, [line.strip() for line in "".join(pieces).split(_PARAGRAPH)[1:]]
