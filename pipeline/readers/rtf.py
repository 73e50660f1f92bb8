r"""Rich Text (.rtf): the text that is shown, without its formatting.

These are read: control words that stand for text (`\par`, `\tab`, `\emdash`), characters of the
code page (`\'e9`) and of Unicode (`\u7879`), cells and rows of tables; footnotes and endnotes
become `[^1]` marks with their texts at the end. Groups without text are left out (fonts, styles,
pictures, `\*` destinations except text boxes and notes), and so are hidden text, headers, footers
and tracked deletions. Characters in the fonts Symbol and Wingdings, also in a field that names one
(`SYMBOL`), become the Unicode characters that look the same.

Reasons: those of `pipeline.readers.rtf_document`, and `read.empty_file`, `read.too_large` (value:
bytes), `read.no_text`; `read.damaged` (value: what is wrong).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from pipeline.readers import encoding, rtf_document
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import SourceFile

REASONS = {
    **rtf_document.REASONS,
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_large": "the file is larger than the reader accepts; split it or raise `max_bytes`",
    "read.no_text": "it contains no text",
}

MAX_BYTES = 50_000_000


class RtfReader(PerFileReader):
    """Rich Text files (.rtf), one record each."""

    name: ClassVar[str] = "rtf"

    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        r"""Claim files by name (.rtf), or by `{\rtf` at the start."""
        return file.uri.lower().endswith(".rtf") or head.lstrip().startswith(b"{\\rtf")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the document as one record."""
        data = encoding.read_bytes(file, self.max_bytes)
        if not data.lstrip().startswith(b"{\\rt"):
            kind = signature(data) or "it does not start with {\\rtf"
            raise UnreadableError("read.damaged", kind)
        text = rtf_document.text_of(data)
        if not text.strip():
            raise UnreadableError("read.no_text")
        yield {"source": file.uri, "locator": "", "text": text}
