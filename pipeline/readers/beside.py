"""What stands beside the turns of a record: its tools, its reference answer, its metadata.

Reasons: `read.bad_tools` (value: the column, or the tool's name), `read.not_text` (value: the
column and its type), `read.not_scalar` (value: the column and its type).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.readers import json_object
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import json_type

REASONS = {
    "read.bad_tools": "the tools are neither OpenAI's list nor Converse's `toolConfig`, or two "
    "have one name",
    "read.not_scalar": "a column of metadata holds a list or an object, which no grader is handed",
}


def tools(row: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """`toolConfig` or `tools`, by the shape of the column, which may be JSON as text; empty where
    there are none."""
    given = row.get(name) if name else None
    if isinstance(given, str) and (held := json_object.in_text(given)) is not None:
        given = held
    if not given:
        return {}
    is_config = isinstance(given, dict) and isinstance(given.get("tools"), list)
    if not is_config and not isinstance(given, list):
        raise UnreadableError("read.bad_tools", f"{name}: {json_type(given)}")
    found = {"toolConfig" if is_config else "tools": given}
    for each, times in Counter(declared(found) or ()).items():
        if times > 1:
            raise UnreadableError("read.bad_tools", each)
    return found


def declared(found: Mapping[str, Any]) -> list[str] | None:
    """The names of the tools that `tools` found; None where one of them is not to be made out.

    What else a tool must have is for the target and its schema to say.
    """
    given = found.get("tools") or found.get("toolConfig", {}).get("tools")
    specs = [_spec(tool) for tool in given or ()]
    names = [spec["name"] for spec in specs if isinstance(spec, dict) and "name" in spec]
    known = specs and len(names) == len(specs) and all(isinstance(name, str) for name in names)
    return names if known else None


def _spec(tool: Any) -> Any:
    return (tool.get("toolSpec") or tool.get("function")) if isinstance(tool, dict) else None


def reference_answer(row: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """`reference_answer`, a text or an object; empty where there is none."""
    answer = row.get(name) if name else None
    if answer is None:
        return {}
    if not isinstance(answer, str | dict):
        raise UnreadableError("read.not_text", f"{name}: {json_type(answer)}")
    return {"reference_answer": answer}


def metadata(row: Mapping[str, Any], names: Collection[str] | None) -> dict[str, Any]:
    """`metadata`, the columns that are there and not null; empty where there is none."""
    found = {name: row[name] for name in names or () if row.get(name) is not None}
    for name, value in found.items():
        if not isinstance(value, str | int | float | bool):
            raise UnreadableError("read.not_scalar", f"{name}: {json_type(value)}")
    return {"metadata": found} if found else {}
