"""Start a customization job from a run's `job.json`, once only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bedrock.api_model import validate_request
from pipeline.bedrock.client import asking
from pipeline.errors import ConflictError, DataError, RecipeError


@dataclass(frozen=True)
class Submitted:
    """A job that Bedrock has accepted."""

    target: str
    job_arn: str
    job_name: str
    region: str

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


def submit_job(client: Any, request: dict[str, Any], target: str) -> Submitted:
    """Create the job, or find the one that the same request has created.

    The request's own `clientRequestToken` makes a repeated call harmless. How long Bedrock
    remembers it is not documented; once it no longer does, the job's name conflicts, and the token
    that Bedrock reports for that job shows whether it is ours. Raises RecipeError with the
    service's message, ConflictError if another job has the name.
    """
    name = request["jobName"]
    try:
        with asking(f"job {name}"):
            arn = client.create_model_customization_job(**request)["jobArn"]
    except ConflictError:
        known = _own_job(client, request)
        if known is None:
            raise
        arn = known
    return Submitted(target, arn, name, client.meta.region_name)


def _own_job(client: Any, request: dict[str, Any]) -> str | None:
    """The ARN of the job of this name if the same request created it, else None."""
    with asking(f"job {request['jobName']}"):
        job = client.get_model_customization_job(jobIdentifier=request["jobName"])
    same = job.get("clientRequestToken") == request["clientRequestToken"]
    return str(job["jobArn"]) if same else None
