"""One record mended in place, where a fault has one right answer.

Reserved words become something that reads the same and that no validator looks for: `System:` is
written `System -`, `[EOS]` and `<image>` become `(EOS)` and `(image)`. Plain ASCII, so that a
model learns nothing odd, and the list of changes says where, so that it can be undone.

What carries something to learn is never removed: a key in another case gets its name, a key that
another format has (`tools`, `prompt`) stays for `check` to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.checks import literals
from pipeline.checks.places import replace_texts
from pipeline.checks.standard import KEYS, SCHEMAS, SYSTEM_APART, Standard
from pipeline.checks.words import rewritten
from pipeline.schemas_dir import load_schema

Tell = Callable[[str, str], None]
"""Called with the rule and the detail of each change."""

SHOWN = 200
"""Characters of a removed value that are told."""

_VERSION = "bedrock-conversation-2024"
_ROLES = {"user", "assistant", "system"}
_CARRIES = frozenset().union(*KEYS.values(), {"functions", "context", "instruction"}) - {
    "id",
    "recordId",
}


def mend_record(record: dict[str, Any], standard: Standard, tell: Tell) -> None:
    """Mend one record in place and tell each change; one of another format stays as it is."""
    schema = load_schema(SCHEMAS[standard.format])
    required = set(schema["required"]) - {"schemaVersion"}
    known = required if schema["additionalProperties"] else set(schema["properties"])
    _mend_case(record, known, tell)
    if not required <= record.keys():
        return
    if not schema["additionalProperties"]:
        _remove_keys(record, known, tell)
    _mend_version(record, known, tell)
    _lower_roles(record, tell)
    if standard.format in SYSTEM_APART:
        _move_system(record, standard.format, tell)
    reserved = standard.plan.reserved_words if standard.plan else None
    if reserved is not None:

        def other(text: str) -> str:
            return rewritten(text, reserved, lambda detail: tell("reserved-word", detail))

        replace_texts(record, standard.format, other)


def _mend_case(record: dict[str, Any], known: set[str], tell: Tell) -> None:
    """Give a key that differs by case alone its name, where that is free and no other claims it."""
    for name in sorted(known - record.keys()):
        spelled = [key for key in record if key.lower() == name.lower()]
        if len(spelled) == 1:
            (key,) = spelled
            record[name] = record.pop(key)
            tell("unknown-key", f"{key} written {name}")


def _remove_keys(record: dict[str, Any], known: set[str], tell: Tell) -> None:
    lowered = {name.lower() for name in known}
    for key in sorted(record.keys() - known - _CARRIES):
        if key.lower() not in lowered:
            value = literals.written(record.pop(key))
            shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
            tell("unknown-key", f"{key} removed: {shown}")


def _mend_version(record: dict[str, Any], known: set[str], tell: Tell) -> None:
    version = record.get("schemaVersion")
    if "schemaVersion" in known and version != _VERSION:
        record["schemaVersion"] = _VERSION
        tell("schema-version", f"was {version!r}")


def _lower_roles(record: dict[str, Any], tell: Tell) -> None:
    for message in _messages(record):
        role = message.get("role")
        if isinstance(role, str) and role not in _ROLES and role.lower() in _ROLES:
            message["role"] = role.lower()
            tell("unknown-role", f"{role} written {role.lower()}")


def _move_system(record: dict[str, Any], format_name: str, tell: Tell) -> None:
    """Move the text of a first message of the role `system` to the key of that name."""
    messages = _messages(record)
    if "system" in record or len(messages) < 2 or messages[0] is not record["messages"][0]:
        return
    if messages[0].get("role") != "system":
        return
    text = _only_text(messages[0].get("content"))
    if text is None or messages[0].keys() != {"role", "content"}:
        return
    record["system"] = text if format_name == "claude3_messages" else [{"text": text}]
    del record["messages"][0]
    tell("system-in-messages", "moved to system")


def _only_text(content: Any) -> str | None:
    """The text of a content that is nothing else, and not blank."""
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0]["text"] if content[0].keys() == {"text"} else None
    return content if isinstance(content, str) and content.strip() else None


def _messages(record: dict[str, Any]) -> list[dict[str, Any]]:
    messages = record.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
