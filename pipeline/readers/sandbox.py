"""The sandbox: parsers of untrusted bytes run in a child process that may die.

Readers that say `sandboxed` run in one long-lived child of each worker: it has no credentials in
its environment, no network, writes no file and starts no process (see `pipeline.readers.confine`
for what holds where). Units go there in batches, rows come back as JSON or Arrow; a child that
holds more than 160 MB when a batch is done, or has read 20,000 units, is replaced. The limits on
bytes, pages, members and depth that each reader has come first; those here are the last net:

| limit | of | reason |
|---|---|---|
| address space | 768 MB more than before the file | `read.out_of_memory` |
| CPU seconds | 30, and 1 for each MB of the file | `read.timeout` (value: CPU) |
| seconds for a unit | 120, and 4 for each MB of the largest there | `read.timeout` (value: wall) |
| an answer | 256 MB | `read.parser_died` (value: what happened) |

A unit whose parser dies is tried once more, alone in a new child; then its files are rejected, and
what they gave before stands. The units beside it are read as if nothing had happened.
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
    "read.parser_died": "the parser crashed on this file, or did what no parser may; save the "
    "document again with the program that made it",
    "read.timeout": "the file takes too long to parse; split it, or save it in a simpler form",
    "read.out_of_memory": "the file takes too much memory to parse; split it",
}

Numbered = tuple[int, Reader, Unit]
"""A unit with the number that its rows will bear."""

REST = "rest"
"""The locator of what a died parser left unread: never a record's own, whose id it would take."""

BATCH_UNITS, BATCH_BYTES = 64, 8 << 20
CHILD_BYTES = 160 << 20
"""What a child may hold between batches; `pipeline.memory` counts on it. 50 to 90 MB are usual."""

CHILD_UNITS, CHILD_UNITS_UNSEEN = 20_000, 1_000
"""How many units a child reads, and how many where the system does not say what it holds."""


@dataclass(frozen=True)
class Limits:
    """What one unit may take: bytes, seconds, and seconds for each MB of its files."""

    memory: int = 768 << 20
    cpu: float = 30.0
    wall: float = 120.0
    wall_a_mb: float = 4.0
    answer: int = 256 << 20

    def patience(self, unit: Unit) -> float:
        """Seconds to wait for the next answer."""
        return self.wall + self.wall_a_mb * unit.size() / 1e6


class Sandbox:
    """A child and what is asked of it. Not for threads."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.child: ChildProcess | None = None

    def close(self) -> None:
        """End the child, if there is one."""
        if self.child is not None:
            self.child.kill()
            self.child = None

    def read(self, units: Iterable[Numbered]) -> Iterator[pl.DataFrame]:
        """The rows of all units in their order; raises nothing for bad bytes.

        A frame has the record's columns and `unit`, the number of each row's unit.
        """
        todo = list(units)
        at = skip = 0
        suspect = -1  # up to this one, units are asked for one by one
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
        """The frames of a batch; raises ParserFault, and then the child is gone."""
        child = self._ready_child(len(batch))
        whole = False
        try:
            child.send(wire.to_line([one[1:] for one in batch], asked.frames))
            numbers = pl.Series([number for number, _, _ in batch], dtype=pl.UInt32)
            patience = max(self.limits.patience(unit) for _, _, unit in batch)
            while not whole:
                message = child.receive(patience, self.limits.answer)
                if message.kind in (wire.ROWS, wire.FRAME):
                    found = message.frame(numbers)
                    asked.done, asked.frames = message.done, message.frames
                    yield found
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
    """How far a batch has come: units that are whole, frames of the next, the one in work."""

    frames: int
    done: int = 0
    started: int = 0


def _has_served(child: ChildProcess, units: int) -> bool:
    """Whether a child should read no more: parsers lose memory, and what one file did to them
    should not reach all others."""
    held = child.resident()
    most = CHILD_UNITS_UNSEEN if held is None else CHILD_UNITS
    return child.units + units > most or (held or 0) > CHILD_BYTES


def _batch(todo: Sequence[Numbered], start: int) -> Sequence[Numbered]:
    """Units for one round trip."""
    size = 0
    for end in range(start, min(start + BATCH_UNITS, len(todo))):
        size += todo[end][2].size()
        if size >= BATCH_BYTES:
            return todo[start : end + 1]
    return todo[start : start + BATCH_UNITS]


def _divided(one: Numbered) -> list[Numbered]:
    """The unit in smaller ones, by the reader that knows how."""
    number, reader, unit = one
    divide = getattr(reader, "divided", None)
    return [(number, reader, part) for part in divide(unit)] if divide else []


def _rejected(one: Numbered, fault: ParserFault) -> pl.DataFrame:
    number, _, unit = one
    why = UnreadableError(fault.reason, fault.value)
    rows = frame([why.row(file, REST) for file in unit.files])
    return rows.with_columns(pl.lit(number, pl.UInt32).alias(wire.UNIT))


_OWN = Sandbox()


def read_units(units: Iterable[Numbered]) -> Iterator[pl.DataFrame]:
    """What this process's own sandbox reads of the units."""
    return _OWN.read(units)


def close() -> None:
    """End this process's own child; the next unit starts another."""
    _OWN.close()
