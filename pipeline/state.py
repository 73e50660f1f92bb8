"""Work files that later runs reuse, kept in S3 beside the data (`--state`).

This is for machines that do not outlive a run.

    STATE/state.json        lists the files, each with size and SHA-256; replaced last
    STATE/objects/<sha256>  their bytes, never changed; removed when no state lists them

They are the files of the work folder that show whether a source has changed, and what the first
pass has made of it. They contain texts, rejected ones too. No run depends on them, because a run
gives the same bytes without them: a problem with them is reported and does not fail the run.
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

STRAY = 86_400.0  # seconds after which an object that no state lists was left by a dead run
FAULTS_MOST = 3  # failed objects after which no more are fetched
RESTORED = "restored"
"""The folder of fetched files, beside the folders of runs: a run looks in all for known work."""

Say = Callable[[str], None]


class State:
    """The state below one S3 prefix, for one run: read, its files fetched, saved at the end."""

    def __init__(self, uri: str, output: str, aws: Aws, work: Path, say: Say) -> None:
        self.uri, self.output, self.work = uri.rstrip("/"), output.rstrip("/"), work
        if not is_remote(uri):
            raise RecipeError(
                f"--state {uri}: is not an s3:// URI; for a state on this machine use --work"
            )
        if f"{self.uri}/".startswith(f"{self.output}/runs/"):
            raise RecipeError(
                f"--state {uri}: is inside the published runs, whose readers could read it; "
                "name another prefix"
            )
        self._say = say
        self.place = S3Place(self.uri, aws)
        self.objects = S3Objects(f"{self.uri}/objects", aws)
        self.data: bytes | None = None  # the content of state.json when it was read,
        self.version: str | None = None  # and its version
        self.there: StateFile | None = None
        self.seen = False  # whether it was read, so that it may be replaced
        self.wanted = False  # whether its first pass has to be fetched
        self.broken: set[str] = set()  # SHA-256 of objects that are missing, wrong or refused

    @property
    def restored(self) -> Path:
        """The folder of the fetched files."""
        return self.work / RESTORED

    def say(self, text: str) -> None:
        """Report something about the state."""
        self._say(f"state {self.uri}: {text}")

    def examine(self, output: Place) -> list[str]:
        """Notes on the state's bucket, unless it is the output's, which is examined anyway.

        Raises RecipeError if it is public.
        """
        if is_remote(output.uri) and split_uri(output.uri)[0] == self.place.bucket:
            return []
        with self._reported("its bucket cannot be inspected"):
            return self.place.examine()
        return []

    def look(self, *, full: bool) -> None:
        """Read the list of files, and fetch those that pin sources; fetch nothing if `full`."""
        shutil.rmtree(self.restored, ignore_errors=True)
        with self._reported("cannot be read; this run goes on without it"):
            self._read()
            if self.there is None:
                self.say("there is none yet")
            elif not full and not self._is_here(self.there):
                self.wanted = True
                self._fetch([file for file in self.there.files if "/" not in file.path])

    def _read(self) -> None:
        """Read state.json. Raises StorageError, also if it belongs to another output."""
        stored = self.place.read(NAME)
        if stored is not None:
            self.data, self.version = stored
            self.seen = True  # even if it is damaged: then it is overwritten
            there = read_state(stored[0])
            if there.output != self.output:
                self.seen = False
                raise StorageError(
                    f"belongs to {there.output}; give each output its own state prefix"
                )
            self.there = there
        self.seen = True

    def take_over(self, made_of: str) -> None:
        """Fetch the first pass of earlier runs, unless made by other stages or code, or present."""
        if self.there is not None and self.wanted and self.there.made_of == made_of:
            wanted = [file for file in self.there.files if "/" in file.path]
            size = sum(file.bytes for file in wanted) / 1e6
            self.say(f"fetching {len(wanted)} files, {size:.1f} MB")
            with self._reported(
                "cannot be fetched completely; this run computes again what is missing"
            ):
                self._fetch(wanted)

    def save(self, run: str) -> None:
        """Save what this run has made of the sources, and remove objects that nothing lists now.

        If the run was published before, nothing may have been made here. Then the files in a state
        of the same run stay, and those of an older run do not, because their texts may have been
        withdrawn since.
        """
        left: set[str] = set()
        with self._reported("cannot be saved; the next run reuses what was there"):
            if not self.seen:
                self._read()
            made = dict(self._made(run))
            files = {
                name: Kept(name, path.stat().st_size, hash_file(path))
                for name, path in made.items()
            }
            if not any("/" in name for name in files):
                files |= {file.path: file for file in self._of_same(run) if "/" in file.path}
            left = self._swap(run, files, made)
        with self._reported("is saved, but objects that it no longer lists cannot be deleted yet"):
            self.objects.remove(left)

    def _of_same(self, run: str) -> Iterator[Kept]:
        """Yield the files of the state that was there, if it belongs to this run."""
        if self.there is not None and self.there.run == run:
            yield from (file for file in self.there.files if file.sha256 not in self.broken)

    def _swap(self, run: str, files: dict[str, Kept], made: dict[str, Path]) -> set[str]:
        """Upload missing objects, then replace state.json; returns the objects to remove."""
        stored = self.objects.stored()
        torn = {file.sha256 for file in files.values() if _torn(file, stored)} | self.broken
        self.objects.remove(torn & stored.keys())
        missing = {
            file.sha256: made[name]
            for name, file in files.items()
            if name in made and (file.sha256 not in stored or file.sha256 in torn)
        }
        if missing:
            size = sum(path.stat().st_size for path in missing.values()) / 1e6
            self.say(f"saving {len(missing)} new files, {size:.1f} MB")
        self.objects.add((path, sha256) for sha256, path in missing.items())
        now, there = {file.sha256 for file in files.values()}, self.there
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
        """Yield (name, path) of the files of this run that later runs reuse."""
        for path in sorted(self.work.glob(f"{PINNED}.*")):
            if PATH.fullmatch(path.name):
                yield path.name, path
        for marker in sorted((self.work / run / FROM_SOURCES).glob("[0-9]*.json")):
            files = [marker, *map(marker.with_name, _files_of(marker))]
            if len(files) > 1 and all(file.exists() for file in files):
                yield from ((f"{FROM_SOURCES}/{file.name}", file) for file in files)

    def _made_of(self, made: dict[str, Path]) -> str:
        """The digest of what this run's first pass was made of, or else the stored state's."""
        markers = [path for name, path in made.items() if "/" in name and path.suffix == ".json"]
        if markers:
            return str(json.loads(markers[0].read_bytes())["made_of"])
        return self.there.made_of if self.there else ""

    def _is_here(self, there: StateFile) -> bool:
        """Whether this machine has saved that state itself, and still has all its files."""
        path = self.work / NAME
        if not path.exists() or path.read_bytes() != self.data:
            return False
        here = dict(self._made(there.run))
        return all(file.path in here for file in there.files)

    def _fetch(self, files: Iterable[Kept]) -> None:
        """Fetch files; one that is missing or has other bytes is skipped.

        Raises the first StorageError after the other files have been fetched.
        """
        faults: list[StorageError] = []

        def fetch(file: Kept) -> None:
            if len(faults) >= FAULTS_MOST:
                return
            try:
                if not self.objects.fetch(file.sha256, self.restored / file.path):
                    self.broken.add(file.sha256)
            except StorageError as error:
                self.broken.add(file.sha256)
                faults.append(error)

        private_folder(self.restored)
        private_folder(self.restored / FROM_SOURCES)
        with ThreadPoolExecutor(self.objects.aws.concurrency) as threads:
            list(threads.map(fetch, files))
        if faults:
            raise faults[0]

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Report what went wrong in S3, and go on."""
        try:
            yield
        except (StorageError, ConflictError) as error:
            self.say(f"{what} ({error})")


def _files_of(marker: Path) -> list[str]:
    """The names of a task's files; none if it cannot be reused or its marker is damaged."""
    try:
        marker_content = json.loads(marker.read_bytes())
        return list(marker_content["files"]) if "made_of" in marker_content else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _torn(kept: Kept, stored: dict[str, Stored]) -> bool:
    """Whether an object with this name has another size, so it cannot be the file."""
    return kept.sha256 in stored and stored[kept.sha256].bytes != kept.bytes
