"""What a SmartArt diagram says: its points in the order of its outline.

A slide only names the part that holds them; the shapes that are drawn of it stand in another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_PLACED = "pres"  # where a point is drawn: it has no text of its own


def points(diagram: _Element) -> Iterator[_Element]:
    """The points that may have text, each before those below it; the others follow."""
    found = {
        point.get("modelId", ""): point
        for point in diagram.iter("{*}pt")
        if point.get("type") != _PLACED
    }
    below = _below(diagram)
    waiting = [*reversed(found), *(name for name, point in found.items() if _is_root(point))]
    while waiting:
        name = waiting.pop()
        point = found.pop(name, None)
        if point is not None:
            yield point
            waiting += reversed(below.get(name, []))


def _is_root(point: _Element) -> bool:
    return str(point.get("type")) == "doc"


def _below(diagram: _Element) -> dict[str, list[str]]:
    """The points below each, in order."""
    found: dict[str, list[tuple[int, str]]] = {}
    for each in diagram.iter("{*}cxn"):
        order = each.get("srcOrd", "")
        if each.get("type", "parOf") == "parOf":
            place = int(order) if order.isdecimal() and len(order) < 10 else 0
            found.setdefault(each.get("srcId", ""), []).append((place, each.get("destId", "")))
    return {name: [one for _, one in sorted(own)] for name, own in found.items()}
