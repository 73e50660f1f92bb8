"""The `job.json` of each target, and why a target has none that could have one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.assemble import TargetFiles
from pipeline.bedrock.job import JobSettings, job_request, validate_request
from pipeline.errors import RecipeError
from pipeline.publish import as_json
from pipeline.rendering import base_uri

if TYPE_CHECKING:
    from pipeline.execution import Execution


def write_jobs(execution: Execution, written: Iterable[TargetFiles], folder: Path) -> None:
    """`job.json` for each target of a model, when the recipe says what a job needs.

    Raises RecipeError with every fault that the service's own model finds in a request.
    """
    base = base_uri(execution.recipe, execution.options.output)
    for files in written:
        rendering = files.rendering
        card, job = execution.recipe.card(rendering.name), _settings(execution, files)
        if base is None or card is None or job is None or rendering.plan is None:
            continue
        if withheld_job(execution, files):
            continue
        uri = f"{base}/runs/{execution.digest}/{files.name}"
        validation = f"{uri}/validation.jsonl" if "validation" in files.splits else None
        request = job_request(
            card, rendering.plan, job, f"{uri}/train.jsonl", validation, execution.digest
        )
        faults = validate_request(request) if rendering.plan.api == "bedrock" else []
        if faults:
            raise RecipeError(*(f"job for targets.{rendering.name}: {fault}" for fault in faults))
        (folder / files.name / "job.json").write_bytes(as_json(request))


def withheld_job(execution: Execution, files: TargetFiles) -> str | None:
    """Why a target with data and a `job` has no `job.json`; None if it has one, or cannot.

    The job of a later part, or of a delta, continues a model. Without that model's ARN it would
    start from the wrong one, and train on a fraction of the data without a word.
    """
    job = _settings(execution, files)
    if job is None or base_uri(execution.recipe, execution.options.output) is None:
        return None
    if files.number > 1:
        return (
            f"no job.json: part {files.number} of {files.parts} continues the model that the part "
            "before it makes; when that job has completed, make this one's request from the first "
            "part's job.json: that model's ARN as baseModelIdentifier, these files, another name "
            "and token"
        )
    delta = execution.deltas.get(files.rendering.name)
    if delta is None:
        return None
    parent = f"run {delta.chain[0]}"
    if job.base_model is None:
        return (
            f"no job.json: these lines continue the model that was tuned on {parent}; set "
            "job.base_model to that model's ARN (`bedrock-prep status JOB` prints it)"
        )
    if job.base_model == delta.base_model:
        return (
            f"no job.json: job.base_model is the model from which {parent} started, without its "
            "lines; set job.base_model to the ARN of the model that was tuned on that run"
        )
    return None


def _settings(execution: Execution, files: TargetFiles) -> JobSettings | None:
    """The job's settings if the target has a model and something to train on."""
    if files.rendering.plan is None or "train" not in files.splits:
        return None
    return execution.recipe.job_settings(files.rendering.name)
