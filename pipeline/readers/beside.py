"""The columns beside the turns of a record: its tools, its reference answer, its metadata.

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
    "have the same name",
    "read.not_scalar": "a metadata column holds a list or an object, which graders do not accept",
}


def tools(row: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The tools in the column `name`, under the key `toolConfig` or `tools` according to their
    shape; empty if there are none.

    The column may hold JSON as text. Raises `UnreadableError`.
    """
    given = row.get(name) if name else None
    if isinstance(given, str) and (held := json_object.in_text(given)) is not None:
        given = held
    if not given:
        return {}
    is_config = isinstance(given, dict) and isinstance(given.get("tools"), list)
    if not is_config and not isinstance(given, list):
        raise UnreadableError("read.bad_tools", f"{name}: {json_type(given)}")
    keyed = {"toolConfig" if is_config else "tools": given}
    for each, times in Counter(declared(keyed) or ()).items():
        if times > 1:
            raise UnreadableError("read.bad_tools", each)
    return keyed


def declared(keyed: Mapping[str, Any]) -> list[str] | None:
    """The names of the tools that `tools` returned; None if a tool's name cannot be determined.

    The target and its schema check what else a tool must have.
    """
    given = keyed.get("tools") or keyed.get("toolConfig", {}).get("tools")
    specs = [_spec(tool) for tool in given or ()]
    names = [spec["name"] for spec in specs if isinstance(spec, dict) and "name" in spec]
    known = specs and len(names) == len(specs) and all(isinstance(name, str) for name in names)
    return names if known else None


def _spec(tool: Any) -> Any:
    return (tool.get("toolSpec") or tool.get("function")) if isinstance(tool, dict) else None


def reference_answer(row: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """`reference_answer`, a text or an object, from the column `name`; empty if there is none."""
    answer = row.get(name) if name else None
    if answer is None:
        return {}
    if not isinstance(answer, str | dict):
        raise UnreadableError("read.not_text", f"{name}: {json_type(answer)}")
    return {"reference_answer": answer}


def metadata(row: Mapping[str, Any], names: Collection[str] | None) -> dict[str, Any]:
    """`metadata`: those of the named columns that are present and not null; empty if none is."""
    values = {name: row[name] for name in names or () if row.get(name) is not None}
    for name, value in values.items():
        if not isinstance(value, str | int | float | bool):
            raise UnreadableError("read.not_scalar", f"{name}: {json_type(value)}")
    return {"metadata": values} if values else {}
