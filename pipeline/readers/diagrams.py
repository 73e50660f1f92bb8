"""Diagrams of Office documents (SmartArt): what their boxes say, as a list.

A drawing names the part that holds the diagram's data; what is drawn has none of the text.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.readers.zipped import NAMES, Parts, attribute, local

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_INDENTED = 9
_NOT_SAID = ("doc", "pres")  # the diagram itself, and how its boxes are drawn


class Diagrams:
    """The diagrams of one part of a document."""

    def __init__(self, parts: Parts, part: str) -> None:
        """From the parts of a document, and the name of the one that holds the drawings."""
        self._parts, self._part = parts, part
        self._links: dict[str, str] | None = None
        self._seen = {""}

    def said(self, element: _Element) -> str:
        """What the diagram of a `relIds` element says, a line for each box; each part once.

        Raises UnreadableError when the part is damaged.
        """
        if self._links is None:
            self._links = self._parts.relations(self._part)
        name = self._links.get(attribute(element, "dm") or "", "")
        if name in self._seen or name not in self._parts:
            return ""
        self._seen.add(name)
        return diagram_text(self._parts.xml(name))


def diagram_text(model: _Element) -> str:
    """The boxes of a diagram's data model as items, each below the one it belongs to."""
    points = {attribute(e, "modelId") or "": e for e in model.iter("{*}pt")}
    below: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in model.iter("{*}cxn"):
        if attribute(link, "type") in (None, "parOf"):
            order = attribute(link, "srcOrd") or ""
            at = int(order) if order.isdecimal() and len(order) < 9 else 0
            below[attribute(link, "srcId") or ""].append((at, attribute(link, "destId") or ""))
    documents = [(own, 0) for own, point in points.items() if attribute(point, "type") == "doc"]
    told = []
    waiting = [*((own, 0) for own in reversed(points)), *documents]  # the last one is next
    while waiting:
        own, level = waiting.pop()
        point = points.pop(own, None)
        if point is None:
            continue
        text = "" if attribute(point, "type") in _NOT_SAID else _text(point)
        if text:
            told.append("  " * min(level, _MOST_INDENTED) + "- " + text)
        inner = level + bool(text)
        waiting += [(each, inner) for _, each in sorted(below.pop(own, ()), reverse=True)]
    return "\n".join(told)


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
