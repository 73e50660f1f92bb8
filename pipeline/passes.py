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

from pipeline.parts import Parts
from pipeline.readers import sandbox
from pipeline.reading import read_units
from pipeline.record import ID_LENGTH, SCHEMA
from pipeline.resume import digest_of
from pipeline.settle import chunks_apart, settle
from pipeline.shards import evidence_path, gather, read_frame, read_marker, sketch_kind, votes_path
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
from pipeline.tasks import ReadTask, ShardTask, task_name
from pipeline.unit_rows import UNIT, ledger_rows, roots_of, tally_rows
from pipeline.withdraw import NOTHING, Withdrawn

READ = "read"

AnyCorpusStage = CorpusStage | RewritingStage | EvidenceStage


@dataclass(frozen=True)
class Decided:
    """What a corpus stage decided, for the next pass to apply."""

    label: str  # in the ledger
    rewriting: RewritingStage | None = None

    def apply(self, records: pl.DataFrame, shards: Sequence[Path]) -> Observed:
        """Records of some shards with the decision in them; no votes on them, no change."""
        paths = (votes_path(shard, self.label) for shard in shards)
        votes = [read_frame(path) for path in paths if path.exists()]
        if not votes:
            return Observed(records)
        own = pl.concat(votes).filter(pl.col("id").is_in(records["id"].implode()))
        if self.rewriting is not None:
            return self.rewriting.apply(records, own)
        return Observed(apply_decision(records, own))


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

    @property
    def labels(self) -> list[str]:
        """The lines of the ledger that it writes."""
        own = chain.from_iterable(ledger_labels(*one) for one in self.stages)
        return [*([one.label for one in self.decided] if self.number else [READ]), *own]

    def run(self, task: ReadTask | ShardTask) -> dict[str, Any]:
        """Do one task, unless it is done; returns its marker: parts, counts, files."""
        name = task_name(task.keys)
        marker_path = self.folder / f"{name}.json"
        made_from = digest_of(self.plan, self.folder.name, *task.keys)
        done = read_marker(marker_path, made_from)
        if done is not None:
            return done | {"reused": True}
        parts = Parts(self.folder, name, task.keys)
        if isinstance(task, ShardTask):
            sandbox.close()  # all is read: its memory is of use now
            self._part(task.read(), parts, task.shards())
        else:
            units = [(number, *unit) for number, unit in enumerate(task.units)]
            read = read_units(units, self.withdrawn, self.shard_bytes)
            for numbered in gather(read, self.shard_bytes):
                self._part(numbered, parts)
        return parts.finish(marker_path, made_from, self.made_of)

    def _part(
        self, numbered: pl.DataFrame, parts: Parts, shards: Sequence[Path] | None = None
    ) -> None:
        """Take one frame, its units numbered, through the stages and write what comes of it."""
        parts.clock.lap(READ if shards is None else "shards")
        records, roots = numbered.drop(UNIT), roots_of(numbered)
        order = positions(records)
        set_aside: list[pl.DataFrame] = []
        ledger: list[pl.DataFrame] = []

        def settled(label: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
            parted = settle(label, before, after)
            parts.counts.append(parted.count)
            ledger.append(ledger_rows(before, after, parted, roots))
            if parted.rejected.height:
                set_aside.append(parted.rejected.with_columns(stage=pl.lit(label)))
            parts.clock.lap(label)
            return parted.kept

        def seen(label: str, observed: Observed) -> pl.DataFrame:
            parts.seen.add(label, observed)
            if isinstance(observed.tallies, pl.DataFrame):
                ledger.append(tally_rows(label, observed.tallies, roots))
            return observed.records

        if shards is None:
            records = settled(READ, records, records)
        else:
            for decided in self.decided:
                told = seen(decided.label, decided.apply(records, shards))
                records = settled(decided.label, records, told)
        for label, stage in self.stages:
            after = seen(label, observe(stage, records))
            if not judges_chunks(stage):
                records = settled(label, records, after)
                continue
            made, chunks = chunks_apart(records, after)
            records = settled(label + CHUNKS, settled(label, records, made), chunks)
        frames = {"kept": records, "rejected": in_order(set_aside, order)}
        for label, corpus in self.corpora:
            frames[sketch_kind(label)] = corpus.sketch(records)
            parts.clock.lap(label)
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
