"""The process that parses untrusted files: `python -m pipeline.readers.sandbox_child`.

It gives up the rights that it can (see `pipeline.readers.confine`), takes batches of units from
stdin and answers on stdout in the format of `pipeline.readers.wire`. It ends when its parent ends,
when stdin is closed, and after a unit that it could not read.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import TYPE_CHECKING, BinaryIO

from pipeline.readers import wire, wire_rows
from pipeline.readers.confine import allow_cpu, allow_memory, confine
from pipeline.readers.counted import Counted
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Batch, Row, chars_of
from pipeline.source import Reader, Unit

if TYPE_CHECKING:
    import polars as pl

FLUSH_BYTES = 4 << 20
ROW_BYTES = 100  # what a row takes apart from its texts: ids, names


def main() -> None:
    """Read batches from stdin until there are no more, or a unit cannot be read."""
    held = confine()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between our answers
    memory, cpu, counted = int(sys.argv[1]), float(sys.argv[2]), Counted(int(sys.argv[3]))
    child = Child(answers, counted, memory, cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    child.say(wire.READY, json.dumps({"holds": held, "peak": peak}).encode())
    for line in sys.stdin.buffer:
        if not child.take(*wire.from_line(line)):
            break


class Child:
    """Reads one batch after another; gathers a few MB of rows or frames before sending them."""

    def __init__(self, answers: BinaryIO, counted: Counted, memory: int, cpu: float) -> None:
        self.answers, self.counted, self.memory, self.cpu = answers, counted, memory, cpu
        self.waiting: list[pl.DataFrame] = []
        self.rows: list[Row] = []  # either frames or rows are waiting, never both
        self.units: list[int] = []  # the unit of each waiting row
        self.size = self.unit_size = 0  # bytes waiting: in all, and those of the unit being read
        self.done = self.frames = 0  # units read, and frames of the unit being read

    def say(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one message, with how far the batch has got."""
        self.answers.write(wire.HEADER.pack(kind, self.done, self.frames, len(payload)))
        self.answers.write(payload)
        self.answers.flush()

    def take(self, units: list[tuple[Reader, Unit]], skip: int) -> bool:
        """Read a batch, without the first `skip` frames of its first unit.

        Returns False when one of its units could not be read.
        """
        self.done = self.frames = 0
        # Report whatever a parser raises; `PanicException` is not even an Exception.
        try:
            for number, (reader, unit) in enumerate(units):
                self.counted.number = number
                self._read(reader, unit, skip)
                self.done += 1
                self.frames = skip = 0
                if self.size >= FLUSH_BYTES:
                    self._flush()
            self._flush()
        except BaseException as error:  # noqa: BLE001
            self._fail(error)
            return False
        self.say(wire.DONE)
        return True

    def _read(self, reader: Reader, unit: Unit, skip: int) -> None:
        allow_memory(self.memory)
        allow_cpu(self.cpu + sum(file.size for file in unit.files) / 1e6)
        # When a unit's frames are sent depends on that unit alone: what is kept of a unit whose
        # parser dies must be the same whatever else is in the batch.
        self.unit_size = 0
        rows = reader.batches(unit) if isinstance(reader, PerFileReader) else reader.read(unit)
        for number, batch in enumerate(rows, 1):
            if self.waiting if isinstance(batch, list) else self.rows:
                self._flush()
            self.frames = number
            if number > skip:
                self._gather(batch)
            if self.unit_size >= FLUSH_BYTES:
                self._flush()

    def _gather(self, batch: Batch) -> None:
        if isinstance(batch, list):
            self.rows += batch
            self.units += [self.done] * len(batch)
            size = sum(ROW_BYTES + chars_of(row) for row in batch)
        else:
            import polars as pl  # the reader has imported it already

            place = pl.lit(self.done, pl.UInt32).alias(wire.UNIT)
            self.waiting.append(batch.with_columns(place))
            size = int(batch.estimated_size())
        self.size += size
        self.unit_size += size

    def _flush(self) -> None:
        if self.rows:
            self.say(wire.ROWS, wire_rows.pack(self.units, self.rows))
        elif self.waiting:
            self.say(wire.FRAME, wire.pack(self.waiting))
        self.rows, self.units, self.waiting = [], [], []
        self.size = self.unit_size = 0

    def _fail(self, error: BaseException) -> None:
        memory = isinstance(error, MemoryError)
        failure = {
            "reason": "read.out_of_memory" if memory else "read.parser_died",
            "value": None if memory else f"{type(error).__name__}: {error}",
        }
        allow_memory(64 << 20)
        self.say(wire.FAILED, json.dumps(failure).encode())


if __name__ == "__main__":
    main()
