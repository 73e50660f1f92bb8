"""One pass over shards: what a worker does with a task. Record stages fuse; a barrier ends it.

pass 0      units of source files  → read, record stages → shards, rejected, sketches
pass n      shards + decisions     → record stages       → shards, rejected, sketches

At a barrier stand one or more corpus stages: those that only reject have the next one sketch the
same records, so that texts are not written anew for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.parts import NEW, Parts
from pipeline.readers import sandbox
from pipeline.reading import read_units
from pipeline.record import ID_LENGTH, SCHEMA
from pipeline.resume import digest_of
from pipeline.reuse import Known
from pipeline.settle import chunks_apart, settle
from pipeline.shards import (
    digest_file,
    evidence_path,
    gather,
    read_frame,
    read_marker,
    sketch_kind,
    votes_path,
)
from pipeline.source import Reader, Unit
from pipeline.stage import (
    CHUNKS,
    CorpusStage,
    EvidenceStage,
    Observed,
    ObservingStage,
    RecordStage,
    RewritingStage,
    judges_chunks,
    ledger_labels,
)
from pipeline.tables import write_blobs
from pipeline.taken_over import take_over
from pipeline.unit_rows import UNIT, ledger_rows, roots_of, tally_rows, unit_keys
from pipeline.withdraw import NOTHING, Withdrawn

READ = "read"

AnyCorpusStage = CorpusStage | RewritingStage | EvidenceStage


@dataclass(frozen=True)
class ReadTask:
    """Units of source files, some shards' worth of bytes."""

    index: int
    units: tuple[tuple[Reader, Unit], ...]
    known: Known | None = None  # what earlier runs have made of some of them
    digests: tuple[str, ...] = ()  # of the units, where they are known already

    def keys(self, withdrawn: Withdrawn) -> list[str]:
        """The digest of each unit."""
        return list(self.digests) or unit_keys(self.units, withdrawn)


@dataclass(frozen=True)
class ShardTask:
    """One shard that the pass before has written."""

    index: int
    shard: Path


@dataclass(frozen=True)
class Decided:
    """What a corpus stage decided, for the next pass to apply."""

    label: str  # in the ledger
    rewriting: RewritingStage | None = None

    def apply(self, records: pl.DataFrame, shard: Path) -> Observed:
        """The records of one shard with the decision in them; no votes on it, no change."""
        votes = votes_path(shard, self.label)
        if not votes.exists():
            return Observed(records)
        if self.rewriting is not None:
            return self.rewriting.apply(records, read_frame(votes))
        return Observed(apply_decision(records, read_frame(votes)))

    def digests(self, shard: Path) -> list[str]:
        """Of the files that `apply` reads."""
        path = votes_path(shard, self.label)
        return [self.label, digest_file(path) if path.exists() else ""]


