"""Web archives (.warc, .warc.gz, .wet): a page that was fetched is a record.

HTML responses are read as by the HTML reader, text responses as text, and `conversion` records
(WET) are taken as they are. Records that are not text (images, scripts), that failed (a status over
299) or that are not pages (requests, metadata) give no record: one rejected record,
`read.other_records`, has their number. The locator is `record=N,url=…`; `extra` has the URL, the
date and, if it is not UTF-8, the encoding. An archive may be cut off: nothing is kept of the record
where that happens.

Reasons: `read.empty_file`, `read.damaged` (value: what is wrong), `read.no_pages`,
`read.other_records` (value: how many), `read.too_large` (value: bytes), `read.inflated`, and
those of `pipeline.readers.html` and `pipeline.readers.encoding` for a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar, Literal

import orjson
from pydantic import Field

from pipeline.readers import encoding, html, members
from pipeline.readers.compressed import unpacked
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.source import SourceFile

REASONS = {
    **html.REASONS,
    **encoding.REASONS,
    **members.REASONS,
    "read.no_pages": "the archive contains no pages with text",
    "read.other_records": "requests, metadata, images, scripts and failed fetches are not pages",
}

MAX_BYTES = 20_000_000
_URL_CHARS = 200
_CUT = "the archive is cut off in this record"
_HTML = ("text/html", "application/xhtml+xml")


class WarcReader(PerFileReader):
    """Web archives (WARC and WET), one record for each page."""

    name: ClassVar[str] = "warc"

    extract: Literal["main", "full"] = Field(
        default="main", description="the main content, or all text with navigation and footers"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger pages are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.warc, .warc.gz, .wet), or by `WARC/` at the start."""
        names = (".warc", ".warc.gz", ".wet", ".wet.gz", ".warc.wet.gz")
        return file.uri.lower().endswith(names) or head.startswith(b"WARC/")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield a row for each page, and one for all records that are not pages."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        pages = others = 0
        for number, (record, stream) in enumerate(_records(file), 1):
            body = self._body(record, stream)
            url = str(record.headers.get("WARC-Target-URI") or "")
            place = f"record={number},url={url[:_URL_CHARS]}"
            if body is None and _is_skipped(record, stream):
                others += 1
                continue
            pages += 1
            try:
                if body is None:
                    raise UnreadableError("read.damaged", _CUT)
                text, codec = body()
            except UnreadableError as fault:
                yield fault.row(file, place)
                continue
            extra = {"url": url, "date": str(record.headers.get("WARC-Date") or "")}
            if codec not in ("utf-8", "utf-8-sig"):
                extra["encoding"] = codec
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

    def _body(self, record: Any, stream: _Stream) -> Any:
        """A function that returns the record's text and codec; None if the record is not a page."""
        from fastwarc.warc import WarcRecordType

        if record.record_type == WarcRecordType.conversion:
            return lambda: self._plain(self._bytes(record, stream))
        if record.record_type != WarcRecordType.response or record.http_headers is None:
            return None
        status = record.http_headers.status_code or 0
        kind = (record.http_content_type or "").lower()
        if not 200 <= status < 300 or not (kind in _HTML or kind == "text/plain"):
            return None
        charset = record.http_charset
        if kind in _HTML:
            return lambda: self._page(self._bytes(record, stream), charset)
        return lambda: self._plain(self._bytes(record, stream))

    def _bytes(self, record: Any, stream: _Stream) -> bytes:
        try:
            data: bytes = record.reader.read(self.max_bytes + 1)
        except (OSError, ValueError) as error:  # from content that was compressed for transfer
            raise UnreadableError("read.damaged", error) from error
        if len(data) > self.max_bytes:
            raise UnreadableError("read.too_large", f"over {self.max_bytes}", self.max_bytes)
        if _is_cut(record, stream, len(data)):
            raise UnreadableError("read.damaged", _CUT)
        if not data.strip():
            raise UnreadableError("read.empty_file", len(data))
        return data

    def _page(self, data: bytes, charset: str | None) -> tuple[str, str]:
        page, codec = html.decoded(data, sent=charset)
        return html.page_text(page, self.extract), codec

    def _plain(self, data: bytes) -> tuple[str, str]:
        text, codec = encoding.decode(data)
        return text, codec


class _Stream:
    """The stream of an archive's bytes, which remembers the end of what was read."""

    def __init__(self, inner: BinaryIO) -> None:
        self.inner, self.ended, self.tail = inner, False, b""

    def read(self, size: int = -1) -> bytes:
        """Read bytes, as the parser requests them."""
        data = self.inner.read(size)
        self.ended = not data
        self.tail = (self.tail + data[-4:])[-4:]
        return data

    def tell(self) -> int:
        """The position in the stream, which the parser needs too."""
        return self.inner.tell()

    def is_whole(self) -> bool:
        """Whether nothing is missing: more bytes follow, or blank lines end the last record."""
        return not self.ended or self.tail.endswith((b"\r\n\r\n", b"\n\n"))


def _is_cut(record: Any, stream: _Stream, size: int) -> bool:
    """Whether a record is incomplete; `size` bytes of its content were read.

    Unpacked content differs in size from what was sent, so there the archive's end must decide.
    """
    if "Content-Length" not in record.headers:
        return True
    sent = record.http_headers or {}
    if "Content-Encoding" in sent or "Transfer-Encoding" in sent:
        return not stream.is_whole()
    return size < int(record.content_length)


def _is_skipped(record: Any, stream: _Stream) -> bool:
    """Go to a record's end; returns whether it is there."""
    try:
        return not _is_cut(record, stream, record.reader.consume())
    except (OSError, ValueError):
        return False


def _records(file: SourceFile) -> Iterator[tuple[Any, _Stream]]:
    """Yield the records, each with the stream it is read from; raises UnreadableError."""
    from fastwarc.warc import ArchiveIterator

    packed = file.head().startswith(b"\x1f\x8b")
    whole = unpacked(file, "gzip", file.size) if packed else file
    with whole.open() as opened:
        stream: Any = _Stream(opened)
        try:
            for record in ArchiveIterator(stream, parse_http=True, auto_decode="all"):
                yield record, stream
        except (OSError, ValueError) as error:
            raise UnreadableError("read.damaged", error) from error
