"""One run from its recipe to its publishing: lock, digest, execution, gate, LATEST."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.delta import read_deltas
from pipeline.errors import DataError, StorageError
from pipeline.execution import Execution
from pipeline.finish import Finished
from pipeline.inputs import gather_inputs
from pipeline.ledger import left_out
from pipeline.local_sources import PassedOver
from pipeline.naming import name_run
from pipeline.options import Options
from pipeline.own_output import own_output
from pipeline.pins import Pins
from pipeline.progress import Progress
from pipeline.publish import (
    LATEST,
    MANIFEST,
    Latest,
    digest_at,
    point_to,
    publish,
    read_latest,
    read_run,
)
from pipeline.recipe import Recipe
from pipeline.shards import discard_folder, private_folder
from pipeline.state import State
from pipeline.storage import Aws, Place, open_place
from pipeline.teach.recipe import with_answers
from pipeline.withdraw import Withdrawn
from pipeline.work_folder import SPOOL, clear_work, work_folder

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
    with work_folder(options, folder, recipe) as (work, lock):
        state = None
        if options.state is not None:
            state = State(options.state, options.output, aws, work, progress.say)
        for note in [*place.examine(), *(state.examine(place) if state else ())]:
            progress.say(note)
        if state:
            state.look(full=options.full)
        progress.say("reading the list of sources")
        pins = Pins(work, state.restored if state else None, full=options.full)
        spool = private_folder(work / SPOOL)
        own = own_output(options.output, work, options.state)
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
        there = read_run(place, run)
        if there:  # the same work is done; a run killed before its last step lacks only LATEST
            lock.confirm()
            _refuse_changed(place, run, there, latest, full=options.full)
            if state:
                state.save(run)
            point_to(place, run, there[1], latest)
            clear_work(work, run, inputs, withdrawn)
            return Outcome(run, uri, True, there[0])
        if options.full:
            discard_folder(work / run)
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
        clear_work(work, run, inputs, withdrawn)
        return Outcome(run, uri, False, finished.manifest)


def _refuse_changed(
    place: Place,
    run: str,
    there: tuple[dict[str, Any], str],
    latest: Latest | None,
    *,
    full: bool,
) -> None:
    """Raise StorageError when a published run is no longer what was published.

    `there` are its manifest and the SHA-256 of that. Of other files it is the size that is looked
    at, and all bytes if `full`: a night on which nothing is new would take as long as all of them.
    """
    folder, (manifest, sha256) = f"runs/{run}", there
    remedy = f"remove {place.uri}/{folder}, and run again"
    if latest and latest.run == run and latest.manifest_sha256 != sha256:
        raise StorageError(
            f"{place.uri}/{folder}/{MANIFEST}: was changed since {LATEST} was written; {remedy}"
        )
    names = [f"{folder}/{file['path']}" for file in manifest["files"]]
    sizes = place.sizes(names)
    for file, size in zip(manifest["files"], sizes, strict=True) if sizes is not None else ():
        if size != file["bytes"]:
            found = "is gone" if size is None else f"has {size} bytes, not {file['bytes']}"
            raise StorageError(
                f"{place.uri}/{folder}/{file['path']}: {found}, as it was published; {remedy}"
            )
    for file, name in zip(manifest["files"], names, strict=True) if full else ():
        if digest_at(place, name) != file["sha256"]:
            raise StorageError(f"{place.uri}/{name}: is not as it was published; {remedy}")


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
