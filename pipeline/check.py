"""Checks a data set against a model card: every fault with file, line, rule, remedy and source.

    result = check_files([Path("train.jsonl")], plan=find_card("nova-lite").plan("sft"))
    if not result.ok:
        for fault in result.faults:
            print(f"{fault.file}:{fault.line}: {fault.rule}: {fault.message}")

Data that passes meets the strictest reading of AWS's documents and validators, as far as files can
show it; Bedrock may still decide otherwise. Files are streamed: memory does not grow with the data.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.bedrock.card import Plan
from pipeline.bedrock.count_tokens import remembered
from pipeline.checks.across import Across
from pipeline.checks.data_set import cite_sources, count_faults, name_faults
from pipeline.checks.file_check import FileCheck
from pipeline.checks.found import CheckResult, Fault, FileFacts, Found
from pipeline.checks.local_media import LocalMedia
from pipeline.checks.repair import Change, Repair
from pipeline.checks.rule import Rule
from pipeline.checks.rules import RULES
from pipeline.checks.sizes import CountTokens, Sizes
from pipeline.checks.standard import SCHEMAS, Standard
from pipeline.checks.words import WordSearch
from pipeline.errors import RecipeError, StorageError
from pipeline.fixed_copy import write_fixed

__all__ = [
    "RULES",
    "Change",
    "CheckResult",
    "CountTokens",
    "Fault",
    "FileFacts",
    "Repair",
    "Rule",
    "check_files",
    "fix_file",
]


HEADROOM = 1.1
"""By how much more than observed the token bound is raised, so that files are read again only a
few times."""

_S3_FOLDER = re.compile(r"s3://[^/]+(/|$)")


@dataclass(frozen=True)
class _Task:
    """What all files of one check have in common."""

    standard: Standard
    found: Found
    sizes: Sizes
    words: WordSearch | None
    location: str | None
    media: Path | None


def check_files(
    paths: Sequence[Path],
    *,
    plan: Plan | None = None,
    format_name: str | None = None,
    validation: Path | None = None,
    location: str | None = None,
    media: Path | None = None,
    count_tokens: CountTokens | None = None,
    count_all: bool = False,
    allow: Collection[str] = (),
    of_recipe: bool = False,
) -> CheckResult:
    """Check training files, and a validation file, against a plan, or against a format alone.

    `location` is the folder in S3 where they will stand (`s3://bucket/prefix/`): names and media
    are held against it. `media` is a local folder with the files that the data names; without
    it, `images/`, `videos/` and `documents/` beside each file. `count_tokens` counts where the
    guess leaves a record open, or every long record (`count_all`); a model that takes more than
    the guess's upper bound raises it, and the files are read again. `allow` names rules whose
    faults are noted and hold nothing up. `of_recipe`: a recipe made the files, and messages name
    the keys of it that help.

    Raises RecipeError for an unknown format or rule, a location that is no folder in S3, or when
    neither plan nor format is given;
    StorageError for a file that cannot be read. Bad data never raises.
    """
    standard = _standard(plan, format_name)
    _refuse_unknown(allow)
    if location is not None and not _S3_FOLDER.match(location):
        raise RecipeError(f"--location {location}: is no folder in S3; write s3://bucket/prefix/")
    words = WordSearch(plan.reserved_words) if plan and plan.reserved_words else None
    parts = [(path, "training") for path in paths]
    parts += [(validation, "validation")] if validation is not None else []
    count = remembered(count_tokens) if count_tokens else None
    scale = 1.0
    while True:
        sizes = Sizes(standard, count, count_all, scale)
        task = _Task(standard, Found(allow), sizes, words, location, media)
        cite_sources(standard, task.found)
        with _without_collector():
            files = [_check_file(path, part, task) for path, part in parts]
        if sizes.calibration.most_of_bound <= scale:
            break
        scale = sizes.calibration.most_of_bound * HEADROOM
    count_faults(files, standard, task.found, of_recipe=of_recipe)
    return _result(task, files)


def fix_file(
    path: Path, out: Path, *, plan: Plan | None = None, format_name: str | None = None
) -> Repair:
    """Write a repaired copy of a file; faults with one right answer are fixed, changes reported.

    Raises RecipeError as `check_files` does, and when `out` is there already; DataError for a file
    that is compressed; StorageError for a file that cannot be read or written. A fault leaves no
    file behind.
    """
    return write_fixed(path, out, _standard(plan, format_name))


def _standard(plan: Plan | None, format_name: str | None) -> Standard:
    if plan is None and format_name is None:
        raise RecipeError("check: no model and no format given; name a model (--model) or a format")
    name = format_name or (plan.formats[0] if plan else "")
    if name not in SCHEMAS:
        raise RecipeError(f"check: no such format: {name}; formats: {', '.join(SCHEMAS)}")
    if plan and name not in plan.formats:
        raise RecipeError(f"check: {plan.card} takes {', '.join(plan.formats)}, not {name}")
    return Standard(name, plan)


def _refuse_unknown(rules: Collection[str]) -> None:
    unknown = sorted(set(rules) - RULES.keys())
    if unknown:
        raise RecipeError(*(f"allow: no such rule: {rule}; see docs/rules.md" for rule in unknown))


def _check_file(path: Path, part: str, task: _Task) -> FileFacts:
    facts = FileFacts(str(path), part)
    name_faults(path, task.standard, task.found, task.location)
    if path.is_dir():
        task.found.add("folder", facts.file)
        facts.whole = False
        return facts
    bucket = task.location.split("/")[2] if task.location else None
    try:
        facts.bytes = path.stat().st_size
        FileCheck(
            path=path,
            standard=task.standard,
            facts=facts,
            found=task.found,
            sizes=task.sizes,
            across=Across(task.standard, bucket),
            media=LocalMedia(task.standard, path, task.media),
            words=task.words,
        ).run()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return facts


def _result(task: _Task, files: list[FileFacts]) -> CheckResult:
    found, plan = task.found, task.standard.plan
    order = {facts.file: number for number, facts in enumerate(files)}
    faults = sorted(found.faults, key=lambda fault: (order[fault.file], fault.line or 0))
    tokens = dict(task.sizes.verdicts)
    if tokens:
        tokens["fit"] = sum(facts.records for facts in files) - sum(tokens.values())
    return CheckResult(
        format=task.standard.format,
        model=plan.card if plan else None,
        customization=plan.customization if plan else None,
        files=tuple(files),
        faults=tuple(faults),
        counts=dict(sorted(found.counts.items())),
        tokens=tokens,
        severities={rule: found.severity(rule) for rule in sorted(found.counts)},
        calibration=task.sizes.calibration.as_json(),
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Turn the garbage collector off: parsed JSON has no cycles, and it doubles parsing time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
