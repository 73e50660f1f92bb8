"""The passes of one run over its shards, in its own work folder."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline import kernels
from pipeline.deciding import Deciding
from pipeline.delta import Delta
from pipeline.earlier import Earlier, in_order
from pipeline.engines.local import Workers
from pipeline.errors import StorageError
from pipeline.evaluation import EvaluationSets, read_named, read_sets
from pipeline.finish import Finished, finish
from pipeline.gate.gate import GateProcess
from pipeline.inputs import Inputs, read_tasks
from pipeline.ledger import StageCount, check_chain, total
from pipeline.memory import share_memory
from pipeline.naming import Named
from pipeline.observations import add_tallies
from pipeline.passes import Decided, Pass, ReadTask, ShardTask
from pipeline.progress import Progress
from pipeline.readers import sandbox
from pipeline.recipe import Recipe
from pipeline.references import ReferringStage
from pipeline.render import RenderPass
from pipeline.rendering import Rendering, renderings
from pipeline.resume import claim
from pipeline.reuse import find_known, made_by
from pipeline.segments import Segment, segments
from pipeline.shards import private_folder, write_bytes
from pipeline.stage import ComparingStage, EvidenceStage, RecordStage, Stage
from pipeline.stages.chunk import Chunk
from pipeline.stages.clean import Clean
from pipeline.stages.label import Label
from pipeline.stages.redact import Redact
from pipeline.withdraw import Withdrawn

WORKER_DIED = (
    "a worker process was killed, most likely for lack of memory; set --memory below what is free "
    "and run again: finished shards are kept"
)
CHANGING = (Clean, Redact, Label, Chunk)
"""Stages after which a text is not what was read; the others only tell of it, or reject it."""

SMALL = 64 << 20
"""Bytes of source under which the gate's process is started before the first pass."""

NEW_ALONE, ALL_ALONE = 4 << 20, 256 << 20
"""Bytes of new source, and of all, up to which more processes cost more than they save."""


@dataclass(frozen=True)
class Options:
    """How to run: none of it changes a byte of the output."""

    output: str  # folder or s3:// prefix
    workers: int
    memory: int | None = None  # bytes
    work: Path | None = None  # where work files go; beside a local output if None
    full: bool = False  # do all anew, whatever earlier runs have left
    since: str | None = None  # run that delta targets go on from; the latest if None
    state: str | None = None  # s3:// prefix that keeps what the next run takes over


