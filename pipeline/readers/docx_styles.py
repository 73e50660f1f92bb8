"""Styles of a Word document: which are headings, which number their paragraphs, which hide text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers import zipped
from pipeline.readers.zipped import NAMES, Parts, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

_WORDS = {f"Heading{level}": level for level in range(1, 7)} | {"Title": 1}
_MOST_BASES = 20  # styles that a style stands on; more than that are a ring


class Number(NamedTuple):
    """What a `numPr` says: "" for what it leaves to the style. Number "0" is none."""

    list: str
    level: str


class Style(NamedTuple):
    """What a style says of its paragraphs or runs, with what it has from those it stands on."""

    heading: int = 0  # its level of 1 to 6; 0 for none
    number: Number = Number("", "")
    hidden: bool = False


class Styles(dict[str, Style]):
    """Styles by id, each looked at when a paragraph is of it: a document has hundreds.

    It need not define those of Word's headings to use them.
    """

    def __init__(self, parts: Parts, main: str) -> None:
        """From the document's styles beside its main part."""
        super().__init__()
        name = zipped.joined(main.rpartition("/")[0], "styles.xml")
        root = parts.xml(name) if name in parts else None
        styles = () if root is None else root
        self._elements = {attribute(each, "styleId"): each for each in styles}
        self._said: dict[str, _Own] = {}
        self.may_hide = root is not None and next(root.iter("{*}vanish"), None) is not None

    def hides(self, style: str) -> bool:
        """Whether text of this style is not shown."""
        return self.may_hide and self[style].hidden

    def __missing__(self, style: str) -> Style:
        heading, number, level, hidden = 0, "", "", None
        at: str | None = style
        for _ in range(_MOST_BASES):
            own = self._own(at) if at else None
            if own is None:
                break
            heading = own.heading if at == style else heading
            number, level = number or own.number.list, level or own.number.level
            hidden = own.hidden if hidden is None else hidden
            at = own.base
        heading = heading or _WORDS.get(style, 0)
        found = self[style] = Style(heading, Number(number, level), bool(hidden))
        return found

    def _own(self, style: str) -> _Own | None:
        """What a style says itself; many may stand on it, and it is looked at once."""
        if style not in self._said and style in self._elements:
            self._said[style] = _own(self._elements[style])
        return self._said.get(style)


class _Own(NamedTuple):
    """What a style says itself."""

    heading: int
    base: str | None
    number: Number
    hidden: bool | None


def number_of(properties: _Element) -> Number:
    """Which list a `numPr` puts its paragraph into, and how deep."""
    found = {NAMES[each.tag]: attribute(each, "val") or "" for each in properties}
    return Number(found.get("numId", ""), found.get("ilvl", ""))


def is_on(toggle: _Element) -> bool:
    """Whether an element that is there to say yes does not say no."""
    return attribute(toggle, "val") not in ("0", "false", "off")


def _own(style: _Element) -> _Own:
    heading, base, number, hidden = 0, None, Number("", ""), None
    for each in style:
        kind = NAMES[each.tag]
        if kind == "name":
            label = (attribute(each, "val") or "").lower()
            if label == "title":
                heading = 1
            elif label.startswith("heading ") and label[8:].isdigit():
                heading = min(6, int(label[8:]))
        elif kind == "basedOn":
            base = attribute(each, "val")
        elif kind == "pPr":
            number = next((number_of(one) for one in each if NAMES[one.tag] == "numPr"), number)
        elif kind == "rPr":
            hidden = next((is_on(one) for one in each if NAMES[one.tag] == "vanish"), None)
    return _Own(heading, base, number, hidden)
