"""JSON Lines a block at a time, where all lines of a block are alike and a text each.

Such lines are most of what is read, and need no Python object each. A block in which one line is
anything else is left to the reader of single lines: the records are the same.
"""

from __future__ import annotations

import io
from typing import BinaryIO, NamedTuple, Self

import polars as pl

from pipeline.kernels import json_text
from pipeline.readers import json_object
from pipeline.readers.columns import Columns, header
from pipeline.readers.rows import UnreadableError
from pipeline.record import SCHEMA, record_ids

BLOCK = 1 << 20
SMALL = 1 << 16
"""Bytes of a block that is not worth a frame of its own."""


class Texts(NamedTuple):
    """The texts of successive lines of one file, none of which has a fault."""

    source: str
    before: int  # lines before them
    texts: pl.Series
    place: str = ""  # of the file in an archive

    def inside(self, source: str, place: str) -> Self:
        """The same of a member of an archive."""
        return self._replace(source=source, place=place)

    def frame(self) -> pl.DataFrame:
        """Their records, of `record.SCHEMA`."""
        first = self.before + 1
        lead = f"{self.place}," if self.place else ""
        places = [f"{lead}line={line}" for line in range(first, first + len(self.texts))]
        ids = record_ids(self.source, places)
        known = pl.DataFrame(
            {"id": ids, "document": ids, "locator": places, "text": self.texts},
            schema={name: SCHEMA[name] for name in ("id", "document", "locator", "text")},
        )
        others = {name: kind for name, kind in SCHEMA.items() if name not in known.columns}
        empty = known.with_columns(pl.lit(None, kind).alias(name) for name, kind in others.items())
        return empty.with_columns(source=pl.lit(self.source)).select(SCHEMA.names())


class Blocks:
    """A stream of lines that can be looked at a block ahead."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._block = io.BytesIO()
        self._size = 0

    def readline(self, limit: int) -> bytes:
        """As that of a stream."""
        line = self._block.readline(limit)
        if line.endswith(b"\n") or len(line) == limit:
            return line
        return line + self._stream.readline(limit - len(line))

    def ahead(self, limit: int) -> bytes:
        """Whole lines that come next, if the ones before have all been read and none is longer
        than `limit`; they are still to be read, or to be `passed`."""
        if self._block.tell() < self._size:
            return b""
        block = self._stream.read(BLOCK)
        if not block.endswith(b"\n"):
            block += self._stream.readline(min(limit, BLOCK))
        self._block, self._size = io.BytesIO(block), len(block)
        return block if block.endswith(b"\n") and len(block) <= limit else b""

    def passed(self) -> None:
        """What was ahead is read."""
        self._block.seek(self._size)


class Alike:
    """Lines of a text each: objects of the same keys, one of which is the text's."""

    def __init__(self, columns: Columns | None) -> None:
        self._columns = columns
        self._names: tuple[bytes, ...] = ()
        self._text = 0

    def texts(self, block: bytes) -> pl.Series | None:
        """The texts of a block of lines; None where one of them is not like the others."""
        if not json_text.COMPILED or len(block) < SMALL:
            return None
        if not self._names and not self._learn(block[: block.index(b"\n")]):
            return None
        found = json_text.texts(block, self._names, self._text)
        if found is None:
            self._names = ()
        return found

    def _learn(self, line: bytes) -> bool:
        """Take the keys of a line as those of all, if its columns are those of a text."""
        try:
            names = list(json_object.parsed(line))
            columns = header(names, self._columns, flat=False)
        except UnreadableError:
            return False
        if columns is None or columns.text is None or columns.images:
            return False
        if len(names) > json_text.KEYS_MOST or any(name != _plain(name) for name in names):
            return False
        self._names, self._text = tuple(map(str.encode, names)), names.index(columns.text)
        return True


def _plain(name: str) -> str:
    """The name as it can stand between quotes without an escape."""
    return "".join(each for each in name if each >= " " and each not in '"\\')
