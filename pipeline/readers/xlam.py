"""Turn rows of function calling, in the format of Salesforce's xLAM, into conversations with tools.

    query: "…", answers: [{"name": "f", "arguments": {"x": 1}}],
    tools: [{"name": "f", "description": "…", "parameters": {"x": {"type": "str, optional", …}}}]

`answers` and `tools` may be JSON as text. A parameter's Python type becomes JSON Schema's: `str`,
`int`, `float`, `bool`, `List[…]`, `Dict[…]`; any other type is left out. A parameter is required
unless it is optional or has a default.

Reasons: `read.no_answer` if no tool is called, `read.bad_tools` (value: the tool's number and what
is wrong), `read.bad_tool_call` (value: the call's number and its type), and those of
`json_object`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.readers import json_object
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import SYSTEM_NAMES, json_type

NAMES = frozenset(("query", "answers", "tools"))
"""The columns that every such row has."""

TYPES = {
    "str": "string", "string": "string", "int": "integer", "integer": "integer",
    "float": "number", "number": "number", "bool": "boolean", "boolean": "boolean",
    "list": "array", "array": "array", "dict": "object", "object": "object",
}  # fmt: skip

_OF = re.compile(r"(list|dict)\s*\[(.*)\]", re.IGNORECASE | re.DOTALL)
_OPTIONAL = re.compile(r",\s*optional\s*$", re.IGNORECASE)
_DEEPEST = 8
"""The most levels of lists in lists; the types of deeper items are left out."""


def conversation(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with `messages` and `tools` in OpenAI's shape; the row unchanged if it is not xLAM's.

    Raises `UnreadableError`.
    """
    calls, tools = (_listed(row[name]) for name in ("answers", "tools"))
    known = isinstance(row["query"], str) and tools is not None and calls is not None
    if not known or not all(map(_is_call, calls or ())):
        return row
    if not calls:
        raise UnreadableError("read.no_answer")
    made = [
        {"id": f"call_{number}", "type": "function", "function": call}
        for number, call in enumerate(calls, 1)
    ]
    said = [
        {"role": "user", "content": row["query"]},
        {"role": "assistant", "content": None, "tool_calls": made},
    ]
    beside = {name: row[name] for name in SYSTEM_NAMES if name in row}
    declared = [_tool(number, tool) for number, tool in enumerate(tools or (), 1)]
    return {"messages": said, "tools": declared, **beside}


def _is_call(value: Any) -> bool:
    return isinstance(value, dict) and "name" in value and "arguments" in value


def _listed(value: Any) -> list[Any] | None:
    held = json_object.in_text(value) if isinstance(value, str) else value
    return held if isinstance(held, list) else None


def _tool(number: int, tool: Any) -> dict[str, Any]:
    """A tool in OpenAI's shape; one that already has it is returned unchanged."""
    if not isinstance(tool, dict):
        raise UnreadableError("read.bad_tools", f"tool {number}: {json_type(tool)}")
    if isinstance(tool.get("function"), dict):
        return tool
    function = {name: tool[name] for name in ("name", "description") if name in tool}
    return {"type": "function", "function": function | {"parameters": _parameters(number, tool)}}


def _parameters(number: int, tool: dict[str, Any]) -> dict[str, Any]:
    given = tool.get("parameters") or {}
    if isinstance(given, dict) and given.get("type") == "object":
        return given  # JSON Schema already
    if not isinstance(given, dict) or not all(isinstance(each, dict) for each in given.values()):
        raise UnreadableError("read.bad_tools", f"tool {number}: parameters")
    properties = {name: _property(parameter) for name, parameter in given.items()}
    required = [name for name, parameter in given.items() if _is_required(parameter)]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema | ({"required": required} if required else {})


def _is_required(parameter: dict[str, Any]) -> bool:
    return "default" not in parameter and not _OPTIONAL.search(str(parameter.get("type")))


def _property(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter in JSON Schema: its type, and all its other keys unchanged."""
    named = parameter.get("type")
    typed = _schema(_OPTIONAL.sub("", named)) if isinstance(named, str) else {}
    return typed | {name: value for name, value in parameter.items() if name != "type"}


def _schema(named: str, depth: int = 0) -> dict[str, Any]:
    """The JSON Schema of a Python type: `List[int]` is an array of integers; {} if unknown."""
    name = named.strip()
    if known := TYPES.get(name.lower()):
        return {"type": known}
    match = _OF.fullmatch(name)
    if match is None or depth == _DEEPEST:
        return {}
    kind = TYPES[match[1].lower()]
    inner = _schema(match[2], depth + 1) if kind == "array" else {}
    return {"type": kind} | ({"items": inner} if inner else {})
