"""Paragraphs of a Word document that are runs of text and nothing else: most are.

They are read in one pass that lxml makes by itself, and that gives Python only what says
something. What holds anything more (a tab, a note, a deletion, hidden text …) is left to the
reader's own walk, and so is a document with text boxes, where paragraphs stand in paragraphs.
What such a walk asks of a paragraph is here, too.
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
"""What a text box holds."""


class Plain(NamedTuple):
    """What a paragraph says, and of which kind it is."""

    text: str
    style: str  # its id; "" for none
    number: Number | None  # None where only its style may say so
    runs_on: bool = False  # into the next paragraph


def plain_paragraphs(
    root: _Element, others: frozenset[str], styles: Styles
) -> dict[_Element, Plain]:
    """The plain paragraphs; none has an element within that is named as one of the `others`, or
    a style that hides it or a part of it."""
    from lxml import etree

    space = etree.QName(root).namespace
    if space is None or next(root.iter(f"{{*}}{BOX}"), None) is not None:
        return {}
    paragraph, text, style, item = (f"{{{space}}}{n}" for n in ("p", "t", "pStyle", "numPr"))
    run_style = f"{{{space}}}rStyle"
    names = [style, item, *(f"{{*}}{n}" for n in others)]
    if styles.may_hide:
        names.append(run_style)
    found: dict[_Element, Plain] = {}
    number: Number | None = None
    at, is_plain, said, named = root, False, [""], ""
    for element in root.iter(paragraph, "{*}t", *names):
        tag = element.tag
        if tag == text:
            said.append(element.text or "")
        elif tag == paragraph:
            if is_plain:
                found[at] = Plain("".join(said), named, number)
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
        found[at] = Plain("".join(said), named, number)
    return found


def kind_of(paragraph: _Element) -> tuple[str, Number | None, bool]:
    """Of which kind a paragraph is: what `Plain` says but its text."""
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
                runs_on = runs_on or any(NAMES[one.tag] in _GONE for one in each)
        break
    return style, number, runs_on


def shown_runs(paragraph: _Element) -> Iterator[_Element]:
    """The runs that say themselves that they are not hidden."""
    for toggle in paragraph.iter("{*}vanish"):
        run = toggle.getparent().getparent()
        if not is_on(toggle) and NAMES[run.tag] == "r":
            yield run


def precedes_paragraph(paragraph: _Element) -> bool:
    """Whether a paragraph comes next, marks of places apart."""
    after = paragraph.getnext()
    while after is not None and not len(after) and NAMES[after.tag] != "p":
        after = after.getnext()
    return after is not None and NAMES[after.tag] == "p"
