"""Plain text: a file is a document, and a document is one record.

It claims every file, so it stands last; what is not text it rejects. Text in another encoding
than UTF-8 is decoded when the encoding is certain (see `pipeline.readers.encoding`), and `extra`
then says `{"encoding": "cp1258"}`. Compressed text is `read.binary` with the value `gzip`.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.binary` (value: the kind),
`read.bad_encoding` (value: what was tried).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Annotated, ClassVar

import orjson
from pydantic import AfterValidator, Field

from pipeline.readers import encoding
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row
from pipeline.source import SourceFile

REASONS = dict(encoding.REASONS)

MAX_BYTES = 20_000_000
"""A document is held in memory whole; 20 MB of text is ten times the Bible."""


def _known(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"no such encoding: {name}") from error


Encoding = Annotated[str, AfterValidator(_known)]
"""The name of a text encoding that Python knows, such as `cp1258`; another is a recipe fault."""


class TextReader(PerFileReader):
    """Plain text files, one record each."""

    name: ClassVar[str] = "text"
    sandboxed: ClassVar[bool] = False

    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; left out, it is found for each"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:  # noqa: ARG002
        """Always: what no other reader knows is text, or is rejected here with its kind."""
        return True

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """The document."""
        yield document(file, *encoding.read_document(file, self.max_bytes, self.encoding))


def document(file: SourceFile, text: str, found: str) -> Row:
    """The row of a whole document that was in the encoding `found`."""
    return {"source": file.uri, "locator": "", "text": text, "extra": encoding_note(found)}


def encoding_note(found: str) -> str | None:
    """What `extra` says of an encoding: nothing for UTF-8."""
    return None if found in ("utf-8", "utf-8-sig") else orjson.dumps({"encoding": found}).decode()
