"""Faults that only the whole recipe shows: models, formats and places that do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.bedrock.cards import refuse_closed
from pipeline.bedrock.job import CUSTOM_MODEL, JobSettings, job_request
from pipeline.bedrock.job_faults import recipe_job_faults
from pipeline.bedrock.limits import tokens_per_record
from pipeline.checks.rules import RULES
from pipeline.errors import RecipeError
from pipeline.faults import did_you_mean
from pipeline.gate.own import expectation_faults
from pipeline.hub import is_hub, parse_spec
from pipeline.stage import labels
from pipeline.stages.chunk import Chunk
from pipeline.stages.decontaminate import Decontaminate
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.language import Language
from pipeline.yaml_file import Positions

if TYPE_CHECKING:
    from pipeline.bedrock.card import Card, Plan
    from pipeline.recipe import Recipe


def cross_faults(recipe: Recipe, positions: Positions) -> list[str]:
    """All faults, a line each, with the place in the file."""
    faults = []
    for name, entry in recipe.targets.items():
        where = positions.at(("targets", name))
        try:
            faults += [f"{where}targets.{name}: {fault}" for fault in _target_faults(recipe, name)]
        except RecipeError as error:
            faults += [f"{where}targets.{name}: {fault}" for fault in error.faults]
        if entry.languages and not any(isinstance(step, Language) for step in recipe.steps()):
            faults.append(f"{where}targets.{name}: languages needs the stage language; add it")
        if entry.model is None and (entry.quota or entry.customization):
            faults.append(f"{where}targets.{name}: quota and customization need a model; name one")
        faults += [f"{where}targets.{name}: {fault}" for fault in _part_faults(recipe, name)]
    faults += _evaluation_faults(recipe, positions)
    if recipe.against and not any(isinstance(s, DedupExact | DedupNear) for s in recipe.steps()):
        where = positions.at(("against",))
        faults.append(
            f"{where}against: only dedup_exact and dedup_near compare with earlier data; add one"
        )
    return [*_source_faults(recipe, positions), *faults, *gate_faults(recipe)]


def _source_faults(recipe: Recipe, positions: Positions) -> Iterator[str]:
    """Yield faults in the names of Hugging Face data sets."""
    for number, source in enumerate(recipe.sources):
        try:
            if is_hub(source.path):
                parse_spec(source.path)
        except RecipeError as error:
            where = positions.at(("sources", number, "path"))
            yield from (f"{where}{fault}" for fault in error.faults)


def _part_faults(recipe: Recipe, name: str) -> Iterator[str]:
    """Yield targets that have the name of a part of this one: both would use the same folder."""
    if recipe.targets[name].overflow == "parts":
        for other in recipe.targets:
            if re.fullmatch(rf"{re.escape(name)}-\d+", other):
                yield f"with `overflow: parts`, a part may be named {other}, like another target"


def _evaluation_faults(recipe: Recipe, positions: Positions) -> Iterator[str]:
    """Yield evaluation sets without the stage `decontaminate`, and the stage without sets."""
    number = sum(isinstance(step, Decontaminate) for step in recipe.steps())
    if recipe.evaluation_sets and not number:
        where = positions.at(("evaluation_sets",))
        yield f"{where}evaluation_sets: they need the stage decontaminate, which compares with them"
    elif number and not recipe.evaluation_sets:
        yield f"{positions.at(('stages',))}stages: decontaminate needs evaluation_sets"
    elif number > 1:
        yield f"{positions.at(('stages',))}stages: decontaminate may be listed only once"


def gate_faults(recipe: Recipe) -> Iterator[str]:
    """Yield the user's own expectations that refer to something that the run does not have."""
    steps = recipe.steps() if recipe.gate.expectations else []
    stages = labels(stage.name for stage in steps)
    return expectation_faults(recipe.gate.expectations, recipe.targets, stages)


def _target_faults(recipe: Recipe, name: str) -> list[str]:
    entry, card, plan = recipe.targets[name], recipe.card(name), recipe.plan(name)
    unknown = sorted(set(entry.allow or ()) - RULES.keys())
    if unknown:
        return [f"allow: no such rule: {rule}{did_you_mean(rule, RULES)}" for rule in unknown]
    if card is None or plan is None:
        return []
    refuse_closed(card, entry.allow_legacy, entry.customization)
    if entry.format not in plan.formats:
        return [f"{card.name} does not take {entry.format}, it takes {', '.join(plan.formats)}"]
    most = tokens_per_record(plan.limits)
    for stage in recipe.steps():
        if isinstance(stage, Chunk) and most and stage.max_tokens > most:
            return [f"chunk.max_tokens {stage.max_tokens} is more than {card.name} takes: {most}"]
    job = recipe.job_settings(name)
    if job is not None:
        return list(_job_faults(recipe, name, card, plan, job))
    return []


def _job_faults(
    recipe: Recipe, name: str, card: Card, plan: Plan, job: JobSettings
) -> Iterator[str]:
    """What Bedrock would refuse in the job's request, before the work. Raises RecipeError too."""
    base = recipe.publish.uri.rstrip("/") if recipe.publish else "s3://any-bucket"
    digest = "0" * 20  # stands for the run's
    training = f"{base}/runs/{digest}/{name}/train.jsonl"
    request = job_request(card, plan, job, training, None, digest)
    if plan.api == "bedrock":
        yield from recipe_job_faults(request)
    named, region = CUSTOM_MODEL.match(job.base_model or ""), recipe.aws.region
    if named and region and named[1] != region:
        yield f"job.base_model: is in {named[1]}, but aws.region is {region}"
