"""Start a customization job from a run's `job.json`, once only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from pipeline.bedrock.api_model import validate_request
from pipeline.bedrock.client import asking, failure_code
from pipeline.bedrock.status import JobStatus, status_of
from pipeline.errors import ConflictError, DataError, PrepError, RecipeError, StorageError

LONGEST_NAME = 63
"""Characters that a job's name may have, by the service's model."""


@dataclass(frozen=True)
class Submitted:
    """A job that Bedrock has accepted, now or before."""

    target: str
    job_arn: str
    job_name: str
    region: str
    started: bool = True  # now; False if an earlier call has started it
    status: str = "InProgress"

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


def refuse_unfit(manifest: Mapping[str, Any], target: str) -> None:
    """Raise DataError if, by the manifest, a target is not ready or the gate failed."""
    faults = list(_unfit(manifest, target))
    if faults:
        raise DataError(f"{target}: is not fit for a job: {'; '.join(faults)}")


def _unfit(manifest: Mapping[str, Any], target: str) -> Iterator[str]:
    entry = manifest["targets"][target]
    if not entry["ready"]:
        yield from (fault["message"] for fault in entry["faults"])
        if not entry["faults"]:
            yield "the manifest says that it is not ready"
    gate = manifest["gate"]
    if not gate["passed"]:
        failed = [
            f"{check['target']} {check['check']}" for check in gate["checks"] if not check["passed"]
        ]
        yield f"the quality gate failed ({', '.join(failed) or 'no check is named'})"


def data_uris(request: Mapping[str, Any]) -> list[str]:
    """The S3 objects that a job reads: training data, then validation data."""
    validators = (request.get("validationDataConfig") or {}).get("validators", [])
    return [entry["s3Uri"] for entry in [request["trainingDataConfig"], *validators]]


def refuse_invalid(request: dict[str, Any]) -> None:
    """Raise RecipeError with every fault that the service's own model finds in a request."""
    faults = validate_request(request)
    if faults:
        raise RecipeError(*(f"job.json: {fault}" for fault in faults))


def attempt_request(request: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    """The request of the n-th attempt, from 1: the later ones have a name and token of their own.

    A model name that the user chose stays, because an attempt that failed has made no model.
    """
    if attempt == 1:
        return dict(request)
    suffix = f"-{attempt}"
    name = request["jobName"][: LONGEST_NAME - len(suffix)] + suffix
    own = request["customModelName"] != request["jobName"]
    return {
        **request,
        "jobName": name,
        "customModelName": request["customModelName"] if own else name,
        "clientRequestToken": request["clientRequestToken"] + suffix,
    }


def submit_job(
    client: Any, request: Mapping[str, Any], target: str, again: bool = False
) -> Submitted:
    """Create the job, or find the one that the same request has created.

    The job is looked up by its name first, and the token that Bedrock reports for it shows whether
    it is ours; `clientRequestToken` makes simultaneous calls harmless. If the last attempt has
    failed or was stopped, `again` starts the next one. Raises RecipeError with the service's
    message, ConflictError if another job or model has the name; without `again`, DataError for a
    job that has failed and StorageError for one that was stopped.
    """
    region = client.meta.region_name
    ended: JobStatus | None = None
    for wanted in (attempt_request(request, attempt) for attempt in count(1)):
        known = _own_job(client, wanted)
        if known is None:
            break
        if known.exit_code == 0:
            return Submitted(target, known.arn, known.name, region, False, known.status)
        ended = known
    if ended is not None and not again:
        raise _ended_badly(ended)
    return Submitted(target, _create(client, wanted), wanted["jobName"], region)


def _create(client: Any, request: dict[str, Any]) -> str:
    """The ARN of the job. Raises as `submit_job` does."""
    name, model = request["jobName"], request["customModelName"]
    try:
        with asking(f"job {name}"):
            return str(client.create_model_customization_job(**request)["jobArn"])
    except ConflictError as error:
        known = _own_job(client, request)
        if known is not None:  # another process has started it meanwhile
            return known.arn
        if model == name:
            raise
        raise ConflictError(
            f"job {name}: there may already be a custom model named {model}; change or drop "
            f"custom_model_name in the recipe's job and prepare again ({error})"
        ) from error


def _own_job(client: Any, request: Mapping[str, Any]) -> JobStatus | None:
    """The job of this name if the same request created it; None if there is no job of the name.

    Raises ConflictError if another request created it.
    """
    name = request["jobName"]
    try:
        with asking(f"job {name}"):
            job = client.get_model_customization_job(jobIdentifier=name)
            status, token = status_of(job), job.get("clientRequestToken")
    except RecipeError as error:
        if error.__cause__ and failure_code(error.__cause__) == "ResourceNotFoundException":
            return None
        raise
    if token != request["clientRequestToken"]:
        raise ConflictError(
            f"job {name}: exists already, and another request has started it ({status.arn}); "
            "change the recipe's job, for example its tags, and prepare again"
        )
    return status


def _ended_badly(job: JobStatus) -> PrepError:
    """The error for a job that has ended without a model."""
    remedy = "`bedrock-prep submit` starts it again with --again"
    if job.status == "Stopped":
        return StorageError(f"job {job.name}: was stopped; {remedy}")
    why = f": {' '.join(job.failure.split())}" if job.failure else ""
    mend = f"; {job.cause.remedy}" if job.cause else ""
    return DataError(f"job {job.name}: has failed{why}{mend}; when the cause is gone, {remedy}")