class Execution:
    """The passes of one run, in its own work folder."""

    def __init__(
        self,
        recipe: Recipe,
        inputs: Inputs,
        named: Named,
        folder: Path,
        options: Options,
        progress: Progress,
    ) -> None:
        self.recipe, self.inputs, self.named, self.digest = recipe, inputs, named, named.run
        self.folder, self.options, self.progress = folder, options, progress
        read = (inputs, *inputs.sets.values(), *inputs.against.values())
        sandboxed = any(reader.sandboxed for one in read for reader, _ in one.units)
        sets = sum(one.size() for one in inputs.sets.values())
        models = sum(step.model_bytes for step in recipe.steps() if isinstance(step, Redact))
        whole = max(one.largest_document() for one in read)
        share = share_memory(options.memory, options.workers, sandboxed, sets, models, whole)
        self.withdrawn = Withdrawn(tuple(recipe.withdraw))
        self.share, self.plan = claim(folder, named.run, share)
        self.counts: list[StageCount] = []
        self.cpu: dict[str, float] = {}  # seconds, by stage and by what else this process does
        self.losses: dict[str, Counter[str]] = {}  # by target
        self.told: dict[str, Mapping[str, Any]] = {}  # by corpus stage
        self.tallies: dict[str, Counter[str]] = {}  # by stage
        self.set_aside: list[Path] = []
        self.observed: list[Path] = []  # shards beside which observations may lie, without ending
        self.deltas: dict[str, Delta] = {}  # by target
        self.sets = EvaluationSets()
        self.against: Mapping[str, dict[str, Any]] = {}  # what is told of earlier data, by name
        self.changing: list[tuple[str, RecordStage]] = []  # stages so far that change texts
        self.take_over: Callable[[str], None] | None = None  # fetches others' work, by `made_of`
        self.gate: GateProcess | None = None
        self.engine = Workers(self.share.workers)

    @contextmanager
    def clocked(self, label: str) -> Iterator[None]:
        """Count the CPU seconds of this process, as those of a stage are counted by the workers."""
        start = time.process_time()
        yield
        self.cpu[label] = self.cpu.get(label, 0.0) + time.process_time() - start

    def run(self) -> Finished:
        """All passes, then the run's folder with its gate and report."""
        with ExitStack() as held:
            held.callback(sandbox.close)
            # Great Expectations takes seconds to import, and then 270 MB while it waits.
            if self.inputs.size() < SMALL:
                self.gate = held.enter_context(GateProcess())
            with self.engine:
                tasks, decided = self._all_passes()
                self.gate = self.gate or held.enter_context(GateProcess())
                rendered, targets = self._render(tasks, decided)
            check_chain([c for c in self.counts if not c.stage.startswith("targets.")])
            return finish(self, rendered, targets)

    def shards(self) -> list[Path]:
        """All passes and no target: the records that are kept, shard by shard in their order.

        The last of the stages must be a record stage.
        """
        with ExitStack() as held:
            held.callback(sandbox.close)
            with self.engine:
                tasks, decided = self._all_passes()
            assert not decided, "a decision is left to be applied"
            check_chain(self.counts)
            return [task.shard for task in tasks]

    def _all_passes(self) -> tuple[list[Any], tuple[Decided, ...]]:
        steps = self._held_against_sets(self.recipe.steps())
        if any(isinstance(step, EvidenceStage) for step in steps):
            self.progress.say(kernels.describe())
        if self.recipe.split.validation or self.recipe.split.test:
            steps.append(self.recipe.split)
        tasks: list[Any] = list(read_tasks(self.inputs.units, self.share.shard_bytes))
        decided: tuple[Decided, ...] = ()
        for number, segment in enumerate(segments(steps)):
            tasks, decided = self._pass(number, segment, tasks, decided)
        return tasks, decided

    def _held_against_sets(self, steps: list[Stage]) -> list[Stage]:
        """The stages, those that hold records against evaluation sets with what they need."""
        if not self.inputs.sets:
            return steps
        self.progress.say("reading the evaluation sets")
        before = steps[: next(n for n, one in enumerate(steps) if isinstance(one, ReferringStage))]
        changing = tuple((one.name, one) for one in before if isinstance(one, Clean | Redact))
        like = Pass(0, self.folder, changing, (), (), self.share.shard_bytes, self.plan)
        try:
            self.sets = read_sets(self.inputs.sets, like, self.engine)
        except BrokenProcessPool:
            raise StorageError(WORKER_DIED) from None
        memory = self.options.memory
        return [self.sets.held_against(step, self.folder, memory) for step in steps]

    def _pass(
        self,
        number: int,
        segment: Segment,
        tasks: list[ReadTask | ShardTask],
        decided: tuple[Decided, ...],
    ) -> tuple[list[Any], tuple[Decided, ...]]:
        folder = private_folder(self.folder / f"pass-{number:02d}")
        labels = [label for label, _ in segment.stages]
        made_of = made_by(segment.stages, segment.corpora) if number == 0 else ""
        this = Pass(
            number,
            folder,
            segment.stages,
            decided,
            segment.corpora,
            self.share.shard_bytes,
            self.plan,
            made_of,
            self.withdrawn,
        )
        if number == 0 and not self.options.full:
            tasks = self._with_known(tasks, folder, made_of)
        firsts = [one.label for one in decided] or ["read"]
        parts = self._map(" · ".join([*firsts, *labels]), this, tasks)
        self.set_aside += [folder / f"{part}.rejected.arrow" for part in parts]
        self.observed += [folder / part for part in parts]
        if number == 0:
            for entry in self.withdrawn.unused(self.set_aside):
                self.progress.say(f"withdraw: {entry}: no source holds it")
        shards = [
            ShardTask(index, folder / f"{part}.kept.arrow") for index, part in enumerate(parts)
        ]
        return shards, self._decisions(number, segment, [task.shard for task in shards])

    def _earlier(self, number: int, segment: Segment) -> Earlier:
        """The earlier data that a barrier's stages compare with, read and sketched; its texts are
        changed as the records have been, and nothing of it is left out."""
        self.changing += [one for one in segment.stages if isinstance(one[1], CHANGING)]
        corpora = tuple(one for one in segment.corpora if isinstance(one[1], ComparingStage))
        if not self.inputs.against or not corpora:
            return Earlier()
        self.progress.say("reading the earlier data")
        folder = private_folder(self.folder / f"earlier-{number:02d}")
        shard_bytes, changing = self.share.shard_bytes, tuple(self.changing)
        like = Pass(number, folder, changing, (), corpora, shard_bytes, self.plan)
        try:
            shards, self.against = read_named(self.inputs.against, like, self.engine, "against")
        except BrokenProcessPool:
            raise StorageError(WORKER_DIED) from None
        return in_order(list(shards.items()))

    def _decisions(self, number: int, segment: Segment, kept: list[Path]) -> tuple[Decided, ...]:
        """What the corpus stages of a barrier decide, each on what the ones before it have left."""
        made: list[Decided] = []
        earlier = self._earlier(number, segment)
        for label, corpus in segment.corpora:
            self.progress.say(f"deciding {label}")
            before = tuple(one.label for one in made)
            own = earlier if isinstance(corpus, ComparingStage) else Earlier()
            deciding = Deciding(label, kept, own, self.options.memory, self.engine, before)
            with self.clocked(f"decide {label}"):
                decided, told = deciding.decide(corpus)
            made.append(decided)
            if told:
                self.told[label] = told
        return tuple(made)

    def _with_known(self, tasks: list[Any], folder: Path, made_of: str) -> list[Any]:
        """The read tasks with what earlier runs have made of their units."""
        keys = [task.keys(self.withdrawn) for task in tasks]
        if self.take_over:
            self.take_over(made_of)
        known = find_known(self.folder.parent, folder, made_of, chain.from_iterable(keys))
        there = set(known.rows["key"])
        units = chain.from_iterable(task.units for task in tasks)
        new = [
            unit
            for key, (_, unit) in zip(chain.from_iterable(keys), units, strict=True)
            if key not in there
        ]
        self.inputs.confirm(new)
        if there:
            told = f"{len(there)} of {sum(map(len, keys))} source units are known from earlier runs"
            self.progress.say(told)
            if sum(unit.size() for unit in new) <= NEW_ALONE and self.inputs.size() <= ALL_ALONE:
                self.engine.stay_alone()
        return [
            replace(task, known=known.of(own), digests=tuple(own))
            for task, own in zip(tasks, keys, strict=True)
        ]

    def _map(self, title: str, this: Pass | RenderPass, tasks: list[Any]) -> list[str]:
        """Run a pass's tasks; returns the names of its parts, in order."""
        self.progress.begin(title, len(tasks))
        markers: dict[int, dict[str, Any]] = {}
        try:
            for position, marker in self.engine.map(this.run, tasks):
                markers[position] = marker
                self.progress.advance(marker)
        except BrokenProcessPool:
            raise StorageError(WORKER_DIED) from None
        self.progress.end()
        ordered = [markers[position] for position in range(len(tasks))]
        counts = (StageCount.from_json(line) for marker in ordered for line in marker["counts"])
        self.counts += total(counts)
        for marker in ordered:
            for label, seconds in marker["cpu"].items():
                self.cpu[label] = self.cpu.get(label, 0.0) + seconds
            add_tallies(self.tallies, marker.get("tallies", {}))
            for target, losses in marker.get("losses", {}).items():
                self.losses.setdefault(target, Counter()).update(losses)
        return [part for marker in ordered for part in marker["parts"]]

    def _render(
        self, tasks: list[Any], decided: tuple[Decided, ...]
    ) -> tuple[Path, tuple[Rendering, ...]]:
        folder = private_folder(self.folder / "rendered")
        paths = self.folder / "paths.json"
        targets = renderings(self.recipe, self.options.output, self.digest)
        if any(one.place.image_prefix for one in targets):  # else no line names an image
            write_bytes(paths, json.dumps(self.inputs.paths()).encode())
        this = RenderPass(folder, targets, decided, paths, self.plan)
        names = [one.label for one in decided]
        parts = self._map(" · ".join(names + [one.name for one in targets]), this, tasks)
        if decided:
            self.set_aside += [folder / f"{part}.rejected.arrow" for part in parts]
        return folder, targets
