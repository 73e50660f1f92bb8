"""Validates records by their JSON Schema and turns its errors into rules of `check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.checks.standard import SYSTEM_APART, Standard, guess_format, validator

MOST_COMPLAINTS = 8
"""Schema errors reported for one record; a record of the wrong shape has many."""

_ANSWERED = {"conversation", "claude3_messages"}
_BLOCKS = {"text", "image", "video", "document", "reasoningContent", "toolUse", "toolResult"}
_BY_PROPERTY = {"bucketOwner": "bucket-owner", "toolConfig": "tools-undeclared"}
_BY_PLACE = {"uri": "media-uri", "image-ref": "media-uri", "bucketOwner": "bucket-owner"}
_SEVERAL = {"system": "several-system-prompts", "messages": "too-many-turns"}
_BY_SYSTEM = {"turn-order", "too-many-turns"}
"""What a system message among the turns breaks by the way: it is told alone."""

_FORBIDDEN = ("mixed-media", "mixed-media", "mixed-media", "reasoning-with-media")
"""The rules of the `not` clauses of the conversation's schema, in the order of the clauses."""


def shape_faults(value: Any, standard: Standard) -> Iterator[tuple[str, str]]:
    """(rule, detail) for each rule that a record's shape breaks; none if it is valid."""
    if not isinstance(value, dict):
        yield ("json-array" if isinstance(value, list) else "not-an-object"), ""
        return
    errors = list(validator(standard.format).iter_errors(value))
    seems = guess_format(value)
    if errors and _is_other(value, seems, standard.format):
        yield "wrong-format", f"{seems} instead of {standard.format}"
        return
    reported: set[tuple[str, str]] = set()
    has_system = standard.format in SYSTEM_APART and _has_system(value)
    has_words = standard.plan is not None and standard.plan.reserved_words is not None
    for error in errors:
        rule = rule_of(error, standard.format)
        if rule == "reserved-word" and has_words:
            continue  # the search for them tells which
        if rule in _BY_SYSTEM and has_system:
            continue
        place = _dotted(error.instance_path)
        if rule is None or (rule, place) in reported or len(reported) >= MOST_COMPLAINTS:
            continue
        reported.add((rule, place))
        yield rule, f"{place}: {error.message[:160]}" if place else error.message[:160]


def _is_other(value: dict[str, Any], seems: str | None, wanted: str) -> bool:
    """Whether a record certainly has another format, and is not a faulty one of the wanted one."""
    if seems is None or seems == wanted or {seems, wanted} <= {"conversation", "distillation"}:
        return False
    if (seems, wanted) == ("reinforcement", "claude3_messages"):  # alike but for these keys
        return bool(value.keys() & {"reference_answer", "tools"})
    chats = (seems, wanted) == ("claude3_messages", "reinforcement")
    return "system" in value if chats else True


def _has_system(value: dict[str, Any]) -> bool:
    messages = value.get("messages")
    turns = messages if isinstance(messages, list) else []
    return any(isinstance(turn, dict) and turn.get("role") == "system" for turn in turns)


def _dotted(path: list[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def rule_of(error: Any, format_name: str) -> str | None:
    """The rule that a schema error stands for; None if another rule reports it."""
    path, kind = error.instance_path, error.kind
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    match kind.name:
        case "additionalProperties":
            return _unexpected(kind.unexpected, path, format_name)
        case "required":
            return _missing(kind.property, error)
        case "type":
            return "reference-answer" if last == "reference_answer" else "wrong-type"
        case "pattern" | "maxLength":
            return _BY_PLACE.get(last, "empty-text")
        case "const":
            return _other_constant(last, error)
        case "enum":
            return _not_listed(last, error, format_name)
        case "minItems":
            answered = format_name in _ANSWERED
            return "too-few-turns" if path == ["messages"] and answered else "empty-list"
        case "maxItems":
            return _SEVERAL.get(last, "too-many-blocks")
        case "minProperties" | "maxProperties":
            return "missing-key" if format_name == "batch_inference" else "one-block-each"
        case "not":
            return _forbidden(error.schema_path)
        case "anyOf":
            return _neither(last, error)
        case "contains":
            return _no_user(error.instance)
    return "schema"


def _unexpected(names: list[str], path: list[str | int], format_name: str) -> str:
    if not (_in_content(path) and set(names) <= _BLOCKS):
        return "unknown-key"
    return "content-kind" if format_name == "distillation" else "block-in-wrong-turn"


def _missing(name: str, error: Any) -> str | None:
    """The rule of a missing key; None for `text` in a block of another kind, reported elsewhere."""
    other = name == "text" and _in_content(error.instance_path) and _BLOCKS & error.instance.keys()
    return None if other else _BY_PROPERTY.get(name, "missing-key")


def _in_content(path: list[str | int]) -> bool:
    return len(path) > 1 and path[-2] == "content"


def _other_constant(last: str, error: Any) -> str | None:
    """The rule of a wrong constant; None for an unknown role, which is reported as such."""
    if last == "role":
        return "turn-order" if error.instance in {"user", "assistant"} else None
    return "schema-version" if last == "schemaVersion" else "schema"


def _not_listed(last: str, error: Any, format_name: str) -> str:
    if last == "format":
        return "media-format"
    if error.instance != "system":
        return "unknown-role"
    return "system-in-messages" if format_name in SYSTEM_APART else "system-not-first"


def _no_user(messages: list[Any]) -> str | None:
    """The rule of a missing user turn; None if a role is only misspelled or there is no message.

    Both are reported by other rules.
    """
    roles = {str(message.get("role")).lower() for message in messages if isinstance(message, dict)}
    return None if "user" in roles or not messages else "no-user-turn"


def _forbidden(schema_path: list[str | int]) -> str:
    """The rule of a `not` clause: media that must not be combined, or Claude's turn marks."""
    if schema_path[:1] != ["allOf"]:
        return "reserved-word"
    at = schema_path[1]
    return _FORBIDDEN[at] if isinstance(at, int) and at < len(_FORBIDDEN) else "schema"


def _neither(last: str, error: Any) -> str:
    """The rule of a value that fits no shape of an `anyOf`: a reference answer, or a message."""
    if last == "reference_answer":
        return "reference-answer"
    message = error.instance
    if last != "messages" or not isinstance(message, dict):
        return "wrong-type"
    if not isinstance(message.get("role"), str):
        return "missing-key" if "role" not in message else "wrong-type"
    if message["role"] not in {"system", "developer", "user", "assistant", "tool"}:
        return "unknown-role"
    if message.keys() - {"role", "content", "tool_calls", "tool_call_id"}:
        return "unknown-key"
    if "content" not in message:
        return "missing-key"
    return "empty-text" if isinstance(message["content"], str) else "wrong-type"
