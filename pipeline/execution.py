"""All passes of one run over its shards, in the run's own work folder."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import kernels
from pipeline.beside import Beside
from pipeline.corpus_stage import ComparingStage, EvidenceStage
from pipeline.deciding import Deciding
from pipeline.delta import Delta
from pipeline.earlier import Earlier
from pipeline.engines.local import Workers
from pipeline.errors import StorageError
from pipeline.finish import Finished, finish
from pipeline.gate.gate import GateProcess
from pipeline.inputs import Inputs
from pipeline.ledger import StageCount, check_chain, corpus_counts, target_of
from pipeline.made import Made, located, made_of_parts
from pipeline.memory import share_memory
from pipeline.naming import Named
from pipeline.options import Options
from pipeline.passes import Decided, Pass
from pipeline.progress import Progress
from pipeline.readers import sandbox
from pipeline.recipe import Recipe
from pipeline.render import RenderPass
from pipeline.rendering import Rendering, renderings
from pipeline.resume import claim, digest_of
from pipeline.reuse import find_known, made_by
from pipeline.segments import Segment, segments
from pipeline.shards import private_folder, read_frame, write_bytes
from pipeline.stages.redact import Redact
from pipeline.taken_over import link_known
from pipeline.unit_rows import sum_ledger, unit_keys
from pipeline.units import SourceUnits, Units, kept_units
from pipeline.withdraw import Withdrawn

WORKER_DIED = (
    "a worker process was killed, most likely because memory ran out; set --memory to less than is "
    "free and run again: finished shards are kept"
)
SMALL = 64 << 20
"""If there are fewer bytes of source than this, the gate's process starts before the first pass."""

NEW_ALONE, ALL_ALONE = 16 << 20, 2 << 30
"""Up to this many bytes of new source, and of all source, one process does all the work, because
more processes cost more than they save: a nightly run with 13 MB of new data in 575 MB takes 9.3
CPU seconds (8.0 s of wall time) in one process, and 11.7 (9.5 s) in two."""


