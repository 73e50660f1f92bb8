"""What later runs take over, kept in S3 beside the data: for machines that do not outlive a run.

    STATE/state.json        which files they are, each with bytes and SHA-256; swapped last
    STATE/objects/<sha256>  their bytes, never changed; removed when no state names them

They are the files of the work folder by which a source is known again and its part of the first
pass is taken over. They hold texts, rejected ones too. No run depends on them, it gives the same
bytes without: what goes wrong with them is told, and is no fault of the run.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.aws import Aws
from pipeline.errors import ConflictError, RecipeError, StorageError
from pipeline.local_sources import hash_file
from pipeline.publish import as_json
from pipeline.resume import code_digest
from pipeline.s3 import S3Place
from pipeline.s3_errors import split_uri
from pipeline.s3_objects import S3Objects
from pipeline.shards import private_folder, write_bytes
from pipeline.storage import Place, is_remote

NAME, FORMAT = "state.json", 1
STRAY = 86_400.0  # seconds after which an object that no state names is one that a dead run left
PATH = re.compile(r"pinned\.(json|arrow)|pass-00/[0-9][-.\w]*")
"""The files that a state may name: no other is written on this machine."""

RESTORED = "restored"
"""The folder of what was fetched, beside those of runs: a run looks for work of others in all."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Kept:
    """A file that is kept."""

    path: str  # below the work folder, or that of the run
    bytes: int
    sha256: str  # hex


@dataclass(frozen=True)
class Told:
    """What `state.json` says."""

    code: str  # digest of the code that made it
    run: str
    files: list[Kept]


class State:
    """The state below one S3 prefix, for one run: looked at, taken over, saved at last."""

    def __init__(self, uri: str, aws: Aws, work: Path, say: Say) -> None:
        if not is_remote(uri):
            raise RecipeError(
                f"--state {uri}: is not an s3:// URI; on this machine --work keeps it"
            )
        self.uri, self.work, self.say = uri.rstrip("/"), work, say
        self.place = S3Place(self.uri, aws)
        self.objects = S3Objects(f"{self.uri}/objects", aws)
        self.version: str | None = None  # of what was there
        self.there: list[Kept] = []
        self.seen = False  # whether it is known what was there
        self.wanted = False  # whether its first pass can be taken over
        self.broken: set[str] = set()  # SHA-256 of objects that are gone, or are others

    def examine(self, output: Place) -> list[str]:
        """Notes on the bucket, where it is not that of the output.

        Raises RecipeError when it is public.
        """
        if is_remote(output.uri) and split_uri(output.uri)[0] == self.place.bucket:
            return []
        with self._told("its bucket cannot be looked at"):
            return self.place.examine()
        return []

    def look(self, *, full: bool) -> None:
        """Read which files are kept, and fetch those that pin sources; nothing if `full`."""
        with self._told("cannot be read; this run starts from nothing"):
            found = self.place.read(NAME)
            self.seen = True
            if found is None:
                self.say(f"state {self.uri}: none is there yet; this run starts from nothing")
                return
            data, self.version = found
            told = _read(data)
            self.there = told.files
            if full or self._is_here(data, told.run):
                return
            self.wanted = told.code == code_digest()
            self._fetch(self.work, [one for one in self.there if "/" not in one.path])

    def take_over(self) -> None:
        """Fetch what was made of the sources, but not what other code has made or is here."""
        if self.wanted:
            with self._told("cannot be fetched; this run makes anew what is missing"):
                place = self.work / RESTORED
                shutil.rmtree(place, ignore_errors=True)
                wanted = [one for one in self.there if "/" in one.path]
                size = sum(one.bytes for one in wanted) / 1e6
                self.say(f"state {self.uri}: fetching {len(wanted)} files, {size:.1f} MB")
                self._fetch(place, wanted)

    def save(self, run: str) -> None:
        """Keep what this run has made of the sources, and remove what nothing names any more."""
        if not self.seen:
            return
        with self._told("cannot be saved; the next run takes over what was there"):
            made = dict(self._made(run))
            kept = [Kept(name, path.stat().st_size, hash_file(path)) for name, path in made.items()]
            stored = self.objects.stored()
            missing = {
                one.sha256: made[one.path]
                for one in kept
                if one.sha256 not in stored or one.sha256 in self.broken
            }
            size = sum(path.stat().st_size for path in missing.values()) / 1e6
            self.say(f"state {self.uri}: saving {len(missing)} new files, {size:.1f} MB")
            self.objects.add((path, sha256) for sha256, path in missing.items())
            files = [asdict(one) for one in kept]
            data = as_json({"format": FORMAT, "code": code_digest(), "run": run, "files": files})
            self.place.swap(NAME, data, self.version)
            write_bytes(self.work / NAME, data)
            before, now = ({one.sha256 for one in files} for files in (self.there, kept))
            old = time.time() - STRAY
            strays = {name for name, one in stored.items() if one.modified < old}
            self.objects.remove((before & stored.keys() | strays) - now)

    def _made(self, run: str) -> Iterator[tuple[str, Path]]:
        """The files of this run that a later one takes over, each with what it is called."""
        folder = self.work / run
        first = sorted((folder / "pass-00").glob("[0-9]*"))
        found = [(path.name, path) for path in sorted(self.work.glob("pinned.*"))]
        found += [(path.relative_to(folder).as_posix(), path) for path in first]
        yield from (
            (name, path)
            for name, path in found
            if PATH.fullmatch(name) and not name.endswith(".part")
        )

    def _is_here(self, data: bytes, run: str) -> bool:
        """Whether this machine has saved that state itself, and still has all of it."""
        path = self.work / NAME
        if not path.exists() or path.read_bytes() != data:
            return False
        here = dict(self._made(run))
        return all(one.path in here for one in self.there)

    def _fetch(self, place: Path, files: list[Kept]) -> None:
        """Bring files to a folder. One that is gone or another is left out."""
        for folder in {(place / one.path).parent for one in files}:
            private_folder(folder)

        def fetch(one: Kept) -> bool:
            return self.objects.fetch(one.sha256, place / one.path)

        with ThreadPoolExecutor(self.objects.aws.concurrency) as threads:
            for one, whole in zip(files, threads.map(fetch, files), strict=True):
                if not whole:
                    self.broken.add(one.sha256)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Say what went wrong in S3, and go on."""
        try:
            yield
        except (StorageError, ConflictError) as error:
            self.say(f"state {self.uri}: {what} ({error})")


def _read(data: bytes) -> Told:
    """A state. Raises StorageError for what is none."""
    try:
        told: dict[str, Any] = json.loads(data)
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}")
        files = [Kept(one["path"], one["bytes"], one["sha256"]) for one in told["files"]]
        strange = [one.path for one in files if not PATH.fullmatch(one.path)]
        if strange:
            raise ValueError(f"names {strange[0]}")
        return Told(told["code"], told["run"], files)
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{NAME} is damaged: {error}") from error
