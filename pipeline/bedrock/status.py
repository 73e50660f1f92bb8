"""What became of a customization job, and why it failed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.bedrock.causes import Cause, find_cause
from pipeline.bedrock.client import asking

UNDER_WAY = {"InProgress", "Stopping"}
EXIT_CODES = {"InProgress": 0, "Stopping": 0, "Completed": 0, "Failed": 3, "Stopped": 4}
"""3: the data or the job's settings must change; 4: somebody stopped it, so it may start again."""

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
    """A job as GetModelCustomizationJob tells it."""

    arn: str
    name: str
    status: str
    model_arn: str | None  # the custom model's id, once it is made
    failure: str | None  # the service's own message
    cause: Cause | None  # what is behind that message, where it is known
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
        """0 while it runs and when it is done, 3 failed, 4 stopped."""
        return EXIT_CODES.get(self.status, 0)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
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
        """For people: status, parts, the model's id or the cause of the failure."""
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
            lines.append("  cause: not one that we know; the message is the service's own")
        return "\n".join(lines)


def region_of(job: str) -> str | None:
    """The Region that a job's ARN names; None for a bare name."""
    found = ARN.match(job)
    return found[1] if found else None


def job_status(client: Any, job: str) -> JobStatus:
    """The status of a job by ARN or name.

    Raises RecipeError when there is none of that name, StorageError when Bedrock cannot be asked.
    """
    with asking(f"job {job}"):
        told = client.get_model_customization_job(jobIdentifier=job)
    details = told.get("statusDetails") or {}
    failure = told.get("failureMessage") if told.get("status") == "Failed" else None
    return JobStatus(
        arn=told["jobArn"],
        name=told["jobName"],
        status=told.get("status", "InProgress"),
        model_arn=told.get("outputModelArn"),
        failure=failure,
        cause=find_cause(failure) if failure else None,
        parts={
            word: details[key]["status"]
            for key, word in PARTS.items()
            if "status" in details.get(key, {})
        },
        created=_iso(told.get("creationTime")),
        ended=_iso(told.get("endTime")),
        training_loss=(told.get("trainingMetrics") or {}).get("trainingLoss"),
    )


def wait_for_job(
    client: Any, job: str, say: Callable[[str], None], seconds: float = POLL_SECONDS
) -> JobStatus:
    """Ask every so many seconds until the job has ended; `say` hears each change."""
    heard = ""
    while True:
        status = job_status(client, job)
        parts = ", ".join(f"{part} {state}" for part, state in status.parts.items())
        told = f"{status.name}: {status.status}" + (f" ({parts})" if parts else "")
        if told != heard:
            say(told)
            heard = told
        if not status.under_way:
            return status
        time.sleep(seconds)


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment is not None else None
