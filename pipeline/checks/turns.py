"""Rules for a conversation's turns, tools and media that a JSON Schema cannot express."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.bedrock.card import Names
from pipeline.checks.places import MEDIA, blocks
from pipeline.checks.standard import Standard

_KINDS = {"reasoningContent": "reasoning", "toolUse": "tools", "toolResult": "tools"}
_FORGE_ROLES = {"system", "user", "assistant"}

RuleFault = tuple[str, str, Any, Any]
"""(rule, detail, value, threshold)."""


def takes_turns(messages: list[dict[str, Any]]) -> bool:
    """Whether roles alternate, from user to assistant; in a valid record the first two do."""
    count = len(messages)
    if count == 2:
        return True
    roles = [message["role"] for message in messages]
    return roles == ["user", "assistant"] * (count // 2)


def turn_fault(value: dict[str, Any]) -> RuleFault:
    """The fault of turns that do not alternate; its detail is the first letters of the roles."""
    roles = "".join(message["role"][:1] for message in value["messages"])
    return "turn-order", roles[:80], roles[:80], None


def conversation_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    """The faults of a record whose shape is valid and that has blocks other than text."""
    yield from _kind_faults(value, standard)
    yield from _count_faults(value, standard)
    yield from _format_faults(value, standard)
    yield from _tool_faults(value)


def _kind_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    kinds = {_KINDS.get(kind, kind) for _, kind, _ in blocks(value)}
    if "toolConfig" in value:
        kinds.add("tools")
    for kind in sorted(kinds - standard.content):
        yield "content-kind", kind, kind, ", ".join(sorted(standard.content))


def _count_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    if standard.plan is None:
        return
    kinds = [kind for _, kind, _ in blocks(value)]
    for kind in MEDIA:
        limit = getattr(standard.plan.limits, f"{kind}s_max")
        if limit and kinds.count(kind) > limit.value:
            count = kinds.count(kind)
            yield f"too-many-{kind}s", f"{count}, at most {limit.value}", count, limit.value


def _format_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    if standard.plan is None:
        return
    for number, kind, held in blocks(value):
        known: Names | None = (
            getattr(standard.plan.limits, f"{kind}_formats") if kind in MEDIA else None
        )
        if known and held["format"] not in known.value:
            allowed = ", ".join(known.value)
            yield "media-format", f"messages[{number}]: {held['format']}", held["format"], allowed


def _tool_faults(value: dict[str, Any]) -> Iterator[RuleFault]:
    """AWS's rules: declared names, an id for each call, and one result for each call, after it."""
    tools = value.get("toolConfig", {}).get("tools", [])
    names = [tool["toolSpec"]["name"] for tool in tools]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "tool-name-twice", name, name, None
    calls: dict[str, int] = {}
    answered: set[str] = set()
    for number, kind, held in blocks(value):
        if kind == "toolUse":
            yield from _call_faults(held, names, calls)
            calls.setdefault(held["toolUseId"], number)
        elif kind == "toolResult":
            yield from _result_faults(held["toolUseId"], calls, answered)
            answered.add(held["toolUseId"])
    last = len(value["messages"]) - 1
    for call, number in calls.items():
        if call not in answered and number < last:
            yield "tool-result-missing", call, call, None


def _call_faults(
    held: dict[str, Any], names: list[str], calls: dict[str, int]
) -> Iterator[RuleFault]:
    if held["name"] not in names:
        yield "tool-not-declared", held["name"], held["name"], ", ".join(names)
    if held["toolUseId"] in calls:
        yield "tool-use-id-twice", held["toolUseId"], held["toolUseId"], None


def _result_faults(call: str, calls: dict[str, int], answered: set[str]) -> Iterator[RuleFault]:
    if call not in calls:
        yield "tool-result-unmatched", call, call, None
    elif call in answered:
        yield "tool-result-twice", call, call, None


def reinforcement_faults(value: dict[str, Any], standard: Standard) -> Iterator[RuleFault]:
    """The faults by what AWS's validators for Nova require of a record beyond its valid shape."""
    names = [tool["function"]["name"] for tool in value.get("tools", [])]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "tool-name-twice", name, name, None
    for tool in value.get("tools", []):
        parameters = tool["function"]["parameters"]
        shaped = isinstance(parameters.get("properties"), dict)
        if parameters.get("type") != "object" or not shaped:
            yield "tool-shape", tool["function"]["name"], None, None
    if standard.is_nova:
        for number, message in enumerate(value["messages"]):
            if message["role"] not in _FORGE_ROLES:
                role = message["role"]
                yield "unknown-role", f"messages[{number}]: {role}", role, "system, user, assistant"
