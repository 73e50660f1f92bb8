"""Which source files an earlier run has read, so that they need not be read or fetched again to be
pinned and given to a reader.

A file is taken as unchanged when its size, both its times and its inode are as they were when it
was read, as git, restic and borg do. Writing to a file sets the inode's change time (ctime), which
no program can set back. One case is not believed, git's "racy" entry: a file that was touched so
shortly before it was read that the clock of its file system may not have moved since. An object in
S3 is unchanged when its ETag and size are, because they stand for its content. No data is used on
these grounds alone: a file whose records are computed again is digested first, and `--full`
digests all files.
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
SETTLED = 2_000_000_000  # ns that a file must have been left alone: FAT counts in two seconds


FAR = pl.col("uri").str.starts_with("s3://")
"""Objects in S3 look the same from any machine; a local file's stamp means nothing elsewhere."""


class Pins:
    """The digests of files by stamp or version: those from the run before, and those of this run.

    `claims` are the readers that took the files (a reader depends on a file's name, its bytes and
    the code); `cuts` are the ranges in which a reader takes a large file. `folder` is the work
    folder, `elsewhere` a folder with the notes of another machine; with `full`, nothing is
    believed.
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
        self.there: Any = None  # what `folder` has already, if that may still be true
        if not full:
            self._read(folder, pl.lit(True))
            if elsewhere is not None:
                self._read(elsewhere, FAR)

    def _read(self, folder: Path, believable: pl.Expr) -> None:
        """Read what a run has noted.

        Notes of other code on objects in S3 are left out: these objects must be read anyway to find
        their readers, and are better fetched together with the others.
        """
        marker = read_marker(folder / f"{NAME}.json", made_from=FORMAT)
        if marker is None:  # missing or damaged
            return
        same_code = marker["code"] == code_digest()
        pinned = read_frame(folder / f"{NAME}.arrow")
        pinned = pinned.filter(believable & (pl.lit(same_code) | ~FAR))
        uris, stamps, digests = (pinned[name].to_list() for name in ("uri", "stamp", "sha256"))
        self.known |= zip(uris, zip(stamps, digests, strict=True), strict=True)
        if same_code:
            taken = pinned.filter(pl.col("reader").is_not_null())
            names = ("uri", "sha256", "reader", "describes")
            uris, *columns = (taken[name].to_list() for name in names)
            self.claims |= zip(uris, zip(*columns, strict=True), strict=True)
            self.cuts |= marker["cuts"]
        own = same_code and folder == self.folder
        self.there = (dict(self.known), dict(self.claims), dict(self.cuts)) if own else None

    def of(self, listed: Sequence[Listed]) -> list[str | None]:
        """The SHA-256 of each file that is taken as unchanged; None for the others."""
        digests: list[str | None] = []
        for file in listed:
            known = self.known.get(file.uri)
            if known is None or known[0] != (file.stamp or _version(file)):
                digests.append(None)
                continue
            self.seen[file.uri] = known
            self.believed.add(file.uri)
            digests.append(known[1])
        return digests

    def note(self, listed: Listed, digest: str) -> None:
        """Note a file's digest, if its stamp or ETag will show when the file has changed."""
        if listed.stamp is not None:
            _, changed, entered, _ = listed.stamp.split()
            if max(int(changed), int(entered)) < self.settled:
                self.seen[listed.uri] = listed.stamp, digest
        elif (version := _version(listed)) is not None:
            self.seen[listed.uri] = version, digest

    def pieces(
        self, file: SourceFile, reader: str, cut: Callable[[SourceFile], Sequence[SourceFile]]
    ) -> Sequence[SourceFile]:
        """A large file in ranges, each to be read by itself.

        They are those that were found before, or else `cut` finds them, for which it reads the
        whole file. `reader` is the reader's name with its settings.
        """
        key = digest_of(file.sha256, reader)
        cuts = self.cuts.get(key)
        if cuts is None:
            spans = [piece.span for piece in cut(file)]
            cuts = [[span.start, span.before, span.end] for span in spans if span is not None]
        self.cuts_seen[key] = cuts
        return [file._replace(span=Span(*cut_span)) for cut_span in cuts] or [file]

    def write(self) -> None:
        """Write what this run knows, for the next run."""
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
            content = {"code": code_digest(), "cuts": self.cuts_seen}
            write_marker(path.with_suffix(".json"), FORMAT, [path], content)

    def _claim(self, uri: str, digest: str) -> Claim | None:
        """The reader that has taken this content of a file, if one has."""
        claim = self.claims.get(uri)
        return claim if claim and claim[0] == digest else None


def _version(listed: Listed) -> str | None:
    """What identifies a version of an object in S3: its ETag, and its size too, because an ETag
    may not be a digest."""
    return f"{listed.size} {listed.etag}" if listed.etag is not None else None
