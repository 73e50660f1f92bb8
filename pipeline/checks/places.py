"""Finds the texts and media of a record; values may be of any type, unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

MEDIA = ("image", "video", "document")
_PLAIN = {
    "prompt_completion": (("prompt", "input"), ("completion", "output")),
    "image_caption": (("caption", "input"),),
    "pretraining": (("input", "input"),),
    "pretraining_text": (("text", "input"),),
}


def texts(value: Any, format_name: str) -> Iterator[tuple[str, str, str]]:
    """Every text that a model will read: (place, `input` or `output`, text).

    These are the places where AWS's validators look for reserved words: system, turns, reasoning
    and the text of tool results, but not the arguments of calls or the descriptions of tools.
    """
    for place, side, holder, key in _slots(value, format_name):
        yield place, side, holder[key]


def replace_texts(value: Any, format_name: str, other: Callable[[str], str]) -> None:
    """Put `other(text)` in the place of each text that `texts` names."""
    for _, _, holder, key in _slots(value, format_name):
        holder[key] = other(holder[key])


_Slot = tuple[str, str, dict[str, Any], str]
"""A text's place, side, and the object and key that hold it."""


def _slots(value: Any, format_name: str) -> Iterator[_Slot]:
    if not isinstance(value, dict):
        return
    for key, side in _PLAIN.get(format_name, ()):
        if isinstance(value.get(key), str):
            yield key, side, value, key
    if format_name in _PLAIN:
        return
    body = value.get("modelInput") if format_name == "batch_inference" else value
    if isinstance(body, dict):
        yield from _in(body, "system", "system", "input")
        yield from _turn_texts(body.get("messages"))


def beside_texts(value: Any) -> Iterator[tuple[str, str]]:
    """What the model reads of a conversation besides its texts: (`input` or `output`, JSON text).

    These are declared tools, calls and JSON results. They cost tokens, but no validator looks for
    reserved words in them.
    """
    if not isinstance(value, dict):
        return
    for key in ("toolConfig", "tools"):
        if key in value:
            yield "input", _as_json(value[key])
    for message in _dicts(value.get("messages")):
        for block in _dicts(message.get("content")):
            if "toolUse" in block:
                yield "output", _as_json(block["toolUse"])
            for result in _dicts(_get(block.get("toolResult"), "content")):
                if "json" in result:
                    yield "input", _as_json(result["json"])


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (
        (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
    )


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _turn_texts(messages: Any) -> Iterator[_Slot]:
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            side = "output" if message.get("role") == "assistant" else "input"
            yield from _in(message, "content", f"messages[{number}].content", side)


def _in(holder: dict[str, Any], key: str, place: str, side: str) -> Iterator[_Slot]:
    """The texts of a content: a string, or a list of blocks."""
    content = holder.get(key)
    if isinstance(content, str):
        yield place, side, holder, key
        return
    for number, block in enumerate(content if isinstance(content, list) else ()):
        for inner in _block_texts(block):
            yield f"{place}[{number}]", side, inner, "text"


def _block_texts(block: Any) -> Iterator[dict[str, Any]]:
    """What holds each `text` of a block."""
    if not isinstance(block, dict):
        return
    if isinstance(block.get("text"), str):
        yield block
    reasoning = _get(block.get("reasoningContent"), "reasoningText")
    if isinstance(_get(reasoning, "text"), str):
        yield reasoning
    results = _get(block.get("toolResult"), "content")
    for result in results if isinstance(results, list) else ():
        if isinstance(_get(result, "text"), str):
            yield result


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def blocks(value: dict[str, Any]) -> Iterator[tuple[int, str, Any]]:
    """Each block of a valid conversation: (number of the message, kind, the block's value)."""
    for number, message in enumerate(value["messages"]):
        for block in message["content"]:
            for kind, held in block.items():
                yield number, kind, held


def media_uri(held: Any) -> str:
    """The S3 URI of a valid image, video or document block."""
    uri: str = held["source"]["s3Location"]["uri"]
    return uri
