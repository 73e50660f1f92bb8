"""The CreateModelCustomizationJob request, built from a model card and the recipe's `job:`.

For models of the OpenAI-compatible endpoint (gpt-oss-20b, qwen3-32b), that API's bodies are built
instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from pipeline.bedrock.api_model import validate_request
from pipeline.bedrock.card import Card, Plan, Scalar
from pipeline.bedrock.cards import base_id
from pipeline.bedrock.hyperparameters import as_text, hyperparameter
from pipeline.errors import RecipeError
from pipeline.stage import Settings

__all__ = ["JobSettings", "Vpc", "job_request", "validate_request"]

SHORT_WORDS = {
    "FINE_TUNING": "sft",
    "CONTINUED_PRE_TRAINING": "cpt",
    "DISTILLATION": "distill",
    "REINFORCEMENT_FINE_TUNING": "rft",
}
"""Abbreviations of customizations in a job's name, which may have 63 characters."""


CONTEXT = re.compile(r"(:[0-9]+k)+$")
CUSTOM_MODEL = re.compile(r"^arn:aws[^:]*:bedrock:([a-z0-9-]+):([0-9]{12}):custom-model/")
ROLE = re.compile(r"^arn:aws[^:]*:iam::([0-9]{12}):role/")


class Vpc(Settings):
    """Where the training job's network interfaces are created."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


class JobSettings(Settings):
    """The recipe's `job:`, everything that a job needs besides the data."""

    role_arn: str | None = None
    output_uri: str | None = None  # s3:// prefix for metrics and model
    hyperparameters: dict[str, StrictInt | StrictFloat | StrictStr] = Field(default_factory=dict)
    vpc: Vpc | None = None
    kms_key_id: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    teacher: str | None = None  # distillation: model id, ARN or inference profile
    max_response_length: int | None = Field(
        None, ge=1
    )  # distillation: tokens of the teacher's answer
    reward_lambda: str | None = None  # reinforcement: ARN of the grader
    base_model: str | None = None  # ARN of a custom model to train further
    custom_model_name: str | None = None


@dataclass(frozen=True)
class Job:
    """Valid settings, and where the data is stored."""

    card: Card
    plan: Plan
    settings: JobSettings
    values: dict[str, Scalar]  # hyperparameters in their own types
    training_uri: str
    validation_uri: str | None


def job_request(
    card: Card,
    plan: Plan,
    settings: JobSettings,
    training_uri: str,
    validation_uri: str | None,
    digest: str,
) -> dict[str, Any]:
    """The whole request, the same for the same run: names and token come from `digest`.

    A validation file that the service would ignore is left out. For a plan with `api` "openai", it
    is `{"endpoint", "file", "job"}`: the bodies to POST to `<endpoint>/files` and then to
    `<endpoint>/fine_tuning/jobs`, in which the upload's `id` replaces the file's name. Raises
    RecipeError with every fault of the settings; `validate_request` checks the rest.
    """
    values: dict[str, Scalar] = {}
    faults = [*_setting_faults(card, plan, settings, validation_uri)]
    for name, value in settings.hyperparameters.items():
        try:
            values[name] = hyperparameter(plan, name, value)
        except RecipeError as error:
            faults += error.faults
    if faults:
        raise RecipeError(*faults)
    validation = validation_uri if plan.validation.allowed is True else None
    job = Job(card, plan, settings, values, training_uri, validation)
    return _open_weight_job(job) if plan.api == "openai" else _bedrock_job(job, digest)


def _setting_faults(
    card: Card, plan: Plan, settings: JobSettings, validation_uri: str | None
) -> Iterator[str]:
    """Settings that are missing, not accepted by this customization, or meant for another model."""
    kind = f"a {plan.customization} job of {card.name}"
    for name in _needed(plan):
        if not getattr(settings, name):
            yield f"job.{name}: missing; {kind} needs it"
    for name in _refused(plan):
        if getattr(settings, name):
            yield f"job.{name}: {kind} does not accept it"
    if validation_uri is not None and plan.validation.allowed is False:
        yield f"split.validation: {kind} accepts no validation data; set it to 0"
    teacher = settings.teacher
    if teacher and plan.teachers and base_id(teacher) not in map(base_id, plan.teachers):
        known = ", ".join(plan.teachers)
        yield f"job.teacher: {teacher} cannot teach {card.name}; use one of: {known}"
    if teacher and CONTEXT.search(teacher):
        plain = CONTEXT.sub("", teacher)
        yield f"job.teacher: {teacher} has a context length; calls do not take one: use {plain}"
    yield from _base_model_faults(card, settings)
    for key in settings.tags:
        if key.lower().startswith("aws:"):
            yield f"job.tags: {key}: keys that begin with aws: are AWS's own; choose another"


