"""Paragraphs of a Word document that are runs of text and nothing else: most are.

They are read in one pass that lxml makes by itself, and that gives Python only what says
something. What holds anything more (a tab, a note, a deletion, hidden text …) is left to the
reader's own walk, and so is a document with text boxes, where paragraphs stand in paragraphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers.docx_styles import Number, number_of
from pipeline.readers.zipped import attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

BOX = "txbxContent"
"""What a text box holds."""


class Plain(NamedTuple):
    """What a paragraph says, and of which kind it is."""

    text: str
    style: str  # its id; "" for none
    number: Number | None  # None where only its style may say so


def plain_paragraphs(root: _Element, others: frozenset[str]) -> dict[_Element, Plain]:
    """The plain paragraphs; none has an element within that is named as one of the `others`."""
    from lxml import etree

    space = etree.QName(root).namespace
    if space is None or next(root.iter(f"{{*}}{BOX}"), None) is not None:
        return {}
    paragraph, text, style, item = (f"{{{space}}}{n}" for n in ("p", "t", "pStyle", "numPr"))
    found: dict[_Element, Plain] = {}
    number: Number | None = None
    at, is_plain, said, named = root, False, [""], ""
    for element in root.iter(paragraph, "{*}t", style, item, *(f"{{*}}{n}" for n in others)):
        tag = element.tag
        if tag == text:
            said.append(element.text or "")
        elif tag == paragraph:
            if is_plain:
                found[at] = Plain("".join(said), named, number)
            at, is_plain, said, named, number = element, True, [], "", None
        elif tag == style:
            named = attribute(element, "val") or ""
        elif tag == item:
            number = number_of(element)
        else:
            is_plain = False
    if is_plain:
        found[at] = Plain("".join(said), named, number)
    return found
