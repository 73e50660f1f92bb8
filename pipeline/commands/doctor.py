"""The `doctor` command: checks everything about a recipe that can be checked before a job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.bedrock.client import aws_client, session_region
from pipeline.bedrock.doctor import (
    UNANSWERED,
    Check,
    key_check,
    object_checks,
    source_check,
    vpc_checks,
)
from pipeline.bedrock.doctor_buckets import Bucket, bucket_checks
from pipeline.bedrock.job import job_request, validate_request
from pipeline.errors import PrepError
from pipeline.hub import is_hub
from pipeline.named_media import named_media
from pipeline.recipe import Recipe, load_recipe
from pipeline.s3.errors import split_uri
from pipeline.storage import GLOB, Aws, is_remote, list_sources

ROLE = re.compile(r"^arn:aws[^:]*:iam::(\d{12}):role/")
PATIENCE = 20.0
"""Seconds for which a failing call of a check is retried; a run has more patience than a person."""

SPECIMEN = "0" * 20
"""Used in place of a run's digest when a job's request is tried out."""


def examine(
    path: Path,
    changes: list[str] | None = None,
    offline: bool = False,
    state: str | None = None,
) -> list[Check]:
    """All checks of a recipe, as `each_check` makes them. Raises RecipeError."""
    return list(each_check(path, changes, offline, state))


def each_check(
    path: Path,
    changes: list[str] | None = None,
    offline: bool = False,
    state: str | None = None,
) -> Iterator[Check]:
    """All checks of a recipe, each as soon as it is made, and of the bucket of `prepare --state`
    where it is given; `offline` leaves out those that ask AWS.

    `offline` leaves out the checks that ask AWS. Raises RecipeError for an invalid recipe.
    """
    recipe = load_recipe(path, changes)
    yield Check("recipe", "ok", f"{recipe.name}: {len(recipe.targets)} targets")
    region = recipe.aws.region or session_region()
    for name in recipe.targets:
        yield from _target_checks(recipe, name, region)
    yield from _key_checks(recipe, region)
    yield from _owner_checks(recipe)
    yield from _local_checks(recipe, path.resolve().parent)
    if offline:
        yield Check("AWS", "skipped", "--offline: nothing was asked")
        return
    try:
        yield from _aws_checks(recipe, path.resolve().parent, region, state)
    except PrepError as error:  # no credentials, no such profile: told as a check of its own
        yield Check("AWS", "failed", str(error), "sign in, or set AWS_PROFILE")


def exit_code(checks: Iterable[Check]) -> int:
    """0, or 4 when a check failed."""
    return 4 if any(check.status == "failed" for check in checks) else 0


def told_checks(checks: Iterable[Check]) -> str:
    """For people, a line for each check and one for its remedy."""
    lines = []
    for check in checks:
        lines.append(f"{check.status:8}{check.name}: {check.message}")
        if check.remedy and check.status != "ok":
            lines.append(f"        → {check.remedy}")
    return "\n".join(lines)


def _target_checks(recipe: Recipe, name: str, region: str | None) -> Iterator[Check]:
    card, label = recipe.card(name), f"targets.{name}"
    if card is None:
        yield Check(label, "ok", f"{recipe.targets[name].format}: a format without a model")
        return
    life = card.lifecycle
    if card.open_for_new_jobs:
        yield Check(label, "ok", f"{card.name} is {life.status} (card of {life.date})")
    else:
        message = f"{card.name} is {life.status} and takes no new job ({life.source})"
        yield Check(label, "warning", message, "`bedrock-prep models` lists the open ones")
    yield _region_check(label, card.name, card.regions, region)
    yield from _request_checks(recipe, name)


def _region_check(label: str, model: str, regions: tuple[str, ...], region: str | None) -> Check:
    known = " or ".join(regions)
    name = f"{label}: Region"
    if not regions:
        return Check(name, "skipped", f"no Region is known where {model} is customized")
    if region is None:
        return Check(name, "warning", "no Region is set", f"set aws.region: {regions[0]}")
    if region not in regions:
        message = f"{model} is customized in {known}, not in {region}"
        return Check(name, "failed", message, f"set aws.region: {regions[0]}")
    return Check(name, "ok", f"{model} is customized in {region}")


def _request_checks(recipe: Recipe, name: str) -> Iterator[Check]:
    """Check a sample of the job's request against boto3's own model of the service."""
    card, plan, job = recipe.card(name), recipe.plan(name), recipe.job_settings(name)
    label = f"targets.{name}: job"
    if card is None or plan is None or job is None or recipe.publish is None:
        remedy = "set publish.uri, job.role_arn and job.output_uri"
        yield Check(label, "skipped", "no job.json would be written", remedy)
        return
    if plan.api != "bedrock":
        yield Check(label, "skipped", f"{card.name} is customized by another API: {plan.endpoint}")
        return
    base = f"{recipe.publish.uri.rstrip('/')}/runs/{SPECIMEN}/{name}"
    request = job_request(card, plan, job, f"{base}/train.jsonl", None, SPECIMEN)
    faults = validate_request(request)
    for fault in faults:
        remedy = "fix it in the recipe; Bedrock would refuse the job"
        yield Check(label, "failed", fault, remedy)
    if not faults:
        yield Check(label, "ok", "the request is valid by the service's model")


def _key_checks(recipe: Recipe, region: str | None) -> Iterator[Check]:
    keys = {"publish.kms_key_id": recipe.publish.kms_key_id if recipe.publish else None}
    for name in recipe.targets:
        job = recipe.job_settings(name)
        keys |= {f"targets.{name}: job.kms_key_id": job.kms_key_id} if job else {}
    yield from (key_check(label, key, region) for label, key in keys.items() if key)


def _owner_checks(recipe: Recipe) -> Iterator[Check]:
    """Check whether the recipe's roles and buckets belong to the same account."""
    if recipe.publish is None:
        return
    owner, label = recipe.publish.expected_bucket_owner, "publish.expected_bucket_owner"
    if owner is None:
        message = "not set: a bucket of that name in another account would be written to"
        yield Check(label, "warning", message, "set it to the bucket's account")
        return
    jobs = [recipe.job_settings(name) for name in recipe.targets]
    roles = [ROLE.match(job.role_arn) for job in jobs if job and job.role_arn]
    accounts = {role[1] for role in roles if role}
    other = sorted(accounts - {owner})
    if other:
        message = f"the job's role belongs to account {', '.join(other)}, the bucket to {owner}"
        yield Check(label, "warning", message, "both need a policy that lets the role in")
    else:
        yield Check(label, "ok", owner)