@dataclass(frozen=True)
class Pass:
    """What is done to every shard between two barriers."""

    number: int
    folder: Path  # where its files go
    stages: tuple[tuple[str, RecordStage], ...]  # (label in the ledger, stage)
    decided: tuple[Decided, ...]  # by the corpus stages before it
    corpora: tuple[tuple[str, AnyCorpusStage], ...]  # those after it
    shard_bytes: int
    plan: str  # digest of recipe, inputs, code and cuts
    made_of: str = ""  # digest of all that the result for a unit depends on beside the unit
    withdrawn: Withdrawn = NOTHING  # what is set aside as soon as it is read

    def run(self, task: ReadTask | ShardTask) -> dict[str, Any]:
        """Do one task, unless it is done; returns its marker: parts, counts, files."""
        marker_path = self.folder / f"{task.index:05d}.json"
        made_from = origin(self.plan, self.folder.name, task, self.decided)
        done = read_marker(marker_path, made_from)
        if done is not None:
            return done | {"reused": True}
        if isinstance(task, ReadTask) and task.known is not None:
            taken = take_over(task.known, task.keys(self.withdrawn), marker_path, made_from)
            if taken is not None:
                return taken
        parts = self._made(task)
        if isinstance(task, ReadTask) and task.known is not None:
            labels = [READ, *chain.from_iterable(ledger_labels(*one) for one in self.stages)]
            parts = parts.join(task.known, labels, self.shard_bytes)
        return parts.finish(marker_path, made_from, self.made_of)

    def _made(self, task: ReadTask | ShardTask) -> Parts:
        """What the stages make of a shard, or of the units of which nothing is known."""
        if isinstance(task, ShardTask):
            sandbox.close()  # all is read: its memory is of use now
            parts = Parts(self.folder, f"{task.index:05d}", [])
            numbered = read_frame(task.shard).with_columns(pl.lit(0).alias(UNIT))
            self._part(numbered, parts, task.shard)
            return parts
        known = set(task.known.rows["key"]) if task.known else set()
        keys = task.keys(self.withdrawn)
        name = f"{task.index:05d}" + (NEW if known else "")
        parts = Parts(self.folder, name, keys)
        units = [(n, *task.units[n]) for n, key in enumerate(keys) if key not in known]
        for numbered in gather(
            read_units(units, self.withdrawn, self.shard_bytes), self.shard_bytes
        ):
            self._part(numbered, parts)
        return parts

    def _part(self, numbered: pl.DataFrame, parts: Parts, shard: Path | None = None) -> None:
        """Take one frame, its units numbered, through the stages and write what comes of it."""
        reading = bool(parts.keys)
        parts.clock.lap(READ if reading else "shards")
        records, roots = numbered.drop(UNIT), roots_of(numbered)
        order = positions(records)
        set_aside: list[pl.DataFrame] = []
        ledger: list[pl.DataFrame] = []

        def settled(label: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
            parted = settle(label, before, after)
            parts.counts.append(parted.count)
            if reading:
                ledger.append(ledger_rows(before, after, parted, roots))
            if parted.rejected.height:
                set_aside.append(parted.rejected.with_columns(stage=pl.lit(label)))
            parts.clock.lap(label)
            return parted.kept

        if shard is None:
            records = settled(READ, records, records)
        else:
            for decided in self.decided:
                observed = decided.apply(records, shard)
                parts.seen.add(decided.label, observed)
                records = settled(decided.label, records, observed.records)
        for label, stage in self.stages:
            observed = observe(stage, records)
            parts.seen.add(label, observed)
            if reading and isinstance(observed.tallies, pl.DataFrame):
                ledger.append(tally_rows(label, observed.tallies, roots))
            if not judges_chunks(stage):
                records = settled(label, records, observed.records)
                continue
            made, chunks = chunks_apart(records, observed.records)
            records = settled(label + CHUNKS, settled(label, records, made), chunks)
        frames = {"kept": records, "rejected": in_order(set_aside, order)}
        for label, corpus in self.corpora:
            frames[sketch_kind(label)] = corpus.sketch(records)
            parts.clock.lap(label)
        if reading:
            frames["ledger"] = pl.concat(ledger)
        parts.write(frames | parts.seen.frames(), roots)
        parts.clock.lap("shards")


def observe(stage: RecordStage, records: pl.DataFrame) -> Observed:
    """What a stage makes of the records, with what it tells of them if it tells anything."""
    return stage.observe(records) if isinstance(stage, ObservingStage) else Observed(stage(records))


@dataclass(frozen=True)
class Look:
    """The second look of a corpus stage at the records that it asked for."""

    stage: EvidenceStage

    def run(self, task: tuple[Path, pl.Series]) -> pl.Series:
        """Writes the evidence of the shard's rows with these numbers; returns its sizes."""
        shard, rows = task
        found = self.stage.evidence(read_frame(shard)[rows])
        return write_blobs(evidence_path(shard), found)


def origin(
    plan: str, name: str, task: ReadTask | ShardTask, decided: Sequence[Decided] = ()
) -> str:
    """What a task's result is made from: the run's plan, the pass's name, and its inputs' content.

    A marker that names another origin is not believed.
    """
    if isinstance(task, ShardTask):
        inputs = [digest_file(task.shard)]
        inputs += [digest for one in decided for digest in one.digests(task.shard)]
    else:
        files = (file for _, unit in task.units for file in (*unit.files, *unit.sidecars))
        inputs = [f"{file.uri} {file.sha256} {file.span}" for file in files]
    return digest_of(plan, name, *inputs)


def apply_decision(records: pl.DataFrame, decision: pl.DataFrame) -> pl.DataFrame:
    """Set the columns that a corpus stage decided, by id; rows that it does not name stay."""
    columns = [name for name in decision.columns if name != "id"]
    joined = records.join(decision, on="id", how="left", maintain_order="left", suffix="_decided")
    chosen = [
        pl.when(pl.col(f"{name}_decided").is_not_null())
        .then(pl.col(f"{name}_decided"))
        .otherwise(pl.col(name))
        .alias(name)
        for name in columns
    ]
    return joined.with_columns(chosen).select(SCHEMA.names())


def positions(records: pl.DataFrame) -> pl.DataFrame:
    """Where each ingested record stands in the incoming frame: `root`, `position`."""
    roots = records.select(root=pl.col("id").str.slice(0, ID_LENGTH)).with_row_index("position")
    return roots.unique("root", keep="first", maintain_order=True)


def in_order(frames: list[pl.DataFrame], order: pl.DataFrame) -> pl.DataFrame:
    """What several stages set aside, in the order of the source, whatever the shard's borders."""
    if not frames:
        return pl.DataFrame(schema={**SCHEMA, "stage": pl.String})
    rows = pl.concat(frames).with_columns(root=pl.col("id").str.slice(0, ID_LENGTH))
    placed = rows.join(order, on="root", how="left", maintain_order="left")
    return placed.sort("position", "id", maintain_order=True).drop("root", "position")
