"""Which local source files an earlier run has read, so that they need not be read to be pinned,
nor to be given to a reader.

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

from pipeline.resume import code_digest
from pipeline.shards import read_frame, read_marker, write_frame, write_marker
from pipeline.source import Claims, Listed, SourceFile

NAME, FORMAT = "pinned", "2"
SCHEMA = {"file": pl.String, "sha256": pl.String, "reader": pl.String, "describes": pl.Boolean}
SETTLED = 2_000_000_000  # ns for which a file must have lain untouched: FAT counts by two seconds


class Pins:
    """The digests of local files by stamp: those of the run before, and those of this one.

    `claims` are the readers that took them, which their names, their bytes and the code say.
    `folder` is the work folder; nothing is believed if `full`.
    """

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        self.marker, self.frame = folder / f"{NAME}.json", folder / f"{NAME}.arrow"
        self.settled = time.time_ns() - SETTLED
        self.known: dict[str, str] = {}
        self.claims: Claims = {}
        self.believed: set[str] = set()  # URIs
        self.seen: dict[str, str] = {}
        self.there: tuple[dict[str, str], Claims] | None = None
        if not full:
            self._read()

    def _read(self) -> None:
        marker = read_marker(self.marker, FORMAT)
        if marker is None:  # not there, or damaged
            return
        pinned = read_frame(self.frame)
        files, digests = pinned["file"].to_list(), pinned["sha256"].to_list()
        self.known = dict(zip(files, digests, strict=True))
        if marker["code"] == code_digest():
            taken = pinned.filter(pl.col("reader").is_not_null()).iter_rows()
            self.claims = {(_uri(file), sha): (reader, own) for file, sha, reader, own in taken}
        self.there = self.known, dict(self.claims)

    def of(self, listed: Sequence[Listed]) -> list[SourceFile | None]:
        """Each file that can be believed to be what it was, pinned."""
        return [self._pinned(one) for one in listed]

    def _pinned(self, listed: Listed) -> SourceFile | None:
        if listed.local is None or listed.stamp is None:
            return None
        file = f"{listed.stamp} {listed.uri}"
        digest = self.known.get(file)
        if digest is None:
            return None
        self.seen[file] = digest
        self.believed.add(listed.uri)
        return SourceFile(listed.uri, listed.local, listed.size, digest)

    def note(self, listed: Listed, digest: str) -> None:
        """Remember what was read of a file, if its stamp will tell when it is another."""
        if listed.stamp is not None:
            _, changed, entered, _ = listed.stamp.split()
            if max(int(changed), int(entered)) < self.settled:
                self.seen[f"{listed.stamp} {listed.uri}"] = digest

    def write(self) -> None:
        """Leave what this run knows for the next."""
        if (self.seen, self.claims) != self.there:
            claims = [self.claims.get((_uri(file), sha)) for file, sha in self.seen.items()]
            columns = (
                list(self.seen),
                list(self.seen.values()),
                [claim and claim[0] for claim in claims],
                [claim and claim[1] for claim in claims],
            )
            frame = pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema=SCHEMA)
            write_frame(self.frame, frame)
            write_marker(self.marker, FORMAT, [self.frame], {"code": code_digest()})


def _uri(file: str) -> str:
    """The URI behind a stamp."""
    return file.split(" ", 4)[4]
