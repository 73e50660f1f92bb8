"""Styles of a Word document: which are headings, number their paragraphs, or hide text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers import zipped
from pipeline.readers.zipped import NAMES, Parts, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

_WORDS = {f"Heading{level}": level for level in range(1, 7)} | {"Title": 1}
_MOST_BASES = 20  # styles that a style is based on, one on the other; more than that are a cycle


class Number(NamedTuple):
    """The list and level in a `numPr`; "" for what it leaves to the style. List "0" means none."""

    list: str
    level: str


class Style(NamedTuple):
    """The properties of a style, including those inherited from the styles it is based on."""

    heading: int = 0  # its level from 1 to 6; 0 for none
    number: Number = Number("", "")
    hidden: bool = False


class Styles(dict[str, Style]):
    """Styles by id, each looked up on first use, because a document has hundreds.

    A document may use Word's heading styles without defining them.
    """

    def __init__(self, parts: Parts, main: str) -> None:
        """Take the document's styles from the folder of its main part."""
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
        inherited = self[style] = Style(heading, Number(number, level), bool(hidden))
        return inherited

    def _own(self, style: str) -> _Own | None:
        """A style's own properties, read once, because many styles may be based on it."""
        if style not in self._said and style in self._elements:
            self._said[style] = _own(self._elements[style])
        return self._said.get(style)


class _Own(NamedTuple):
    """A style's own properties, without inherited ones."""

    heading: int
    base: str | None
    number: Number
    hidden: bool | None


def number_of(properties: _Element) -> Number:
    """The list that a `numPr` puts its paragraph into, and the level."""
    values = {NAMES[each.tag]: attribute(each, "val") or "" for each in properties}
    return Number(values.get("numId", ""), values.get("ilvl", ""))


def is_on(toggle: _Element) -> bool:
    """Whether a toggle element is on: its presence means yes unless its value says no."""
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
            number = next((number_of(e) for e in each if NAMES[e.tag] == "numPr"), number)
        elif kind == "rPr":
            hidden = next((is_on(e) for e in each if NAMES[e.tag] == "vanish"), None)
    return _Own(heading, base, number, hidden)
