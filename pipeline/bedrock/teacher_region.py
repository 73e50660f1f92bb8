"""The Region in which a teacher model is asked: texts leave the machine for no other one."""

from __future__ import annotations

import re

from pipeline.bedrock.card import Card
from pipeline.bedrock.client import session_region
from pipeline.errors import RecipeError

ARN_REGION = re.compile(r"^arn:aws[^:]*:bedrock:([a-z0-9-]+):")

CALLED_FROM = {
    "us": r"(us-(?!gov-)|ca-)",
    "us-gov": r"us-gov-",
    "eu": r"(eu-|il-)",
    "apac": r"(ap-|me-)",
    "jp": r"ap-",
    "au": r"ap-",
    "ca": r"ca-",
}
"""The Regions from which the inference profiles of a geography are called, as patterns.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html. A
pattern is wider than the list of any one model; Bedrock knows that list.
"""


def teacher_region(
    model: str, card: Card | None, asked: str | None, recipe_region: str | None, profile: str | None
) -> str | None:
    """The first that is known of: the caller's Region, the recipe's, that of the model's ARN, the
    session's, and the first one of the card.

    None if none is known that fits the model.
    """
    named = ARN_REGION.match(model)
    region = asked or recipe_region or (named[1] if named else None) or session_region(profile)
    if region is None and card and card.regions and misfit(model, card.regions[0]) is None:
        region = card.regions[0]
    return region


def refuse_misfit(model: str, region: str) -> None:
    """Raise RecipeError for a model that cannot be asked in a Region, by its id or ARN alone."""
    fault = misfit(model, region)
    if fault:
        raise RecipeError(f"teacher.model {model}: {fault}")


def misfit(model: str, region: str) -> str | None:
    """Why a model cannot be asked in a Region, by its id or ARN alone; None if nothing is wrong."""
    named = ARN_REGION.match(model)
    if named and named[1] != region:
        return f"is an ARN of {named[1]}, not of {region}; give --region {named[1]}"
    geography = model.rsplit("/", 1)[-1].split(".")[0]
    pattern = CALLED_FROM.get(geography)
    if pattern and not re.match(pattern, region):
        return (
            f"is an inference profile of the geography {geography}, which is not called from "
            f"{region}; give a --region of that geography, or another profile"
        )
    return None
