"""Hidden content of an OpenDocument file: sheets, slides, sections, paragraphs, words.

Sheets, slides and words are hidden by their style; sections and paragraphs are marked themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
SILENT = "deletion"
"""The name of an element that never counts as text, whatever it holds."""

_SIGNS = (b'display="none"', b'display="false"', b'visibility="hidden"')
_FAMILIES = {"table": "table", "page": "drawing-page", "p": "paragraph", "h": "paragraph"}
_FAMILIES |= {"span": "text"}
_HIDING = {("display", "none"), ("display", "false"), ("visibility", "hidden")}


def silence_hidden(root: _Element, data: bytes) -> None:
    """Rename hidden elements so that they do not count as text.

    `data` is the XML of `root`. Its styles come before its text, and are checked one by one only if
    one of them may hide something.
    """
    first = data[: max(0, data.find(b":body"))]
    styles = set()
    kinds = ["{*}section", "{*}hidden-paragraph"]
    if any(sign in first for sign in _SIGNS):
        styles = {
            (attribute(style, "family"), attribute(style, "name"))
            for style in root.iter("{*}style")
            if _is_hiding(style)
        }
        kinds += [f"{{*}}{name}" for name in _FAMILIES]
    marked = [each for each in root.iter(*kinds) if _is_hidden(each, styles)]
    for each in marked:
        is_mark = NAMES[each.tag] == "hidden-paragraph"
        hidden = next(each.iterancestors("{*}p", "{*}h"), each) if is_mark else each
        hidden.tag = TEXT + SILENT


def _is_hiding(style: _Element) -> bool:
    return any(
        (NAMES[name], value) in _HIDING for each in style for name, value in each.attrib.items()
    )


def _is_hidden(element: _Element, styles: set[tuple[str | None, str | None]]) -> bool:
    family = _FAMILIES.get(NAMES[element.tag])
    if family:
        return (family, attribute(element, "style-name")) in styles
    return attribute(element, "display") == "none" or attribute(element, "is-hidden") == "true"
