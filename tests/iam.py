"""A small evaluator of IAM documents, and what each recorded call needs by AWS's reference.

Only the operators that our documents use are known; any other one fails loudly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recorder import S3Call

OWNER, REGION = "111122223333", "us-east-1"
SECURE = {"aws:SecureTransport": "true", "aws:ResourceAccount": OWNER}


@dataclass(frozen=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str
    context: tuple[tuple[str, Any], ...] = ()


def need(action: str, resource: str, **context: Any) -> Need:
    told = {key.replace("__", ":").replace("_", "-"): value for key, value in context.items()}
    return Need(action, resource, tuple((SECURE | told).items()))


def like(pattern: str, value: str) -> bool:
    parts = re.split(r"(\$\{\$\}|\*|\?)", pattern)
    known = {"*": ".*", "?": ".", "${$}": r"\$"}
    return bool(re.fullmatch("".join(known.get(p) or re.escape(p) for p in parts), value, re.S))


def each(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def holds(operator: str, key: str, wanted: Any, context: dict[str, Any]) -> bool:
    found = context.get(key)
    match operator:
        case "StringLikeIfExists":
            return found is None or any(like(one, found) for one in each(wanted))
        case "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike" | "Bool":
            return found is not None and any(like(one, found) for one in each(wanted))
        case "StringNotEquals" | "ArnNotEquals":
            return found is None or not any(like(one, found) for one in each(wanted))
        case "ForAllValues:StringEquals":
            return all(one in each(wanted) for one in each(found or []))
        case "ForAnyValue:StringEquals":
            return any(one in each(wanted) for one in each(found or []))
    raise AssertionError(operator)


def applies(statement: dict[str, Any], asked: Need) -> bool:
    context = dict(asked.context)
    return (
        any(like(one, asked.action) for one in each(statement["Action"]))
        and any(like(one, asked.resource) for one in each(statement.get("Resource", "*")))
        and all(
            holds(operator, key, wanted, context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def allowed(document: dict[str, Any], asked: Need) -> bool:
    """A Deny wins; else an Allow is needed."""
    found = [one["Effect"] for one in document["Statement"] if applies(one, asked)]
    return "Deny" not in found and "Allow" in found


def s3_needs(call: S3Call) -> Iterator[Need]:
    """By https://docs.aws.amazon.com/AmazonS3/latest/API/ and its table of required permissions."""
    bucket, query = f"arn:aws:s3:::{call.bucket}", call.query
    thing = f"{bucket}/{call.key}"
    settings = {
        "publicAccessBlock": "s3:GetBucketPublicAccessBlock",
        "encryption": "s3:GetEncryptionConfiguration",
        "policy": "s3:GetBucketPolicy",
        "policyStatus": "s3:GetBucketPolicyStatus",
        "uploads": "s3:ListBucketMultipartUploads",
    }
    match call.method:
        case "GET" | "HEAD" if not call.key:
            asked = next((settings[name] for name in settings if name in query), None)
            if asked:
                yield need(asked, bucket)
            elif "prefix" in query:
                yield need("s3:ListBucket", bucket, s3__prefix=query["prefix"])
            else:
                yield need("s3:ListBucket", bucket)
        case "GET" | "HEAD":
            yield need("s3:GetObject", thing)
            if call.status == 404:  # without the right to list, S3 would have answered 403
                yield need("s3:ListBucket", bucket)
            if call.answer.get("x-amz-server-side-encryption") == "aws:kms":
                yield key_need("kms:Decrypt", call.answer[KMS], "s3")
        case "POST" if "delete" in query:
            for key in re.findall(r"<Key>(.*?)</Key>", call.body.decode()):
                yield need("s3:DeleteObject", f"{bucket}/{key}")
        case "PUT" | "POST":
            yield need("s3:PutObject", thing)
            if KMS in call.headers:
                yield key_need("kms:GenerateDataKey", call.headers[KMS], "s3")
            if "uploads" in query and KMS in call.headers:
                yield key_need("kms:Decrypt", call.headers[KMS], "s3")
        case "DELETE":
            action = "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
            yield need(action, thing)


KMS = "x-amz-server-side-encryption-aws-kms-key-id"


def key_need(action: str, arn: str, service: str) -> Need:
    via = f"{service}.{REGION}.amazonaws.com"
    return need(action, arn, kms__ViaService=via, kms__ResourceAliases=["alias/tea"])


def bedrock_needs(operation: str, request: dict[str, Any]) -> Iterator[Need]:
    """By the Service Authorization Reference and the examples of AWS Step Functions."""
    own = f"arn:aws:bedrock:{REGION}:{OWNER}"
    if operation == "GetModelCustomizationJob":
        name = request["jobIdentifier"].rsplit(":model-customization-job/", 1)[-1]
        yield need("bedrock:GetModelCustomizationJob", f"{own}:model-customization-job/{name}")
        return
    model = request["baseModelIdentifier"]
    made = [f"{own}:custom-model/{model}/0123456789ab", f"{own}:model-customization-job/{model}/ab"]
    for arn in [f"arn:aws:bedrock:{REGION}::foundation-model/{model}", *made]:
        yield need("bedrock:CreateModelCustomizationJob", arn)
    for arn in made if request.get("jobTags") else []:
        yield need("bedrock:TagResource", arn)
    service = {"iam__PassedToService": "bedrock.amazonaws.com"}
    yield need("iam:PassRole", request["roleArn"], **service)
    for action in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"):
        if "customModelKmsKeyId" in request:
            yield key_need(f"kms:{action}", request["customModelKmsKeyId"], "bedrock")
