"""What an OpenDocument file keeps from its reader: sheets, slides, sections, paragraphs, words.

A sheet, a slide or a word is hidden by its style, a section or a paragraph says so itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
SILENT = "deletion"
"""An element that is no text, whatever it holds."""

_SIGNS = (b'display="none"', b'display="false"', b'visibility="hidden"')
_FAMILIES = {"table": "table", "page": "drawing-page", "p": "paragraph", "h": "paragraph"}
_FAMILIES |= {"span": "text"}
_HIDING = {("display", "none"), ("display", "false"), ("visibility", "hidden")}


def silence_hidden(root: _Element, data: bytes) -> None:
    """Rename what is hidden so that it is no text; `data` is the XML that the root is of.

    Its styles stand before its text, and are looked at one by one only where one may hide.
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
    found = [each for each in root.iter(*kinds) if _is_hidden(each, styles)]
    for each in found:
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
