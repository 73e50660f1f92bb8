"""Diagrams of Office documents (SmartArt): the text of their boxes, as a list.

A drawing names the part that holds the diagram's data; the drawing itself contains no text.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.readers.zipped import NAMES, Parts, attribute, local

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_INDENTED = 9
_WITHOUT_TEXT = ("doc", "pres")  # the diagram itself, and how its boxes are drawn


class Diagrams:
    """The diagrams of one part of a document."""

    def __init__(self, parts: Parts, part: str) -> None:
        """Take the parts of a document, and the name of the part that holds the drawings."""
        self._parts, self._part = parts, part
        self._links: dict[str, str] | None = None
        self._seen = {""}

    def said(self, element: _Element) -> str:
        """The text of the diagram that a `relIds` element names, with a line for each box.

        "" for a part that was given before or does not exist. Raises UnreadableError when the part
        is damaged.
        """
        if self._links is None:
            self._links = self._parts.relations(self._part)
        name = self._links.get(attribute(element, "dm") or "", "")
        if name in self._seen or name not in self._parts:
            return ""
        self._seen.add(name)
        return diagram_text(self._parts.xml(name))


def diagram_text(model: _Element) -> str:
    """The boxes of a diagram's data model as list items, each below the box it belongs to."""
    points = {attribute(e, "modelId") or "": e for e in model.iter("{*}pt")}
    below: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in model.iter("{*}cxn"):
        if attribute(link, "type") in (None, "parOf"):
            order = attribute(link, "srcOrd") or ""
            at = int(order) if order.isdecimal() and len(order) < 9 else 0
            below[attribute(link, "srcId") or ""].append((at, attribute(link, "destId") or ""))
    documents = [(name, 0) for name, point in points.items() if attribute(point, "type") == "doc"]
    lines = []
    waiting = [*((name, 0) for name in reversed(points)), *documents]  # the last one is next
    while waiting:
        name, level = waiting.pop()
        point = points.pop(name, None)
        if point is None:
            continue
        text = "" if attribute(point, "type") in _WITHOUT_TEXT else _text(point)
        if text:
            lines.append("  " * min(level, _MOST_INDENTED) + "- " + text)
        inner = level + bool(text)
        waiting += [(each, inner) for _, each in sorted(below.pop(name, ()), reverse=True)]
    return "\n".join(lines)


def _text(point: _Element) -> str:
    """A box's paragraphs on one line."""
    paragraphs = (
        "".join(
            part.text or "" if local(part) == "t" else " " for part in each.iter("{*}t", "{*}br")
        )
        for child in point
        if NAMES[child.tag] == "t"
        for each in child.iter("{*}p")
    )
    return " ".join(" ".join(paragraphs).split())
