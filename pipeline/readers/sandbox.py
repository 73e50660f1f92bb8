"""The sandbox: parsers of untrusted bytes run in a child process that may die.

Each worker has one long-lived child that runs the readers marked `sandboxed`. The child has no
credentials in its environment and no network, writes no file and starts no process (see
`pipeline.readers.confine` for what each system enforces). Units are sent in batches, rows come back
as JSON or Arrow. A child that holds more than 160 MB after a batch, or has read 20,000 units, is
replaced. Each reader's own limits on bytes, pages, members and depth come first; the limits here
are the last line of defence:

| limit on | amount | reason |
|---|---|---|
| address space | 768 MB more than before the file | `read.out_of_memory` |
| CPU seconds | 30, and 1 per MB of the file | `read.timeout` (value: CPU) |
| seconds for a unit | 120, and 4 per MB of the largest in a batch | `read.timeout` (value: wall) |
| an answer | 256 MB | `read.parser_died` (value: what happened) |

A unit whose parser dies is tried once more, alone in a new child. If it dies again, the unit's
files are rejected, but the rows they gave before are kept. The other units of the batch are not
affected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.readers import wire
from pipeline.readers.child_process import ChildProcess, ParserFault
from pipeline.readers.rows import UnreadableError
from pipeline.record import frame
from pipeline.source import Reader, Unit

REASONS = {
    "read.parser_died": "the parser crashed on this file, or did something that is not allowed; "
    "save the document again with the program that made it",
    "read.timeout": "the file takes too long to parse; split it, or save it in a simpler form",
    "read.out_of_memory": "the file takes too much memory to parse; split it",
}

Numbered = tuple[int, Reader, Unit]
"""A unit's number, which its rows will carry, its reader, and the unit."""

REST = "rest"
"""The locator of what was left unread when a parser died. It differs from every record's locator,
because a record's id is made from it."""

BATCH_UNITS, BATCH_BYTES = 64, 8 << 20
CHILD_BYTES = 160 << 20
"""The most memory a child may hold between batches; `pipeline.memory` relies on it. 50 to 90 MB are
usual."""

CHILD_UNITS, CHILD_UNITS_UNSEEN = 20_000, 1_000
"""How many units a child reads before it is replaced; the second number applies where the system
does not report the child's memory."""


@dataclass(frozen=True)
class Limits:
    """What one unit may use: bytes of memory and of an answer, seconds, and seconds per MB."""

    memory: int = 768 << 20
    cpu: float = 30.0
    wall: float = 120.0
    wall_a_mb: float = 4.0
    answer: int = 256 << 20

    def patience(self, unit: Unit) -> float:
        """How many seconds to wait for the next answer about this unit."""
        return self.wall + self.wall_a_mb * unit.size() / 1e6


class Sandbox:
    """A child process and the units it is asked to read. Not thread-safe."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.child: ChildProcess | None = None

    def close(self) -> None:
        """End the child, if there is one."""
        if self.child is not None:
            self.child.kill()
            self.child = None

    def read(self, units: Iterable[Numbered]) -> Iterator[pl.DataFrame]:
        """Yield the rows of all units in their order; bad bytes never raise.

        Each frame has the record's columns and `unit`, the number of each row's unit.
        """
        todo = list(units)
        at = skip = 0
        suspect = -1  # the units up to this index are read one by one
        while at < len(todo):
            alone = at <= suspect
            if at == suspect:
                self.close()
            fresh = self.child is None
            asked = _Asked(frames=skip)
            batch = todo[at : at + 1] if alone else _batch(todo, at)
            try:
                yield from self._ask(batch, asked)
                at, skip = at + len(batch), 0
                continue
            except ParserFault as error:
                fault = error
            guilty = at + min(max(asked.started, asked.done), len(batch) - 1)
            at, skip = at + asked.done, asked.frames
            if guilty > at or not (fault.final or (alone and fresh)):
                suspect = guilty
                continue
            smaller = [] if skip else _divided(todo[at])
            if len(smaller) > 1:
                todo[at : at + 1] = smaller
                suspect = at + len(smaller) - 1
            else:
                yield _rejected(todo[at], fault)
                at, skip = at + 1, 0

    def _ask(self, batch: Sequence[Numbered], asked: _Asked) -> Iterator[pl.DataFrame]:
        """Yield the frames of a batch; if this raises ParserFault, the child has been ended."""
        child = self._ready_child(len(batch))
        whole = False
        try:
            child.send(wire.to_line([numbered[1:] for numbered in batch], asked.frames))
            numbers = pl.Series([number for number, _, _ in batch], dtype=pl.UInt32)
            patience = max(self.limits.patience(unit) for _, _, unit in batch)
            while not whole:
                message = child.receive(patience, self.limits.answer)
                if message.kind in (wire.ROWS, wire.FRAME):
                    rows = message.frame(numbers)
                    asked.done, asked.frames = message.done, message.frames
                    yield rows
                else:
                    whole = message.kind == wire.DONE or message.refuse()
        finally:
            if not whole:
                asked.started = child.counted.number
                self.close()

    def _ready_child(self, units: int) -> ChildProcess:
        if self.child is not None and _has_served(self.child, units):
            self.close()
        if self.child is None:
            self.child = ChildProcess(self.limits.memory, self.limits.cpu)
        self.child.units += units
        return self.child


@dataclass
class _Asked:
    """How far a batch has got."""

    frames: int  # received of the unit after those that are done
    done: int = 0  # units
    started: int = 0  # the place of the unit being read when the batch failed


def _has_served(child: ChildProcess, units: int) -> bool:
    """Whether a child should be replaced before it reads this many more units.

    Parsers leak memory, and the damage one file does to a parser should not reach all later files.
    """
    held = child.resident()
    most = CHILD_UNITS_UNSEEN if held is None else CHILD_UNITS
    return child.units + units > most or (held or 0) > CHILD_BYTES


def _batch(todo: Sequence[Numbered], start: int) -> Sequence[Numbered]:
    """The units from `start` on that are sent in one round trip."""
    size = 0
    for end in range(start, min(start + BATCH_UNITS, len(todo))):
        size += todo[end][2].size()
        if size >= BATCH_BYTES:
            return todo[start : end + 1]
    return todo[start : start + BATCH_UNITS]


def _divided(numbered: Numbered) -> list[Numbered]:
    """Divide a unit into smaller ones; empty if its reader cannot divide units."""
    number, reader, unit = numbered
    divide = getattr(reader, "divided", None)
    return [(number, reader, part) for part in divide(unit)] if divide else []


def _rejected(numbered: Numbered, fault: ParserFault) -> pl.DataFrame:
    number, _, unit = numbered
    error = UnreadableError(fault.reason, fault.value)
    rows = frame([error.row(file, REST) for file in unit.files])
    return rows.with_columns(pl.lit(number, pl.UInt32).alias(wire.UNIT))


_OWN = Sandbox()


def read_units(units: Iterable[Numbered]) -> Iterator[pl.DataFrame]:
    """Read units in this process's own sandbox; see `Sandbox.read`."""
    return _OWN.read(units)


def close() -> None:
    """End the child of this process's own sandbox; the next unit starts a new one."""
    _OWN.close()
