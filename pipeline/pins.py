"""Which source files an earlier run has read, so that they need not be read, nor fetched, to be
pinned and given to a reader.

A file is taken for what it was when its size, both its times and its entry (inode) are as they
were when it was read, as git, restic and borg do. Writing to a file sets the time of its entry
(ctime), which no program can set back. Only what a stamp cannot tell is not believed, git's "racy"
entry: a file that was touched so shortly before it was read that the clock of its file system may
not have moved since. An object in S3 is what it was when its ETag and size are: they stand for its
content. Nothing is read by this alone: a file whose records are made anew is digested first, and
`--full` digests all.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.resume import code_digest, digest_of
from pipeline.shards import read_frame, read_marker, write_frame, write_marker
from pipeline.source import Claim, Claims, Listed, SourceFile, Span

NAME, FORMAT = "pinned", "4"
SCHEMA = dict.fromkeys(("uri", "stamp", "sha256", "reader"), pl.String) | {"describes": pl.Boolean}
SETTLED = 2_000_000_000  # ns for which a file must have lain untouched: FAT counts by two seconds


FAR = pl.col("uri").str.starts_with("s3://")
"""What is the same from any machine; the stamp of a local file tells nothing on another one."""


class Pins:
    """The digests of files by stamp or version: those of the run before, and those of this one.

    `claims` are the readers that took them, which their names, their bytes and the code say; so are
    the ranges in which a reader takes a large one.
    `folder` is the work folder, `elsewhere` what another machine has noted; nothing is believed if
    `full`.
    """

    def __init__(self, folder: Path, elsewhere: Path | None = None, *, full: bool = False) -> None:
        self.folder = folder
        self.settled = time.time_ns() - SETTLED
        self.known: dict[str, tuple[str, str]] = {}  # stamp or version, and SHA-256, by URI
        self.claims: Claims = {}
        self.cuts: dict[str, list[list[int]]] = {}  # of large files, by digest and reader
        self.cuts_seen: dict[str, list[list[int]]] = {}
        self.believed: set[str] = set()  # URIs
        self.seen: dict[str, tuple[str, str]] = {}
        self.there: Any = None  # what is written there, if nothing else need be
        if not full:
            self._read(folder, pl.lit(True))
            if elsewhere is not None:
                self._read(elsewhere, FAR)

    def _read(self, folder: Path, believable: pl.Expr) -> None:
        """Take in what a run has noted. What other code has noted of objects in S3 is left out:
        they will be looked at to find their readers, and are better fetched with the others."""
        marker = read_marker(folder / f"{NAME}.json", made_from=FORMAT)
        if marker is None:  # not there, or damaged
            return
        same_code = marker["code"] == code_digest()
        pinned = read_frame(folder / f"{NAME}.arrow")
        pinned = pinned.filter(believable & (pl.lit(same_code) | ~FAR))
        uris, stamps, digests = (pinned[name].to_list() for name in ("uri", "stamp", "sha256"))
        self.known |= zip(uris, zip(stamps, digests, strict=True), strict=True)
        if same_code:
            taken = pinned.filter(pl.col("reader").is_not_null())
            names = ("uri", "sha256", "reader", "describes")
            uris, *told = (taken[name].to_list() for name in names)
            self.claims |= zip(uris, zip(*told, strict=True), strict=True)
            self.cuts |= marker["cuts"]
        own = same_code and folder == self.folder
        self.there = (dict(self.known), dict(self.claims), dict(self.cuts)) if own else None

    def of(self, listed: Sequence[Listed]) -> list[str | None]:
        """The SHA-256 of each file that can be believed to be what it was."""
        digests: list[str | None] = []
        for one in listed:
            known = self.known.get(one.uri)
            if known is None or known[0] != (one.stamp or _version(one)):
                digests.append(None)
                continue
            self.seen[one.uri] = known
            self.believed.add(one.uri)
            digests.append(known[1])
        return digests

    def note(self, listed: Listed, digest: str) -> None:
        """Remember what was read of a file, if its stamp or ETag will tell when it is another."""
        if listed.stamp is not None:
            _, changed, entered, _ = listed.stamp.split()
            if max(int(changed), int(entered)) < self.settled:
                self.seen[listed.uri] = listed.stamp, digest
        elif (version := _version(listed)) is not None:
            self.seen[listed.uri] = version, digest

    def pieces(
        self, file: SourceFile, reader: str, cut: Callable[[SourceFile], Sequence[SourceFile]]
    ) -> Sequence[SourceFile]:
        """A large file in the ranges that `cut` finds, which reads all of it, or has found before.

        `reader` says which one it is, with its settings.
        """
        key = digest_of(file.sha256, reader)
        told = self.cuts.get(key)
        if told is None:
            spans = [piece.span for piece in cut(file)]
            told = [[span.start, span.before, span.end] for span in spans if span is not None]
        self.cuts_seen[key] = told
        return [file._replace(span=Span(*one)) for one in told] or [file]

    def write(self) -> None:
        """Leave what this run knows for the next."""
        if (self.seen, self.claims, self.cuts_seen) != self.there:
            claims = [self._claim(uri, sha) for uri, (_, sha) in self.seen.items()]
            columns = (
                list(self.seen),
                [stamp for stamp, _ in self.seen.values()],
                [sha for _, sha in self.seen.values()],
                [claim and claim[1] for claim in claims],
                [claim and claim[2] for claim in claims],
            )
            frame = pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema=SCHEMA)
            path = self.folder / f"{NAME}.arrow"
            write_frame(path, frame)
            told = {"code": code_digest(), "cuts": self.cuts_seen}
            write_marker(path.with_suffix(".json"), FORMAT, [path], told)

    def _claim(self, uri: str, digest: str) -> Claim | None:
        """The reader that has taken this content of a file."""
        claim = self.claims.get(uri)
        return claim if claim and claim[0] == digest else None


def _version(listed: Listed) -> str | None:
    """By what an object in S3 is known again: its size too, should its ETag be no digest."""
    return f"{listed.size} {listed.etag}" if listed.etag is not None else None
