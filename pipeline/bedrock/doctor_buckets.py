"""Pre-flight checks of the buckets that a recipe's run and jobs write to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.bedrock.client import aws_failures, failure_code, failure_message
from pipeline.bedrock.doctor import DENIED, UNANSWERED, Check

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True)
class Bucket:
    """A bucket that a run or job writes to, with its expected Region and owner."""

    name: str
    label: str  # the recipe's key, such as publish.uri
    region: str | None  # of the job
    owner: str | None = None


def bucket_checks(client: Any, bucket: Bucket) -> Iterator[Check]:
    """Check the bucket's existence, owner, Region, public access, encryption and TLS."""
    region = _head_bucket(client, bucket)
    if isinstance(region, Check):  # the bucket is missing or cannot be reached
        yield region
        return
    yield Check(f"{bucket.label}: bucket", "ok", f"{bucket.name} is there{_owned(bucket)}")
    yield _region_check(bucket, region)
    for name, check in SETTINGS.items():
        yield _setting(client, bucket, name, check)


def _owned(bucket: Bucket) -> str:
    return f" and belongs to {bucket.owner}" if bucket.owner else ""


def _head_bucket(client: Any, bucket: Bucket) -> Check | str | None:
    """The bucket's Region, None if S3 does not report it, or the failed check."""
    owned = {"ExpectedBucketOwner": bucket.owner} if bucket.owner else {}
    name = f"{bucket.label}: bucket"
    try:
        answer = client.head_bucket(Bucket=bucket.name, **owned)
    except aws_failures() as error:
        code, at = failure_code(error), bucket.name
        if code == "404":
            return Check(name, "failed", f"{at} does not exist", "create it in the job's Region")
        if code in DENIED:
            who = f" or it does not belong to {bucket.owner}" if bucket.owner else ""
            remedy = "see pipeline_role of `bedrock-prep policy`; check expected_bucket_owner"
            return Check(name, "failed", f"{at}: access denied{who}", remedy)
        if code == "301":
            return Check(
                name, "failed", f"{at} is in another Region", "set aws.region to that of the bucket"
            )
        return Check(name, "failed", f"{at}: {failure_message(error)}", UNANSWERED)
    region: str | None = answer.get("BucketRegion")
    return region


def _region_check(bucket: Bucket, region: str | None) -> Check:
    """Check that the bucket is in the Region of the job, as data and output must be."""
    name = f"{bucket.label}: Region"
    if region is None or bucket.region is None:
        return Check(name, "skipped", "the bucket's or the job's Region is not known")
    if region == bucket.region:
        return Check(name, "ok", f"{bucket.name} is in {region}, like the job")
    remedy = f"use a bucket in {bucket.region}: a job reads and writes only in its own Region"
    return Check(name, "failed", f"{bucket.name} is in {region}, not in {bucket.region}", remedy)


def _setting(
    client: Any, bucket: Bucket, name: str, check: Callable[[Any, dict[str, Any]], Check]
) -> Check:
    """Check one setting of a bucket; without the right to read it, the check is skipped."""
    owned = {"ExpectedBucketOwner": bucket.owner} if bucket.owner else {}
    label = f"{bucket.label}: {name}"
    try:
        result = check(client, {"Bucket": bucket.name, **owned})
    except aws_failures() as error:
        code = failure_code(error)
        if code in DENIED:
            remedy = "attach preflight_role of `bedrock-prep policy` to check it"
            return Check(label, "skipped", "the caller may not read it", remedy)
        return Check(label, "skipped", f"{code}: {failure_message(error)}")
    return Check(label, result.status, result.message, result.remedy)


def _public_access(client: Any, bucket: dict[str, Any]) -> Check:
    remedy = (
        f"aws s3api put-public-access-block --bucket {bucket['Bucket']} "
        f"--public-access-block-configuration {','.join(f'{name}=true' for name in BLOCKS)}"
    )
    try:
        blocks = client.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    except aws_failures() as error:
        if failure_code(error) != "NoSuchPublicAccessBlockConfiguration":
            raise
        message = "the bucket has no block of its own (the account may have one)"
        return Check("", "warning", message, remedy)
    missing = [name for name in BLOCKS if not blocks.get(name)]
    if missing:
        return Check("", "warning", f"not set: {', '.join(missing)}", remedy)
    return Check("", "ok", "all four blocks are set")


def _encryption(client: Any, bucket: dict[str, Any]) -> Check:
    try:
        encryption = client.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]
    except aws_failures() as error:
        if failure_code(error) != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        remedy = "set a default; AWS has encrypted with SSE-S3 by itself since 2023"
        return Check("", "warning", "no default encryption is reported", remedy)
    rule = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    key = f" with {rule['KMSMasterKeyID']}" if rule.get("KMSMasterKeyID") else ""
    return Check("", "ok", f"{rule['SSEAlgorithm']}{key}")


def _tls(client: Any, bucket: dict[str, Any]) -> Check:
    remedy = "attach bucket_policies of `bedrock-prep policy`"
    try:
        policy = json.loads(client.get_bucket_policy(**bucket)["Policy"])
    except aws_failures() as error:
        if failure_code(error) != "NoSuchBucketPolicy":
            raise
        return Check("", "warning", "no bucket policy denies access without TLS", remedy)
    denies = any(
        statement.get("Effect") == "Deny"
        and str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")).lower()
        == "false"
        for statement in policy.get("Statement", [])
    )
    if denies:
        return Check("", "ok", "access without TLS is denied")
    return Check("", "warning", "the bucket policy does not deny access without TLS", remedy)


SETTINGS: dict[str, Callable[[Any, dict[str, Any]], Check]] = {
    "public access": _public_access,
    "encryption": _encryption,
    "TLS": _tls,
}