def _base_model_faults(card: Card, settings: JobSettings) -> Iterator[str]:
    """A model to train further that is no custom model, of another model or of another account."""
    if settings.base_model is None:
        return
    named = CUSTOM_MODEL.match(settings.base_model)
    if named is None:
        form = "arn:aws:bedrock:REGION:ACCOUNT:custom-model/…"
        yield f"job.base_model: {settings.base_model} is not the ARN of a custom model ({form})"
        return
    made_from = base_id(settings.base_model)
    if made_from != base_id(card.model_id):
        yield f"job.base_model: is made from {made_from}, not from {card.name}"
    role = ROLE.match(settings.role_arn or "")
    if role and role[1] != named[2]:
        yield f"job.base_model: is of account {named[2]}, but job.role_arn of account {role[1]}"


def _needed(plan: Plan) -> Iterator[str]:
    if plan.api == "bedrock":
        yield from ("role_arn", "output_uri")
    if plan.customization == "DISTILLATION":
        yield "teacher"
    if plan.customization == "REINFORCEMENT_FINE_TUNING":
        yield "reward_lambda"


def _refused(plan: Plan) -> Iterator[str]:
    if plan.customization != "DISTILLATION":
        yield from ("teacher", "max_response_length")
    if plan.customization != "REINFORCEMENT_FINE_TUNING":
        yield "reward_lambda"
    if plan.api == "openai":
        yield from ("vpc", "kms_key_id", "tags", "base_model", "custom_model_name")


def _bedrock_job(job: Job, digest: str) -> dict[str, Any]:
    settings, vpc = job.settings, job.settings.vpc
    native = job.plan.customization == "REINFORCEMENT_FINE_TUNING"
    body = {
        "roleArn": settings.role_arn,
        "baseModelIdentifier": settings.base_model or job.card.model_id,
        "customizationType": job.plan.customization,
        "customModelKmsKeyId": settings.kms_key_id,
        "jobTags": _tags(settings),
        "customModelTags": _tags(settings),
        "trainingDataConfig": {"s3Uri": job.training_uri},
        "validationDataConfig": job.validation_uri
        and {"validators": [{"s3Uri": job.validation_uri}]},
        "outputDataConfig": {"s3Uri": settings.output_uri},
        "hyperParameters": {} if native else {k: as_text(v) for k, v in job.values.items()},
        "vpcConfig": vpc
        and {"subnetIds": [*vpc.subnet_ids], "securityGroupIds": [*vpc.security_group_ids]},
        "customizationConfig": _customization_config(job),
    }
    given = {key: value for key, value in body.items() if value}
    return _identity(job, given, digest) | given


def _tags(settings: JobSettings) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(settings.tags.items())]


def _identity(job: Job, body: dict[str, Any], digest: str) -> dict[str, str]:
    """Names and token: the same for the same run and settings, different for any other."""
    own_name = job.settings.custom_model_name
    seed = json.dumps([digest, own_name, body], sort_keys=True)
    token = hashlib.blake2b(seed.encode(), digest_size=16).hexdigest()
    run = re.sub("[^0-9A-Za-z]", "", digest)[:12] or "0"
    name = f"{job.card.name}-{SHORT_WORDS[job.plan.customization]}-{run}-{token[:8]}"
    return {
        "jobName": name,
        "customModelName": own_name or name,
        "clientRequestToken": token,
    }


def _customization_config(job: Job) -> dict[str, Any] | None:
    settings = job.settings
    if job.plan.customization == "DISTILLATION":
        teacher: dict[str, Any] = {"teacherModelIdentifier": settings.teacher}
        if settings.max_response_length is not None:
            teacher["maxResponseLengthForInference"] = settings.max_response_length
        return {"distillationConfig": {"teacherModelConfig": teacher}}
    if job.plan.customization == "REINFORCEMENT_FINE_TUNING":
        grader = {"lambdaGrader": {"lambdaArn": settings.reward_lambda}}
        config: dict[str, Any] = {"graderConfig": grader}
        return {"rftConfig": config | ({"hyperParameters": job.values} if job.values else {})}
    return None


def _open_weight_job(job: Job) -> dict[str, Any]:
    grader = {"type": "lambda", "lambda": {"function": job.settings.reward_lambda}}
    method = {"grader": grader} | ({"hyperparameters": job.values} if job.values else {})
    bodies: dict[str, Any] = {
        "endpoint": job.plan.endpoint,
        "file": {"purpose": "fine-tune", "file": job.training_uri},
        "job": {
            "model": job.card.model_id,
            "training_file": job.training_uri,
            "method": {"type": "reinforcement", "reinforcement": method},
        },
    }
    if job.validation_uri:
        bodies["validation_file"] = {"purpose": "fine-tune", "file": job.validation_uri}
        bodies["job"]["validation_file"] = job.validation_uri
    return bodies
