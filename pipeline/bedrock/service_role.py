"""The role that Bedrock assumes for a job: whom it trusts, and what it may do.

It follows https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-job-access-security.html
but is narrowed to the recipe's prefixes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.bedrock.access import Access, JobAccess, profile_regions
from pipeline.bedrock.statement import (
    MODEL_KEY_ACTIONS,
    Statement,
    allow,
    document,
    key_statement,
    media_statements,
)

RUNS = "runs"
"""Folder below publish.uri that contains every training file and image."""

JOB_TAG = "BedrockModelCustomizationJobArn"


def role_trust(access: Access) -> dict[str, Any]:
    """Only Bedrock may assume the role, for customization jobs of this account and Region."""
    jobs = access.arn("bedrock", "model-customization-job/*")
    return document(
        {
            "Sid": "BedrockForOurJobs",
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": access.account},
                "ArnEquals": {"aws:SourceArn": jobs},
            },
        }
    )


def role_permissions(access: Access, jobs: Sequence[JobAccess]) -> dict[str, Any]:
    """What the jobs of one role may do."""
    statements = [*_data_statements(access, jobs), *_output_statements(access, jobs)]
    for job in jobs:
        statements += _job_statements(access, job)
    unique = {json.dumps(statement, sort_keys=True): statement for statement in statements}
    return document(*_numbered(list(unique.values())))


def _numbered(statements: list[Statement]) -> Iterator[Statement]:
    """Number equal Sids of several jobs' statements, because IAM requires unique ones."""
    seen: dict[str, int] = {}
    for statement in statements:
        sid = statement["Sid"]
        seen[sid] = seen.get(sid, 0) + 1
        yield statement | {"Sid": sid if seen[sid] == 1 else f"{sid}{seen[sid]}"}


def _data_statements(access: Access, jobs: Sequence[JobAccess]) -> Iterator[Statement]:
    output = access.output
    owned = {"aws:ResourceAccount": access.owner or access.account}
    yield allow(
        "ListData",
        ["s3:ListBucket"],
        [access.bucket(output.bucket)],
        {"StringLike": {"s3:prefix": output.prefixes(RUNS)}, "StringEquals": owned},
    )
    yield allow(
        "ReadData",
        ["s3:GetObject"],
        [output.below(access.partition, RUNS)],
        {"StringEquals": owned},
    )
    yield from media_statements(access)
    if access.data_key:
        # If the output is in the same bucket, that bucket's encryption likely uses the same key.
        writes = any(job.output.bucket == output.bucket for job in jobs)
        actions = ["kms:Decrypt", *(["kms:GenerateDataKey"] if writes else [])]
        yield key_statement(access, "DataKey", access.data_key, actions, "s3")


def _output_statements(access: Access, jobs: Sequence[JobAccess]) -> Iterator[Statement]:
    for output in dict.fromkeys(job.output for job in jobs):
        ours = output.bucket != access.output.bucket
        owner = access.account if ours else access.owner or access.account
        owned = {"StringEquals": {"aws:ResourceAccount": owner}}
        listing = {"StringLike": {"s3:prefix": output.prefixes()}}
        bucket, objects = access.bucket(output.bucket), output.below(access.partition)
        yield allow("ListOutput", ["s3:ListBucket"], [bucket], listing | owned)
        yield allow("WriteOutput", ["s3:GetObject", "s3:PutObject"], [objects], owned)


def _job_statements(access: Access, job: JobAccess) -> Iterator[Statement]:
    if job.model_key:
        yield key_statement(access, "ModelKey", job.model_key, MODEL_KEY_ACTIONS, "bedrock")
    if job.reward_lambda:
        yield allow("GradeAnswers", ["lambda:InvokeFunction"], [job.reward_lambda])
    if job.teacher:
        yield from _teacher_statement(access, job.teacher)
    if job.subnet_ids:
        yield from _vpc_statements(access, job)


def _teacher_statement(access: Access, teacher: str) -> Iterator[Statement]:
    """The right to call a teacher; only an inference profile needs one, a plain model does not."""
    if profile_regions(teacher):
        yield allow("AskTeacher", ["bedrock:InvokeModel"], access.invoked(teacher))


def _vpc_statements(access: Access, job: JobAccess) -> Iterator[Statement]:
    """The rights to create and remove network interfaces in the subnets, for these jobs only."""
    interfaces = access.arn("ec2", "network-interface/*")
    subnets = [access.arn("ec2", f"subnet/{name}") for name in job.subnet_ids]
    groups = [access.arn("ec2", f"security-group/{name}") for name in job.security_group_ids]
    jobs = access.arn("bedrock", "model-customization-job/*")
    made = {
        "StringEquals": {"aws:RequestTag/BedrockManaged": "true"},
        "ArnEquals": {f"aws:RequestTag/{JOB_TAG}": jobs},
    }
    ours = {
        "ArnEquals": {"ec2:Subnet": subnets, f"ec2:ResourceTag/{JOB_TAG}": jobs},
        "StringEquals": {"ec2:ResourceTag/BedrockManaged": "true"},
    }
    tagging = {
        "StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["BedrockManaged", JOB_TAG]},
    }
    here = {"StringEquals": {"aws:RequestedRegion": access.region}}
    yield allow("DescribeKnowsNoResource", DESCRIBED, ["*"], here)
    yield allow("MakeInterface", ["ec2:CreateNetworkInterface"], [interfaces], made)
    yield allow("InSubnets", ["ec2:CreateNetworkInterface"], [*subnets, *groups])
    yield allow("OwnInterface", OWN_INTERFACE, [interfaces], ours)
    removed = ["ec2:DeleteNetworkInterfacePermission"]
    yield allow("RemovePermissionKnowsNoResource", removed, ["*"], ours)
    yield allow("TagInterface", ["ec2:CreateTags"], [interfaces], tagging)


DESCRIBED = [
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
OWN_INTERFACE = ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"]
