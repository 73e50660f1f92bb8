"""E-books (.epub): the chapters of the spine, in reading order.

Each chapter is read as the HTML reader reads a whole page, without the title of its file: it is
the book's, or the file's name. One book is one record, or one for each chapter, locator
`chapter=N`. What is not linear (covers, notes' pages) is kept, as readers show it; a navigation
page is not. Older books' packages name a document type; one that declares nothing of its own is
left out before the package is parsed.

Reasons: those of `pipeline.readers.zipped`, `read.damaged`, `read.encrypted`, `read.no_text` among
them and `pipeline.readers.html`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import unquote

from pydantic import Field

from pipeline.readers import html, zipped
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.zipped import Parts, local
from pipeline.source import SourceFile

REASONS = {**zipped.REASONS, **html.REASONS}

MAX_BYTES = 100_000_000
_CONTAINER = "META-INF/container.xml"
# Without `[` it only points elsewhere, to what is never fetched (OEB 1.2 and OPF 1.0 ask for it).
_PLAIN_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^<>\[\]]*>", re.I)


class EpubReader(PerFileReader):
    """E-books (.epub), one record each or one for each chapter."""

    name: ClassVar[str] = "epub"

    record: Literal["document", "chapter"] = Field(
        default="document", description="what a record is: the whole book, or each chapter"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.epub), or by the type that the zip file starts with."""
        return file.uri.lower().endswith(".epub") or head[30:].startswith(
            b"mimetypeapplication/epub+zip"
        )

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """The chapters that have text, as one record or as many."""
        told: list[str] = []
        with zipped.opened(file, self.max_bytes) as parts:
            if "META-INF/encryption.xml" in parts and b"EncryptedKey" in parts.read(
                "META-INF/encryption.xml"
            ):
                raise UnreadableError("read.encrypted")
            for number, name in enumerate(_spine(parts), 1):
                text = _chapter(parts, name)
                if text and self.record == "chapter":
                    yield {"source": file.uri, "locator": f"chapter={number}", "text": text}
                told += [text] if text else []
        if not told:
            raise UnreadableError("read.no_text")
        if self.record == "document":
            yield {"source": file.uri, "locator": "", "text": "\n\n".join(told)}


def _spine(parts: Parts) -> Iterator[str]:
    """The names of the chapters' parts, in reading order."""
    roots = [each for each in parts.xml(_CONTAINER).iter() if local(each) == "rootfile"]
    if not roots:
        raise UnreadableError("read.damaged", "the container names no package")
    package = unquote(roots[0].get("full-path", ""))
    folder = package.rpartition("/")[0]
    items: dict[str, str] = {}
    for element in zipped.parse_xml(_PLAIN_DOCTYPE.sub(b"", parts.read(package), count=1)).iter():
        if local(element) == "item" and "nav" not in element.get("properties", "").split():
            where = unquote(element.get("href", ""))
            items[element.get("id", "")] = zipped.joined(folder, where)
        elif local(element) == "itemref" and items.get(element.get("idref", ""), "") in parts:
            yield items[element.get("idref", "")]


def _chapter(parts: Parts, name: str) -> str:
    """A chapter's text, "" where it has none."""
    try:
        page, _ = html.decoded(parts.read(name))
        return html.page_text(page, "full", titled=False)
    except UnreadableError as fault:
        if fault.reason in ("read.no_text", "read.binary"):
            return ""
        raise
