"""The marks before paragraphs in a Word document's lists, and how such paragraphs are joined.

Items with bullets and plain numbers (`1.`, `a)`, `(iv)`) follow each other line by line, as in
Markdown; a paragraph with a longer label (`Article 4.`, `1.2`) stays a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from pipeline.readers import zipped
from pipeline.readers.docx_numbering import BULLET, Numbering
from pipeline.readers.docx_plain import Plain
from pipeline.readers.docx_styles import Number, Styles
from pipeline.readers.tables import Block

_SHORT = re.compile(r"\(?\w{1,5}[.)] ?|- ")


class Item(str):
    """A list item: no blank line separates it from an item before it."""

    __slots__ = ()


class Lists:
    """A document's lists while its paragraphs are read in order."""

    def __init__(self, parts: zipped.Parts, main: str, styles: Styles) -> None:
        self._parts, self._main, self._styles = parts, main, styles

    @cached_property
    def _numbering(self) -> Numbering:
        """Read on first use: it is large, and most documents do not need it."""
        name = zipped.joined(self._main.rpartition("/")[0], "numbering.xml")
        return Numbering(self._parts.xml(name) if name in self._parts else None)

    def mark(self, said: Plain) -> str:
        """Count a paragraph and return its mark: `- `, `1.2 `, `Article 4. ` or ""."""
        direct = said.number or Number("", "")
        style = self._styles[said.style].number
        number = direct.list or style.list
        if number == "0":
            return ""
        if not number:
            return BULLET if said.style.startswith("List") else ""
        level = direct.level or style.level
        if not direct.list and not direct.level:
            level = self._numbering.level_of(number, said.style) or level
        return self._numbering.mark(Number(number, level))


def item(mark: str, text: str) -> str:
    """A paragraph with its mark; an `Item` if the mark is short."""
    return Item(mark + text) if _SHORT.fullmatch(mark) else mark + text


def joined(blocks: Iterable[Block]) -> str:
    """Join blocks with blank lines between them, but list items without."""
    pieces: list[str] = []
    in_list = False
    for block in blocks:
        text = str(block).strip()
        if not text:
            continue
        is_item = isinstance(block, Item) or text.startswith(BULLET)
        if pieces:
            pieces.append("\n" if is_item and in_list else "\n\n")
        pieces.append(text)
        in_list = is_item
    return "".join(pieces)
