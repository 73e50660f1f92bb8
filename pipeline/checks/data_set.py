"""Rules for a data set as a whole: file names, S3 URIs, counts of training and validation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.bedrock.data_set_limits import data_set_faults, own_quota_notes
from pipeline.checks.found import FileFacts, Found
from pipeline.checks.rule import API
from pipeline.checks.standard import Standard

S3_URI = re.compile(
    r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]"
    r"(?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?"
)
"""The API model's pattern for the URI of a data set, which has at most 1,024 characters."""

MAX_URI = 1024
_NOVA_NAME = re.compile(r"[A-Za-z0-9_\-/.]+")


def cite_sources(standard: Standard, found: Found) -> None:
    """Name the sources of rules that are not the same for all models."""
    if standard.plan and standard.plan.reserved_words:
        found.cite("reserved-word", standard.plan.reserved_words.source)
    if standard.format == "image_caption" and not standard.is_nova:
        found.cite("media-uri", API)


def name_faults(path: Path, standard: Standard, found: Found, location: str | None) -> None:
    """Add the faults of a file's name, and of its URI under `location` if that is given."""
    name = path.name
    if not name.endswith(".jsonl"):
        found.add("file-name", str(path), None, name, name, ".jsonl")
    if standard.is_nova and not _NOVA_NAME.fullmatch(name):
        found.add("file-name-characters", str(path), None, name, name)
    if location is not None:
        uri = f"{location.rstrip('/')}/{name}"
        if not S3_URI.fullmatch(uri) or len(uri) > MAX_URI:
            found.add("s3-uri", str(path), None, uri, uri)


def count_faults(
    files: Sequence[FileFacts], standard: Standard, found: Found, *, of_recipe: bool
) -> None:
    """Add the limits on records and bytes that training and validation break together.

    `of_recipe`: a recipe made the files, and the remedies name its keys.

    Nothing is counted where a file could not be read as lines: it would be told twice.
    """
    plan = standard.plan
    training = [facts for facts in files if facts.part == "training"]
    if plan is None or not training or not all(facts.whole for facts in files):
        return
    validation = [facts for facts in files if facts.part == "validation"]
    file = training[0].file
    counts = {
        "train": sum(facts.records for facts in training),
        "train_bytes": max(facts.bytes for facts in training),
    }
    if validation:
        counts["validation"] = sum(facts.records for facts in validation)
        counts["validation_bytes"] = max(facts.bytes for facts in validation)
    for fault in data_set_faults(counts, plan):
        rule = fault.rule.replace("_", "-")
        found.cite(rule, fault.source)
        told = fault.message if of_recipe else fault.fact
        found.add(rule, file, None, told, fault.value, fault.threshold)
    for note in own_quota_notes(counts, plan):
        found.cite("own-quota", note.source)
        found.add("own-quota", file, None, note.message, note.value, note.threshold)
    if len(training) > 1:
        found.add("several-files", training[1].file, None, "", len(training), 1)
    if validation and plan.validation.allowed == "ignored":
        found.add("validation-ignored", validation[0].file)
    wanted = plan.limits.records_recommended
    if wanted and counts["train"] < wanted.value:
        detail = f"{counts['train']}, {wanted.value} or more recommended"
        found.add("fewer-than-recommended", file, None, detail, counts["train"], wanted.value)
