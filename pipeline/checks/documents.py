"""Files that are no lines but one JSON document: an array, or objects over several lines each.

    [{"prompt": "a", "completion": "b"},        {
     {"prompt": "c", "completion": "d"}]          "prompt": "a",
                                                  "completion": "b"
                                                }

The objects are read as a stream, one in memory at a time. A file is a document only if brackets
and strings close to its end; `objects` takes away white space alone, so that no datum can be lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.checks import chunks
from pipeline.checks.byte_rules import BOM
from pipeline.checks.strict_json import parse, without_commas

_STRING = rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_MARK = re.compile(_STRING + rb'|["{}\[\]]')
_STRING_OR_SPACE = re.compile(rb"(" + _STRING + rb")|[ \t\r\n]+")
_CLOSES = {b"}": b"{", b"]": b"["}
_SPACE = b" \t\r\n"


class NotADocumentError(ValueError):
    """The file is not one array, or objects one after another, to its end."""


@dataclass(frozen=True)
class Document:
    """What a file is, if it is not of lines."""

    rule: str  # json-array, or pretty-printed: the rule that it breaks
    objects: int


def find_document(path: Path) -> Document | None:
    """What kind of document a file is, which is read through to its end; None if it is of lines.

    An array is a document, and so are objects one after another of which one has several lines.
    """
    if not _has_broken_line(path):
        return None
    count, rule = 0, ""
    try:
        for _, item, in_array in _items(path):
            count += 1
            rule = "json-array" if in_array else rule or _rule_of(item)
    except NotADocumentError:
        return None
    return Document(rule, count) if rule else None


def objects(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each object of a document, on one line, with the number of the line where it begins.

    Raises NotADocumentError where the file stops being one: `find_document` tells beforehand.
    """
    for line, item, _ in _items(path):
        yield line, _on_one_line(item)


def objects_of(line: bytes) -> list[bytes] | None:
    """The objects on one line, in an array or one after another; None if it is anything else."""
    splitter = _Splitter()
    try:
        found = [item for _, item in splitter.feed(line)]
        splitter.end()
    except NotADocumentError:
        return None
    return found


def _on_one_line(item: bytes) -> bytes:
    """The JSON without white space between its tokens, if it stands on several lines."""
    if b"\n" not in item:
        return item
    return _STRING_OR_SPACE.sub(lambda found: found[1] or b"", item)


def _rule_of(item: bytes) -> str:
    return "pretty-printed" if b"\n" in item else ""


def _has_broken_line(path: Path) -> bool:
    """Whether a file begins like objects or an array, and has a line that is no JSON."""
    begun = False
    for chunk in chunks.read_chunks(path):
        data = chunk.data.removeprefix(BOM) if chunk.start == 1 else chunk.data
        lines = [line for line in (line.strip(_SPACE + b",") for line in data.split(b"\n")) if line]
        if lines and not begun and not lines[0].startswith((b"{", b"[")):
            return False
        begun = begun or bool(lines)
        if chunk.endless or parse(lines) is None:
            return True
    return False


def _items(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Line, bytes as they stand, and whether it is in an array, of each object."""
    splitter = _Splitter()
    with path.open("rb") as file:
        for block in _blocks(file, splitter):
            for line, item in splitter.feed(block):
                yield line, item, splitter.in_array
    splitter.end()


def _blocks(file: BinaryIO, splitter: _Splitter) -> Iterator[bytes]:
    """The file's bytes; the more at once, the more of an item is open, so that long ones cost
    no more than short ones."""
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    while block := file.read(max(chunks.CHUNK_BYTES, splitter.open_bytes)):
        yield block


class _Splitter:
    """Cuts a stream of bytes where objects begin and end.

    Between objects there may be white space and commas, and one array around them all.
    """

    def __init__(self) -> None:
        self.in_array = False
        self._begun = self._ended = False  # whether anything was there; whether the array is closed
        self._rest = b""  # not yet cut
        self._line = 1  # of the first byte of `_rest`
        self._open: list[bytes] = []  # brackets within the object at hand
        self._looked = 0  # bytes of `_rest` that have been looked at

    @property
    def open_bytes(self) -> int:
        """How much of an object without an end is held."""
        return len(self._rest)

    def feed(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Each object that ends in what was given so far: its line and its bytes.

        Raises NotADocumentError; an object over MAX_LINE_BYTES is a reason, too.
        """
        data, at, cut = self._rest + block, self._looked, 0
        while mark := _MARK.search(data, at):
            sign = mark[0]
            if sign == b'"':  # a string that has not ended
                if b"\n" in data[mark.start() :]:
                    raise NotADocumentError
                at = mark.start()
                break
            at = mark.end()
            if self._open:
                if not self._closes(sign):
                    continue
                yield self._line, _checked(data[cut:at])
                self._line += data.count(b"\n", cut, at)
                cut = at
            else:
                self._between(data[cut : mark.start()])
                self._line += data.count(b"\n", cut, mark.start())
                cut = mark.start()
                if self._begins(sign):
                    continue
                cut = at
        else:
            at = len(data)
        if not self._open:
            self._between(data[cut:])
            self._line += data.count(b"\n", cut)
            cut = at = len(data)
        elif len(data) - cut > chunks.MAX_LINE_BYTES:
            raise NotADocumentError
        self._rest, self._looked = data[cut:], at - cut

    def end(self) -> None:
        """Raises NotADocumentError if something is still open, or there was nothing at all."""
        if self._open or self._rest or not self._begun or self.in_array != self._ended:
            raise NotADocumentError

    def _closes(self, sign: bytes) -> bool:
        """Follow one sign inside an object; whether it ends the object."""
        if sign in b"{[":
            self._open.append(sign)
        elif sign in b"}]" and self._open.pop() != _CLOSES[sign]:
            raise NotADocumentError
        return not self._open

    def _begins(self, sign: bytes) -> bool:
        """Follow one sign outside of objects; whether an object begins with it."""
        if self._ended:
            raise NotADocumentError
        if sign == b"{":
            self._open.append(sign)
        elif sign == b"[" and not self._begun:
            self.in_array = True
        elif sign == b"]" and self.in_array:
            self._ended = True
        else:
            raise NotADocumentError
        self._begun = True
        return sign == b"{"

    def _between(self, gap: bytes) -> None:
        if gap.strip(_SPACE if self._ended else _SPACE + b","):
            raise NotADocumentError


def _checked(item: bytes) -> bytes:
    """The item, if it can be put on one line: JSON, be it with NaN or half of a surrogate pair.

    What only has its brackets in pairs may be the broken lines of several records.
    """
    if b"\n" in item and parse([item]) is None:
        try:
            json.loads(without_commas(item), parse_int=str)
        except (ValueError, RecursionError):
            raise NotADocumentError from None
    return item
