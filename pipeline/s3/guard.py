"""A look at the destination bucket before anything is written to it."""

from __future__ import annotations

from typing import Any

from pipeline.aws import Aws
from pipeline.errors import RecipeError, StorageError
from pipeline.s3.errors import DENIED, NO_SUCH_CALL, aws_errors, error_code, error_text

NOTHING_SET = {"NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy"}
"""What S3-compatible servers without these calls answer."""


def look_at_bucket(client: Any, bucket: str, aws: Aws) -> list[str]:
    """Notes on what is not held or could not be seen.

    Asks for GetPublicAccessBlock and GetBucketPolicyStatus; a role that may not is told so and
    goes on. Objects carry no ACL of their own, so the bucket's policy alone can make them public.
    Raises RecipeError when the bucket is public, StorageError when it cannot be reached.
    """
    notes = []
    if aws.bucket_owner is None:
        notes.append(
            f"s3://{bucket}: publish.expected_bucket_owner is not set, so a bucket of that name "
            "in another account would be written to"
        )
    try:
        if not _policies_restricted(client, bucket) and _policy_is_public(client, bucket):
            raise RecipeError(
                f"s3://{bucket}: is public by its policy, and training data would be too; "
                f"aws s3api put-public-access-block --bucket {bucket} "
                "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
                "BlockPublicPolicy=true,RestrictPublicBuckets=true"
            )
    except aws_errors() as error:
        code = error_code(error)
        if code in DENIED:
            notes.append(
                f"s3://{bucket}: whether it is public could not be seen; the role needs "
                "s3:GetBucketPublicAccessBlock and s3:GetBucketPolicyStatus for it"
            )
        elif code not in NO_SUCH_CALL:
            told = error_text(error, aws.bucket_owner)
            raise StorageError(f"s3://{bucket}: {told}") from error
    return notes


def _policies_restricted(client: Any, bucket: str) -> bool:
    """Whether the bucket's block makes a public policy void."""
    try:
        found = client.get_public_access_block(Bucket=bucket)
    except aws_errors() as error:
        if error_code(error) in NOTHING_SET:
            return False
        raise
    return bool(found["PublicAccessBlockConfiguration"].get("RestrictPublicBuckets"))


def _policy_is_public(client: Any, bucket: str) -> bool:
    try:
        found = client.get_bucket_policy_status(Bucket=bucket)
    except aws_errors() as error:
        if error_code(error) in NOTHING_SET:
            return False
        raise
    return bool(found["PolicyStatus"]["IsPublic"])
