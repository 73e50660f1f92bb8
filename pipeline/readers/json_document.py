"""A JSON document: an array of objects, or one object over several lines or on one very long line.

Each object of the array is a record with the locator `item=N`, parsed as strictly as a line of JSON
Lines (see `pipeline.readers.json_object`); a single object is one record with the locator "". An
array that breaks off gives the records before the break, and one rejected record for the rest.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.binary` (value: the kind),
`read.bad_encoding` (value: what was tried), `read.bad_json` (value: the parser's message),
`read.no_rows`, and those of `pipeline.readers.jsonl` for an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from pipeline.readers import conventions, encoding, json_object, jsonl
from pipeline.readers.conventions import Columns
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Located, Row, UnreadableError
from pipeline.source import SourceFile

REASONS = {
    **jsonl.REASONS,
    **encoding.REASONS,
    "read.no_rows": "there are no rows, or none below the header",
}

MAX_BYTES = 200_000_000
_BLOCK = 1 << 20

_SPACE = re.compile(r"[ \t\r\n]*")


class JsonReader(PerFileReader):
    """JSON arrays of objects, one record each; a single object is one record."""

    name: ClassVar[str] = "json"
    sandboxed: ClassVar[bool] = False

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.json), if they are not JSON Lines: an array, or an object over
        several lines or on one line that is too long for JSON Lines."""
        named = file.uri.lower().endswith(".json")
        return named and (jsonl.is_document(head) or _is_one_long_line(file, head))

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the records of each object."""
        text, _ = encoding.read_document(file, self.max_bytes, None)
        for locator, item in objects(text):
            if isinstance(item, UnreadableError):
                yield item.row(file, locator)
            else:
                yield from conventions.records(item, self.columns, file, locator)


def _is_one_long_line(file: SourceFile, head: bytes) -> bool:
    """Whether a file is one object on one line that is too long for JSON Lines.

    The first bytes cannot show this, so the whole file is scanned. A shorter line is left to JSON
    Lines, which gives the same record.
    """
    first = head.removeprefix(b"\xef\xbb\xbf")
    if not first.startswith(b"{") or b"\n" in first:
        return False
    if not jsonl.MAX_LINE_BYTES < file.size <= MAX_BYTES:
        return False
    ended = False
    with file.open() as stream:
        while block := stream.read(_BLOCK):
            if (block if ended else block.partition(b"\n")[2]).strip():
                return False
            ended = ended or b"\n" in block
    return True


def objects(text: str) -> Iterator[Located]:
    """Yield the objects of a document, each with its locator, or the fault it has."""
    at = _after_space(text, 0)
    if not text.startswith("[", at):
        yield "", _parsed(text)
        return
    decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
    at = _after_space(text, at + 1)
    number = 0
    while not text.startswith("]", at) or number == 0:
        if number == 0 and text.startswith("]", at):
            raise UnreadableError("read.no_rows")
        number += 1
        locator = f"item={number}"
        try:
            _, end = decode(text, at)
        except (ValueError, RecursionError) as error:
            yield locator, UnreadableError("read.bad_json", f"{error}; the rest is not read")
            return
        yield locator, _parsed(text[at:end])
        at = _after_space(text, end)
        if text.startswith(",", at):
            at = _after_space(text, at + 1)
        elif not text.startswith("]", at):
            fault = f"neither a comma nor the array's end after item {number}; the rest is not read"
            yield f"item={number + 1}", UnreadableError("read.bad_json", fault)
            return
    if _after_space(text, at + 1) < len(text):
        yield f"item={number + 1}", UnreadableError("read.bad_json", "text after the array's end")


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _parsed(text: str) -> dict[str, object] | UnreadableError:
    try:
        return json_object.parsed(text.encode("utf-8", "surrogatepass"))
    except UnreadableError as fault:
        return fault
