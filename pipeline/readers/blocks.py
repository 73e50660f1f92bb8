"""Conversations that hold more than text: reasoning, tool calls and tool results.

These formats are recognised: Bedrock Converse (blocks `text`, `reasoningContent`, `toolUse`,
`toolResult`), OpenAI (`tool_calls`, role `tool` with `tool_call_id`, `reasoning_content`) and
Anthropic (`type`: `tool_use`, `tool_result`, `thinking`). All become Converse blocks.

| in the source | becomes |
|---|---|
| reasoning at the start of the last answer, nothing else beyond text | `extra.reasoning` |
| reasoning elsewhere, calls, results, media | `extra.converse_messages`, turns with their blocks |
| neighbouring messages by `tool`, and the user's message after them | one turn of the user |

Media are Converse images, videos and documents stored in S3; media inside the record, or elsewhere,
are not accepted. `messages` then holds each turn as one text, so that stages see what they compare,
count and judge: texts verbatim, and each call, result or medium as a fenced line of JSON. In that
line, ids are numbers, because ids differ between records that are otherwise equal. Reasoning is not
included. A blank text beside other blocks is left out, and so are the `signature` of reasoning and
a result's `status` of `success`, which have no place in a training record. `<think>` in a text
stays text.

Reasons: those of the modules `turns` and `tool_calls`; `read.unsupported_content` (value: the
key), `read.not_text` (value: the key and its type), `read.bad_tool_call` (value: the key and its
type), `read.block_in_wrong_turn` (value: the kind), `read.tool_use_id_twice`,
`read.tool_result_without_call`, `read.tool_result_twice`, `read.tool_result_missing` (value: the
call's id), `read.tool_not_declared` (value: the tool, threshold: those that are declared).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import orjson

from pipeline.readers import tool_calls, turns
from pipeline.readers.rows import Row, UnreadableError

REASONS = {
    **tool_calls.REASONS,
    "read.block_in_wrong_turn": "tool results and media belong in the user's turns, calls and "
    "reasoning in the assistant's",
    "read.tool_use_id_twice": "two tool calls of a conversation have the same id",
    "read.tool_result_twice": "a tool call has two results",
    "read.tool_result_missing": "a tool call before the last message has no result",
    "read.tool_not_declared": "a call names a tool that is not among the record's tools",
}

Block = dict[str, Any]
"""One Converse block: an object whose single key is its kind."""

MEDIA = ("image", "video", "document")
KINDS = {"reasoningContent": "assistant", "toolUse": "assistant", "toolResult": "user"} | (
    dict.fromkeys(MEDIA, "user")
)
"""The kinds of blocks beyond text, and the role whose turns may hold each."""

_KEYS = ("tool_calls", "reasoning_content")


def beyond_text(messages: Any) -> bool:
    """Whether a list of messages holds anything beyond text: a call, a result, reasoning, media."""
    return isinstance(messages, list) and any(map(_is_beyond_text, messages))


def _is_beyond_text(message: Any) -> bool:
    if not isinstance(message, dict) or turns.is_plain(message):
        return False
    if _is_result(message) or any(message.get(key) for key in _KEYS):
        return True
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return any(isinstance(part, dict) and _kind(part) for part in parts)


def _kind(part: dict[str, Any]) -> bool:
    """Whether a part is a block beyond text, by its key or by Anthropic's `type`."""
    typed = part.get("type") in ("tool_use", "tool_result", "thinking")
    return typed or not KINDS.keys().isdisjoint(part)


def _is_result(message: dict[str, Any]) -> bool:
    return str(message.get("role")).lower() == "tool"


def conversation(messages: list[Any], system: Any, declared: Collection[str] | None) -> Row:
    """The record's `system`, `messages` and `extra` (an object, maybe empty).

    `system` is the system prompt beside the messages, `declared` the names of the record's tools,
    if they are known. Raises `UnreadableError`.
    """
    said = [_without_blank_texts(each) for each in _joined(messages)]
    _refuse_wrong_turns(said)
    numbers = _paired(said)
    known = None if declared is None else frozenset(declared)
    for name in (call["name"] for _, kind, call in _held(said) if kind == "toolUse"):
        if known is not None and name not in known:
            raise UnreadableError("read.tool_not_declared", name, ", ".join(sorted(known)))
    views = [turns.turn(each["role"], _view(each["content"], numbers)) for each in said]
    prompt, parted = turns.parted(views, system)
    return {"system": prompt, "messages": parted, "extra": _extra(said[len(said) - len(parted) :])}


def _joined(messages: list[Any]) -> list[dict[str, Any]]:
    """Messages in the Converse shape; tool results and the user's next message become one turn."""
    said: list[dict[str, Any]] = []
    after_result = False
    for number, message in enumerate(messages, 1):
        role, content = _read(number, message)
        if after_result and role == "user":
            said[-1]["content"] += content
        else:
            said.append({"role": role, "content": content})
        after_result = isinstance(message, dict) and _is_result(message)
    return said


def _read(number: int, message: Any) -> tuple[str, list[Block]]:
    """The role of a message in the Converse shape, and its blocks; `number` counts from 1."""
    if isinstance(message, dict) and _is_result(message):
        return "user", [tool_calls.openai_result(message)]
    return turns.role_of(number, message), list(_content(number, message))