def _local_checks(recipe: Recipe, folder: Path) -> Iterator[Check]:
    for label, source in recipe.all_sources().items():
        if is_remote(source.path):
            continue
        if is_hub(source.path):
            yield Check(label, "ok", f"{source.path}: read by `datasets`, not checked here")
            continue
        try:
            files = list_sources(source.path, folder, Aws())
        except PrepError as error:
            yield Check(label, "failed", str(error), "check the path in the recipe")
        else:
            yield Check(label, "ok", f"{source.path}: {len(files)} files")


def _aws_checks(
    recipe: Recipe, folder: Path, region: str | None, state: str | None
) -> Iterator[Check]:
    settings = recipe.aws.model_dump(exclude={"source_bucket_owner"})
    patience = {
        "give_up_after": min(PATIENCE, settings["give_up_after"]),
        "stall_after": min(PATIENCE / 2, settings["stall_after"]),
    }
    client = Aws(**(settings | patience)).client()
    for check in _place_checks(recipe, client, region, state):
        yield check
        if check.status == "failed" and check.remedy == UNANSWERED:
            yield Check("AWS", "skipped", "S3 did not answer: nothing more was asked")
            return
    media = sorted(set(named_media(recipe, folder)))
    yield from object_checks(client, [split_uri(uri) for uri in media])
    yield from _vpc_checks(recipe, region)


def _place_checks(
    recipe: Recipe, client: Any, region: str | None, state: str | None
) -> Iterator[Check]:
    """Checks of the buckets and of the sources in S3."""
    for bucket in _buckets(recipe, region, state):
        yield from bucket_checks(client, bucket)
    for label, source in recipe.all_sources().items():
        if is_remote(source.path):
            name, key = split_uri(source.path)
            prefix = GLOB.split(key, maxsplit=1)[0]
            yield source_check(client, label, name, prefix)


def _buckets(recipe: Recipe, region: str | None, state: str | None) -> Iterator[Bucket]:
    """Yield the data's bucket, the state's and those of the jobs' output, without duplicates."""
    listed_buckets: set[str] = set()
    owner = recipe.publish.expected_bucket_owner if recipe.publish else None
    if recipe.publish:
        bucket, _ = split_uri(recipe.publish.uri)
        listed_buckets.add(bucket)
        yield Bucket(bucket, "publish.uri", region, owner)
    if state and split_uri(state)[0] not in listed_buckets:
        bucket, _ = split_uri(state)
        listed_buckets.add(bucket)
        yield Bucket(bucket, "--state", None, owner)  # no job reads it, so any Region is fine
    for name in recipe.targets:
        job = recipe.job_settings(name)
        if job is None or job.output_uri is None:
            continue
        bucket, _ = split_uri(job.output_uri)
        if bucket not in listed_buckets:
            listed_buckets.add(bucket)
            yield Bucket(bucket, "job.output_uri", region)


def _vpc_checks(recipe: Recipe, region: str | None) -> Iterator[Check]:
    jobs = [recipe.job_settings(name) for name in recipe.targets]
    networks = dict.fromkeys(job.vpc for job in jobs if job and job.vpc)
    for vpc in networks:
        if region is None:
            yield Check("job.vpc", "skipped", "no Region is set", "set aws.region")
            continue
        client = aws_client("ec2", region, profile=recipe.aws.profile)
        yield from vpc_checks(client, vpc.subnet_ids, region)
    if not networks and any(jobs):
        yield Check(
            "job.vpc",
            "skipped",
            "the job is not in a VPC; job.vpc keeps its traffic in yours, with an S3 gateway "
            "endpoint there and a Bedrock interface endpoint for this command",
        )
