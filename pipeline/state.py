"""What later runs take over, kept in S3 beside the data: for machines that do not outlive a run.

    STATE/state.json        which files they are, each with bytes and SHA-256; swapped last
    STATE/objects/<sha256>  their bytes, never changed; removed when no state names them

They are the files of the work folder by which a source is known again and its part of the first
pass is taken over. They hold texts, rejected ones too. No run depends on them, it gives the same
bytes without: what goes wrong with them is told, and is no fault of the run.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.aws import Aws
from pipeline.errors import ConflictError, RecipeError, StorageError
from pipeline.local_sources import hash_file
from pipeline.pins import NAME as PINNED
from pipeline.resume import FROM_SOURCES
from pipeline.s3.errors import split_uri
from pipeline.s3.objects import S3Objects, Stored
from pipeline.s3.storage import S3Place
from pipeline.shards import private_folder, write_bytes
from pipeline.state_file import NAME, PATH, Kept, StateFile, read_state
from pipeline.storage import Place, is_remote

STRAY = 86_400.0  # seconds after which an object that no state names is one that a dead run left
FAULTS_MOST = 3  # refused objects after which no more are asked for
RESTORED = "restored"
"""The folder of what was fetched, beside those of runs: a run looks for work of others in all."""

Say = Callable[[str], None]


class State:
    """The state below one S3 prefix, for one run: looked at, taken over, saved at last."""

    def __init__(self, uri: str, output: str, aws: Aws, work: Path, say: Say) -> None:
        self.uri, self.output, self.work = uri.rstrip("/"), output.rstrip("/"), work
        if not is_remote(uri):
            raise RecipeError(
                f"--state {uri}: is not an s3:// URI; on this machine --work keeps it"
            )
        if f"{self.uri}/".startswith(f"{self.output}/runs/"):
            raise RecipeError(f"--state {uri}: whoever reads the runs would read it; name another")
        self._say = say
        self.place = S3Place(self.uri, aws)
        self.objects = S3Objects(f"{self.uri}/objects", aws)
        self.data: bytes | None = None  # of state.json as it was,
        self.version: str | None = None  # and which version of it
        self.there: StateFile | None = None
        self.seen = False  # whether it is known what was there
        self.wanted = False  # whether its first pass is not here already
        self.broken: set[str] = set()  # SHA-256 of objects that are gone, others, or refused

    @property
    def restored(self) -> Path:
        """Where what was fetched is."""
        return self.work / RESTORED

    def say(self, text: str) -> None:
        """Tell something about it."""
        self._say(f"state {self.uri}: {text}")

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
        shutil.rmtree(self.restored, ignore_errors=True)
        with self._told("cannot be read; this run goes without"):
            self._read()
            if self.there is None:
                self.say("none is there yet")
            elif not full and not self._is_here(self.there):
                self.wanted = True
                self._fetch([one for one in self.there.files if "/" not in one.path])

    def _read(self) -> None:
        """What is there. Raises StorageError, also when it is another output's."""
        found = self.place.read(NAME)
        if found is not None:
            self.data, self.version = found
            self.seen = True  # be it damaged: then it is written over
            there = read_state(found[0])
            if there.output != self.output:
                self.seen = False
                raise StorageError(f"is that of {there.output}; give each output its own prefix")
            self.there = there
        self.seen = True

    def take_over(self, made_of: str) -> None:
        """Fetch what was made of the sources, but not by other stages or code, nor what is here."""
        if self.there is not None and self.wanted and self.there.made_of == made_of:
            wanted = [one for one in self.there.files if "/" in one.path]
            size = sum(one.bytes for one in wanted) / 1e6
            self.say(f"fetching {len(wanted)} files, {size:.1f} MB")
            with self._told("cannot be fetched whole; this run makes anew what is missing"):
                self._fetch(wanted)

    def save(self, run: str) -> None:
        """Keep what this run has made of the sources, and remove what nothing names any more.

        Of a run that was published already nothing may have been made here: then what is there of
        the same run stays, and of an older one nothing, for its texts may be withdrawn since.
        """
        left: set[str] = set()
        with self._told("cannot be saved; the next run takes over what was there"):
            if not self.seen:
                self._read()
            made = dict(self._made(run))
            files = {
                name: Kept(name, path.stat().st_size, hash_file(path))
                for name, path in made.items()
            }
            if not any("/" in name for name in files):
                files |= {one.path: one for one in self._of_same(run) if "/" in one.path}
            left = self._swap(run, files, made)
        with self._told("is saved, but what it names no more cannot be deleted yet"):
            self.objects.remove(left)

    def _of_same(self, run: str) -> Iterator[Kept]:
        """The files of the state that was there, if they are of this run."""
        if self.there is not None and self.there.run == run:
            yield from (one for one in self.there.files if one.sha256 not in self.broken)

    def _swap(self, run: str, files: dict[str, Kept], made: dict[str, Path]) -> set[str]:
        """Upload what is not there, then name it; returns the objects that are left to remove."""
        stored = self.objects.stored()
        torn = {one.sha256 for one in files.values() if _torn(one, stored)} | self.broken
        self.objects.remove(torn & stored.keys())
        missing = {
            one.sha256: made[name]
            for name, one in files.items()
            if name in made and (one.sha256 not in stored or one.sha256 in torn)
        }
        if missing:
            size = sum(path.stat().st_size for path in missing.values()) / 1e6
            self.say(f"saving {len(missing)} new files, {size:.1f} MB")
        self.objects.add((path, sha256) for sha256, path in missing.items())
        now, there = {one.sha256 for one in files.values()}, self.there
        before = {one.sha256 for one in there.files} | set(there.gone) if there else set()
        gone = (before & stored.keys()) - now - torn
        ordered, made_of = tuple(files[name] for name in sorted(files)), self._made_of(made)
        state = StateFile(self.output, run, made_of, ordered, tuple(sorted(gone)))
        data = state.as_json()
        if data != self.data:
            self.place.swap(NAME, data, self.version)
        write_bytes(self.work / NAME, data)
        old = time.time() - STRAY
        strays = {name for name, one in stored.items() if one.modified < old}
        return gone | (strays - now - torn)

    def _made(self, run: str) -> Iterator[tuple[str, Path]]:
        """The files of this run that a later one takes over, each with what it is called."""
        for path in sorted(self.work.glob(f"{PINNED}.*")):
            if PATH.fullmatch(path.name):
                yield path.name, path
        for marker in sorted((self.work / run / FROM_SOURCES).glob("[0-9]*.json")):
            files = [marker, *map(marker.with_name, _files_of(marker))]
            if len(files) > 1 and all(file.exists() for file in files):
                yield from ((f"{FROM_SOURCES}/{file.name}", file) for file in files)

    def _made_of(self, made: dict[str, Path]) -> str:
        """What the first pass was made of: that of this run, else that which is there."""
        markers = [path for name, path in made.items() if "/" in name and path.suffix == ".json"]
        if markers:
            return str(json.loads(markers[0].read_bytes())["made_of"])
        return self.there.made_of if self.there else ""

    def _is_here(self, there: StateFile) -> bool:
        """Whether this machine has saved that state itself, and still has all of it."""
        path = self.work / NAME
        if not path.exists() or path.read_bytes() != self.data:
            return False
        here = dict(self._made(there.run))
        return all(one.path in here for one in there.files)

    def _fetch(self, files: Iterable[Kept]) -> None:
        """Bring files to this machine; one that is gone or another is left out.

        Raises the first StorageError when the others are there.
        """
        faults: list[StorageError] = []

        def fetch(one: Kept) -> None:
            if len(faults) >= FAULTS_MOST:
                return
            try:
                if not self.objects.fetch(one.sha256, self.restored / one.path):
                    self.broken.add(one.sha256)
            except StorageError as error:
                self.broken.add(one.sha256)
                faults.append(error)

        private_folder(self.restored)
        private_folder(self.restored / FROM_SOURCES)
        with ThreadPoolExecutor(self.objects.aws.concurrency) as threads:
            list(threads.map(fetch, files))
        if faults:
            raise faults[0]

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Say what went wrong in S3, and go on."""
        try:
            yield
        except (StorageError, ConflictError) as error:
            self.say(f"{what} ({error})")


def _files_of(marker: Path) -> list[str]:
    """The names of a task's files; none if it cannot be taken over, or its marker is torn."""
    try:
        told = json.loads(marker.read_bytes())
        return list(told["files"]) if "made_of" in told else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _torn(kept: Kept, stored: dict[str, Stored]) -> bool:
    """Whether an object that stands there cannot be the file."""
    return kept.sha256 in stored and stored[kept.sha256].bytes != kept.bytes
