"""What a run reads: every source file, pinned by its digest, with the reader that takes it."""

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
PATIENCE = 0.02  # seconds that one batch may take before it counts as slow
SLOW_IN_A_ROW = 2  # after so many slow batches in a row, threads are worth their cost
HANDFUL = 64  # small files in a batch
LARGE = 1 << 20  # bytes; a larger file is a batch of its own

OTHER = "has changed, though its size and times have not; run again with --full"


@dataclass(frozen=True)
class Inputs:
    """All units to read, in their order, and the files behind them."""

    units: tuple[tuple[Reader, Unit], ...]
    sets: Mapping[str, Inputs] = field(default_factory=dict)  # evaluation sets by name
    against: Mapping[str, Inputs] = field(default_factory=dict)  # earlier data by name
    believed: Collection[str] = ()  # URIs of the files that were not read, but taken as unchanged

    def files(self) -> Iterator[tuple[SourceFile, str, bool]]:
        """Yield (file, reader's name, whether it is only read along with others)."""
        for reader, (files, sidecars) in self.units:
            for file in files:
                yield file, reader.name, False
            for file in sidecars:
                yield file, reader.name, True

    @cached_property
    def listing(self) -> list[dict[str, Any]]:
        """The manifest's list of inputs, by URI, without duplicates."""
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
        """Names of the files in the folder `spool` that have the bytes of a source or set.

        Files that are withdrawn whole are left out, because no copy of them may be kept.
        """
        below = f"{spool}/"
        units = (unit for _, unit in self.units if not withdrawn.takes(unit))
        paths = (str(file.local) for unit in units for file in (*unit.files, *unit.sidecars))
        spooled_names = {path.removeprefix(below) for path in paths if path.startswith(below)}
        beside = (*self.sets.values(), *self.against.values())
        return spooled_names.union(*(inputs.spooled(spool, NOTHING) for inputs in beside))

    def confirm(self, units: Iterable[Unit]) -> None:
        """Digest those files of these units that were not read so far: they are about to be read.

        Raises SourceChanged for a file that has changed.
        """
        files = (file for unit in units for file in (*unit.files, *unit.sidecars))
        unread = {file.uri: file for file in files if file.uri in self.believed}
        fetch_awaited(unread.values())
        for file in unread.values():
            if not isinstance(file.local, Awaited) and hash_file(file.path) != file.sha256:
                raise SourceChanged(f"source {file.uri}: {OTHER}")

    def size(self) -> int:
        """Bytes of all files that yield records."""
        return sum(unit.size() for _, unit in self.units)

    def largest_document(self) -> int:
        """Bytes of the largest file that its reader holds in memory, decoded: a JSON document."""
        return max((unit.size() for reader, unit in self.units if reader.name == "json"), default=0)

    def paths(self) -> dict[str, tuple[str, str]]:
        """Local path and SHA-256 of each input, by URI; images in S3 are fetched if necessary."""
        fetch_awaited(file for file, reader, _ in self.files() if reader == "images")
        return {file.uri: (str(file.local), file.sha256) for file, _, _ in self.files()}


def fetch_awaited(files: Iterable[SourceFile]) -> None:
    """Fetch the bytes of files in S3 that were not needed so far, several at once."""
    awaited = {str(file.local): file.local for file in files if isinstance(file.local, Awaited)}
    for aws in {awaited_file.aws for awaited_file in awaited.values()}:
        with ThreadPoolExecutor(aws.concurrency) as threads:
            list(
                threads.map(
                    Awaited.fetch,
                    (awaited_file for awaited_file in awaited.values() if awaited_file.aws == aws),
                )
            )


def gather_inputs(
    recipe: Recipe,
    folder: Path,
    spool: Path,
    aws: Aws,
    pins: Pins | None = None,
    own: OwnOutput = NOTHING_OWN,
    passed_over: PassedOver | None = None,
) -> Inputs:
    """List, pin and assign to readers all sources of a recipe, its evaluation sets, and the earlier
    data (`against`) that it compares with.

    `pins` are the digests of earlier runs; evaluation sets and earlier data are always read. The
    runs' own output (`own`) is never a source, but may be compared with. Other files that are left
    out are counted in `passed_over`. Raises StorageError for a source that is missing or cannot be
    read.
    """

    def gathered(
        sources: Sequence[Any], chosen: Choice | None = None, known: Pins | None = None
    ) -> tuple[tuple[Reader, Unit], ...]:
        chosen = chosen or partial(own.leave_out, folder)
        pinning = Pinning(spool, aws, known)
        return tuple(_gather(recipe, sources, folder, chosen, pinning, passed_over))

    sets = {name: Inputs(gathered([source])) for name, source in recipe.evaluation_sets.items()}
    against = {n: Inputs(gathered([source], lines_of_runs)) for n, source in recipe.against.items()}
    units = gathered(recipe.sources, known=pins)
    return Inputs(units, sets, against, pins.believed if pins else ())


