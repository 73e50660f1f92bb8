"""Pre-flight checks of AWS resources: sources, media, keys, the job's VPC.

Each check reports what it found and what to do. A check of something that the caller may not read
is skipped, not failed, because a job does not need those rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.bedrock.client import (
    aws_failures,
    failure_code,
    failure_message,
    strange_answers,
)

Status = Literal["ok", "warning", "failed", "skipped"]

KEY_ARN = re.compile(r"^arn:aws[^:]*:kms:([a-z0-9-]+):(\d{12}):(key/[a-zA-Z0-9-]+|alias/.+)$")
KEY_ID = re.compile(r"^(mrk-)?[0-9a-f-]{32,36}$")

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}

LISTING = {
    "NoSuchBucket": "check the bucket's name in the recipe",
    "PermanentRedirect": "set aws.region to that of the bucket",
}
LISTING_DENIED = "the role needs s3:ListBucket there: see pipeline_role of `bedrock-prep policy`"
UNANSWERED = "check network, endpoint and sign-in"

MOST_HEADED = 500
"""How many media objects are checked; if the data names more, the rest is reported as skipped."""

HEAD_THREADS = 8


@dataclass(frozen=True)
class Check:
    """The result of one check before a job."""

    name: str
    status: Status
    message: str
    remedy: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """All fields as plain JSON values."""
        return asdict(self)


def source_check(client: Any, label: str, bucket: str, prefix: str) -> Check:
    """Whether a source in S3 may be listed and contains any object."""
    name = f"{label}: listing"
    try:
        listing = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except aws_failures() as error:
        code = failure_code(error)
        remedy = LISTING_DENIED if code in DENIED else LISTING.get(code, UNANSWERED)
        message = f"s3://{bucket}/{prefix}: {code}: {failure_message(error)}"
        return Check(name, "failed", message, remedy)
    if not listing.get("KeyCount"):
        remedy = "check the path in the recipe"
        return Check(name, "failed", f"s3://{bucket}/{prefix}: there is no object", remedy)
    return Check(name, "ok", f"s3://{bucket}/{prefix} may be listed")


def object_checks(client: Any, objects: Sequence[tuple[str, str]]) -> Iterator[Check]:
    """Whether every media object (bucket, key) that the data names exists and is readable."""
    if not objects:
        return
    checked = objects[:MOST_HEADED]
    with ThreadPoolExecutor(HEAD_THREADS) as threads:
        codes = list(threads.map(lambda place_of: _head(client, *place_of), checked))
    bad = [(place, code) for place, code in zip(checked, codes, strict=True) if code]
    for (bucket, key), code in bad:
        remedy = "upload it, or remove the record" if code in {"404", "NoSuchKey"} else None
        yield Check("s3Location", "failed", f"s3://{bucket}/{key}: {code}", remedy)
    if len(bad) < len(checked):
        yield Check("s3Location", "ok", f"{len(checked) - len(bad)} media objects are there")
    if len(objects) > len(checked):
        message = f"{len(objects) - len(checked)} more media objects were not checked"
        yield Check("s3Location", "skipped", message)


def _head(client: Any, bucket: str, key: str) -> str | None:
    """What is wrong with an object, or None."""
    try:
        client.head_object(Bucket=bucket, Key=key)
    except aws_failures() as error:
        return failure_code(error)
    return None


def key_check(label: str, key: str, region: str | None) -> Check:
    """Whether a KMS key is named in a way that policies and the job can use."""
    match = KEY_ARN.match(key)
    if match is None:
        if key.startswith("alias/") or KEY_ID.match(key):
            remedy = "give the key's ARN: an id or alias is looked up in the caller's account"
            return Check(label, "warning", f"{key} is not an ARN", remedy)
        remedy = "give an ARN: arn:aws:kms:REGION:ACCOUNT:key/ID"
        return Check(label, "failed", f"{key} is not a KMS key ARN, id or alias", remedy)
    if region and match[1] != region:
        message = f"{key} is in {match[1]}, but the bucket and the job are in {region}"
        return Check(label, "failed", message, "use a key of that Region")
    return Check(label, "ok", key)


def vpc_checks(client: Any, subnet_ids: Sequence[str], region: str) -> Iterator[Check]:
    """The job's subnets, and the endpoints that it needs to reach data from there.

    Source: https://docs.aws.amazon.com/bedrock/latest/userguide/vpc-model-customization.html
    """
    try:
        subnets = client.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
        networks = sorted({subnet["VpcId"] for subnet in subnets})
        wanted = [{"Name": "vpc-id", "Values": networks}]
        endpoints = client.describe_vpc_endpoints(Filters=wanted)["VpcEndpoints"]
    except aws_failures() as error:
        denied = failure_code(error) in DENIED
        message = f"{failure_code(error)}: {failure_message(error)}"
        yield Check("job.vpc", "skipped" if denied else "failed", message)
        return
    except strange_answers():
        yield Check("job.vpc", "failed", "what answered is not EC2", "check endpoint and proxies")
        return
    yield _spread(subnets, networks)
    services = {endpoint["ServiceName"] for endpoint in endpoints}
    yield _endpoint(services, f"com.amazonaws.{region}.s3", "S3 gateway endpoint")
    yield _endpoint(services, f"com.amazonaws.{region}.bedrock", "Bedrock interface endpoint")


def _spread(subnets: list[dict[str, Any]], networks: list[str]) -> Check:
    """AWS wants a subnet in each Availability Zone; all must be in one VPC."""
    if len(networks) > 1:
        message = f"the subnets are in several VPCs: {', '.join(networks)}"
        return Check("job.vpc: subnets", "failed", message, "name subnets of one VPC")
    zones = sorted({subnet["AvailabilityZone"] for subnet in subnets})
    found_zones = f"{len(subnets)} in {', '.join(zones)}"
    if len(zones) == 1:
        remedy = "name at least one subnet in each Availability Zone"
        return Check("job.vpc: subnets", "warning", found_zones, remedy)
    return Check("job.vpc: subnets", "ok", found_zones)


def _endpoint(services: set[str], service: str, title: str) -> Check:
    name = f"job.vpc: {title}"
    if service in services:
        return Check(name, "ok", service)
    remedy = f"create {service} in the VPC, or make sure that the VPC has another route"
    return Check(name, "warning", "the VPC does not have it", remedy)
