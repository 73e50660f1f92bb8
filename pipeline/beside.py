"""What a run compares its records with: evaluation sets, and earlier data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.corpus_stage import ComparingStage, Stage
from pipeline.earlier import Earlier, in_order
from pipeline.evaluation import EvaluationSets, read_named, read_sets
from pipeline.passes import Pass
from pipeline.references import ReferringStage
from pipeline.segments import Segment
from pipeline.shards import private_folder
from pipeline.stage import RecordStage
from pipeline.stages.chunk import Chunk
from pipeline.stages.clean import Clean
from pipeline.stages.label import Label
from pipeline.stages.redact import Redact

if TYPE_CHECKING:
    from pipeline.execution import Execution

CHANGING = (Clean, Redact, Label, Chunk)
"""Stages after which a text is not what was read; the others only tell of it, or reject it."""


class Beside:
    """Reads both, and changes their texts as the records' have been that are compared with them."""

    def __init__(self, run: Execution) -> None:
        self.run = run
        self.sets = EvaluationSets()
        self.against: Mapping[str, dict[str, Any]] = {}  # what is told of earlier data, by name
        self.changing: list[tuple[str, RecordStage]] = []  # stages so far that change texts

    def held_against_sets(self, steps: list[Stage]) -> list[Stage]:
        """The stages, those that hold records against evaluation sets with what they need."""
        run = self.run
        if not run.inputs.sets:
            return steps
        run.progress.say("reading the evaluation sets")
        before = steps[: next(n for n, one in enumerate(steps) if isinstance(one, ReferringStage))]
        changing = tuple((one.name, one) for one in before if isinstance(one, Clean | Redact))
        like = Pass(0, run.folder, changing, (), (), run.share.shard_bytes, run.plan)
        self.sets = read_sets(run.inputs.sets, like, run.engine)
        memory = run.options.memory
        return [self.sets.held_against(step, run.folder, memory) for step in steps]

    def earlier(self, number: int, segment: Segment) -> Earlier:
        """The earlier data that a barrier's stages compare with, read and sketched; its texts are
        changed as the records have been, and nothing of it is left out."""
        run = self.run
        self.changing += [one for one in segment.stages if isinstance(one[1], CHANGING)]
        corpora = tuple(one for one in segment.corpora if isinstance(one[1], ComparingStage))
        if not run.inputs.against or not corpora:
            return Earlier()
        run.progress.say("reading the earlier data")
        folder = private_folder(run.folder / f"earlier-{number:02d}")
        shard_bytes, changing = run.share.shard_bytes, tuple(self.changing)
        like = Pass(number, folder, changing, (), corpora, shard_bytes, run.plan)
        shards, self.against = read_named(run.inputs.against, like, run.engine, "against")
        return in_order(list(shards.items()))
