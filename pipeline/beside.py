"""The data that a run compares its records with: evaluation sets, and earlier data."""

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
"""Stages that change texts; the other record stages only reject or describe records."""


class Beside:
    """Reads that data, and changes its texts in the same way as those of the records."""

    def __init__(self, run: Execution) -> None:
        self.run = run
        self.sets = EvaluationSets()
        self.against: Mapping[str, dict[str, Any]] = {}  # manifest entries on earlier data, by name
        self.changing: list[tuple[str, RecordStage]] = []  # stages so far that change texts

    def with_evaluation_sets(self, steps: list[Stage]) -> list[Stage]:
        """The stages; those that compare with evaluation sets are given the sets' tables."""
        run = self.run
        if not run.inputs.sets:
            return steps
        run.progress.say("reading the evaluation sets")
        first = next(n for n, step in enumerate(steps) if isinstance(step, ReferringStage))
        before = steps[:first]
        changing = tuple((step.name, step) for step in before if isinstance(step, Clean | Redact))
        template = Pass(0, run.folder, changing, (), (), run.share.shard_bytes, run.plan)
        self.sets = read_sets(run.inputs.sets, template, run.engine)
        memory = run.options.memory
        return [self.sets.prepare_stage(step, run.folder, memory) for step in steps]

    def earlier(self, number: int, segment: Segment) -> Earlier:
        """Read and sketch the earlier data that the stages at a barrier compare with.

        Its texts are changed in the same way as the records', and no record of it is left out.
        """
        run = self.run
        self.changing += [
            labelled for labelled in segment.stages if isinstance(labelled[1], CHANGING)
        ]
        corpora = tuple(
            labelled for labelled in segment.corpora if isinstance(labelled[1], ComparingStage)
        )
        if not run.inputs.against or not corpora:
            return Earlier()
        run.progress.say("reading the earlier data")
        folder = private_folder(run.folder / f"earlier-{number:02d}")
        shard_bytes, changing = run.share.shard_bytes, tuple(self.changing)
        template = Pass(number, folder, changing, (), corpora, shard_bytes, run.plan)
        shards, self.against = read_named(run.inputs.against, template, run.engine, "against")
        return in_order(list(shards.items()))
