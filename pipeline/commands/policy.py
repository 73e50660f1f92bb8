"""The `policy` command: a recipe's IAM documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.bedrock.access import Access, Asked, JobAccess, Key, Location
from pipeline.bedrock.converse import known_model
from pipeline.bedrock.policy import policies
from pipeline.bedrock.service_role import RUNS
from pipeline.bedrock.teacher_region import teacher_region
from pipeline.errors import RecipeError
from pipeline.named_media import media_folders, named_media
from pipeline.recipe import Recipe, load_recipe
from pipeline.s3.errors import split_uri
from pipeline.stages.teacher import Teacher
from pipeline.storage import is_remote

ROLE = re.compile(r"^arn:(aws[^:]*):iam::(\d{12}):role/.+$")


def recipe_policies(
    path: Path,
    changes: list[str] | None = None,
    region: str | None = None,
    account: str | None = None,
    source_vpce: str | None = None,
    state: str | None = None,
    media: Iterable[str] = (),
) -> dict[str, Any]:
    """The documents for a recipe, and for `prepare --state` if it is given.

    `media` are s3:// folders of media, beside those that the recipe's local JSON files name.

    Raises RecipeError for what must be known and is not.
    """
    recipe = load_recipe(path, changes)
    named = media_folders(set(named_media(recipe, path.resolve().parent)))
    given = [_location(uri.rstrip("/") + "/") for uri in media]
    access = recipe_access(recipe, region, account, source_vpce, state)
    runs = Location(access.output.bucket, f"{access.output.key.rstrip('/')}/{RUNS}/")
    places = dict.fromkeys([*(Location(*place) for place in named), *given])
    other = [one for one in places if not _inside(one, runs)]
    return policies(replace(access, media=tuple(other)))


def recipe_access(
    recipe: Recipe,
    region: str | None = None,
    account: str | None = None,
    source_vpce: str | None = None,
    state: str | None = None,
) -> Access:
    """Everything in AWS that a recipe uses.

    The account is that of the role, or else of the bucket's owner; the Region is `aws.region`, or
    else the only one where the models are customized.
    """
    known = {
        "publish.uri": recipe.publish,
        "--account": account or _account(recipe),
        "--region": region or recipe.aws.region or _region(recipe),
    }
    missing = [
        f"{name}: is needed to write policies; set it" for name, value in known.items() if not value
    ]
    if missing:
        raise RecipeError(*missing)
    assert recipe.publish is not None
    return Access(
        partition=_partition(recipe),
        account=str(known["--account"]),
        region=str(known["--region"]),
        output=_location(recipe.publish.uri),
        sources=tuple(
            _location(source.path)
            for source in recipe.all_sources().values()
            if is_remote(source.path)
        ),
        owner=recipe.publish.expected_bucket_owner,
        data_key=Key(recipe.publish.kms_key_id) if recipe.publish.kms_key_id else None,
        jobs=tuple(_jobs(recipe)),
        source_vpce=source_vpce,
        state=_location(state.rstrip("/")) if state else None,
        teachers=tuple(_teachers(recipe, region)),
    )


def _teachers(recipe: Recipe, region: str | None) -> Iterator[Asked]:
    """The teacher models, in the Region in which `teach` would ask them here."""
    for stage in recipe.steps():
        if isinstance(stage, Teacher):
            card, model = known_model(stage.model)
            aws = recipe.aws
            yield Asked(model, teacher_region(model, card, region, aws.region, aws.profile))


def _inside(place: Location, other: Location) -> bool:
    return place.bucket == other.bucket and place.key.startswith(other.key)


def _location(uri: str) -> Location:
    return Location(*split_uri(uri))


def _jobs(recipe: Recipe) -> Iterator[JobAccess]:
    """Yield the jobs that `submit` could start, which are those of Bedrock's own API."""
    for name in recipe.targets:
        card, plan, job = recipe.card(name), recipe.plan(name), recipe.job_settings(name)
        if card is None or plan is None or job is None or plan.api != "bedrock":
            continue
        assert job.role_arn is not None
        assert job.output_uri is not None
        yield JobAccess(
            model_id=card.model_id,
            role_arn=job.role_arn,
            output=_location(job.output_uri),
            model_key=Key(job.kms_key_id) if job.kms_key_id else None,
            subnet_ids=job.vpc.subnet_ids if job.vpc else (),
            security_group_ids=job.vpc.security_group_ids if job.vpc else (),
            teacher=job.teacher,
            reward_lambda=job.reward_lambda,
            base_model=job.base_model,
            tagged=bool(job.tags),
        )


def _roles(recipe: Recipe) -> Iterator[re.Match[str]]:
    for job in _jobs(recipe):
        match = ROLE.match(job.role_arn)
        if match is None:
            raise RecipeError(f"job.role_arn: {job.role_arn} is not the ARN of an IAM role")
        yield match


def _account(recipe: Recipe) -> str | None:
    accounts = sorted({match[2] for match in _roles(recipe)})
    if len(accounts) > 1:
        raise RecipeError(f"job.role_arn: roles of several accounts: {', '.join(accounts)}")
    owner = recipe.publish.expected_bucket_owner if recipe.publish else None
    return accounts[0] if accounts else owner


def _partition(recipe: Recipe) -> str:
    return next((match[1] for match in _roles(recipe)), "aws")


def _region(recipe: Recipe) -> str | None:
    """The Region where every model of the recipe is customized, if there is only one."""
    cards = [recipe.card(name) for name in recipe.targets]
    common = [set(card.regions) for card in cards if card and card.regions]
    shared = set.intersection(*common) if common else set()
    return shared.pop() if len(shared) == 1 else None
