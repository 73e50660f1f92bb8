"""The texts in `extra` that are written to a record's lines: reasoning, tools, answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import polars as pl

SAID = ("reasoning", "reference_answer", "metadata")
DECLARED = ("toolConfig", "tools")
KEYS = ("converse_messages", *SAID, *DECLARED)

MEDIA = {"image", "video", "document"}
"""Kinds of blocks that name a file in S3; these names must not be changed."""

IDENTIFIES = {"toolUseId", "name"}
"""Keys that link a call to its result; their values must stay the same in both."""

DESCRIBES = {"description", "title", "default", "const", "enum", "examples", "$comment"}
"""Keys of a tool's declaration that hold free text; all other keys hold names and types."""

Change = Callable[[pl.Series, pl.Series], pl.Series]
"""(texts, some of them null; ids of their records) -> the changed texts in the same order."""

ChangeOne = Callable[[str], str]


def rewrite_extra(extra: pl.Series, ids: pl.Series, change: Change) -> pl.Series:
    """Each `extra` with all its texts changed; null and anything but a JSON object is kept.

    In arguments and results of tools even the keys are changed, because a key may be personal data.
    """
    marks = [*(f'"{key}"' for key in KEYS), "\\u"]  # a key may be written with escapes
    hits = extra.str.contains_any(marks).arg_true()
    values = [_object(text) for text in extra.gather(hits)]
    texts: list[str] = []
    owners: list[str] = []
    for owner, value in zip(ids.gather(hits), values, strict=True):
        _changed_object(value, lambda text: texts.append(text) or text)  # type: ignore[func-returns-value]
        owners += [owner] * (len(texts) - len(owners))
    if not texts:
        return extra
    changed = iter(change(pl.Series("text", texts, dtype=pl.String), pl.Series(owners)).to_list())
    after = [_changed_object(value, lambda _: str(next(changed))) for value in values]
    rows = zip(extra.gather(hits), values, after, strict=True)
    rewritten = [text if old == new else orjson.dumps(new).decode() for text, old, new in rows]
    # `scatter` writes into the series it is called on.
    return extra.clone().scatter(hits, pl.Series(rewritten, dtype=pl.String))


def _object(extra: str) -> dict[str, Any]:
    """`extra` as an object; an empty one for anything else, which targets reject later."""
    try:
        value = orjson.loads(extra)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _changed_object(extra: dict[str, Any], change: ChangeOne) -> dict[str, Any]:
    """A copy with every text changed, always visiting the texts in the same order."""
    copy = dict(extra)
    for key in extra:
        if key == "converse_messages":
            copy[key] = _changed_messages(extra[key], change)
        elif key in SAID:
            copy[key] = _changed(extra[key], change)
        elif key in DECLARED:
            copy[key] = _changed_declaration(extra[key], change, "")
    return copy


def _changed(value: Any, change: ChangeOne) -> Any:
    """A JSON value with every text and every key in it changed; keys stay distinct."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    copy: dict[str, Any] = {}
    for key, item in value.items():
        name = change(key)
        while name in copy:
            name += "'"
        copy[name] = _changed(item, change)
    return copy


def _changed_messages(messages: Any, change: ChangeOne) -> Any:
    """Messages in the Converse shape, changed; anything else is changed as a plain value."""
    if not isinstance(messages, list):
        return _changed(messages, change)
    return [_changed_message(message, change) for message in messages]


def _changed_message(message: Any, change: ChangeOne) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return _changed(message, change)
    return message | {"content": [_changed_block(block, change) for block in content]}


def _changed_block(block: Any, change: ChangeOne) -> Any:
    if not isinstance(block, dict):
        return _changed(block, change)
    return {
        kind: held if kind in MEDIA else _changed_held(held, change) for kind, held in block.items()
    }


def _changed_held(held: Any, change: ChangeOne) -> Any:
    if not isinstance(held, dict):
        return _changed(held, change)
    return {k: v if k in IDENTIFIES else _changed(v, change) for k, v in held.items()}


def _changed_declaration(value: Any, change: ChangeOne, key: str) -> Any:
    """A tool's declaration with its descriptions changed; names stay, as calls refer to them."""
    if key in DESCRIBES:
        return _changed(value, change)
    if isinstance(value, list):
        return [_changed_declaration(item, change, key) for item in value]
    if isinstance(value, dict):
        return {k: _changed_declaration(item, change, k) for k, item in value.items()}
    return value


def reasoning() -> pl.Expr:
    """The reasoning before a record's last answer; empty if there is none."""
    return pl.col("extra").str.json_path_match("$.reasoning").fill_null("")


def declared_tools() -> pl.Expr:
    """The tools that a record declares, as JSON; empty if there are none."""
    found = [pl.col("extra").str.json_path_match(f"$.{key}") for key in DECLARED]
    return pl.coalesce(*found).fill_null("")
