"""What a run reads: every source file, pinned by digest, with the reader that takes it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import Any

from pipeline.errors import SourceChanged
from pipeline.hub import is_hub, list_hub
from pipeline.local_sources import PassedOver, hash_file
from pipeline.own_output import NOTHING_OWN, OwnOutput
from pipeline.pins import Pins
from pipeline.readers import assign, ranges
from pipeline.readers.per_file import PerFileReader
from pipeline.recipe import Recipe
from pipeline.source import Reader, SourceFile, Unit
from pipeline.storage import Awaited, Aws, Listed, known_file, list_sources, pin
from pipeline.withdraw import NOTHING, Withdrawn

HASH_THREADS = 4
PATIENCE = 0.02  # seconds for what a thread is handed at once
SLOW_IN_A_ROW = 2  # so often over it, and threads are worth their cost
HANDFUL = 64  # files that a thread is handed at once
LARGE = 1 << 20  # bytes of a file that is read by itself

OTHER = "is another, though its size and times are as they were; run again with --full"


@dataclass(frozen=True)
class Inputs:
    """All units to read in their order, and the files behind them."""

    units: tuple[tuple[Reader, Unit], ...]
    sets: Mapping[str, Inputs] = field(default_factory=dict)  # evaluation sets by name
    against: Mapping[str, Inputs] = field(default_factory=dict)  # earlier data by name
    believed: Collection[str] = ()  # URIs of the files that are taken for what they were

    def files(self) -> Iterator[tuple[SourceFile, str, bool]]:
        """(file, reader's name, whether it is only read along with others)."""
        for reader, (files, sidecars) in self.units:
            for file in files:
                yield file, reader.name, False
            for file in sidecars:
                yield file, reader.name, True

    @cached_property
    def listing(self) -> list[dict[str, Any]]:
        """The manifest's list of inputs, each once, by URI."""
        listed: dict[str, dict[str, Any]] = {}
        for file, reader, beside in self.files():
            if beside and file.uri in listed:
                continue
            listed[file.uri] = {
                "source": file.uri,
                "bytes": file.size,
                "sha256": file.sha256,
                "reader": reader,
                "sidecar": beside,
            }
        return [listed[uri] for uri in sorted(listed)]

    def spooled(self, spool: Path, withdrawn: Withdrawn) -> set[str]:
        """The names of the files in this folder that hold bytes of some source or set, but for
        those that are withdrawn whole: no copy of them is kept."""
        below = f"{spool}/"
        units = (unit for _, unit in self.units if not withdrawn.takes(unit))
        paths = (str(file.local) for unit in units for file in (*unit.files, *unit.sidecars))
        own = {path.removeprefix(below) for path in paths if path.startswith(below)}
        beside = (*self.sets.values(), *self.against.values())
        return own.union(*(one.spooled(spool, NOTHING) for one in beside))

    def confirm(self, units: Iterable[Unit]) -> None:
        """Digest the files of these units that were only believed: they are going to be read.

        Raises SourceChanged for one that is another.
        """
        files = (file for unit in units for file in (*unit.files, *unit.sidecars))
        unread = {file.uri: file for file in files if file.uri in self.believed}
        fetch_awaited(unread.values())
        for file in unread.values():
            if not isinstance(file.local, Awaited) and hash_file(file.path) != file.sha256:
                raise SourceChanged(f"source {file.uri}: {OTHER}")

    def size(self) -> int:
        """Bytes of all files that give records."""
        return sum(unit.size() for _, unit in self.units)

    def largest_document(self) -> int:
        """Bytes of the largest file that its reader holds whole and decoded: a JSON document."""
        return max((unit.size() for reader, unit in self.units if reader.name == "json"), default=0)

    def paths(self) -> dict[str, tuple[str, str]]:
        """Where each input's bytes are on this machine, and their SHA-256, by URI; images are
        fetched if need be."""
        fetch_awaited(file for file, reader, _ in self.files() if reader == "images")
        return {file.uri: (str(file.local), file.sha256) for file, _, _ in self.files()}


def fetch_awaited(files: Iterable[SourceFile]) -> None:
    """Fetch the bytes of files that were only believed so far, several at once."""
    awaited = {str(file.local): file.local for file in files if isinstance(file.local, Awaited)}
    for aws in {one.aws for one in awaited.values()}:
        with ThreadPoolExecutor(aws.concurrency) as threads:
            list(threads.map(Awaited.fetch, (one for one in awaited.values() if one.aws == aws)))


def gather_inputs(
    recipe: Recipe,
    folder: Path,
    spool: Path,
    aws: Aws,
    pins: Pins | None = None,
    own: OwnOutput = NOTHING_OWN,
    passed_over: PassedOver | None = None,
) -> Inputs:
    """List, pin and assign all sources of a recipe, those of its evaluation sets, and the data
    that it compares with, which are always read. `pins` are those of earlier runs; their `own`
    output is no source, and may be compared with. What else is left out is `passed_over`.

    Raises StorageError for a source that is missing or cannot be read.
    """

    def gathered(
        sources: Sequence[Any], chosen: Choice | None = None, known: Pins | None = None
    ) -> tuple[tuple[Reader, Unit], ...]:
        chosen = chosen or partial(own.leave_out, folder)
        pinning = Pinning(spool, aws, known)
        return tuple(_gather(recipe, sources, folder, chosen, pinning, passed_over))

    sets = {name: Inputs(gathered([one])) for name, one in recipe.evaluation_sets.items()}
    against = {n: Inputs(gathered([one], lines_of_runs)) for n, one in recipe.against.items()}
    units = gathered(recipe.sources, known=pins)
    return Inputs(units, sets, against, pins.believed if pins else ())


Choice = Callable[[str, Sequence[Listed]], Sequence[Listed]]
"""Which of the files that a source, by its path, lists are read."""

LINES = re.compile(r"[^/]+/(train|validation|test)\.jsonl")


def lines_of_runs(_: str, listed: Sequence[Listed]) -> Sequence[Listed]:
    """Of the folder of a run, or of several, the lines of their targets; else all files."""
    ends = "/manifest.json"
    runs = [one.uri.removesuffix(ends) for one in listed if one.uri.endswith(ends)]
    below = [(one, one.uri.removeprefix(f"{run}/")) for run in runs for one in listed]
    return [one for one, name in below if LINES.fullmatch(name)] if runs else listed


@dataclass(frozen=True)
class Pinning:
    """How listed files are pinned."""

    spool: Path
    aws: Aws
    known: Pins | None = None  # what earlier runs have read

    def all(self, listed: Sequence[Listed]) -> Iterator[SourceFile]:
        """The files, pinned, in their order; those that are known are not read."""
        known = self.known
        if known is None:
            yield from _pin_all(listed, self.spool, self.aws)
            return
        found = known.of(listed)
        unread = [one for one, digest in zip(listed, found, strict=True) if digest is None]
        read = _pin_all(unread, self.spool, self.aws)
        for one, digest in zip(listed, found, strict=True):
            if digest is not None:
                yield known_file(one, digest, self.spool, self.aws)
                continue
            pinned = next(read)
            known.note(one, pinned.sha256)
            yield pinned


def _gather(
    recipe: Recipe,
    sources: Sequence[Any],
    folder: Path,
    chosen: Choice,
    pinning: Pinning,
    passed_over: PassedOver | None,
) -> Iterator[tuple[Reader, Unit]]:
    """The units of some sources; a file that two of them name is read once."""
    seen: set[str] = set()
    withdrawn = Withdrawn(tuple(recipe.withdraw))
    for source in sources:
        if is_hub(source.path):
            listed = list_hub(source.path, folder, pinning.spool)
        else:
            listed = list_sources(source.path, folder, pinning.aws, passed_over)
        new = [one for one in chosen(source.path, listed) if one.uri not in seen]
        seen.update(one.uri for one in new)
        files = list(pinning.all(new))
        claims = pinning.known.claims if pinning.known else None
        for reader, taken in assign(files, recipe.reader(source), claims):
            units = units_of(reader, taken, pinning.known, withdrawn)
            yield from zip(repeat(reader), units)


def units_of(
    reader: Reader, files: Sequence[SourceFile], known: Pins | None, withdrawn: Withdrawn
) -> list[Unit]:
    """The files as the reader groups or cuts them; to cut a large one, it is read once. One that is
    withdrawn whole is not read, and stays one."""
    if known is None or not isinstance(reader, PerFileReader):
        return reader.units(files)
    if not any(map(ranges.is_large, files)):
        return reader.units(files)
    named = f"{reader.name} {reader.model_dump_json()}"
    whole = [not ranges.is_large(file) or withdrawn.takes(Unit((file,))) for file in files]
    return [
        Unit((piece,))
        for file, is_one in zip(files, whole, strict=True)
        for piece in ((file,) if is_one else known.pieces(file, named, reader.pieces))
    ]


def _pin_all(listed: Sequence[Listed], spool: Path, aws: Aws) -> Iterator[SourceFile]:
    """Local files one after the other as long as they come out of the system's memory; else, and
    objects in S3 always, several at once.

    Threads that only wait for each other's turn took five of 100,000 small files' eight CPU
    seconds; of what is far away, large or on a slow disk, several are under way together.
    """

    def pin_some(some: Sequence[Listed]) -> list[SourceFile]:
        return [pin(one, spool, aws) for one in some]

    handfuls, slow = _handfuls(listed), 0
    far = any(one.local is None for one in listed)
    for some in () if far else handfuls:
        started = time.monotonic()
        pinned = pin_some(some)
        slow = slow + 1 if time.monotonic() - started > PATIENCE else 0
        yield from pinned
        if slow == SLOW_IN_A_ROW:
            break
    with ThreadPoolExecutor(aws.concurrency if far else HASH_THREADS) as threads:
        for more in threads.map(pin_some, handfuls):
            yield from more


def _handfuls(listed: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """Many small files at once, for to hand one over costs more than to read it; of what is far
    away or large, one."""
    some: list[Listed] = []
    for one in listed:
        some.append(one)
        if one.local is None or one.size > LARGE or len(some) == HANDFUL:
            yield some
            some = []
    if some:
        yield some
