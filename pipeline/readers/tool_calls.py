"""Tool calls and their results in the shapes of OpenAI, Anthropic and Converse, as Converse blocks.

Reasons: `read.bad_tool_call` (value: the tool and what is missing), `read.bad_arguments` (value:
the tool), `read.tool_result_without_call` (value: the tool, if it is named), and
`read.unsupported_content` (value: the key).
"""

from __future__ import annotations

from typing import Any

from pipeline.readers import json_object, turns
from pipeline.readers.rows import UnreadableError

REASONS = {
    "read.bad_tool_call": "a tool call or a tool's result lacks its id, its name or its content",
    "read.bad_arguments": "the arguments of a tool call are not a JSON object",
    "read.tool_result_without_call": "a tool's result does not name an earlier call",
}


def tool_use(value: dict[str, Any]) -> dict[str, Any]:
    """The checked content of a Converse `toolUse` block; raises `UnreadableError`."""
    _refuse_odd_keys("toolUse", value, {"toolUseId", "name", "input"})
    return _call(value.get("toolUseId"), value.get("name"), value.get("input"))


def openai_call(call: Any) -> dict[str, Any]:
    """One of OpenAI's `tool_calls` as a Converse block; raises `UnreadableError`."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise UnreadableError("read.bad_tool_call", "tool_calls: no function")
    held = _call(call.get("id"), function.get("name"), function.get("arguments"))
    return {"toolUse": held}


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    if not isinstance(name, str) or not name.strip():
        raise UnreadableError("read.bad_tool_call", "no name")
    if not isinstance(call_id, str) or not call_id.strip():
        raise UnreadableError("read.bad_tool_call", f"{name}: no id")
    return {"toolUseId": call_id, "name": name, "input": _arguments(name, arguments)}


def _arguments(name: str, given: Any) -> dict[str, Any]:
    """The arguments as an object; a string, as OpenAI and tables write them, is parsed as JSON."""
    if isinstance(given, dict):
        return given
    try:
        return json_object.parsed(given.encode() if isinstance(given, str) else b"")
    except UnreadableError:
        raise UnreadableError("read.bad_arguments", name) from None


def tool_result(value: dict[str, Any]) -> dict[str, Any]:
    """The checked content of a Converse `toolResult` block, without a `status` of success."""
    if value.get("status", "success") != "success":
        raise UnreadableError("read.unsupported_content", f"toolResult.status: {value['status']}")
    _refuse_odd_keys("toolResult", value, {"toolUseId", "content", "status"})
    content, call_id = value.get("content"), value.get("toolUseId")
    if not isinstance(call_id, str) or not isinstance(content, list) or not content:
        raise UnreadableError("read.bad_tool_call", "toolResult: no id or no content")
    return {"toolUseId": call_id, "content": [_result_part(part) for part in content]}


def _result_part(part: Any) -> dict[str, Any]:
    held = turns.filled(part)
    if held.keys() == {"json"}:
        return held
    return {"text": turns.part_text("toolResult", part)}


def from_anthropic(part: dict[str, Any]) -> dict[str, Any]:
    """A part of Anthropic's shape (`type`: tool_use, tool_result, thinking) as Converse's.

    Parts of other types are returned unchanged. The signature of a thought is left out.
    """
    kind = part.get("type")
    if kind == "tool_use":
        keys = {"id": "toolUseId", "name": "name", "input": "input"}
        return {"toolUse": _renamed("tool_use", part, keys)}
    if kind == "thinking":
        _refuse_odd_keys("thinking", part, {"type", "thinking", "signature"})
        return {"reasoningContent": {"reasoningText": {"text": part.get("thinking")}}}
    if kind != "tool_result":
        return part
    held = _renamed("tool_result", part, {"tool_use_id": "toolUseId", "content": "content"})
    if part.get("is_error"):
        raise UnreadableError("read.unsupported_content", "tool_result.is_error")
    texts = turns.texts("tool_result.content", held.get("content"))
    return {"toolResult": held | {"content": [{"text": text} for text in texts]}}


def _renamed(kind: str, part: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    _refuse_odd_keys(kind, part, {"type", "is_error", "cache_control", "caller", *keys})
    return {name: part[key] for key, name in keys.items() if key in part}


def openai_result(message: dict[str, Any]) -> dict[str, Any]:
    """A message with OpenAI's role `tool` as a Converse block; raises `UnreadableError`."""
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        raise UnreadableError("read.tool_result_without_call", message.get("name"))
    texts = turns.texts("content", message.get("content"))
    if not texts:
        raise UnreadableError("read.bad_tool_call", f"{call_id}: no content")
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": text} for text in texts]}}


def _refuse_odd_keys(kind: str, value: dict[str, Any], known: set[str]) -> None:
    odd = next((key for key in value if key not in known), None)
    if odd is not None:
        raise UnreadableError("read.unsupported_content", f"{kind}.{odd}")
