"""PDF: the text layer as PDFium gives it, in reading order, reassembled into paragraphs.

Running headers, footers and page numbers are left out (see `pipeline.readers.pdf_running`), words
cut at a line's end are joined, and lines that were only wrapped become one (`pdf_layout`). A file
is one record with the locator `pages=1-N`, or each page is one, with the locator `page=N` and the
same document. `extra` holds `{"pages": n}`, and the number of characters without Unicode
(`unmapped`) if there are any.

There is no OCR: a scan without a text layer is rejected. A page that cannot be loaded becomes a
rejected record of its own.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.damaged` (value: PDFium's
message), `read.encrypted`, `read.too_many_pages` (value: pages), `read.bad_page` (value: PDFium's
message), `read.no_text_layer` (value: characters, threshold: pages), `read.unmapped_text` (value:
the share of characters that are unknown).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import orjson
from pydantic import Field

from pipeline.identity import record_id
from pipeline.readers import encoding
from pipeline.readers.pdf_columns import Line
from pipeline.readers.pdf_layout import as_text
from pipeline.readers.pdf_running import without_running_lines
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

REASONS = {
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_large": "the file is larger than the reader accepts; split it or raise `max_bytes`",
    "read.damaged": "the file is damaged or not in the format that its name claims; save it again",
    "read.encrypted": "the file needs a password; save it without one",
    "read.too_many_pages": "the document has more pages than this reader accepts; split it",
    "read.bad_page": "the page cannot be loaded; the document's other pages were read",
    "read.no_text_layer": "the pages are pictures of text; run OCR on the file and try again",
    "read.unmapped_text": "the fonts do not say which characters they show; export the document "
    "to PDF again, or run OCR on it",
}

MAX_BYTES = 200_000_000
MAX_PAGES = 10_000
MAX_UNMAPPED = 0.2
_FEW_CHARS = 3  # per page on average: fewer are only numbers stamped over scans


class PdfReader(PerFileReader):
    """PDF files with a text layer, one record each or one for each page."""

    name: ClassVar[str] = "pdf"

    record: Literal["document", "page"] = Field(
        default="document", description="what a record is: the whole file, or each page"
    )
    running_lines: bool = Field(
        default=False, description="keep running headers, footers and page numbers"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")
    max_pages: int = Field(default=MAX_PAGES, gt=0, description="longer files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.pdf), or by `%PDF-` among the first 1,024 bytes."""
        return file.uri.lower().endswith(".pdf") or head.find(b"%PDF-", 0, 1024) >= 0

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the document or its pages, then the pages that cannot be loaded."""
        data = encoding.read_bytes(file, self.max_bytes)
        pages = _pages(data, self.max_pages)
        read = {number: page for number, page in pages.items() if isinstance(page, list)}
        if not read:
            raise next(page for page in pages.values() if isinstance(page, UnreadableError))
        if not self.running_lines:
            read = without_running_lines(read)
        yield from self._records(file, read)
        for number, page in pages.items():
            if isinstance(page, UnreadableError):
                yield page.row(file, f"page={number}")

    def _records(self, file: SourceFile, pages: dict[int, list[Line]]) -> Iterator[Row]:
        texts = [text for page in pages.values() for text, *_ in page]
        chars = sum(map(len, texts))
        if not chars or (len(pages) > 1 and chars < _FEW_CHARS * len(pages)):
            raise UnreadableError("read.no_text_layer", chars, len(pages))
        unmapped = "".join(texts).count("\ufffd")
        if unmapped > MAX_UNMAPPED * chars:
            raise UnreadableError("read.unmapped_text", f"{unmapped / chars:.2f}", MAX_UNMAPPED)
        counts = {"pages": len(pages)} | ({"unmapped": unmapped} if unmapped else {})
        shared: dict[str, Any] = {"source": file.uri, "extra": orjson.dumps(counts).decode()}
        if self.record == "document":
            whole = as_text(list(pages.values()))
            yield {**shared, "locator": f"pages=1-{max(pages)}", "text": whole}
            return
        shared["document"] = record_id(file.uri, "")
        for number, page in pages.items():
            if page:
                yield {**shared, "locator": f"page={number}", "text": as_text([page])}


def _pages(data: bytes, most: int) -> dict[int, list[Line] | UnreadableError]:
    """By number, the lines of each page, or why it cannot be read; raises UnreadableError."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableError("read.encrypted") from error
        raise UnreadableError("read.damaged", error) from error
    try:
        count = len(document)
        if count > most:
            raise UnreadableError("read.too_many_pages", count, most)
        if count == 0:
            raise UnreadableError("read.damaged", "it has no pages")
        return {number: _page(document, number) for number in range(1, count + 1)}
    finally:
        document.close()


def _page(document: PdfDocument, number: int) -> list[Line] | UnreadableError:
    import pypdfium2

    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError as error:
        return UnreadableError("read.bad_page", error)
    try:
        text_page = page.get_textpage()
        try:
            return _lines(text_page.raw, text_page.get_text_range())
        finally:
            text_page.close()
    except pypdfium2.PdfiumError as error:
        return UnreadableError("read.bad_page", error)
    finally:
        page.close()


def _lines(page: Any, text: str) -> list[Line]:
    """The lines of a page with their places in points; zeros for a line without a known place.

    `page` is PDFium's handle of the page's text, `text` that text.
    """
    from pipeline.readers.pdf_places import line_places
    from pipeline.readers.pdf_stacked import with_stacked_parted

    shown: list[str] = []
    firsts, lasts = array("i"), array("i")
    start = 0
    for line in text.split("\r\n"):
        stripped = line.strip()
        if stripped:
            first = start if stripped is line else start + len(line) - len(line.lstrip())
            shown.append(stripped)
            firsts.append(first)
            lasts.append(first + len(stripped) - 1)
        start += len(line) + 2
    places = line_places(page, firsts, lasts, len(text))
    lines = list(zip(shown, places[::3], places[1::3], places[2::3], strict=True))
    return with_stacked_parted(page, lines, firsts, len(text))
