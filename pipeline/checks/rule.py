"""What a rule of `check` is, and the documents that rules come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

GUIDE = "https://docs.aws.amazon.com/bedrock/latest/userguide/"
PREPARE = GUIDE + "model-customization-prepare.html"
TROUBLESHOOT = GUIDE + "fine-tuning-troubleshooting.html"
DISTILL = GUIDE + "prequisites-model-distillation.html"
RFT = GUIDE + "reinforcement-fine-tuning.html"
QUOTAS = "https://docs.aws.amazon.com/general/latest/gr/bedrock.html"
NOVA = "https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html"
NOVA2 = "https://docs.aws.amazon.com/nova/latest/nova2-userguide/nova-sft-2-fine-tune.html"
REPOST = "https://repost.aws/knowledge-center/bedrock-fine-tuning-errors"
FORGE = "https://github.com/aws/nova-forge-sdk"
SAMPLES = "https://github.com/aws-samples/amazon-bedrock-samples"
NOVA_SAMPLES = "https://github.com/aws-samples/amazon-nova-samples"
API = "botocore, service model bedrock/2023-04-20"
JSON = "https://www.rfc-editor.org/rfc/rfc8259"


@dataclass(frozen=True)
class Rule:
    """What may be wrong with a data set, which document says so, and what to do about it."""

    id: str
    title: str
    remedy: str
    source: str
    facts: tuple[str, ...]  # R01-R23 of the collected facts, or the limits of a model card
    formats: tuple[str, ...] = ()  # the formats that it applies to; empty for all
    severity: Severity = "error"
    of_card: bool = False  # applies only if a model card is given


def by_name(*rules: Rule) -> dict[str, Rule]:
    """The rules by their names."""
    return {rule.id: rule for rule in rules}
