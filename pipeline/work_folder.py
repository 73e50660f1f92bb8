"""The work folder: whether it may be one, who holds it, and what goes when a run is published.

Only what runs have made is ever removed, by its name and what it holds. What else stands there,
and whatever a link leads to, is somebody's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import RecipeError, StorageError, system_error
from pipeline.failpoints import step
from pipeline.globs import fixed_folder
from pipeline.hub import is_hub
from pipeline.inputs import Inputs
from pipeline.lock import LOCK, Held, hold
from pipeline.options import Options
from pipeline.pins import NAME as PINS
from pipeline.recipe import Recipe
from pipeline.record import ID_LENGTH
from pipeline.resume import PLAN
from pipeline.shards import FILES, LEAVING, discard_folder, private_folder, read_marker
from pipeline.state import RESTORED
from pipeline.storage import is_remote
from pipeline.withdraw import Withdrawn

WORK = ".work"
"""Of a local output: the folder of its lock, and of the work if no other is named."""

SPOOL = "spool"
TEACHER = "teacher"
"""The folder of what `teach` reads, so that it is taken for no run."""

RUN = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
SPOOLED = re.compile(r"([0-9a-f]{64}|hub-[0-9a-f]{16}-.+\.parquet)(\.sha256)?(\.part)?")
"""A copy of an S3 object, by its version, or of a split of a data set."""

EMPTY = re.compile(rf"{LOCK}(\.\w+)?|lost\+found")
"""What stands where no run has got far, and in the root of a disk."""


@dataclass(frozen=True)
class Locks:
    """Those of a work folder and of an output."""

    held: tuple[Held, ...]

    def confirm(self) -> None:
        """Raise ConflictError when another run has taken one over."""
        for one in self.held:
            one.confirm()


@contextmanager
def work_folder(
    options: Options, folder: Path | None = None, recipe: Recipe | None = None
) -> Iterator[tuple[Path, Locks]]:
    """The work folder, held by this run alone as is the output, and their locks.

    `folder` is that of the recipe. Raises RecipeError for a `--work` that cannot be one,
    StorageError where it cannot be written to, ConflictError while another run holds it.
    """
    path = _place(options)
    try:
        if options.work is not None:
            _refuse_unfit(path, options.output, folder, recipe)
        if path.is_symlink() or (path.exists() and path.stat().st_uid != os.getuid()):
            raise StorageError(f"{path}: is not this user's own folder; name one with --work")
        if options.work is None or not path.exists():
            private_folder(path)
        with ExitStack() as stack:
            folders = dict.fromkeys([*_beside_output(options.output), path.resolve()])
            locks = [stack.enter_context(hold(one, options.output)) for one in folders]
            yield path, Locks(tuple(locks))
    except Exception as error:
        told = system_error(error)
        if told is None:
            raise
        raise StorageError(f"{told.filename or path}: {told.strerror or told}") from error


def _beside_output(output: str) -> Iterator[Path]:
    """Where the lock of a local output is, whichever folder the work is in."""
    if not is_remote(output):
        yield private_folder(Path(output, WORK)).resolve()


def _place(options: Options) -> Path:
    if options.work is not None:
        return options.work
    if is_remote(options.output):
        named = hashlib.sha256(options.output.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"bedrock-prep-{os.getuid()}" / named
    return Path(options.output) / WORK


def _refuse_unfit(work: Path, output: str, folder: Path | None, recipe: Recipe | None) -> None:
    """Raise RecipeError for a folder that holds what is no work, or that anyone may write to."""
    own = os.path.realpath(work)
    for what, place in _not_work(output, folder, recipe):
        if f"{os.path.realpath(place)}/".startswith(f"{own.rstrip('/')}/"):
            raise RecipeError(f"--work {work}: holds {what}, {place}; name a folder for work alone")
    if not is_remote(output) and f"{own}/".startswith(f"{os.path.realpath(output)}/runs/"):
        raise RecipeError(f"--work {work}: lies among the published runs; name another folder")
    if not work.is_dir():
        return
    if not (_is_ours(work) or _same(work, Path(output, WORK))):
        raise RecipeError(
            f"--work {work}: holds files that no run has made; name a new or empty folder"
        )
    if work.stat().st_mode & stat.S_IWOTH:
        raise RecipeError(f"--work {work}: anyone may write to it; name a new folder in it")


def _not_work(
    output: str, folder: Path | None, recipe: Recipe | None
) -> Iterator[tuple[str, Path]]:
    """(what it is, where it is) of the places that no work folder may hold."""
    if not is_remote(output):
        yield "the output", Path(output)
    if folder is None or recipe is None:
        return
    yield "the recipe's folder", folder
    sets = (*recipe.evaluation_sets.values(), *recipe.against.values())
    for spec in (source.path for source in (*recipe.sources, *sets)):
        if not is_remote(spec) and not is_hub(spec) and "\0" not in spec:
            there = folder / spec
            yield "a source", there if there.exists() else folder / fixed_folder(spec)


def _is_ours(work: Path) -> bool:
    """Whether runs have worked there, or nothing is there yet."""
    there = list(work.iterdir())
    if all(EMPTY.fullmatch(path.name) for path in there):
        return True
    named = (path.name == f"{PINS}.json" and _is_file(path) for path in there)
    return _is_lock(work / LOCK) or any(named) or any(map(_is_run, there))


def _is_lock(path: Path) -> bool:
    """Whether this is a lock of ours: it says who held it."""
    try:
        return _is_file(path) and {"pid", "host", "since"} <= set(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return False


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_run(path: Path) -> bool:
    """Whether this is a run's folder of work: named as one, with its plan, or still empty."""
    if RUN.fullmatch(path.name) is None or path.is_symlink() or not path.is_dir():
        return False
    return _is_file(path / PLAN) or not any(path.iterdir())


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def clear_work(work: Path, run: str, inputs: Inputs, withdrawn: Withdrawn) -> None:
    """Leave the rejected texts of the published run; other runs' work is of no more use, and of
    what is withdrawn no copy stays."""
    made = set(_made_by_tasks(work / run))
    for path in (work / run).rglob("*"):
        if path.is_file() and path not in made and not _is_kept_work(path):
            step("remove work file")
            path.unlink()
    spool = work / SPOOL
    in_use = inputs.spooled(spool, withdrawn)
    for spooled in spool.iterdir():
        name = spooled.name
        if SPOOLED.fullmatch(name) and name.removesuffix(".sha256") not in in_use:
            step("remove spooled source")
            spooled.unlink()
    for other in work.iterdir():
        if other.name != run and _is_left(other):
            step("remove other run's work")
            discard_folder(other)


def _is_left(path: Path) -> bool:
    """Whether an earlier run has left this folder of work, or a part of it."""
    if path.is_symlink() or not path.is_dir():
        return False
    name = path.name.removesuffix(LEAVING)
    if name in {RESTORED, TEACHER}:
        return True
    return _is_run(path) or (path.name != name and RUN.fullmatch(name) is not None)


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
