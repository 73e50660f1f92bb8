"""The parts of the Converse shape that three formats share."""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from pipeline.targets.lines import SYSTEM, Value, as_json, filled, joined, quoted
from pipeline.targets.tools import functions

SCHEMA_VERSION = '"schemaVersion":"bedrock-conversation-2024",'
_MEDIA = {"image", "video", "document"}
_TOOL_BLOCKS = {"toolUse", "toolResult"}
_BLOCKS = {"text", "reasoningContent", *_TOOL_BLOCKS, *_MEDIA}


def system_json(default: str | None = None) -> pl.Expr:
    """`"system":[{"text":…}],` or null if neither the record nor the target has a system prompt."""
    system = pl.coalesce(filled(SYSTEM), filled(pl.lit(default, dtype=pl.String)))
    return '"system":[{"text":' + quoted(system) + "}],"


def turns() -> pl.Expr:
    """The list of turns, each as the JSON of a Converse message with one text block."""
    turn = pl.element().struct
    content = pl.concat_list(pl.struct(text=turn.field("text")))
    return pl.col("messages").list.eval(as_json(role=turn.field("role"), content=content))


def messages_json() -> pl.Expr:
    """`"messages":[…]` of text turns."""
    return joined('"messages":[', turns().list.join(","), "]")


def tool_config(extra: Value) -> Value | None:
    """`toolConfig` as given, or made from OpenAI's `tools`; None if there is neither.

    Raises ValueError if the tools are not in OpenAI's shape.
    """
    if extra.get("toolConfig"):
        config: Value = extra["toolConfig"]
        return config
    if not extra.get("tools"):
        return None
    return {"tools": [{"toolSpec": _tool_spec(function)} for function in functions(extra["tools"])]}


def _tool_spec(function: Value) -> Value:
    schema = {"json": function["parameters"]}
    return {"name": function["name"], "description": function["description"], "inputSchema": schema}


def given_tools(extra: Value) -> tuple[str | None, str | None]:
    """(`toolConfig` of `extra` as a JSON member and its comma, None), or (None, reason)."""
    try:
        config = tool_config(extra)
    except ValueError:
        return None, "broken_tools"
    return None if config is None else f'"toolConfig":{_dumps(config)},', None


def given_turns(extra: Value, owner: str | None) -> tuple[str | None, str | None]:
    """(`extra.converse_messages` and its tools as JSON members, None), or (None, reason).

    `owner` is the account used for media that do not name one.
    """
    messages = extra["converse_messages"]
    tools, reason = given_tools(extra)
    reason = _fault_of(messages) or _media_fault(messages, owner) or reason
    if reason is not None:
        return None, reason
    if tools is None and any(_TOOL_BLOCKS & _block_kinds(m["content"]) for m in messages):
        return None, "broken_tools"
    return f'{tools or ""}"messages":{_dumps(messages)}', None


def _fault_of(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "no_completion"
    if not all(isinstance(m, dict) and m.keys() == {"role", "content"} for m in messages):
        return "broken_turns"
    roles = [message["role"] for message in messages]
    if roles[-1] != "assistant":
        return "no_completion"
    if roles != ["user", "assistant"] * (len(roles) // 2):
        return "turns_out_of_order"
    kinds = [_block_kinds(message["content"]) for message in messages]
    return None if all(kind and kind <= _BLOCKS for kind in kinds) else "broken_turns"


def _media_fault(messages: list[Value], owner: str | None) -> str | None:
    """The reason why a conversation's media cannot be expressed, or None.

    Fills in the owner of their buckets.
    """
    kinds = {kind for message in messages for kind in _block_kinds(message["content"])}
    if not kinds & _MEDIA:
        return None
    if len(kinds & _MEDIA) > 1:
        return "mixed_media"
    if "reasoningContent" in kinds:
        return "reasoning_with_media"
    for message in messages:
        for block in message["content"]:
            [(kind, held)] = block.items()
            if kind not in _MEDIA:
                continue
            place = _s3_place(held)
            if place is None or message["role"] != "user":
                return "broken_turns"
            if not place.get("bucketOwner") and owner is None:
                return "media_without_owner"
            place["bucketOwner"] = place.get("bucketOwner") or owner
    return None


def _s3_place(held: Any) -> Value | None:
    source = held.get("source") if isinstance(held, dict) else None
    place = source.get("s3Location") if isinstance(source, dict) else None
    return place if isinstance(place, dict) else None


def _block_kinds(content: Any) -> set[str]:
    """The kinds of block in a message's content; `?` for anything but a block of one kind."""
    blocks = content if isinstance(content, list) else [None]
    return {next(iter(b)) if isinstance(b, dict) and len(b) == 1 else "?" for b in blocks}


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()