Choice = Callable[[str, Sequence[Listed]], Sequence[Listed]]
"""Chooses, by a source's path and the files that it lists, which of them are read."""

LINES = re.compile(r"[^/]+/(train|validation|test)\.jsonl")


def lines_of_runs(_: str, listed: Sequence[Listed]) -> Sequence[Listed]:
    """The target lines of the runs that a listed folder contains; all files if it has no run."""
    ends = "/manifest.json"
    runs = [one.uri.removesuffix(ends) for one in listed if one.uri.endswith(ends)]
    below = [(one, one.uri.removeprefix(f"{run}/")) for run in runs for one in listed]
    return [one for one, name in below if LINES.fullmatch(name)] if runs else listed


@dataclass(frozen=True)
class Pinning:
    """Pins listed files: finds their digests, by reading them or from earlier runs."""

    spool: Path
    aws: Aws
    known: Pins | None = None  # what earlier runs have read

    def all(self, listed: Sequence[Listed]) -> Iterator[SourceFile]:
        """Yield the files, pinned, in their order; those that `known` has are not read."""
        known = self.known
        if known is None:
            yield from _pin_all(listed, self.spool, self.aws)
            return
        known_digests = known.of(listed)
        unread = [one for one, digest in zip(listed, known_digests, strict=True) if digest is None]
        read = _pin_all(unread, self.spool, self.aws)
        for one, digest in zip(listed, known_digests, strict=True):
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
    """Yield the units of some sources; a file that two of them name is read once."""
    seen_uris: set[str] = set()
    withdrawn = Withdrawn(tuple(recipe.withdraw))
    for source in sources:
        if is_hub(source.path):
            listed = list_hub(source.path, folder, pinning.spool)
        else:
            listed = list_sources(source.path, folder, pinning.aws, passed_over)
        new = [one for one in chosen(source.path, listed) if one.uri not in seen_uris]
        seen_uris.update(one.uri for one in new)
        files = list(pinning.all(new))
        claims = pinning.known.claims if pinning.known else None
        for reader, taken in assign(files, recipe.reader(source), claims):
            units = units_of(reader, taken, pinning.known, withdrawn)
            yield from zip(repeat(reader), units)


def units_of(
    reader: Reader, files: Sequence[SourceFile], known: Pins | None, withdrawn: Withdrawn
) -> list[Unit]:
    """The files as units: grouped by the reader, or, if large, cut into ranges.

    To cut a large file it is read once; one that is withdrawn whole is not read and stays one unit.
    """
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
    """Pin files: objects in S3 always several at once, local ones one by one while that is fast.

    Reading files that are in the system's memory one by one avoids threads that only wait for each
    other's turn: they took five of the eight CPU seconds for 100,000 small files. If the disk
    proves slow, the rest is read by several threads.
    """

    def pin_batch(batch: Sequence[Listed]) -> list[SourceFile]:
        return [pin(one, spool, aws) for one in batch]

    handfuls, slow = _handfuls(listed), 0
    far = any(one.local is None for one in listed)
    for batch in () if far else handfuls:
        started = time.monotonic()
        pinned = pin_batch(batch)
        slow = slow + 1 if time.monotonic() - started > PATIENCE else 0
        yield from pinned
        if slow == SLOW_IN_A_ROW:
            break
    with ThreadPoolExecutor(aws.concurrency if far else HASH_THREADS) as threads:
        for more in threads.map(pin_batch, handfuls):
            yield from more


def _handfuls(listed: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """Group small local files into batches, because handing one over costs more than reading it;
    a file in S3 or a large one is a batch of its own."""
    batch: list[Listed] = []
    for one in listed:
        batch.append(one)
        if one.local is None or one.size > LARGE or len(batch) == HANDFUL:
            yield batch
            batch = []
    if batch:
        yield batch
