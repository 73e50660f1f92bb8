"""Checks of the destination bucket before anything is written to it."""

from __future__ import annotations

from typing import Any

from pipeline.aws import Aws
from pipeline.errors import RecipeError, StorageError
from pipeline.s3.errors import DENIED, NO_SUCH_CALL, aws_errors, error_code, error_text

NOTHING_SET = {"NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy"}
"""Answers that mean that no such configuration, or no policy, is set."""


def look_at_bucket(client: Any, bucket: str, aws: Aws) -> list[str]:
    """Check that the bucket is not public; returns notes on what is not enforced or not visible.

    Calls GetPublicAccessBlock and GetBucketPolicyStatus; without the right to do so, it returns a
    note instead. Objects have no ACL of their own, so only the bucket's policy can make them
    public. Raises RecipeError when the bucket is public, StorageError when it cannot be reached.
    """
    notes = []
    if aws.bucket_owner is None:
        notes.append(
            f"s3://{bucket}: publish.expected_bucket_owner is not set, so the run would also write "
            "to a bucket of that name in another account"
        )
    try:
        if not _policies_restricted(client, bucket) and _policy_is_public(client, bucket):
            raise RecipeError(
                f"s3://{bucket}: is public by its policy, so the training data would be public; "
                f"run aws s3api put-public-access-block --bucket {bucket} "
                "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
                "BlockPublicPolicy=true,RestrictPublicBuckets=true"
            )
    except aws_errors() as error:
        code = error_code(error)
        if code in DENIED:
            notes.append(
                f"s3://{bucket}: could not check whether it is public; the role needs "
                "s3:GetBucketPublicAccessBlock and s3:GetBucketPolicyStatus for that"
            )
        elif code not in NO_SUCH_CALL:
            message = error_text(error, aws.bucket_owner)
            raise StorageError(f"s3://{bucket}: {message}") from error
    return notes


def _policies_restricted(client: Any, bucket: str) -> bool:
    """Whether the bucket's public access block overrides a public policy."""
    try:
        answer = client.get_public_access_block(Bucket=bucket)
    except aws_errors() as error:
        if error_code(error) in NOTHING_SET:
            return False
        raise
    return bool(answer["PublicAccessBlockConfiguration"].get("RestrictPublicBuckets"))


def _policy_is_public(client: Any, bucket: str) -> bool:
    try:
        answer = client.get_bucket_policy_status(Bucket=bucket)
    except aws_errors() as error:
        if error_code(error) in NOTHING_SET:
            return False
        raise
    return bool(answer["PolicyStatus"]["IsPublic"])
