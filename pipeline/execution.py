"""The passes of one run over its shards, in its own work folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline import kernels
from pipeline.deciding import Deciding
from pipeline.delta import Delta
from pipeline.engines.local import Workers
from pipeline.errors import StorageError
from pipeline.finish import Finished, finish
from pipeline.gate import GateProcess
from pipeline.inputs import Inputs, read_tasks
from pipeline.ledger import StageCount, check_chain, total
from pipeline.memory import share_memory
from pipeline.naming import Named
from pipeline.observations import add_tallies
from pipeline.passes import Decided, Pass, ReadTask, ShardTask
from pipeline.progress import Progress
from pipeline.readers import sandbox
from pipeline.recipe import Recipe
from pipeline.render import RenderPass
from pipeline.rendering import Rendering, renderings
from pipeline.resume import claim
from pipeline.reuse import find_known, made_by
from pipeline.shards import private_folder, write_bytes
from pipeline.stage import CorpusStage, EvidenceStage, RecordStage, RewritingStage, Stage

WORKER_DIED = (
    "a worker process was killed, most likely for lack of memory; set --memory below what is free "
    "and run again: finished shards are kept"
)
SMALL = 64 << 20
"""Bytes of source under which the gate's process is started before the first pass."""


@dataclass(frozen=True)
class Options:
    """How to run: none of it changes a byte of the output."""

    output: str  # folder or s3:// prefix
    workers: int
    memory: int | None = None  # bytes
    work: Path | None = None  # where work files go; beside a local output if None
    full: bool = False  # do all anew, whatever earlier runs have left
    since: str | None = None  # run that delta targets go on from; the latest if None


@dataclass(frozen=True)
class Segment:
    """Record stages between two barriers, and the corpus stage that ends them."""

    stages: tuple[tuple[str, RecordStage], ...]
    corpus: tuple[str, CorpusStage | RewritingStage | EvidenceStage] | None


def segments(steps: list[Stage]) -> list[Segment]:
    """The stages parted at the barriers, each with its label in the ledger."""
    parted: list[Segment] = []
    waiting: list[tuple[str, RecordStage]] = []
    seen: dict[str, int] = {}
    for step in steps:
        seen[step.name] = seen.get(step.name, 0) + 1
        label = step.name if seen[step.name] == 1 else f"{step.name}.{seen[step.name]}"
        if isinstance(step, CorpusStage | RewritingStage | EvidenceStage):
            parted.append(Segment(tuple(waiting), (label, step)))
            waiting = []
        else:
            waiting.append((label, step))
    # What a rewriting stage changes is observed in a pass, so it is never left to the targets.
    last = parted[-1].corpus if parted else None
    if waiting or last is None or isinstance(last[1], RewritingStage):
        parted.append(Segment(tuple(waiting), None))
    return parted


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
        sandboxed = any(reader.sandboxed for reader, _ in inputs.units)
        share = share_memory(options.memory, options.workers, sandboxed)
        self.share, self.plan = claim(folder, named.run, share)
        self.counts: list[StageCount] = []
        self.cpu: dict[str, float] = {}
        self.losses: dict[str, Counter[str]] = {}  # by target
        self.told: dict[str, Mapping[str, Any]] = {}  # by corpus stage
        self.tallies: dict[str, Counter[str]] = {}  # by stage
        self.set_aside: list[Path] = []
        self.observed: list[Path] = []  # shards beside which observations may lie, without ending
        self.deltas: dict[str, Delta] = {}  # by target
        self.gate: GateProcess | None = None
        self.engine = Workers(self.share.workers)

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

    def _all_passes(self) -> tuple[list[Any], Decided | None]:
        steps = self.recipe.steps()
        if any(isinstance(step, EvidenceStage) for step in steps):
            self.progress.say(kernels.describe())
        if self.recipe.split.validation or self.recipe.split.test:
            steps.append(self.recipe.split)
        tasks: list[Any] = list(read_tasks(self.inputs.units, self.share.shard_bytes))
        decided: Decided | None = None
        for number, segment in enumerate(segments(steps)):
            tasks, decided = self._pass(number, segment, tasks, decided)
        return tasks, decided

    def _pass(
        self,
        number: int,
        segment: Segment,
        tasks: list[ReadTask | ShardTask],
        decided: Decided | None,
    ) -> tuple[list[Any], Decided | None]:
        folder = private_folder(self.folder / f"pass-{number:02d}")
        labels = [label for label, _ in segment.stages]
        made_of = made_by(segment.stages, segment.corpus) if number == 0 else ""
        this = Pass(
            number,
            folder,
            segment.stages,
            decided,
            segment.corpus,
            self.share.shard_bytes,
            self.plan,
            made_of,
        )
        if number == 0 and not self.options.full:
            tasks = self._with_known(tasks, folder, made_of)
        first = decided.label if decided else "read"
        parts = self._map(" · ".join([first, *labels]), this, tasks)
        self.set_aside += [folder / f"{part}.rejected.arrow" for part in parts]
        self.observed += [folder / part for part in parts]
        shards = [
            ShardTask(index, folder / f"{part}.kept.arrow") for index, part in enumerate(parts)
        ]
        if segment.corpus is None:
            return shards, None
        label, corpus = segment.corpus
        self.progress.say(f"deciding {label}")
        kept = [task.shard for task in shards]
        deciding = Deciding(label, kept, [], self.options.memory, self.engine)
        decided, told = deciding.decide(corpus)
        if told:
            self.told[label] = told
        return shards, decided

    def _with_known(self, tasks: list[Any], folder: Path, made_of: str) -> list[Any]:
        """The read tasks with what earlier runs have made of their units."""
        keys = [task.keys() for task in tasks]
        known = find_known(self.folder.parent, folder, made_of, chain.from_iterable(keys))
        units, found = sum(map(len, keys)), known.rows.n_unique("key") if known.rows.height else 0
        if found:
            self.progress.say(f"{found} of {units} source units are known from earlier runs")
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
        self, tasks: list[Any], decided: Decided | None
    ) -> tuple[Path, tuple[Rendering, ...]]:
        folder = private_folder(self.folder / "rendered")
        paths = self.folder / "paths.json"
        write_bytes(paths, json.dumps(self.inputs.paths()).encode())
        targets = renderings(self.recipe, self.options.output, self.digest)
        this = RenderPass(folder, targets, decided, paths, self.plan)
        names = [decided.label] if decided else []
        parts = self._map(" · ".join(names + [one.name for one in targets]), this, tasks)
        if decided is not None:
            self.set_aside += [folder / f"{part}.rejected.arrow" for part in parts]
        return folder, targets
