"""What a data set is checked against: a format and, if a model is named, its card."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pipeline.bedrock.card import Plan
from pipeline.schemas_dir import load_schema

SCHEMAS = {
    "prompt_completion": "prompt_completion.schema.json",
    "conversation": "converse.schema.json",
    "claude3_messages": "claude3_messages.schema.json",
    "image_caption": "image_caption.schema.json",
    "pretraining": "pretraining_input.schema.json",
    "pretraining_text": "pretraining_text.schema.json",
    "reinforcement": "reinforcement.schema.json",
    "distillation": "distillation.schema.json",
    "batch_inference": "batch_inference.schema.json",
}
"""The JSON Schema of each format."""

KEYS = {
    "prompt_completion": {"prompt", "completion"},
    "conversation": {"schemaVersion", "system", "messages", "toolConfig"},
    "claude3_messages": {"system", "messages"},
    "image_caption": {"image-ref", "caption"},
    "pretraining": {"input"},
    "pretraining_text": {"text"},
    "reinforcement": {"id", "messages", "reference_answer", "tools"},
    "batch_inference": {"recordId", "modelInput"},
}
"""Keys by which the format of a record is recognised."""

SYSTEM_APART = {"conversation", "distillation", "claude3_messages"}
"""Formats with the system prompt in a key of its own, not among the messages."""


@dataclass(frozen=True)
class Standard:
    """A format, and the plan of a model for one customization, if one is named."""

    format: str
    plan: Plan | None = None

    @property
    def family(self) -> str | None:
        """The model's family: `nova`, `llama`, `claude`, …; None without a model."""
        return self.plan.family if self.plan else None

    @property
    def is_nova(self) -> bool:
        """Whether the rules of Nova's guide and AWS's Nova validators apply."""
        return self.family == "nova"

    @property
    def content(self) -> frozenset[str]:
        """The kinds of blocks that the model accepts; every kind without a model."""
        kinds = ("text", "image", "video", "document", "reasoning", "tools")
        return frozenset(self.plan.content if self.plan else kinds)


@cache
def validator(format_name: str) -> Any:
    """A compiled validator of the format's schema, with `is_valid` and `iter_errors`."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(load_schema(SCHEMAS[format_name]))


def guess_format(value: dict[str, Any]) -> str | None:
    """The format that a record seems to have, by its keys; None if unknown."""
    keys = value.keys()
    if "messages" in keys:
        return _guess_turns(value)
    for name, known in KEYS.items():
        if keys and keys <= known:
            return name
    return None


def _guess_turns(value: dict[str, Any]) -> str | None:
    if "schemaVersion" in value:
        return "conversation"
    if "reference_answer" in value:
        return "reinforcement"
    messages = value["messages"]
    first = messages[0] if isinstance(messages, list) and messages else None
    content = first.get("content") if isinstance(first, dict) else None
    if isinstance(content, list):
        return "conversation"
    if "id" in value:
        return "reinforcement"
    if not isinstance(content, str):
        return None
    return "reinforcement" if first and first.get("role") == "system" else "claude3_messages"
