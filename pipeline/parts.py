"""What one task makes: parts (frames by kind, a file each), counts, times, a marker at last."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.ledger import StageCount
from pipeline.observations import Observations, add_tallies
from pipeline.reuse import Bounds, Known, bounds_of, ledger_of, lesser, located, spliced
from pipeline.shards import write_frame, write_marker
from pipeline.unit_rows import UnitRows, sum_ledger

NEW = "-new"
"""In the names of parts that are only made to be put among those that are known."""


class Clock:
    """CPU seconds of this process by label, all its threads; shown, never published."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.last = time.process_time()

    def lap(self, label: str) -> None:
        """Book the time since the last lap to `label`."""
        now = time.process_time()
        self.cpu[label] = self.cpu.get(label, 0.0) + now - self.last
        self.last = now


class Parts:
    """The parts of one task as they are made. `keys` are its units', empty if it reads a shard."""

    def __init__(self, folder: Path, task: str, keys: Sequence[str]) -> None:
        self.folder, self.task, self.keys = folder, task, keys
        self.clock = Clock()
        self.counts: list[StageCount] = []
        self.seen = Observations()
        self.names: list[str] = []
        self.files: list[Path] = []
        self.rows = UnitRows(keys)
        self.bounds: list[Bounds] = []

    def write(self, frames: Mapping[str, pl.DataFrame], roots: pl.DataFrame) -> None:
        """One more part; `roots` tells the units of its records, where the frames do not."""
        name = f"{self.task}-{len(self.names):04d}"
        if self.keys:
            frames = self.rows.add(name, roots, frames)
            self.bounds += [bounds_of(frames["samples"])] if "samples" in frames else []
        for kind, frame in frames.items():
            path = self.folder / f"{name}.{kind}.arrow"
            write_frame(path, frame)
            self.files.append(path)
        self.names.append(name)

    def join(self, known: Known, labels: Sequence[str], most_bytes: int) -> Parts:
        """These parts and what is known of the other units, as parts in the order of units."""
        joined = Parts(self.folder, self.task.removesuffix(NEW), self.keys)
        joined.clock, joined.seen = self.clock, self.seen
        counts, tallies = sum_ledger(ledger_of(known), labels)
        joined.counts = [*self.counts, *counts]
        add_tallies(joined.seen.tallies, tallies)
        joined.bounds = [*self.bounds, *known.bounds.values()]
        for units, frames in spliced(known.rows, self.located(), self.keys, most_bytes):
            joined.write(frames, units)
        for file in self.files:
            file.unlink()
        return joined

    def located(self) -> pl.DataFrame:
        """Where the rows of each unit are."""
        return located(self.rows.index(), self.folder, self.task)

    def finish(self, marker: Path, made_from: str, made_of: str) -> dict[str, Any]:
        """Write the marker, last of all; returns it.

        This run takes the work up by what it was `made_from`, later runs by what the result for
        a unit was `made_of`.
        """
        told: dict[str, Any] = {
            "parts": self.names,
            "counts": [count.as_json() for count in self.counts],
            "tallies": self.seen.told(),
            "cpu": self.clock.cpu,
        }
        if self.keys and self.seen.by_record:  # else nobody knows what one unit has added
            units = marker.with_suffix(".units.arrow")
            write_frame(units, self.rows.index())
            self.files.append(units)
            told |= {"made_of": made_of, "bounds": lesser(self.bounds)}
        return write_marker(marker, made_from, self.files, told)
