"""One pass over shards: what a worker does with a task.

Consecutive record stages run in one pass; a barrier ends it.

pass 0      units of source files  → read, record stages → shards, rejected, sketches
pass n      shards + decisions     → record stages       → shards, rejected, sketches

A barrier has one or more corpus stages. After one that only rejects, the next one sketches the
same records, so that texts are not written again for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.blobs import write_blobs
from pipeline.corpus_stage import CorpusStage, EvidenceStage, RewritingStage
from pipeline.parts import Parts
from pipeline.readers import sandbox
from pipeline.reading import confirm_unit, read_units
from pipeline.record import SCHEMA
from pipeline.settle import chunks_apart
from pipeline.shards import evidence_path, gather, read_frame, sketch_kind, votes_path
from pipeline.stage import (
    CHUNKS,
    Observed,
    ObservingStage,
    RecordStage,
    judges_chunks,
    ledger_labels,
)
from pipeline.steps import Steps
from pipeline.tasks import ReadTask, ShardTask
from pipeline.withdraw import NOTHING, Withdrawn

READ = "read"

AnyCorpusStage = CorpusStage | RewritingStage | EvidenceStage


@dataclass(frozen=True)
class Decided:
    """What a corpus stage decided, for the next pass to apply."""

    label: str  # in the ledger
    rewriting: RewritingStage | None = None

    def apply(self, records: pl.DataFrame, shards: Sequence[Path]) -> Observed:
        """The records of some shards with the decision applied; unchanged if it has no votes."""
        paths = (votes_path(shard, self.label) for shard in shards)
        votes = [read_frame(path) for path in paths if path.exists()]
        if not votes:
            return Observed(records)
        votes_here = pl.concat(votes).filter(pl.col("id").is_in(records["id"].implode()))
        if self.rewriting is not None:
            return self.rewriting.apply(records, votes_here)
        return Observed(apply_decision(records, votes_here))


@dataclass(frozen=True)
class Pass:
    """What is done to every shard between two barriers."""

    number: int
    folder: Path  # where its files are written
    stages: tuple[tuple[str, RecordStage], ...]  # (label in the ledger, stage)
    decided: tuple[Decided, ...]  # by the corpus stages of the barrier before it
    corpora: tuple[tuple[str, AnyCorpusStage], ...]  # those of the barrier after it
    shard_bytes: int
    plan: str  # digest of recipe, inputs, code and cuts
    made_of: str = ""  # digest of what the result for a unit depends on, except the unit
    withdrawn: Withdrawn = NOTHING  # rejected as soon as it is read

    @property
    def labels(self) -> list[str]:
        """The ledger's lines that this pass writes."""
        own = chain.from_iterable(ledger_labels(*labelled) for labelled in self.stages)
        return [*([decision.label for decision in self.decided] if self.number else [READ]), *own]

    def run(self, task: ReadTask | ShardTask) -> dict[str, Any]:
        """Run one task, unless it is finished already; returns its marker (see `Parts.finish`)."""
        parts = Parts(self.folder, task.keys, task.sources, self.made_of, self.plan)
        done = parts.done()
        if done is not None:
            return done
        if isinstance(task, ShardTask):
            sandbox.close()  # everything has been read: its memory is needed now
            parts.clock.lap("shards")
            steps = Steps(task.read(), parts)
            for decided in self.decided:
                observed = decided.apply(steps.records, task.shards())
                steps.take(decided.label, steps.see(decided.label, observed))
            self._go(steps)
            return parts.finish()
        units = [(number, *unit) for number, unit in enumerate(task.units)]
        read = read_units(units, self.withdrawn, self.shard_bytes)
        for numbered in gather(read, self.shard_bytes):
            parts.clock.lap(READ)
            steps = Steps(numbered, parts)
            steps.take(READ, steps.records)
            self._go(steps)
        for _, unit in task.units:
            if not self.withdrawn.takes(unit):
                confirm_unit(unit)
        return parts.finish()

    def _go(self, steps: Steps) -> None:
        """Take records through the stages and write the results as a part."""
        for label, stage in self.stages:
            after = steps.see(label, observe(stage, steps.records))
            if not judges_chunks(stage):
                steps.take(label, after)
                continue
            made, chunks = chunks_apart(steps.records, after)
            steps.take(label, made)
            steps.take(label + CHUNKS, chunks)
        frames = {"kept": steps.records, "rejected": steps.rejected(), "ledger": steps.ledger()}
        for label, corpus in self.corpora:
            frames[sketch_kind(label)] = corpus.sketch(steps.records)
            steps.parts.clock.lap(label)
        steps.parts.write(frames | steps.parts.seen.frames(), steps.roots)
        steps.parts.clock.lap("shards")


def observe(stage: RecordStage, records: pl.DataFrame) -> Observed:
    """What a stage returns for the records, with its observations if it makes any."""
    return stage.observe(records) if isinstance(stage, ObservingStage) else Observed(stage(records))


@dataclass(frozen=True)
class Look:
    """A corpus stage's second reading of the data, for the records that it asked for."""

    stage: EvidenceStage

    def run(self, task: tuple[Path, pl.Series]) -> pl.Series:
        """Write the evidence of the shard's rows with these numbers; returns its sizes in bytes."""
        shard, rows = task
        evidence = self.stage.evidence(read_frame(shard)[rows])
        return write_blobs(evidence_path(shard), evidence)


def apply_decision(records: pl.DataFrame, decision: pl.DataFrame) -> pl.DataFrame:
    """Set the columns that a corpus stage decided, by id; rows that it does not name are kept."""
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
