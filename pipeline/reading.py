"""Reads source units: frames of records, each row with the number of its unit."""

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
    """Yield every unit's frames, with a column `unit`; `units` are (number, reader, unit).

    Raises LawBroken for a reader that returns no row for a file, or a frame with other columns.
    """

    def kind(one: tuple[int, Reader, Unit]) -> tuple[bool, bool]:
        return withdrawn.takes(one[2]), one[1].sandboxed

    for (taken, sandboxed), group in groupby(units, key=kind):
        units_here = list(group)
        if taken:
            yield from (
                _numbered(withdrawn.unread(unit.files), number) for number, _, unit in units_here
            )
            continue
        yielded: set[tuple[int, str]] = set()
        for frame in (
            sandbox.read_units(units_here) if sandboxed else _read_here(units_here, most_bytes)
        ):
            if frame.drop(UNIT).schema != SCHEMA:
                raise LawBroken("a reader returned a frame that does not have the record schema")
            yielded.update(frame.select(UNIT, "source").unique().rows())
            yield withdrawn.apply(frame)
        for number, reader, unit in units_here:
            missing = [file.uri for file in unit.files if (number, file.uri) not in yielded]
            if missing:
                raise LawBroken(f"reader {reader.name}: returned no record for {missing[0]}")


def _read_here(
    units: Iterable[tuple[int, Reader, Unit]], most_bytes: int
) -> Iterator[pl.DataFrame]:
    for _, group in groupby(units, key=lambda one: id(one[1])):
        units_here = list(group)
        reader = units_here[0][1]
        if isinstance(reader, ReadsTogether):
            yield from reader.read_together(((n, unit) for n, _, unit in units_here), most_bytes)
            continue
        for number, _, unit in units_here:
            yield from (_numbered(frame, number) for frame in reader.read(unit))


def confirm_unit(unit: Unit) -> None:
    """Raise SourceChanged if a file of a unit that was read is no longer what was pinned."""
    for file in (*unit.files, *unit.sidecars):
        confirm_read(file)


def _numbered(frame: pl.DataFrame, number: int) -> pl.DataFrame:
    return frame.with_columns(pl.lit(number, pl.UInt32).alias(UNIT))
