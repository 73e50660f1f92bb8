"""The `publish` command: verifies a local run and uploads it below an S3 prefix."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.bedrock.submit import data_uris, refuse_unfit
from pipeline.errors import DataError, RecipeError
from pipeline.publish import MANIFEST, publish, read_latest
from pipeline.published import PublishedRun, open_run
from pipeline.s3.storage import S3Place
from pipeline.storage import Aws, is_remote, open_place

NAMED = re.compile(rb'"(?:image-ref|uri)":"(s3://[^"]+)"')
"""An image URI in a line. Inside a text, quotes would be escaped, so no text matches."""


@dataclass(frozen=True)
class Published:
    """A run that is now in S3."""

    run: str
    uri: str
    files: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON."""
        return asdict(self)


def publish_run(
    uri: str,
    destination: str,
    region: str | None = None,
    endpoint_url: str | None = None,
    say: Callable[[str], None] = lambda _: None,
    **manners: Any,
) -> Published:
    """Upload a local run below an S3 prefix, its manifest last, and make LATEST point to it.

    Every file must be what the manifest lists, and every URI in the lines and in `job.json` must be
    below the place where the run will be. Bucket owner and KMS key come from the recipe; `manners`
    are fields of `Aws`: concurrency, max_bandwidth, give_up_after, stall_after. `say` is called
    with notes on what could not be seen of the bucket.
    Raises DataError for a run that is damaged or not ready, RecipeError for a wrong destination,
    StorageError, ConflictError.
    """
    if not is_remote(destination):
        raise RecipeError(f"{destination}: is not an S3 URI (s3://bucket/prefix)")
    run = open_run(uri)
    if is_remote(run.place.uri):
        raise RecipeError(f"{uri}: is in S3 already; publish takes a local run")
    folder, destination = Path(run.place.uri, "runs", run.run), destination.rstrip("/")
    for target in run.manifest["targets"]:
        refuse_unfit(run.manifest, target)
    verify_files(run, folder)
    refuse_other_place(run, folder, destination)
    place = open_place(destination, aws_of(run.manifest, region, endpoint_url, **manners))
    for note in place.examine():
        say(note)
    publish(place, folder, run.run, read_latest(place))
    listed = run.manifest["files"]
    size = sum(entry["bytes"] for entry in listed)
    return Published(run.run, f"{destination}/runs/{run.run}", len(listed) + 1, size)


def abort_pending(
    destination: str,
    region: str | None = None,
    endpoint_url: str | None = None,
    owner: str | None = None,
) -> list[str]:
    """Abort the uploads that dead runs have left unfinished below an S3 prefix; returns their URIs.

    Only uploads of runs are aborted; a run that is publishing there right now loses its upload
    too, and fails. Raises RecipeError for a wrong destination, StorageError.
    """
    if not is_remote(destination):
        raise RecipeError(f"{destination}: is not an S3 URI (s3://bucket/prefix)")
    aws = Aws(region=region, endpoint_url=endpoint_url, bucket_owner=owner)
    return S3Place(destination.rstrip("/"), aws).abort("runs/")


def aws_of(
    manifest: dict[str, Any], region: str | None, endpoint_url: str | None, **manners: Any
) -> Aws:
    """How to reach the bucket that a run's recipe publishes to."""
    settings = manifest["recipe"].get("publish") or {}
    return Aws(
        region=region,
        endpoint_url=endpoint_url,
        bucket_owner=settings.get("expected_bucket_owner"),
        kms_key_id=settings.get("kms_key_id"),
        **{name: value for name, value in manners.items() if value is not None},
    )


def verify_files(run: PublishedRun, folder: Path) -> None:
    """Raise DataError unless a run's folder has exactly the files and bytes of its manifest."""
    listed = {entry["path"]: entry for entry in run.manifest["files"]}
    present = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } - {MANIFEST}
    faults = [f"{name} is missing" for name in sorted(listed.keys() - present)]
    faults += [f"{name} is not in the manifest" for name in sorted(present - listed.keys())]
    faults += [
        f"{name} was changed"
        for name in sorted(present & listed.keys())
        if _measure(folder / name) != (listed[name]["bytes"], listed[name]["sha256"])
    ]
    latest = read_latest(run.place)
    if (
        latest
        and latest.run == run.run
        and _measure(folder / MANIFEST)[1] != latest.manifest_sha256
    ):
        faults.append(f"{MANIFEST} was changed")
    if faults:
        listed_faults = "; ".join(faults)
        remedy = f"Remove {folder}, and prepare it again"
        raise DataError(f"{folder}: is not the run that was made: {listed_faults}. {remedy}")


def _measure(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def refuse_other_place(run: PublishedRun, folder: Path, destination: str) -> None:
    """Raise RecipeError if the run's own URIs point to another place than the destination."""
    base = f"{destination}/runs/{run.run}/"
    foreign = next((uri for uri in _own_uris(run, folder) if not uri.startswith(base)), None)
    if foreign is None:
        return
    made_for = foreign.partition(f"/runs/{run.run}/")[0]
    raise RecipeError(
        f"{destination}: the run's URIs are below {made_for}; publish it there, or set "
        f"publish.uri: {destination} in the recipe and prepare it again"
    )


def _own_uris(run: PublishedRun, folder: Path) -> Iterator[str]:
    """Yield the URIs that the jobs read, and those of the images in lines."""
    for target in run.manifest["targets"]:
        job = folder / target / "job.json"
        if job.exists():
            yield from _job_uris(json.loads(job.read_bytes()))
        if (folder / target / "images").exists():
            for lines in sorted((folder / target).glob("*.jsonl")):
                yield from _line_uris(lines)


def _job_uris(job: dict[str, Any]) -> Iterator[str]:
    """Yield the URIs in a Bedrock request, or in the bodies for the OpenAI-compatible endpoint."""
    if "trainingDataConfig" in job:
        yield from data_uris(job)
    else:
        yield from (job[part]["file"] for part in ("file", "validation_file") if part in job)


def _line_uris(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            yield from (uri.decode() for uri in NAMED.findall(line))