def _content(number: int, message: dict[str, Any]) -> Iterator[Block]:
    """The blocks of a message by user, assistant or system: reasoning, content, calls."""
    calls, thought = message.get("tool_calls"), message.get("reasoning_content")
    if thought:
        text = "\n".join(turns.texts("reasoning_content", thought))
        yield {"reasoningContent": {"reasoningText": {"text": text}}}
    if not (calls or thought) or message.get("content") is not None:
        key, value = turns.content_of(number, message)
        parts = value if isinstance(value, list) else turns.texts(key, value)
        yield from (_block(key, part) for part in parts)
    if calls:
        if not isinstance(calls, list):
            raise UnreadableError("read.bad_tool_call", f"tool_calls: {turns.json_type(calls)}")
        yield from map(tool_calls.openai_call, calls)


def _block(field: str, part: Any) -> Block:
    """One part of the content in `field` as a block."""
    held = tool_calls.from_anthropic(turns.filled(part))
    kind = next(iter(held)) if len(held) == 1 else ""
    if kind not in KINDS:
        return {"text": turns.part_text(field, part)}
    value = held[kind]
    if not isinstance(value, dict):
        fault = "read.unsupported_content" if kind in MEDIA else "read.bad_tool_call"
        raise UnreadableError(fault, f"{kind}: {turns.json_type(value)}")
    if kind in MEDIA:
        return {kind: _medium(kind, value)}
    return {kind: _HELD[kind](turns.filled(value))}


def _reasoning(value: dict[str, Any]) -> dict[str, Any]:
    thought = value.get("reasoningText")
    if len(value) != 1 or not isinstance(thought, dict):
        odd = next((key for key in value if key != "reasoningText"), "nothing")
        raise UnreadableError("read.unsupported_content", f"reasoningContent.{odd}")
    text = thought.get("text")
    if not isinstance(text, str):
        raise UnreadableError("read.not_text", f"reasoningText.text: {turns.json_type(text)}")
    return {"reasoningText": {"text": text}}


def _medium(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """The format and S3 location of a medium, with keys in the order of AWS's examples."""
    source = value.get("source")
    place = source.get("s3Location") if isinstance(source, dict) else None
    place = place if isinstance(place, dict) else {}
    fields = [value.get("format"), place.get("uri"), place.get("bucketOwner", "")]
    if not all(isinstance(text, str) for text in fields) or not str(fields[1]).startswith("s3://"):
        raise UnreadableError("read.unsupported_content", kind)
    owner = {"bucketOwner": fields[2]} if fields[2] else {}
    return {"format": fields[0], "source": {"s3Location": {"uri": fields[1], **owner}}}


_HELD = {
    "reasoningContent": _reasoning,
    "toolUse": tool_calls.tool_use,
    "toolResult": tool_calls.tool_result,
}


def _without_blank_texts(message: dict[str, Any]) -> dict[str, Any]:
    """The message without its blank texts, if it has blocks beyond text."""
    content = message["content"]
    if all("text" in block for block in content):
        return message
    kept = [block for block in content if "text" not in block or block["text"].strip()]
    return {"role": message["role"], "content": kept}


def _held(said: list[dict[str, Any]]) -> Iterator[tuple[int, str, Any]]:
    """Yield for each block the number of its message, from 0, its kind, and what it holds."""
    for number, message in enumerate(said):
        for block in message["content"]:
            [(kind, held)] = block.items()
            yield number, kind, held


def _refuse_wrong_turns(said: list[dict[str, Any]]) -> None:
    for number, kind, _ in _held(said):
        if kind in KINDS and said[number]["role"] != KINDS[kind]:
            raise UnreadableError("read.block_in_wrong_turn", kind)


def _paired(said: list[dict[str, Any]]) -> dict[str, int]:
    """Number the ids of the calls from 1.

    Raises `UnreadableError` unless each call has exactly one result after it; only calls of the
    last turn may have none.
    """
    numbers: dict[str, int] = {}
    waiting: dict[str, int] = {}
    for at, kind, held in _held(said):
        if kind == "toolUse":
            if held["toolUseId"] in numbers:
                raise UnreadableError("read.tool_use_id_twice", held["toolUseId"])
            numbers[held["toolUseId"]] = len(numbers) + 1
            waiting[held["toolUseId"]] = at
        elif kind == "toolResult" and waiting.pop(held["toolUseId"], None) is None:
            known = held["toolUseId"] in numbers
            fault = "read.tool_result_twice" if known else "read.tool_result_without_call"
            raise UnreadableError(fault, held["toolUseId"])
    for call_id, at in waiting.items():
        if at < len(said) - 1:
            raise UnreadableError("read.tool_result_missing", call_id)
    return numbers


def _view(content: list[Block], numbers: dict[str, int]) -> str:
    """A turn's blocks as one text; `numbers` replace the ids of calls."""
    lines = []
    for block in content:
        [(kind, held)] = block.items()
        if kind == "text":
            lines.append(held)
        elif kind in MEDIA:
            lines.append(f"```json\n{orjson.dumps(block).decode()}\n```")
        elif kind != "reasoningContent":
            numbered = {kind: held | {"toolUseId": numbers[held["toolUseId"]]}}
            lines.append(f"```json\n{orjson.dumps(numbered).decode()}\n```")
    return "\n".join(lines)


def _extra(said: list[dict[str, Any]]) -> dict[str, Any]:
    """What the turns hold beyond text, as the conversation target expects it in `extra`."""
    rich = [(number, kind) for number, kind, _ in _held(said) if kind in KINDS]
    if not rich:
        return {}
    last = said[-1]["content"]
    if rich == [(len(said) - 1, "reasoningContent")] and "reasoningContent" in last[0]:
        return {"reasoning": last[0]["reasoningContent"]["reasoningText"]["text"]}
    return {"converse_messages": said}
