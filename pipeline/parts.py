"""What one task writes: parts (one file for each kind), counts, times, and a marker at the end."""

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
    """CPU seconds of this process, with all its threads, by label; displayed, never published."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.last = time.process_time()

    def lap(self, label: str) -> None:
        """Add the time since the last lap to `label`."""
        now = time.process_time()
        self.cpu[label] = self.cpu.get(label, 0.0) + now - self.last
        self.last = now


class Parts:
    """The parts of one task, while they are written. Glossary: `pipeline.made`.

    `keys` are the keys of its units and `sources` those of the source units that they come from.
    `plan` is the digest of what this run does: by it, only this run recognises the task as done.
    Later runs recognise its units by their keys and `made_of`.
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
        self.images: list[Path] = []  # prepared images, which later runs do not reuse
        self.rows = UnitRows(keys, sources)
        self.bounds: list[Bounds] = []

    def write(self, frames: Mapping[str, pl.DataFrame], roots: pl.DataFrame) -> None:
        """Write one more part; `roots` has the units of records for frames that do not have them.

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
        """The marker, if this run has finished this task before."""
        marker = read_marker(self._marker, (FILES, IMAGES), made_from=self.made_from)
        return None if marker is None else marker | {"reused": True}

    def finish(self) -> dict[str, Any]:
        """Write the marker, last of all; returns it."""
        units = self._marker.with_suffix(".units.arrow")
        write_frame(units, self.rows.index())
        content: dict[str, Any] = {
            "parts": self.names,
            "units": units.name,
            "counts": [count.as_json() for count in total(self.counts)],
            "cpu": self.clock.cpu,
            IMAGES: digests(self.images),
            "made_of": self.made_of,
            "bounds": lesser(self.bounds),
        }
        return write_marker(self._marker, self.made_from, [*self.files, units], content)
