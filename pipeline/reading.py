"""What readers make of source units: frames of records, each row with the number of its unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import polars as pl

from pipeline.errors import LawBroken
from pipeline.local_sources import confirm_read
from pipeline.readers import sandbox
from pipeline.record import SCHEMA
from pipeline.source import Reader, ReadsTogether, Unit
from pipeline.unit_rows import UNIT
from pipeline.withdraw import Withdrawn


def read_units(
    units: Iterable[tuple[int, Reader, Unit]], withdrawn: Withdrawn, most_bytes: int
) -> Iterator[pl.DataFrame]:
    """Every unit's frames, with its number; a reader that passes over a file breaks the law."""

    def kind(one: tuple[int, Reader, Unit]) -> tuple[bool, bool]:
        return withdrawn.takes(one[2]), one[1].sandboxed

    for (taken, sandboxed), group in groupby(units, key=kind):
        own = list(group)
        if taken:
            yield from (_numbered(withdrawn.unread(unit.files), number) for number, _, unit in own)
            continue
        told: set[tuple[int, str]] = set()
        for frame in sandbox.read_units(own) if sandboxed else _read_here(own, most_bytes):
            if frame.drop(UNIT).schema != SCHEMA:
                raise LawBroken("a reader's frame is not of the record's schema")
            told.update(frame.select(UNIT, "source").unique().rows())
            yield withdrawn.apply(frame)
        for number, reader, unit in own:
            silent = [file.uri for file in unit.files if (number, file.uri) not in told]
            if silent:
                raise LawBroken(f"reader {reader.name}: gave no record for {silent[0]}")


def _read_here(
    units: Iterable[tuple[int, Reader, Unit]], most_bytes: int
) -> Iterator[pl.DataFrame]:
    for _, group in groupby(units, key=lambda one: id(one[1])):
        own = list(group)
        reader = own[0][1]
        if isinstance(reader, ReadsTogether):
            yield from reader.read_together(((n, unit) for n, _, unit in own), most_bytes)
            continue
        for number, _, unit in own:
            yield from (_numbered(frame, number) for frame in reader.read(unit))


def confirm_unit(unit: Unit) -> None:
    """Raises SourceChanged when a file of a unit that was read is no longer what was pinned."""
    for file in (*unit.files, *unit.sidecars):
        confirm_read(file)


def _numbered(frame: pl.DataFrame, number: int) -> pl.DataFrame:
    return frame.with_columns(pl.lit(number, pl.UInt32).alias(UNIT))
