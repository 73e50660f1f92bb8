"""Paragraphs of a Word document that are runs of text and nothing else, as most are.

They are read in one pass in lxml, which hands Python only the elements with text or formatting. A
paragraph with anything more (a tab, a note, a deletion, hidden text …) is left to the reader's own
walk, and so is a document with text boxes, where paragraphs are inside paragraphs. The questions
that the walk asks about a paragraph are answered here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipeline.readers.docx_styles import Number, Styles, is_on, number_of
from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

_GONE = ("del", "moveFrom")
BOX = "txbxContent"
"""The element that holds the content of a text box."""


class Plain(NamedTuple):
    """The text of a paragraph, and what kind of paragraph it is."""

    text: str
    style: str  # its id; "" for none
    number: Number | None  # None if only its style may give it one
    runs_on: bool = False  # into the next paragraph


def plain_paragraphs(
    root: _Element, others: frozenset[str], styles: Styles
) -> dict[_Element, Plain]:
    """The plain paragraphs of a document: those without any element named in `others`, and without
    a style that hides them or a part of them."""
    from lxml import etree

    space = etree.QName(root).namespace
    if space is None or next(root.iter(f"{{*}}{BOX}"), None) is not None:
        return {}
    paragraph, text, style, item = (f"{{{space}}}{n}" for n in ("p", "t", "pStyle", "numPr"))
    run_style = f"{{{space}}}rStyle"
    names = [style, item, *(f"{{*}}{n}" for n in others)]
    if styles.may_hide:
        names.append(run_style)
    plain: dict[_Element, Plain] = {}
    number: Number | None = None
    at, is_plain, said, named = root, False, [""], ""
    for element in root.iter(paragraph, "{*}t", *names):
        tag = element.tag
        if tag == text:
            said.append(element.text or "")
        elif tag == paragraph:
            if is_plain:
                plain[at] = Plain("".join(said), named, number)
            at, is_plain, said, named, number = element, True, [], "", None
        elif tag == style:
            named = attribute(element, "val") or ""
            is_plain = is_plain and not styles.hides(named)
        elif tag == item:
            number = number_of(element)
        elif tag == run_style:
            is_plain = is_plain and not styles.hides(attribute(element, "val") or "")
        else:
            is_plain = False
    if is_plain:
        plain[at] = Plain("".join(said), named, number)
    return plain


def kind_of(paragraph: _Element) -> tuple[str, Number | None, bool]:
    """The kind of a paragraph: the fields of `Plain` except its text."""
    style, number, runs_on = "", None, False
    for child in paragraph:
        if NAMES[child.tag] != "pPr":
            continue
        for each in child:
            kind = NAMES[each.tag]
            if kind == "pStyle":
                style = attribute(each, "val") or ""
            elif kind == "numPr":
                number = number_of(each)
            elif kind == "framePr":  # a large first letter is a paragraph of its own
                runs_on = attribute(each, "dropCap") in ("drop", "margin")
            elif kind == "rPr":  # of the paragraph's end, which may be deleted
                runs_on = runs_on or any(NAMES[mark.tag] in _GONE for mark in each)
        break
    return style, number, runs_on


def shown_runs(paragraph: _Element) -> Iterator[_Element]:
    """Yield the runs of a hidden paragraph whose own properties say that they are not hidden."""
    for toggle in paragraph.iter("{*}vanish"):
        run = toggle.getparent().getparent()
        if not is_on(toggle) and NAMES[run.tag] == "r":
            yield run


def precedes_paragraph(paragraph: _Element) -> bool:
    """Whether another paragraph comes next, apart from empty elements such as bookmarks."""
    after = paragraph.getnext()
    while after is not None and not len(after) and NAMES[after.tag] != "p":
        after = after.getnext()
    return after is not None and NAMES[after.tag] == "p"
