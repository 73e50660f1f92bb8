"""Read JSON Lines a block at a time, if all lines of a block are alike: a text each, or a pair.

Most lines are like this, and do not need a Python object each. A block with any other line is left
to the code that reads single lines; the records are the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

import polars as pl

from pipeline.kernels import json_text
from pipeline.readers import json_object
from pipeline.readers.columns import Columns, header
from pipeline.readers.rows import UnreadableError
from pipeline.record import SCHEMA, record_ids

BLOCK = 1 << 20
SMALL = 1 << 16
"""A block of fewer bytes is not worth a frame of its own."""


KINDS = ({"text"}, {"prompt", "completion"})
"""The columns of the records that are read in blocks."""


@dataclass(frozen=True)
class Texts:
    """The columns of successive lines of one file, none of which has a fault."""

    source: str
    before: int  # lines of the file before them
    columns: Mapping[str, pl.Series]  # `text`, or `prompt` and `completion`
    place: str = ""  # of the file in an archive

    def inside(self, source: str, place: str) -> Self:
        """The same lines as those of a member of an archive; see `MadeFrame.inside`."""
        return replace(self, source=source, place=place)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def frame(self) -> pl.DataFrame:
        """The lines' records as a frame of `record.SCHEMA`."""
        first = self.before + 1
        lead = f"{self.place}," if self.place else ""
        places = [f"{lead}line={line}" for line in range(first, first + len(self))]
        ids = record_ids(self.source, places)
        made = {"id": ids, "document": ids, "locator": places, **self.columns}
        filled = pl.DataFrame(made).with_columns(source=pl.lit(self.source))
        if "text" not in self.columns:
            turns = [_turn("user", "prompt"), _turn("assistant", "completion")]
            filled = filled.with_columns(messages=pl.concat_list(turns))
        missing = [name for name in SCHEMA if name not in filled.columns]
        empty = [pl.lit(None, SCHEMA[name]).alias(name) for name in missing]
        return filled.with_columns(empty).select(SCHEMA.names())


def _turn(role: str, name: str) -> pl.Expr:
    return pl.struct(role=pl.lit(role), text=pl.col(name))


class Blocks:
    """A stream of lines that can be looked at a block ahead."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._block = io.BytesIO()
        self._size = 0

    def readline(self, limit: int) -> bytes:
        """Like a stream's `readline`."""
        line = self._block.readline(limit)
        if line.endswith(b"\n") or len(line) == limit:
            return line
        return line + self._stream.readline(limit - len(line))

    def ahead(self, limit: int) -> bytes:
        """The next block of whole lines; b"" if earlier lines are still to be read, or if the block
        is longer than `limit` or does not end with a line.

        The lines are still to be read, or to be skipped with `passed`.
        """
        if self._block.tell() < self._size:
            return b""
        block = self._stream.read(BLOCK)
        if not block.endswith(b"\n"):
            block += self._stream.readline(min(limit, BLOCK))
        self._block, self._size = io.BytesIO(block), len(block)
        return block if block.endswith(b"\n") and len(block) <= limit else b""

    def passed(self) -> None:
        """Skip the lines that `ahead` returned."""
        self._block.seek(self._size)


class Alike:
    """Reads blocks of lines that are alike: objects with the same keys, a text or a pair each."""

    def __init__(self, columns: Columns | None) -> None:
        self._columns = columns
        self._names: tuple[bytes, ...] = ()
        self._wanted: dict[str, int] = {}  # by column (`text`, `prompt` …): the number of its key

    def read(self, block: bytes) -> dict[str, pl.Series] | None:
        """The columns of a block of lines; None if a line differs from the others."""
        if not json_text.COMPILED or len(block) < SMALL:
            return None
        if not self._names and not self._learn(block[: block.index(b"\n")]):
            return None
        rising = sorted(self._wanted.values())
        texts = json_text.texts(block, self._names, tuple(rising))
        if texts is None:
            self._names = ()
            return None
        return {name: texts[rising.index(number)] for name, number in self._wanted.items()}

    def _learn(self, line: bytes) -> bool:
        """Remember a line's keys as those of all lines, if its columns are a text or a pair.

        Returns whether they are.
        """
        try:
            names = list(json_object.parsed(line))
            columns = header(names, self._columns, flat=False)
        except UnreadableError:
            return False
        meant = columns.model_dump(exclude_none=True) if columns else {}
        if set(meant) not in KINDS or len(names) > json_text.KEYS_MOST:
            return False
        if len(set(meant.values())) < len(meant) or any(name != _plain(name) for name in names):
            return False
        self._names = tuple(map(str.encode, names))
        self._wanted = {column: names.index(name) for column, name in meant.items()}
        return True


def _plain(name: str) -> str:
    """The name without the characters that JSON must escape."""
    return "".join(each for each in name if each >= " " and each not in '"\\')
