"""Least-privilege IAM documents for a recipe: the pipeline's role, Bedrock's role, the buckets.

Every action is one that this package or the documented job really calls. No resource is `*`,
except where EC2 has no narrower one; those statements are separate, have conditions, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.bedrock.access import (
    Access,
    JobAccess,
    Key,
    Location,
    literal,
    profile_regions,
)
from pipeline.bedrock.service_role import role_permissions, role_trust
from pipeline.bedrock.statement import (
    MODEL_KEY_ACTIONS,
    Statement,
    allow,
    document,
    key_statement,
    media_statements,
)

__all__ = ["bucket_policy", "pipeline_role", "policies", "preflight_role"]

NOTES = {
    "list": "ListOutput also covers requests without a prefix: without the right to list, S3 "
    "answers 403 for a missing object, and a first publish must see that it is missing.",
    "look": "LookAtOutput lets a run refuse a public bucket and remove uploads that dead runs left "
    "unfinished; without it, the run does neither and says so.",
    "jobs": "Bedrock makes the ids of jobs and custom models, so their ARNs end in `/*`; account "
    "and Region are fixed.",
    "alias": "A KMS alias is not a resource in IAM: the key is found by kms:ResourceAliases. Its "
    "ARN in the recipe would be narrower.",
    "output_key": "Bedrock writes its metrics with the output bucket's own encryption.",
    "vpc": "EC2's Describe actions and DeleteNetworkInterfacePermission support no resource: "
    "these two statements have `*`, with Region, subnet and tag conditions.",
    "profile": "A cross-Region inference profile calls its model in any Region of its geography; "
    "see its page for the exact Regions and use them instead of the pattern.",
    "vpce": "OnlyThroughEndpoint denies reading and writing these objects to everyone who does not "
    "use the endpoint, including the console; roles of jobs without a VPC are exempt.",
    "state": "KeepState deletes what no state refers to any more, including withdrawn texts. If "
    "the bucket keeps versions, a lifecycle rule must let the old ones expire.",
    "media": "ReadMedia covers the folders in S3 of the media that the data names; the bucket must "
    "be in the job's Region, and a KMS key of its own needs kms:Decrypt too.",
    "unseen_media": "Only local JSON files were searched for media that records name in S3; if "
    "those of other sources name any, give their folders with --media.",
    "multipart": "s3:GetObjectVersion and s3:ListMultipartUploadParts are left out, because "
    "nothing here calls them.",
}
"""What a reader of the documents should know; each note is included if it applies."""


LOOKED = [
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:ListBucketMultipartUploads",
]


def policies(access: Access) -> dict[str, Any]:
    """All documents, by the role or bucket that they are attached to, with notes."""
    roles = {job.role_arn: [other for other in access.jobs if other.role_arn == job.role_arn]
             for job in access.jobs}  # fmt: skip
    return {
        "account": access.account,
        "region": access.region,
        "pipeline_role": pipeline_role(access),
        "preflight_role": preflight_role(access),
        "bedrock_roles": {
            arn: {
                "trust": role_trust(access),
                "permissions": role_permissions(access, jobs),
            }
            for arn, jobs in roles.items()
        },
        "bucket_policies": {name: bucket_policy(access, name) for name in _own_buckets(access)},
        "notes": list(_notes(access)),
    }


def pipeline_role(access: Access) -> dict[str, Any]:
    """The document for whoever runs `teach`, `prepare`, `publish`, `submit` and `status`."""
    return document(
        *_source_statements(access),
        *_teacher_statements(access),
        *_output_statements(access),
        *_state_statements(access),
        *_job_statements(access),
    )


def _source_statements(access: Access) -> Iterator[Statement]:
    for number, (bucket, locations) in enumerate(_by_bucket(access.sources).items()):
        label = str(number + 1) if number else ""
        prefixes = sorted({literal(location.listed) for location in locations})
        arns = sorted({arn for place in locations for arn in place.objects(access.partition)})
        listing = {"StringEquals": {"s3:prefix": prefixes}}
        yield allow(f"ListSources{label}", ["s3:ListBucket"], [access.bucket(bucket)], listing)
        yield allow(f"ReadSources{label}", ["s3:GetObject"], arns)


def _teacher_statements(access: Access) -> Iterator[Statement]:
    """The right to ask the models of `teach`; Converse needs InvokeModel."""
    if access.teachers:
        models_asked = sorted(
            {arn for one in access.teachers for arn in access.invoked(one.model, one.region)}
        )
        yield allow("AskTeacher", ["bedrock:InvokeModel"], models_asked)


def _by_bucket(locations: Iterable[Location]) -> dict[str, list[Location]]:
    found: dict[str, list[Location]] = {}
    for location in locations:
        found.setdefault(location.bucket, []).append(location)
    return found


def _output_statements(access: Access) -> Iterator[Statement]:
    output = access.output
    listing: dict[str, Any] = {"StringLikeIfExists": {"s3:prefix": output.prefixes()}}
    owned = {"StringEquals": {"aws:ResourceAccount": access.owner}} if access.owner else {}
    bucket, objects = access.bucket(output.bucket), output.below(access.partition)
    yield allow("ListOutput", ["s3:ListBucket"], [bucket], listing | owned)
    yield allow("LookAtOutput", LOOKED, [bucket], owned)
    actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    yield allow("WriteOutput", actions, [objects], owned)
    if access.data_key:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"]
        yield key_statement(access, "OutputKey", access.data_key, actions, "s3")


def _state_statements(access: Access) -> Iterator[Statement]:
    """The rights to read, write and remove what `prepare --state` keeps."""
    if access.state is None:
        return
    state, apart = access.state, access.state.bucket != access.output.bucket
    operator = "StringLikeIfExists" if apart else "StringLike"  # as ListOutput does for its bucket
    listing: dict[str, Any] = {operator: {"s3:prefix": state.prefixes()}}
    owned = {"StringEquals": {"aws:ResourceAccount": access.owner}} if access.owner else {}
    bucket, objects = access.bucket(state.bucket), state.below(access.partition)
    yield allow("ListState", ["s3:ListBucket"], [bucket], listing | owned)
    if apart:
        yield allow("LookAtState", LOOKED, [bucket], owned)
    actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    yield allow("KeepState", actions, [objects], owned)


def _job_statements(access: Access) -> Iterator[Statement]:
    """The rights to create and follow jobs.

    The resources are those that AWS documents for CreateModelCustomizationJob
    (https://docs.aws.amazon.com/step-functions/latest/dg/connect-bedrock.html).
    """
    if not access.jobs:
        return
    made = [
        access.arn("bedrock", "custom-model/*"),
        access.arn("bedrock", "model-customization-job/*"),
    ]
    models = sorted({arn for job in access.jobs for arn in _base_models(access, job)})
    yield allow("CreateJob", ["bedrock:CreateModelCustomizationJob"], [*models, *made])
    yield allow("FollowJob", ["bedrock:GetModelCustomizationJob"], made[1:])
    if any(job.tagged for job in access.jobs):
        yield allow("TagJob", ["bedrock:TagResource"], made)
    roles = sorted({job.role_arn for job in access.jobs})
    passed = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    yield allow("PassRole", ["iam:PassRole"], roles, passed)
    for number, key in enumerate(_model_keys(access.jobs)):
        yield key_statement(access, f"ModelKey{number or ''}", key, MODEL_KEY_ACTIONS, "bedrock")


def _base_models(access: Access, job: JobAccess) -> list[str]:
    """ARNs of the model with and without the suffix that customization needs (`:300k`)."""
    if job.base_model:
        return [job.base_model]
    plain = ":".join(job.model_id.split(":")[:2])
    return [access.arn("bedrock", f"foundation-model/{name}", "") for name in {job.model_id, plain}]


def _model_keys(jobs: Iterable[JobAccess]) -> list[Key]:
    return list(dict.fromkeys(job.model_key for job in jobs if job.model_key))


def preflight_role(access: Access) -> dict[str, Any]:
    """The document for whoever runs `doctor`, which only reads settings, beside `pipeline_role`."""
    buckets = [access.bucket(name) for name in _own_buckets(access)]
    actions = [
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetEncryptionConfiguration",
        "s3:ListBucket",
    ]
    statements = [allow("ReadBucketSettings", actions, buckets), *media_statements(access)]
    if any(job.subnet_ids for job in access.jobs):
        described = ["ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"]
        here = {"StringEquals": {"aws:RequestedRegion": access.region}}
        statements.append(allow("DescribeKnowsNoResource", described, ["*"], here))
    return document(*statements)


def _own_buckets(access: Access) -> list[str]:
    """The buckets that are written to: those of the data, the state and the jobs' output."""
    places = [access.output, access.state, *(job.output for job in access.jobs)]
    return list(dict.fromkeys(place.bucket for place in places if place is not None))


def bucket_policy(access: Access, bucket: str) -> dict[str, Any]:
    """Deny requests without TLS and, with `source_vpce`, those that bypass that endpoint."""
    arn = access.bucket(bucket)
    without_tls = {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements: list[Statement] = [without_tls]
    texts = [
        place.below(access.partition)
        for place in (access.output, access.state)
        if place is not None and place.bucket == bucket
    ]
    if access.source_vpce and texts:
        statements.append(_only_through(access, access.source_vpce, texts))
    return document(*statements)


def _only_through(access: Access, endpoint: str, objects: list[str]) -> Statement:
    condition: dict[str, Any] = {"StringNotEquals": {"aws:SourceVpce": endpoint}}
    outside = sorted({job.role_arn for job in access.jobs if not job.subnet_ids})
    if outside:
        condition["ArnNotEquals"] = {"aws:PrincipalArn": outside}
    return {
        "Sid": "OnlyThroughEndpoint",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": objects,
        "Condition": condition,
    }


def _notes(access: Access) -> Iterator[str]:
    keys = [key for key in [access.data_key, *_model_keys(access.jobs)] if key]
    included = {
        "list": True,
        "look": True,
        "multipart": True,
        "jobs": bool(access.jobs),
        "alias": any(key.is_alias for key in keys),
        "output_key": bool(access.jobs),
        "vpc": any(job.subnet_ids for job in access.jobs),
        "profile": any(job.teacher for job in access.jobs)
        or any(profile_regions(one.model) for one in access.teachers),
        "vpce": access.source_vpce is not None,
        "media": bool(access.media),
        "unseen_media": bool(access.sources and access.jobs),
    }
    yield from (NOTES[name] for name, included in included.items() if included)
