"""The faults of a job's request, with the recipe's keys in the place of the service's names."""

from __future__ import annotations

import re
from typing import Any

from pipeline.bedrock.api_model import validate_request

KEYS = {
    "roleArn": "job.role_arn",
    "baseModelIdentifier": "job.base_model",
    "customModelName": "job.custom_model_name",
    "customModelKmsKeyId": "job.kms_key_id",
    "jobTags": "job.tags",
    "customModelTags": "job.tags",
    "outputDataConfig": "job.output_uri",
    "trainingDataConfig": "publish.uri",
    "validationDataConfig": "publish.uri",
    "hyperParameters": "job.hyperparameters",
    "vpcConfig.subnetIds": "job.vpc.subnet_ids",
    "vpcConfig.securityGroupIds": "job.vpc.security_group_ids",
    "customizationConfig.distillationConfig.teacherModelConfig.maxResponseLengthForInference": (
        "job.max_response_length"
    ),
    "customizationConfig.distillationConfig": "job.teacher",
    "customizationConfig.rftConfig.graderConfig": "job.reward_lambda",
    "customizationConfig.rftConfig.hyperParameters": "job.hyperparameters",
}
"""The recipe's key by the place in the request, of which each is a prefix."""

S3_FORM = "an S3 URI that a job accepts: s3://bucket/ and letters, digits, slashes and -!_*'()."

FORMS = {
    "job.role_arn": "the ARN of an IAM role: arn:aws:iam::ACCOUNT:role/NAME",
    "job.base_model": "the ARN of a custom model",
    "job.custom_model_name": "a name of letters and digits, with single - or _ between them",
    "job.kms_key_id": "the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID",
    "job.output_uri": S3_FORM,
    "publish.uri": S3_FORM,
    "job.teacher": "a model id, or the ARN of a model or an inference profile",
    "job.reward_lambda": "the ARN of a Lambda function",
}
"""The form that the service's pattern asks for, in words."""


def recipe_job_faults(request: dict[str, Any]) -> list[str]:
    """Every fault that the service's model finds in a request, as `job.key: what`; each once."""
    return list(dict.fromkeys(map(_in_recipe, validate_request(request))))


def _in_recipe(fault: str) -> str:
    path, _, what = fault.partition(": ")
    key = next((KEYS[name] for name in KEYS if re.match(rf"{re.escape(name)}\b", path)), None)
    if key is None:
        return fault
    value, unfit, _ = what.partition(" does not match ")
    return f"{key}: {value} is not {FORMS[key]}" if unfit and key in FORMS else f"{key}: {what}"
