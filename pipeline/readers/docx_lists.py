"""What stands before a paragraph of a Word document's list, and how such paragraphs stand together.

Items of bullets and of plain numbers (`1.`, `a)`, `(iv)`) follow each other line by line, as
Markdown's do; a paragraph with a longer label (`Article 4.`, `1.2`) is a paragraph.
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
    """A paragraph that stands close to the item before it."""

    __slots__ = ()


class Lists:
    """A document's lists while its paragraphs are read in their order."""

    def __init__(self, parts: zipped.Parts, main: str, styles: Styles) -> None:
        self._parts, self._main, self._styles = parts, main, styles

    @cached_property
    def _numbering(self) -> Numbering:
        """Read when a paragraph is of a list: it is large, and most documents need none of it."""
        name = zipped.joined(self._main.rpartition("/")[0], "numbering.xml")
        return Numbering(self._parts.xml(name) if name in self._parts else None)

    def mark(self, said: Plain) -> str:
        """What stands before a paragraph, which is counted: `- `, `1.2 `, `Article 4. ` or ""."""
        own = said.number or Number("", "")
        style = self._styles[said.style].number
        number = own.list or style.list
        if number == "0":
            return ""
        if not number:
            return BULLET if said.style.startswith("List") else ""
        level = own.level or style.level
        if not own.list and not own.level:
            level = self._numbering.level_of(number, said.style) or level
        return self._numbering.mark(Number(number, level))


def item(mark: str, text: str) -> str:
    """A paragraph with its mark; an `Item` where that is short."""
    return Item(mark + text) if _SHORT.fullmatch(mark) else mark + text


def joined(blocks: Iterable[Block]) -> str:
    """Blocks with a blank line between them, items of a list without."""
    told: list[str] = []
    in_list = False
    for block in blocks:
        text = str(block).strip()
        if not text:
            continue
        is_item = isinstance(block, Item) or text.startswith(BULLET)
        if told:
            told.append("\n" if is_item and in_list else "\n\n")
        told.append(text)
        in_list = is_item
    return "".join(told)