class Execution:
    """All passes of one run, in the run's own work folder."""

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
        self.keys = pl.Series(unit_keys(inputs.units, self.withdrawn), dtype=pl.String)
        self.share, self.plan = claim(folder, named.run, share)
        self.counts: list[StageCount] = []
        self.cpu: dict[str, float] = {}  # seconds, by stage and by other work of this process
        self.losses: dict[str, Counter[str]] = {}  # by target
        self.told: dict[str, Mapping[str, Any]] = {}  # manifest entries, by corpus stage
        self.tallies: dict[str, Counter[str]] = {}  # by stage
        self.made: list[Made] = []  # one for each pass
        self.made_of = ""  # digest of what the last result depends on, except its units
        self.deltas: dict[str, Delta] = {}  # by target
        self.fetch_earlier_work: Callable[[str], None] | None = None  # from S3, by `made_of`
        self.gate: GateProcess | None = None
        self.engine = Workers(self.share.workers)
        self.beside = Beside(self)

    @contextmanager
    def clocked(self, label: str) -> Iterator[None]:
        """Add the CPU seconds that this process uses to `label`, as workers do for a stage."""
        start = time.process_time()
        yield
        self.cpu[label] = self.cpu.get(label, 0.0) + time.process_time() - start

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Keep the worker processes running; raises StorageError if one of them is killed."""
        try:
            with self.engine:
                yield
        except BrokenProcessPool:
            raise StorageError(WORKER_DIED) from None

    def run(self) -> Finished:
        """Run all passes, then write the run's folder with its gate and report."""
        with ExitStack() as held:
            held.callback(sandbox.close)
            # Great Expectations takes seconds to import, and then 270 MB while it waits.
            if self.inputs.size() < SMALL:
                self.gate = held.enter_context(GateProcess())
            with self._at_work():
                decided = self._all_passes()
                self.gate = self.gate or held.enter_context(GateProcess())
                rendered, targets = self._render(decided)
            check_chain(corpus_counts(self.counts))
            return finish(self, rendered, targets)

    def kept(self) -> Made:
        """Run all passes but no target: what the last one made. It must end in a record stage."""
        with ExitStack() as held:
            held.callback(sandbox.close)
            with self._at_work():
                decided = self._all_passes()
            assert not decided, "a decision is left to be applied"
            check_chain(self.counts)
            return self.made[-1]

    def _all_passes(self) -> tuple[Decided, ...]:
        """Run the recipe's passes; returns the decisions that the last pass still has to apply."""
        steps = self.beside.with_evaluation_sets(self.recipe.steps())
        if any(isinstance(step, EvidenceStage) for step in steps):
            self.progress.say(kernels.describe())
        if self.recipe.split.validation or self.recipe.split.test:
            steps.append(self.recipe.split)
        units: Units = SourceUnits(self.inputs.units, self.keys)
        decided: tuple[Decided, ...] = ()
        for number, segment in enumerate(segments(steps)):
            units = kept_units(self.made[-1], decided, self.engine.most) if number else units
            decided = self._pass(number, segment, units, decided)
        return decided

    def _pass(
        self, number: int, segment: Segment, units: Units, decided: tuple[Decided, ...]
    ) -> tuple[Decided, ...]:
        folder = private_folder(self.folder / f"pass-{number:02d}")
        made_of = digest_of(self.made_of, made_by(segment.stages, segment.corpora))
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
        first_labels = [one.label for one in decided] or ["read"]
        title = " · ".join([*first_labels, *(label for label, _ in segment.stages)])
        made = self._do(title, this, units)
        if number == 0:
            for entry in self.withdrawn.unused(made.frames("rejected", ["rejected"])):
                self.progress.say(f"withdraw: {entry}: no source contains it")
        return self._decisions(number, segment, made.files("kept"))

    def _decisions(self, number: int, segment: Segment, kept: list[Path]) -> tuple[Decided, ...]:
        """Let the corpus stages of a barrier decide, each on what those before it have left."""
        made: list[Decided] = []
        earlier = self.beside.earlier(number, segment)
        for label, corpus in segment.corpora:
            self.progress.say(f"deciding {label}")
            before = tuple(one.label for one in made)
            compared_with = earlier if isinstance(corpus, ComparingStage) else Earlier()
            deciding = Deciding(
                label, kept, compared_with, self.options.memory, self.engine, before
            )
            with self.clocked(f"decide {label}"):
                decided, entry = deciding.decide(corpus)
            made.append(decided)
            if entry:
                self.told[label] = entry
        return tuple(made)

    def _do(self, title: str, this: Pass | RenderPass, units: Units) -> Made:
        """Run a pass on its units, reusing what earlier runs have made of them, and count it."""
        folder, first = this.folder, not self.made
        if first and self.fetch_earlier_work:
            self.fetch_earlier_work(this.made_of)
        full = self.options.full
        known = find_known(
            self.folder.parent, folder, this.made_of, units.keys, self.keys, full=full
        )
        new = (~units.keys.is_in(known.keys.implode())).arg_true().to_list()
        if first:
            self._report_known(new, len(units.keys))
        taken = list(link_known(known, folder, this.made_of, units.keys, self.share.shard_bytes))
        tasks = units.tasks(new, self.share.shard_bytes) if new or not taken else []
        markers = self._map(title, this, tasks)
        written = [located(read_frame(folder / marker["units"]), folder) for marker in markers]
        parts = (folder / part for marker in markers for part in marker["parts"])
        made = made_of_parts([*taken, *written], units.keys, parts)
        self._count(this, made)
        self.made.append(made)
        self.made_of = this.made_of
        return made

    def _report_known(self, new: list[int], total: int) -> None:
        """Report how many source units earlier runs have read, and verify the files of the rest."""
        units = [self.inputs.units[number][1] for number in new]
        self.inputs.confirm(units)
        if len(new) < total:
            message = f"{total - len(new)} of {total} source units are known from earlier runs"
            self.progress.say(message)
            if sum(unit.size() for unit in units) <= NEW_ALONE and self.inputs.size() <= ALL_ALONE:
                self.engine.stay_alone()

    def _map(
        self, title: str, this: Pass | RenderPass, tasks: Sequence[Any]
    ) -> list[dict[str, Any]]:
        """Run a pass's tasks; returns their markers, in the order of the tasks."""
        self.progress.begin(title, len(tasks))
        markers: dict[int, dict[str, Any]] = {}
        for position, marker in self.engine.map(this.run, tasks):
            markers[position] = marker
            self.progress.advance(marker)
        self.progress.end()
        ordered = [markers[position] for position in range(len(tasks))]
        for marker in ordered:
            for label, seconds in marker["cpu"].items():
                self.cpu[label] = self.cpu.get(label, 0.0) + seconds
        return ordered

    def _count(self, this: Pass | RenderPass, made: Made) -> None:
        """Add to the counts what a pass has made of its units, including reused ones."""
        sums = sum_ledger(made.frames("ledger", ordered=False), this.labels)
        self.counts += sums.counts
        self.losses |= {target_of(label) or label: n for label, n in sums.losses.items()}
        self.tallies |= sums.tallies

    def _render(self, decided: tuple[Decided, ...]) -> tuple[Made, tuple[Rendering, ...]]:
        folder = private_folder(self.folder / "rendered")
        paths = self.folder / "paths.json"
        targets = renderings(self.recipe, self.options.output, self.digest)
        names_images = any(one.place.image_prefix for one in targets)
        if names_images:
            write_bytes(paths, json.dumps(self.inputs.paths()).encode())
        run = self.digest if names_images else None
        units = kept_units(self.made[-1], decided, self.engine.most, run)
        made_of = digest_of(self.made_of, *(one.made_of(self.digest) for one in targets))
        this = RenderPass(folder, targets, decided, paths, self.plan, made_of)
        names = [one.label for one in decided]
        title = " · ".join(names + [one.name for one in targets])
        return self._do(title, this, units), targets
