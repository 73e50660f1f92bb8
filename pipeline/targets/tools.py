"""Tools as OpenAI's chat format declares them, which is the form in most data sets."""

from __future__ import annotations

from typing import Any

from pipeline.targets.lines import Value


def functions(tools: Any) -> list[Value]:
    """The declared functions, each with a name, a description and an object of parameters.

    Raises ValueError for a tool that lacks one of these, which AWS's validators refuse.
    """
    if not isinstance(tools, list):
        raise ValueError("tools are not a list")  # noqa: TRY004  (data, not a call, is wrong)
    return [_function(tool) for tool in tools]


def _function(tool: Any) -> Value:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or tool.get("type", "function") != "function":
        raise ValueError("a tool is not a function")
    for key in ("name", "description"):
        if not isinstance(function.get(key), str) or not function[key].strip():
            raise ValueError(f"a tool has no {key}")
    parameters = function.get("parameters")
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        raise ValueError("a tool's parameters are not a schema of an object")
    return {key: function[key] for key in ("name", "description", "parameters")}
