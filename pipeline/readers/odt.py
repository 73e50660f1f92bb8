"""OpenDocument texts, slides and tables (.odt, .odp, .ods), packed or flat (.fodt …).

Headings become `#` lines, list items `-` lines, tables Markdown tables, notes `[^1]` with their
texts at the end, formulas one line. A field (a reference, a date, a caption's number) gives what it
shows. Left out are tracked deletions, comments, hidden content (sheets, slides, sections,
paragraphs, words, fields) and the small annotations of ruby. Repeated empty cells and rows of a
table give no text; a repeated row with text is given as often as it is repeated.

Reasons: those of `pipeline.readers.zipped`, including `read.empty_file`, `read.too_large`,
`read.encrypted` and `read.too_deep`, and `read.no_text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pipeline.readers import encoding, zipped
from pipeline.readers.odf_hidden import SILENT, TEXT, silence_hidden
from pipeline.readers.odf_objects import Objects
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.tables import Block, as_blocks, in_line
from pipeline.readers.zipped import attribute, local
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

REASONS = {**zipped.REASONS, "read.no_text": "it contains no text"}

EXTENSIONS = (".odt", ".ott", ".odp", ".ods")
FLAT = (".fodt", ".fodp", ".fods")
MAX_BYTES = 50_000_000
MAX_LEVELS = 64
_MOST_REPEATED = 1_000
_MOST_BEFORE = 1_000  # bytes of a flat file before its root

_SILENT = {
    "tracked-changes", "annotation", "sequence-decls", "forms", "change", SILENT,
    "content-validations",
}  # fmt: skip
_INLINE = frozenset(["span", "a", "ruby", "ruby-base", "meta"])
_NOTEXTS = _SILENT | {"ruby-text", "number", "script"}
_FLAT_ROOT = b"<office:document "
_MIME = b"mimetypeapplication/vnd.oasis.opendocument."


class OdtReader(PerFileReader):
    """OpenDocument files (.odt, .odp, .ods, .fodt), one record each."""

    name: ClassVar[str] = "odt"

    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name, by the type at the start of the zip file, or by the XML's root."""
        by_name = file.uri.lower().endswith((*EXTENSIONS, *FLAT))
        return by_name or head[30:].startswith(_MIME) or _is_flat(head)

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the document as one record."""
        name = file.uri.lower()
        if name.endswith(FLAT) or (not name.endswith(EXTENSIONS) and _is_flat(file.head())):
            text = _Document(None).text(encoding.read_bytes(file, self.max_bytes))
        else:
            with zipped.opened(file, self.max_bytes) as parts:
                if b"manifest:encryption-data" in _manifest(parts):
                    raise UnreadableError("read.encrypted")
                text = _Document(parts).text(parts.read("content.xml"))
        if not text.strip():
            raise UnreadableError("read.no_text")
        yield {"source": file.uri, "locator": "", "text": text}


def _manifest(parts: zipped.Parts) -> bytes:
    name = "META-INF/manifest.xml"
    return parts.read(name) if name in parts else b""


def _is_flat(head: bytes) -> bool:
    return _FLAT_ROOT in head[:_MOST_BEFORE] and head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<")


class _Document:
    def __init__(self, parts: zipped.Parts | None) -> None:
        self.notes: list[str] = []
        self.objects = Objects(parts)
        self.headed: set[_Element] = set()  # items that hold a heading

    def text(self, content: bytes) -> str:
        root = zipped.parse_xml(content)
        silence_hidden(root, content)
        self.headed = _headed(root)
        body = next(root.iterchildren("{*}body"), root)  # a flat file has headers beside it
        blocks = list(self.blocks(body, 0))
        return "\n\n".join(filter(None, map(str, [*blocks, *self.notes])))

    def blocks(self, element: _Element, level: int) -> Iterator[Block]:
        if level > MAX_LEVELS:
            raise UnreadableError("read.too_deep", None, MAX_LEVELS)
        for child in element:
            kind = local(child)
            if kind == "h":
                depth = attribute(child, "outline-level") or "1"
                mark = "#" * min(6, int(depth) if depth.isdigit() else 1)
                text = self._text(child, level)
                yield f"{mark} {text}" if text else ""
            elif kind == "p":
                yield self._text(child, level)
            elif kind == "list":
                yield from self._list(child, level + 1)
            elif kind == "table":
                yield from as_blocks(list(self._rows(child, level + 1)))
            elif kind == "object":
                yield self.objects.said(child)
            elif kind not in _SILENT:
                yield from self.blocks(child, level + 1)

    def _list(self, element: _Element, level: int) -> Iterator[Block]:
        """Yield a list's items; an item with a heading is a numbered heading, not a list item."""
        items: list[str] = []
        for item in element:
            if item in self.headed:
                yield "\n".join(items)
                yield from self.blocks(item, level)
                items = []
            else:
                items.extend(self._item(item, level))
        yield "\n".join(items)

    def _item(self, item: _Element, level: int) -> Iterator[str]:
        texts = [str(block) for block in self.blocks(item, level) if block]
        if texts:
            nested = "\n".join(texts[1:]).replace("\n", "\n  ")
            yield "- " + texts[0] + (f"\n  {nested}" if nested else "")

    def _rows(self, table: _Element, level: int) -> Iterator[list[list[Block]]]:
        for child in table:
            if local(child) == "table-row":
                cells = [cell for each in child for cell in self._cells(each, level)]
                while cells and not cells[-1]:
                    cells.pop()
                for _ in range(_times(child, "number-rows-repeated") if cells else 1):
                    yield cells
            elif local(child) in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self._rows(child, level)

    def _cells(self, cell: _Element, level: int) -> list[list[Block]]:
        blocks = [block for block in self.blocks(cell, level) if block]
        return [blocks] * _times(cell, "number-columns-repeated")

    def _text(self, element: _Element, level: int) -> str:
        return "".join(self._pieces(element, level)).strip()

    def _pieces(self, element: _Element, level: int) -> Iterator[str]:
        if level > 2 * MAX_LEVELS:
            raise UnreadableError("read.too_deep", None, MAX_LEVELS)
        yield element.text or ""
        for child in element:
            kind = local(child)
            if kind == "s":
                count = attribute(child, "c") or "1"
                yield " " * min(int(count) if count.isdigit() else 1, 80)
            elif kind == "tab":
                yield "\t"
            elif kind == "line-break":
                yield "\n"
            elif kind == "note":
                yield self._note(child, level)
            elif kind in _INLINE:
                yield from self._pieces(child, level + 1)
            elif child.tag.startswith(TEXT):
                if kind not in _NOTEXTS and not _is_hidden(child):
                    yield from self._pieces(child, level + 1)
            elif kind not in _SILENT:
                yield in_line(self.blocks(child, level + 1))
            yield child.tail or ""

    def _note(self, note: _Element, level: int) -> str:
        number = len(self.notes) + 1
        self.notes.append("")
        body = (each for each in note if local(each) == "note-body")
        text = in_line(block for each in body for block in self.blocks(each, level + 1))
        self.notes[number - 1] = f"[^{number}]: {text}"
        return f"[^{number}]"


def _headed(root: _Element) -> set[_Element]:
    """The list items that hold a heading."""
    items: set[_Element] = set()
    for heading in root.iter("{*}h"):
        for above in heading.iterancestors("{*}list-item", "{*}list-header"):
            if above in items:
                break
            items.add(above)
    return items


def _times(element: _Element, name: str) -> int:
    """How often a row or a cell is repeated, at most 1,000 times.

    The last row of an empty sheet is repeated a million times.
    """
    times = attribute(element, name) or "1"
    return max(1, min(int(times) if times.isdecimal() else 1, _MOST_REPEATED))


def _is_hidden(field: _Element) -> bool:
    """Whether a field is hidden."""
    return attribute(field, "is-hidden") == "true" or attribute(field, "display") == "none"
