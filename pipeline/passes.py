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
        parts = Parts(self.folder, task.keys, task.sources, self.made_of, self.plan)
        done = parts.done()
        if done is not None:
            return done
        if isinstance(task, ShardTask):
            sandbox.close()  # all is read: its memory is of use now
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
        """Take records through the stages and write what comes of them."""
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
