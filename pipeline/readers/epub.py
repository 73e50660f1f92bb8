"""E-books (.epub): the chapters of the spine, in reading order.

Each chapter is read in full, as by the HTML reader, but without the title of its file, which is the
book's title or the file's name. A book is one record, or each chapter is one, with the locator
`chapter=N`. Chapters that are not linear (covers, pages of notes) are kept, because e-book readers
show them; a navigation page is not. The packages of older books name a document type; if it
declares nothing itself, it is removed before the package is parsed.

Reasons: those of `pipeline.readers.zipped`, including `read.damaged` and `read.encrypted`, and
those of `pipeline.readers.html`, including `read.no_text`.
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
# Without `[` it only refers to a file that is never fetched (OEB 1.2 and OPF 1.0 require it).
_PLAIN_DOCTYPE = re.compile(rb"<!DOCTYPE\s[^<>\[\]]*>", re.I)


class EpubReader(PerFileReader):
    """E-books (.epub), one record each or one for each chapter."""

    name: ClassVar[str] = "epub"

    record: Literal["document", "chapter"] = Field(
        default="document", description="what a record is: the whole book, or each chapter"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.epub), or by the type that the zip file starts with."""
        return file.uri.lower().endswith(".epub") or head[30:].startswith(
            b"mimetypeapplication/epub+zip"
        )

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the chapters that have text, as one record or one each."""
        texts: list[str] = []
        with zipped.opened(file, self.max_bytes) as parts:
            if "META-INF/encryption.xml" in parts and b"EncryptedKey" in parts.read(
                "META-INF/encryption.xml"
            ):
                raise UnreadableError("read.encrypted")
            for number, name in enumerate(_spine(parts), 1):
                text = _chapter(parts, name)
                if text and self.record == "chapter":
                    yield {"source": file.uri, "locator": f"chapter={number}", "text": text}
                texts += [text] if text else []
        if not texts:
            raise UnreadableError("read.no_text")
        if self.record == "document":
            yield {"source": file.uri, "locator": "", "text": "\n\n".join(texts)}


def _spine(parts: Parts) -> Iterator[str]:
    """Yield the names of the chapters' parts, in reading order."""
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
    """A chapter's text; "" if it has none."""
    try:
        page, _ = html.decoded(parts.read(name))
        return html.page_text(page, "full", titled=False)
    except UnreadableError as fault:
        if fault.reason in ("read.no_text", "read.binary"):
            return ""
        raise
