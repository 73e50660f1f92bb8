"""Which rules data for a model can break, by its card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from check_sets import Target, least

from pipeline.checks.rule import Rule

Asked = Callable[[Target], Any]


def limit(*names: str) -> Asked:
    """Whether the card has one of these limits."""
    return lambda target: any(getattr(target.limits, name) for name in names)


def taken(*kinds: str) -> Asked:
    """Whether the model takes one of these kinds of content."""
    return lambda target: bool(set(kinds) & set(target.plan.content))


def _tokens(target: Target) -> bool:
    """Records of a distillation are over the limit of a line before that of tokens."""
    return limit("tokens_max", "input_tokens_max")(target) and not target.limits.line_bytes_max


def _recommended(target: Target) -> bool:
    most = target.limits.records_recommended
    return bool(most and most.value > least(target))


def _validated(name: str) -> Asked:
    return lambda target: target.plan.validation.allowed is True and limit(name)(target)


WHERE: dict[str, Asked] = {
    "file-name-characters": lambda target: target.nova,
    "content-kind": lambda target: target.format == "distillation" or not taken("tools")(target),
    "reserved-word": lambda target: target.plan.reserved_words,
    "optional-fields": lambda target: target.nova,
    "media-bucket": lambda target: target.nova and taken("image", "video", "document")(target),
    "too-many-images": limit("images_max"),
    "too-many-videos": limit("videos_max"),
    "too-many-documents": limit("documents_max"),
    "tools-absent": lambda target: target.nova,
    "too-many-tokens": _tokens,
    "perhaps-too-many-tokens": _tokens,
    "too-many-characters": limit("chars_per_token"),
    "line-too-long": limit("line_bytes_max"),
    "caption-too-short": lambda target: target.limits.caption_chars_min.value > 0,
    "caption-too-long": limit("caption_chars_max"),
    "too-few-records": limit("records_min"),
    "own-quota": limit("records_min"),
    "fewer-than-recommended": _recommended,
    "too-many-records": limit("records_max"),
    "too-many-train-records": limit("train_records_max"),
    "too-few-validation-records": _validated("validation_records_min"),
    "too-many-validation-records": _validated("validation_records_max"),
    "train-file-too-heavy": limit("train_bytes_max"),
    "validation-file-too-heavy": _validated("validation_bytes_max"),
    "validation-not-taken": lambda target: target.plan.validation.allowed is False,
    "validation-ignored": lambda target: target.plan.validation.allowed == "ignored",
    "schema": lambda target: target.format == "reinforcement",  # others have a name for all of it
    **dict.fromkeys(
        ("tool-not-declared", "tool-use-id-twice", "tool-result-unmatched", "tool-result-twice",
         "tool-result-missing"),
        taken("tools"),
    ),
    "tool-name-twice": lambda t: t.format == "reinforcement" or taken("tools")(t),
}  # fmt: skip
"""What a card must say for a rule to be one of its model's; other rules are of their formats."""


def applies(rule: Rule, target: Target) -> bool:
    """Whether data for this model can break the rule."""
    of_format = not rule.formats or target.format in rule.formats
    return of_format and bool(WHERE.get(rule.id, lambda _: True)(target))
