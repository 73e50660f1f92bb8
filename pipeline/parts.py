"""What one task makes: parts (frames by kind, a file each), counts, times, a marker at last."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.fragments import LINES_END, write_fragments
from pipeline.ledger import StageCount, total
from pipeline.observations import Observations
from pipeline.resume import digest_of
from pipeline.reuse import Bounds, bounds_of, lesser
from pipeline.shards import FILES, IMAGES, digests, read_marker, write_frame, write_marker
from pipeline.tasks import task_name
from pipeline.unit_rows import UnitRows


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
    """The parts of one task as they are made.

    `keys` are its units', `sources` those of the source units that they come from, `plan` the
    digest of what this run does: only it takes the work up again by that, later runs by what the
    result for each unit was `made_of`.
    """

    def __init__(
        self,
        folder: Path,
        keys: Sequence[str],
        sources: Sequence[str],
        made_of: str,
        plan: str = "",
    ) -> None:
        self.folder, self.task, self.made_of = folder, task_name(keys), made_of
        self.made_from = digest_of(plan, folder.name, *keys)
        self.clock = Clock()
        self.counts: list[StageCount] = []
        self.seen = Observations()
        self.names: list[str] = []
        self.files: list[Path] = []
        self.images: list[Path] = []  # prepared ones, which no later run takes over
        self.rows = UnitRows(keys, sources)
        self.bounds: list[Bounds] = []

    def write(self, frames: Mapping[str, pl.DataFrame], roots: pl.DataFrame) -> None:
        """One more part; `roots` tells the units of its records, where the frames do not.

        Lines of targets are written as they will be published.
        """
        name = f"{self.task}-{len(self.names):04d}"
        frames = self.rows.add(name, roots, frames)
        if "samples" in frames:
            self.bounds.append(bounds_of(frames["samples"]))
        for kind, frame in frames.items():
            path = self.folder / f"{name}.{kind}.arrow"
            if kind.endswith(LINES_END):
                self.files += write_fragments(path, frame)
                continue
            write_frame(path, frame)
            self.files.append(path)
        self.names.append(name)

    @property
    def _marker(self) -> Path:
        return self.folder / f"{self.task}.json"

    def done(self) -> dict[str, Any] | None:
        """The marker, if this run has made all of them before."""
        marker = read_marker(self._marker, (FILES, IMAGES), made_from=self.made_from)
        return None if marker is None else marker | {"reused": True}

    def finish(self) -> dict[str, Any]:
        """Write the marker, last of all; returns it."""
        units = self._marker.with_suffix(".units.arrow")
        write_frame(units, self.rows.index())
        told: dict[str, Any] = {
            "parts": self.names,
            "units": units.name,
            "counts": [count.as_json() for count in total(self.counts)],
            "cpu": self.clock.cpu,
            IMAGES: digests(self.images),
            "made_of": self.made_of,
            "bounds": lesser(self.bounds),
        }
        return write_marker(self._marker, self.made_from, [*self.files, units], told)
