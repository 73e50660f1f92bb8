"""IAM statements and documents, as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.bedrock.access import Access, Key

Statement = dict[str, Any]

MODEL_KEY_ACTIONS = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
"""The actions that caller and role need on the key of a custom model
(https://docs.aws.amazon.com/bedrock/latest/userguide/encryption-custom-job.html)."""


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    condition: dict[str, Any] | None = None,
) -> Statement:
    """An Allow statement of an identity policy."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }
    return statement | ({"Condition": condition} if condition else {})


def document(*statements: Statement) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def key_statement(
    access: Access, sid: str, key: Key, actions: Sequence[str], service: str
) -> Statement:
    """An Allow statement for one KMS key, limited to use through one service in this Region."""
    condition: dict[str, Any] = {
        "StringEquals": {"kms:ViaService": f"{service}.{access.region}.amazonaws.com"}
    }
    if key.is_alias:
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": key.alias}
        return allow(sid, actions, [access.arn("kms", "key/*")], condition)
    arn = key.name if key.name.startswith("arn:") else access.arn("kms", f"key/{key.name}")
    return allow(sid, actions, [arn], condition)


def media_statements(access: Access) -> Iterator[Statement]:
    """The rights to list and read the media that the data names; a bucket at a time."""
    for number, bucket in enumerate(dict.fromkeys(place.bucket for place in access.media)):
        label = str(number + 1) if number else ""
        places = [place for place in access.media if place.bucket == bucket]
        prefixes = sorted({prefix for place in places for prefix in place.prefixes()})
        listing = {"StringLike": {"s3:prefix": prefixes}}
        objects = sorted({place.below(access.partition) for place in places})
        yield allow(f"ListMedia{label}", ["s3:ListBucket"], [access.bucket(bucket)], listing)
        yield allow(f"ReadMedia{label}", ["s3:GetObject"], objects)
