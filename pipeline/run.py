"""One run from its recipe to its publishing: lock, digest, execution, gate, LATEST."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.delta import read_deltas
from pipeline.errors import DataError, StorageError, system_error
from pipeline.execution import Execution
from pipeline.failpoints import step
from pipeline.finish import Finished
from pipeline.inputs import Inputs, gather_inputs
from pipeline.ledger import left_out
from pipeline.local_sources import PassedOver
from pipeline.lock import Held, hold
from pipeline.naming import name_run
from pipeline.options import Options
from pipeline.own_output import own_output
from pipeline.pins import Pins
from pipeline.progress import Progress
from pipeline.publish import point_to, publish, read_latest, read_manifest
from pipeline.recipe import Recipe
from pipeline.resume import PLAN
from pipeline.shards import FILES, private_folder, read_marker
from pipeline.state import State
from pipeline.storage import Aws, Place, is_remote, open_place
from pipeline.teach.recipe import with_answers
from pipeline.withdraw import Withdrawn

__all__ = ["Options", "Outcome", "prepare"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    run: str  # digest
    uri: str  # of the run's folder
    reused: bool  # it was published already: nothing was done
    manifest: dict[str, Any]


def prepare(recipe: Recipe, folder: Path, options: Options, progress: Progress) -> Outcome:
    """Run a recipe whose paths are relative to `folder` and publish the result.

    Raises PrepError of the kind that names the exit code: DataError when the gate or a target's
    limits are not met (nothing is published), StorageError, ConflictError.
    """
    recipe = with_answers(recipe, folder)
    aws, withdrawn = recipe_aws(recipe), Withdrawn(tuple(recipe.withdraw))
    place = open_place(options.output, aws)
    with work_folder(options) as (work, lock):
        state = None
        if options.state is not None:
            state = State(options.state, options.output, aws, work, progress.say)
        for note in [*place.examine(), *(state.examine(place) if state else ())]:
            progress.say(note)
        if state:
            state.look(full=options.full)
        progress.say("reading the list of sources")
        pins = Pins(work, state.restored if state else None, full=options.full)
        spool = private_folder(work / "spool")
        own = own_output(options.output, work, options.state, folder)
        passed_over: PassedOver = Counter()
        sources = source_aws(recipe, aws)
        inputs = gather_inputs(recipe, folder, spool, sources, pins, own, passed_over)
        own.tell(progress.say)
        for what, number in passed_over.items():
            if number:
                progress.say(f"not read: {number:,} {what}")
        pins.write()
        latest = read_latest(place)
        named = name_run(recipe, inputs, options.output, options.since, place, latest)
        run = named.run
        uri = f"{options.output.rstrip('/')}/runs/{run}"
        there = read_manifest(place, run)
        if there:  # the same work is done; a run killed before its last step lacks only LATEST
            lock.confirm()
            _refuse_changed(place, there[0])
            if state:
                state.save(run)
            point_to(place, run, there[1], latest)
            _clear(work, run, inputs, withdrawn)
            return Outcome(run, uri, True, there[0])
        if options.full:
            shutil.rmtree(work / run, ignore_errors=True)
        execution = Execution(recipe, inputs, named, private_folder(work / run), options, progress)
        if state:
            execution.fetch_earlier_work = state.take_over
        execution.deltas = read_deltas(place, named.parents)
        finished = execution.run()
        if state:
            state.save(run)
        if finished.faults:
            for line in left_out(finished.manifest):
                progress.say(f"left out: {line}")
            raise DataError(_refusal(finished))
        progress.say(f"publishing {uri}")
        lock.confirm()
        publish(place, finished.folder, run, latest)
        _clear(work, run, inputs, withdrawn)
        return Outcome(run, uri, False, finished.manifest)


def _refuse_changed(place: Place, manifest: dict[str, Any]) -> None:
    """Raise StorageError when a file of a published run has no longer the size that it had.

    Its bytes are not read: a night on which nothing is new would take as long as all of them do.
    """
    folder = f"runs/{manifest['run']}"
    sizes = place.sizes([f"{folder}/{file['path']}" for file in manifest["files"]])
    for file, size in zip(manifest["files"], sizes, strict=True) if sizes is not None else ():
        if size != file["bytes"]:
            found = "is gone" if size is None else f"has {size} bytes, not {file['bytes']}"
            raise StorageError(
                f"{place.uri}/{folder}/{file['path']}: {found}, as it was published; remove "
                f"{place.uri}/{folder}, and run again"
            )


def _refusal(finished: Finished) -> str:
    faults = "; ".join(finished.faults)
    return f"not published: {faults}. The evidence: {finished.folder / 'report.html'}"


def recipe_aws(recipe: Recipe) -> Aws:
    """How the recipe's output is reached."""
    owner = recipe.publish.expected_bucket_owner if recipe.publish else None
    key = recipe.publish.kms_key_id if recipe.publish else None
    settings = recipe.aws.model_dump(exclude={"source_bucket_owner"})
    return Aws(**settings, bucket_owner=owner, kms_key_id=key)


def source_aws(recipe: Recipe, aws: Aws) -> Aws:
    """The same for the buckets that sources are in, which may be of another account."""
    return replace(aws, bucket_owner=recipe.aws.source_bucket_owner)


@contextmanager
def work_folder(options: Options) -> Iterator[tuple[Path, Held]]:
    """The work folder, private and held by this run alone, and its lock."""
    if options.work is not None:
        path = options.work
    elif is_remote(options.output):
        named = hashlib.sha256(options.output.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"bedrock-prep-{os.getuid()}" / named
    else:
        path = Path(options.output) / ".work"
    try:
        private_folder(path)
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise StorageError(f"{path}: is not this user's own folder; name one with --work")
        with hold(path, options.output) as lock:
            yield path, lock
    except Exception as error:
        told = system_error(error)
        if told is None:
            raise
        raise StorageError(f"{told.filename or path}: {told.strerror or told}") from error


def _clear(work: Path, run: str, inputs: Inputs, withdrawn: Withdrawn) -> None:
    """Leave the rejected texts of the published run; other runs' work is of no more use, and of
    what is withdrawn no copy stays."""
    made = set(_made_by_tasks(work / run))
    for path in (work / run).rglob("*"):
        if path.is_file() and path not in made and not _is_kept_work(path):
            step("remove work file")
            path.unlink()
    spool = work / "spool"
    in_use = inputs.spooled(spool, withdrawn)
    for spooled in spool.iterdir():
        if spooled.name.removesuffix(".sha256") not in in_use:
            step("remove spooled source")
            spooled.unlink()
    for other in work.iterdir():
        if other.is_dir() and other.name not in {run, "spool"}:
            step("remove other run's work")
            shutil.rmtree(other)


def _made_by_tasks(folder: Path) -> Iterator[Path]:
    """What the passes have made that the next run can take over."""
    for marker in folder.glob("*/0*.json"):
        told = read_marker(marker, ())
        if told and "made_of" in told:
            yield marker
            yield from (marker.with_name(name) for name in told[FILES])


def _is_kept_work(path: Path) -> bool:
    """Rejected texts are for the owner."""
    return path.name.endswith(".rejected.arrow") or path.name in {PLAN, "timings.json"}
