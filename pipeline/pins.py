"""Which local source files an earlier run has read, so that they need not be read to be pinned.

A file is taken for what it was when its size, both its times and its entry (inode) are as they
were when it was read, as git, restic and borg do. Writing to a file sets the time of its entry
(ctime), which no program can set back. Only what a stamp cannot tell is not believed, git's "racy"
entry: a file that was touched so shortly before it was read that the clock of its file system may
not have moved since. Nothing is read by this alone: a file whose records are made anew is digested
first, and `--full` digests all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipeline.shards import read_frame, read_marker, write_frame, write_marker
from pipeline.source import Listed, SourceFile

NAME, FORMAT = "pinned", "1"
SETTLED = 2_000_000_000  # ns for which a file must have lain untouched: FAT counts by two seconds


class Pins:
    """The digests of local files by stamp: those of the run before, and those of this one.

    `folder` is the work folder; nothing is believed if `full`.
    """

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        self.marker, self.frame = folder / f"{NAME}.json", folder / f"{NAME}.arrow"
        self.settled = time.time_ns() - SETTLED
        self.there = None if full else self._read()
        self.known = self.there or {}
        self.believed: set[str] = set()  # URIs
        self.seen: dict[str, str] = {}

    def _read(self) -> dict[str, str] | None:
        if read_marker(self.marker, FORMAT) is None:  # not there, or damaged
            return None
        pinned = read_frame(self.frame)
        return dict(zip(pinned["file"].to_list(), pinned["sha256"].to_list(), strict=True))

    def of(self, listed: Sequence[Listed]) -> list[SourceFile | None]:
        """Each file that can be believed to be what it was, pinned."""
        return [self._pinned(one) for one in listed]

    def _pinned(self, listed: Listed) -> SourceFile | None:
        if listed.path is None or listed.stamp is None:
            return None
        file = f"{listed.stamp} {listed.uri}"
        digest = self.known.get(file)
        if digest is None:
            return None
        self.seen[file] = digest
        self.believed.add(listed.uri)
        return SourceFile(listed.uri, listed.path, listed.size, digest)

    def note(self, listed: Listed, digest: str) -> None:
        """Remember what was read of a file, if its stamp will tell when it is another."""
        if listed.stamp is not None:
            _, changed, entered, _ = listed.stamp.split()
            if max(int(changed), int(entered)) < self.settled:
                self.seen[f"{listed.stamp} {listed.uri}"] = digest

    def write(self) -> None:
        """Leave what this run knows for the next."""
        if self.seen != self.there:
            columns = {"file": list(self.seen), "sha256": list(self.seen.values())}
            write_frame(self.frame, pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
            write_marker(self.marker, FORMAT, [self.frame], {})
