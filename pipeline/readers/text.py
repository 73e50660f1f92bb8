"""Plain text: a file is a document, and a document is one record.

This reader claims every file, so it comes last; it rejects files that are not text. Text in an
encoding other than UTF-8 is decoded when the encoding is certain (see `pipeline.readers.encoding`),
and `extra` then holds `{"encoding": "cp1258"}`. Compressed text is rejected as `read.binary` with
the value `gzip`.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.binary` (value: the kind),
`read.bad_encoding` (value: what was tried).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import orjson
from pydantic import AfterValidator, Field

from pipeline.readers import encoding, seven_bits
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import FRAME_ROWS, TOGETHER_CHARS, Row, UnreadableError
from pipeline.readers.wire import UNIT
from pipeline.source import SourceFile, Unit

if TYPE_CHECKING:
    import polars as pl

REASONS = dict(encoding.REASONS)

MAX_BYTES = 20_000_000
"""A document is held in memory as a whole; 20 MB of text is ten times the Bible."""


def _known(name: str) -> str:
    try:
        "a".encode(name)  # codecs that are not for text, such as base64, refuse it
        return codecs.lookup(name).name
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"no such encoding: {name}; use one that Python knows") from error


Encoding = Annotated[str, AfterValidator(_known)]
"""The name of a text encoding that Python knows, such as `cp1258`; others are recipe faults."""


class TextReader(PerFileReader):
    """Plain text files, one record each."""

    name: ClassVar[str] = "text"
    sandboxed: ClassVar[bool] = False

    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; if omitted, detected for each file"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:  # noqa: ARG002
        """Claim every file: what is not text is rejected here with its kind."""
        return True

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the document as one record."""
        yield document(file, *encoding.read_document(file, self.max_bytes, self.encoding))

    def read_together(
        self, units: Iterable[tuple[int, Unit]], most_chars: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of several units; see `PerFileReader.read_together`.

        UTF-8 bytes are passed on as they are, because a `str` in between costs two copies.
        """
        if self.encoding is not None:
            yield from super().read_together(units, most_chars)
            return
        most = min(most_chars, TOGETHER_CHARS)
        numbers: list[int] = []
        files: list[SourceFile] = []
        texts: list[bytes | None] = []
        size = 0
        for number, unit in units:
            for file in unit.files:
                numbers.append(number)
                files.append(file)
                texts.append(self.as_it_is(file))
                size += file.size
            if size >= most or len(files) >= FRAME_ROWS:
                yield self._frame(numbers, files, texts)
                numbers, files, texts, size = [], [], [], 0
        if files:
            yield self._frame(numbers, files, texts)

    def as_it_is(self, file: SourceFile) -> bytes | None:
        """The bytes of a file if they are its text in UTF-8; None if `rows` must read the file."""
        return utf8_of(file, self.max_bytes)

    def _row(self, file: SourceFile) -> Row:
        try:
            return next(self.rows(file))
        except UnreadableError as fault:
            return fault.row(file)

    def _frame(
        self, numbers: list[int], files: list[SourceFile], texts: list[bytes | None]
    ) -> pl.DataFrame:
        """Make a row for each file, with its unit's number in the column `unit`.

        `texts` are the files' bytes. A file whose bytes are None or not UTF-8 is read by itself.
        """
        import polars as pl

        from pipeline.record import frame

        try:  # all at once; if a cast fails, it does not say which text is at fault
            cast = pl.Series("text", texts, dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.ComputeError:
            sound = [data if data and _is_utf8(data) else None for data in texts]
            cast = pl.Series("text", sound, dtype=pl.Binary).cast(pl.String)
        rows = [
            document(file, "", "utf-8") if known else self._row(file)
            for file, known in zip(files, cast.is_not_null(), strict=True)
        ]
        made = frame(rows)
        text = cast.zip_with(cast.is_not_null(), made["text"]) if cast.null_count() else cast
        return made.with_columns(text, pl.Series(UNIT, numbers, dtype=pl.UInt32))


def utf8_of(file: SourceFile, max_bytes: int) -> bytes | None:
    """The bytes of a file if they are plainly text in UTF-8.

    None if the file needs a closer look: at its encoding, or at why it is not text.
    """
    if not 0 < file.size <= max_bytes:
        return None
    data = encoding.read_bytes(file, max_bytes)
    start = data[:64].lstrip()[:1]
    if not b" " < start < b"\x7f" or b"\0" in data or not encoding.is_plain(data):
        return None
    return None if seven_bits.may_switch(data) else data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def document(file: SourceFile, text: str, codec: str) -> Row:
    """The row of a whole document that was decoded with `codec`."""
    return {"source": file.uri, "locator": "", "text": text, "extra": encoding_note(codec)}


def encoding_note(codec: str) -> str | None:
    """The JSON that `extra` holds about an encoding; None for UTF-8."""
    return None if codec in ("utf-8", "utf-8-sig") else orjson.dumps({"encoding": codec}).decode()
