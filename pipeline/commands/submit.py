"""The `submit` and `status` commands: start a published run's job, and follow it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.client import aws_client, session_region
from pipeline.bedrock.own_card import written_card
from pipeline.bedrock.status import JobStatus, job_status, region_of, wait_for_job
from pipeline.bedrock.submit import (
    Submitted,
    data_uris,
    refuse_invalid,
    refuse_unfit,
    submit_job,
)
from pipeline.commands.publish import aws_of
from pipeline.errors import DataError, RecipeError, StorageError
from pipeline.publish import read_manifest
from pipeline.published import PublishedRun, open_run
from pipeline.s3.errors import GONE, aws_errors, error_code, error_text, split_uri
from pipeline.s3.region import bucket_region
from pipeline.s3.storage import S3Place
from pipeline.storage import Aws
from pipeline.target_facts import WITHHELD


@dataclass(frozen=True)
class Connection:
    """Where Bedrock is: Region and endpoint, as the command line says."""

    region: str | None = None
    endpoint_url: str | None = None  # of Bedrock; http:// only for the local host


@dataclass(frozen=True)
class JobPlan:
    """A job that could be started: its request holds, and its data is in S3."""

    target: str
    request: dict[str, Any]
    region: str
    notes: tuple[str, ...] = ()  # what does not stop the job, but should be seen

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        plan = {"target": self.target, "region": self.region, "request": self.request}
        return plan | ({"notes": list(self.notes)} if self.notes else {})


def plan_job(uri: str, target: str | None, connection: Connection, allow_legacy: bool) -> JobPlan:
    """Everything in `submit` except the call that costs money.

    Raises DataError when the target is not ready, the gate failed or what is in S3 is not the run;
    RecipeError when there is no such job or its request is wrong; StorageError.
    """
    run = open_run(uri, Aws(region=connection.region))
    name = _target(run, target)
    refuse_unfit(run.manifest, name)
    request = _request(run, name)
    region, notes = _region(run, name, connection, allow_legacy)
    refuse_invalid(request)
    _refuse_far_buckets(aws_of(run.manifest, region, None).client(), request, region)
    _refuse_unpublished(run, name, request, region)
    return JobPlan(name, request, region, tuple(notes))


def submit_plan(plan: JobPlan, connection: Connection, again: bool = False) -> Submitted:
    """Start the job of a plan; the same plan never starts a second one.

    Only `again` does, and only if the last job of the plan has failed or was stopped.
    """
    client = aws_client("bedrock", plan.region, connection.endpoint_url)
    return submit_job(client, plan.request, plan.target, again)


def follow(
    job: str, connection: Connection, wait: bool, say: Callable[[str], None], seconds: float
) -> JobStatus:
    """The status of a job, by ARN or name; with `wait`, its final status."""
    region = connection.region or region_of(job) or session_region()
    if region is None:
        raise RecipeError(f"{job}: in which Region? Give its ARN, or --region")
    client = aws_client("bedrock", region, connection.endpoint_url)
    return wait_for_job(client, job, say, seconds) if wait else job_status(client, job)


def _target(run: PublishedRun, wanted: str | None) -> str:
    """The target to train on: the named one, or the only one with a job."""
    targets: list[str] = list(run.manifest["targets"])
    jobs = [name for name in targets if _listed(run, f"{name}/job.json")]
    if wanted and wanted not in targets:
        known = ", ".join(targets)
        raise RecipeError(f"--target {wanted}: the run has no such target (it has {known})")
    if wanted and wanted in jobs:
        return wanted
    notes = [note for name in ([wanted] if wanted else targets) for note in _withheld(run, name)]
    if (not jobs and notes) or (wanted and notes):
        raise RecipeError(*notes)
    if wanted or not jobs:
        raise RecipeError(
            f"{run.uri}: has no job.json{f' for {wanted}' if wanted else ''}; give the target a "
            "model, set publish.uri, job.role_arn and job.output_uri, and prepare it again"
        )
    if len(jobs) > 1:
        raise RecipeError(f"{run.uri}: has jobs for {', '.join(jobs)}; name one with --target")
    return jobs[0]


def _withheld(run: PublishedRun, target: str) -> list[str]:
    """Why `prepare` has written no job.json for a target that could have one."""
    notes = run.manifest["targets"][target].get("notes", [])
    return [f"{target}: {note['message']}" for note in notes if note["rule"] == WITHHELD]


def _listed(run: PublishedRun, path: str) -> dict[str, Any] | None:
    """A file's entry in the manifest, if it is listed."""
    return next((entry for entry in run.manifest["files"] if entry["path"] == path), None)


