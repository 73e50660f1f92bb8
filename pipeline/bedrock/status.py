"""The status of a customization job, and why it failed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.bedrock.causes import Cause, find_cause
from pipeline.bedrock.client import asking, passes
from pipeline.errors import StorageError

UNDER_WAY = {"InProgress", "Stopping"}
EXIT_CODES = {"InProgress": 0, "Stopping": 0, "Completed": 0, "Failed": 3, "Stopped": 4}
"""3: the data or the job's settings must change; 4: somebody stopped it, so it can be restarted."""

OUTAGE_SECONDS = 15 * 60
"""How long a waiting command goes on without an answer of Bedrock."""

POLL_SECONDS = 30.0
"""Jobs take from half an hour to a day, and botocore has no waiter for them."""

PARTS = {
    "validationDetails": "validation",
    "dataProcessingDetails": "data processing",
    "trainingDetails": "training",
}
ARN = re.compile(r"^arn:aws[^:]*:bedrock:([a-z0-9-]+):")


@dataclass(frozen=True)
class JobStatus:
    """A job as GetModelCustomizationJob reports it."""

    arn: str
    name: str
    status: str
    model_arn: str | None  # the custom model's ARN, once it exists
    failure: str | None  # the service's own message
    cause: Cause | None  # the cause behind that message, if it is known
    parts: dict[str, str] = field(default_factory=dict)  # validation, data processing, training
    created: str | None = None  # ISO 8601
    ended: str | None = None
    training_loss: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether the status may still change."""
        return self.status in UNDER_WAY

    @property
    def exit_code(self) -> int:
        """0 while it runs and when it has completed, 3 if it failed, 4 if it was stopped."""
        return EXIT_CODES.get(self.status, 0)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; `explained` is the cause of a failure."""
        return {
            "job_arn": self.arn,
            "job_name": self.name,
            "status": self.status,
            "parts": self.parts,
            "created": self.created,
            "ended": self.ended,
            "training_loss": self.training_loss,
            "model_arn": self.model_arn,
            "failure": self.failure,
            "explained": self.cause.as_json() if self.cause else None,
        }

    def as_text(self) -> str:
        """Text for the terminal: status, parts, the model's ARN or the cause of the failure."""
        lines = [f"{self.name}: {self.status}", f"  job: {self.arn}"]
        lines += [f"  {part}: {status}" for part, status in self.parts.items()]
        if self.training_loss is not None:
            lines.append(f"  training loss: {self.training_loss}")
        if self.status == "Completed" and self.model_arn:
            lines.append(f"  model: {self.model_arn}")
        if self.failure:
            lines.append(f"  Bedrock says: {self.failure}")
        if self.cause:
            lines.append(f"  cause: {self.cause.cause}")
            lines.append(f"  remedy: {self.cause.remedy}")
            lines.append(f"  source: {self.cause.source}")
        elif self.failure:
            lines.append("  cause: not known; the message above is the service's own")
        return "\n".join(lines)


def region_of(job: str) -> str | None:
    """The Region that a job's ARN names; None for a bare name."""
    match = ARN.match(job)
    return match[1] if match else None


def job_status(client: Any, job: str) -> JobStatus:
    """The status of a job by ARN or name.

    Raises RecipeError if there is no such job, StorageError if Bedrock cannot be reached.
    """
    with asking(f"job {job}"):
        return status_of(client.get_model_customization_job(jobIdentifier=job))


def status_of(job_details: dict[str, Any]) -> JobStatus:
    """The status that a response of GetModelCustomizationJob reports.

    Raises KeyError, TypeError or AttributeError for anything else.
    """
    details = job_details.get("statusDetails") or {}
    failure = job_details.get("failureMessage") if job_details.get("status") == "Failed" else None
    return JobStatus(
        arn=job_details["jobArn"],
        name=job_details["jobName"],
        status=job_details.get("status", "InProgress"),
        model_arn=job_details.get("outputModelArn"),
        failure=failure,
        cause=find_cause(failure) if failure else None,
        parts={
            word: details[key]["status"]
            for key, word in PARTS.items()
            if "status" in details.get(key, {})
        },
        created=_iso(job_details.get("creationTime")),
        ended=_iso(job_details.get("endTime")),
        training_loss=(job_details.get("trainingMetrics") or {}).get("trainingLoss"),
    )


def wait_for_job(
    client: Any, job: str, say: Callable[[str], None], seconds: float = POLL_SECONDS
) -> JobStatus:
    """Poll every `seconds` until the job has ended; `say` is called with each change.

    An outage is waited out for `OUTAGE_SECONDS`; then, and at once for rights and credentials,
    StorageError is raised.
    """
    last_message = ""
    answered = time.monotonic()
    while True:
        try:
            status = job_status(client, job)
        except StorageError as error:
            if not passes(error) or time.monotonic() - answered > OUTAGE_SECONDS:
                raise
            say(f"{error}; still waiting")
            time.sleep(seconds)
            continue
        answered = time.monotonic()
        parts = ", ".join(f"{part} {state}" for part, state in status.parts.items())
        message = f"{status.name}: {status.status}" + (f" ({parts})" if parts else "")
        if message != last_message:
            say(message)
            last_message = message
        if not status.under_way:
            return status
        time.sleep(seconds)


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
