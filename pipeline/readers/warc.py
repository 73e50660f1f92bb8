"""Web archives (.warc, .warc.gz, .wet): a page that was fetched is a record.

Responses with HTML are read as the HTML reader reads a page, with text as text, and `conversion`
records (WET) are taken as they are. What is no text (images, scripts), failed (a status over 299)
or is no page (requests, metadata) gives no record: their number is told in one rejected record,
`read.other_records`. The locator is `record=N,url=…`; `extra` has the URL, date and language.

Reasons: `read.empty_file`, `read.damaged` (value: what is wrong), `read.no_pages`,
`read.other_records` (value: how many), `read.too_large` (value: bytes), `read.inflated`, and
those of `pipeline.readers.html` and `pipeline.readers.encoding` for a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from pipeline.readers import encoding, html, members
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.source import SourceFile

REASONS = {
    **html.REASONS,
    **encoding.REASONS,
    **members.REASONS,
    "read.no_pages": "the archive holds no page with text",
    "read.other_records": "requests, metadata, images, scripts and failed fetches are no pages",
}

MAX_BYTES = 20_000_000
_URL_CHARS = 200
_HTML = ("text/html", "application/xhtml+xml")


class WarcReader(PerFileReader):
    """Web archives (WARC and WET), one record for each page."""

    name: ClassVar[str] = "warc"

    extract: Literal["main", "full"] = Field(
        default="main", description="the main content, or all text with navigation and footers"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger pages are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By name (.warc, .warc.gz, .wet), or by `WARC/` at the start."""
        names = (".warc", ".warc.gz", ".wet", ".wet.gz", ".warc.wet.gz")
        return file.uri.lower().endswith(names) or head.startswith(b"WARC/")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """A row for each page, and one for all that is none."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        pages = others = 0
        for number, record in enumerate(_records(file), 1):
            body = self._body(record)
            if body is None:
                others += 1
                continue
            pages += 1
            url = str(record.headers.get("WARC-Target-URI") or "")
            place = f"record={number},url={url[:_URL_CHARS]}"
            try:
                text, found = body()
            except UnreadableError as fault:
                yield fault.row(file, place)
                continue
            extra = {"url": url, "date": str(record.headers.get("WARC-Date") or "")}
            if found not in ("utf-8", "utf-8-sig"):
                extra["encoding"] = found
            yield {
                "source": file.uri,
                "locator": place,
                "text": text,
                "extra": orjson.dumps(extra).decode(),
            }
        if not pages:
            raise UnreadableError("read.no_pages", others)
        if others:
            yield UnreadableError("read.other_records", others).row(file, "others")

    def _body(self, record: Any) -> Any:
        """What makes the record's text, None where it is no page."""
        from fastwarc.warc import WarcRecordType

        if record.record_type == WarcRecordType.conversion:
            return lambda: self._plain(self._bytes(record))
        if record.record_type != WarcRecordType.response or record.http_headers is None:
            return None
        status = record.http_headers.status_code or 0
        kind = (record.http_content_type or "").lower()
        if not 200 <= status < 300 or not (kind in _HTML or kind == "text/plain"):
            return None
        charset = record.http_charset
        if kind in _HTML:
            return lambda: self._page(self._bytes(record), charset)
        return lambda: self._plain(self._bytes(record))

    def _bytes(self, record: Any) -> bytes:
        data: bytes = record.reader.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise UnreadableError("read.too_large", f"over {self.max_bytes}", self.max_bytes)
        if not data.strip():
            raise UnreadableError("read.empty_file", len(data))
        return data

    def _page(self, data: bytes, charset: str | None) -> tuple[str, str]:
        page, found = html.decoded(data, sent=charset)
        return html.page_text(page, self.extract), found

    def _plain(self, data: bytes) -> tuple[str, str]:
        text, found = encoding.decode(data)
        return text, found


def _records(file: SourceFile) -> Iterator[Any]:
    """The records one by one; raises UnreadableError."""
    from fastwarc.warc import ArchiveIterator

    packed = members.open_gzip if file.head().startswith(b"\x1f\x8b") else None
    whole = members.checked(file, file.uri, file.size, lambda: packed(file)) if packed else file
    with whole.open() as stream:
        try:
            yield from ArchiveIterator(stream, parse_http=True, auto_decode="all")
        except (OSError, ValueError) as error:
            raise UnreadableError("read.damaged", error) from error