def _request(run: PublishedRun, target: str) -> dict[str, Any]:
    """The run's own job request, verified to be unchanged."""
    name = f"{target}/job.json"
    listed, found = _listed(run, name), run.place.read(f"runs/{run.run}/{name}")
    assert listed is not None
    if found is None:
        raise StorageError(f"{run.uri}/{name}: is missing")
    if hashlib.sha256(found[0]).hexdigest() != listed["sha256"]:
        raise DataError(
            f"{run.uri}/{name}: is not what the run made; change `job` in the recipe and prepare "
            "it again, since the job's name and token are made from its content"
        )
    request: dict[str, Any] = json.loads(found[0])
    if "trainingDataConfig" not in request:
        raise RecipeError(
            f"{name}: has bodies for {request['endpoint']}, which is another API; POST `file` "
            "to /files, then `job` to /fine_tuning/jobs"
        )
    return request


def _region(
    run: PublishedRun, target: str, connection: Connection, allow_legacy: bool
) -> tuple[str, list[str]]:
    """The Region of the job, and notes: the one asked for, or one where the model is customized."""
    named = run.manifest["targets"][target]["model"]
    card = written_card(run.manifest, run.whole(target)) or find_card(named)
    if not card.open_for_new_jobs and not allow_legacy:
        status = card.lifecycle.status
        raise RecipeError(
            f"{target}: {card.name} is {status} and takes no new job ({card.lifecycle.source}); "
            "--allow-legacy asks Bedrock all the same"
        )
    known = " or ".join(card.regions)
    if connection.region:
        outside = card.regions and connection.region not in card.regions
        note = f"{card.name} is customized in {known}, by its card not in {connection.region}"
        return connection.region, [f"{target}: {note}"] if outside else []
    region = session_region()
    if card.regions and region not in card.regions:
        if region is None and len(card.regions) == 1:
            return card.regions[0], []
        raise RecipeError(
            f"{target}: {card.name} is customized in {known}, not in {region or 'no Region'}; "
            f"data and job must be there: give --region {card.regions[0]}"
        )
    if region is None:
        raise RecipeError(f"{target}: in which Region? Give --region")
    return region, []


def _refuse_far_buckets(client: Any, request: dict[str, Any], region: str) -> None:
    """Raise RecipeError for a bucket of data or output that is not in the job's Region.

    A bucket whose Region S3 does not tell, for lack of rights, is left to Bedrock.
    """
    uris = [*data_uris(request), request["outputDataConfig"]["s3Uri"]]
    buckets = {split_uri(uri)[0]: uri for uri in reversed(uris)}
    for bucket, uri in buckets.items():
        there = bucket_region(client, bucket)
        if there not in (None, region):
            raise RecipeError(
                f"{uri}: its bucket is in {there}, but the job would be in {region}; a job reads "
                f"and writes only in its own Region: give --region {there}, or use another bucket"
            )


def _refuse_unpublished(
    run: PublishedRun, target: str, request: dict[str, Any], region: str
) -> None:
    """Raise unless exactly this run, complete, is in S3 where the job looks for it."""
    aws = aws_of(run.manifest, region, None)
    base, found, _ = request["trainingDataConfig"]["s3Uri"].partition(f"/runs/{run.run}/")
    if not found:
        raise DataError(f"{target}/job.json: its data is not a file of run {run.run}")
    client = aws.client()
    there = read_manifest(S3Place(base, aws), run.run)
    if there is None:
        raise StorageError(
            f"{base}/runs/{run.run}: there is no such run; first: bedrock-prep publish RUN {base}"
        )
    if there[0]["files"] != run.manifest["files"]:
        raise DataError(f"{base}/runs/{run.run}: is not the same run as {run.uri}; publish again")
    for uri in data_uris(request):
        size = _size_in_s3(client, uri)
        listed = _listed(run, uri.removeprefix(f"{base}/runs/{run.run}/"))
        if listed is None or size != listed["bytes"]:
            wanted = listed["bytes"] if listed else "no"
            raise DataError(f"{uri}: has {size} bytes, the manifest says {wanted}; publish again")


def _size_in_s3(client: Any, uri: str) -> int:
    """Size of an object in bytes. Raises StorageError if it is missing or cannot be read."""
    bucket, key = split_uri(uri)
    try:
        return int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except aws_errors() as error:
        if error_code(error) in GONE:
            raise StorageError(f"{uri}: is not there; publish the run first") from error
        raise StorageError(f"{uri}: {error_text(error)}") from error
