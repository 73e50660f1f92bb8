"""Conversations as they are written elsewhere, to `system` and `messages`.

Known are OpenAI messages (`role`, `content` as a string or as parts `{"type": "text", "text"}`),
Bedrock Converse (parts `{"text"}`) and ShareGPT (`from`, `value`; `human`, `gpt`). The parts of
one message are joined by a newline. A leading system message becomes the system prompt.

Reasons: `read.bad_messages` (value: what is wrong), `read.unknown_role` (value: the role),
`read.extra_system`, `read.unsupported_content` (value: the part's type), `read.not_text`
(value: the field and its type).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.readers.rows import UnreadableError

REASONS = {
    "read.bad_messages": "the conversation is not a list of messages with a role and a content",
    "read.unknown_role": "a message is by neither user, assistant nor system",
    "read.extra_system": "there is a second system prompt, or one after the first message",
    "read.unsupported_content": "a message holds something other than text, such as a tool call",
    "read.not_text": "a value that should be text is a number, a list, an object or null",
}

ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "system": "system",
    "developer": "system",  # OpenAI's later name for it
}

_BEYOND_TEXT = ("tool_calls", "function_call", "reasoning_content")

_JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def json_type(value: Any) -> str:
    """The name JSON gives to the type of a parsed value."""
    return _JSON_TYPES[type(value)]


def turn(role: str, text: str) -> dict[str, str]:
    """One element of the column `messages`."""
    return {"role": role, "text": text}


def conversation(messages: Any, system: Any) -> tuple[str | None, list[dict[str, str]]]:
    """The system prompt and the turns of one record; raises `UnreadableError`.

    `system` is the prompt that stands beside the messages: a string, Converse's `[{"text"}]`,
    or None. An empty one is none.
    """
    if not isinstance(messages, list):
        raise UnreadableError("read.bad_messages", json_type(messages))
    turns = [_turn(number, message) for number, message in enumerate(messages, 1)]
    prompt = system_prompt(system)
    if turns and turns[0]["role"] == "system":
        leading = turns.pop(0)["text"]
        if prompt and leading and leading != prompt:
            raise UnreadableError("read.extra_system")
        prompt = leading or prompt
    if not turns:
        raise UnreadableError("read.bad_messages", "no message")
    if any(each["role"] == "system" for each in turns):
        raise UnreadableError("read.extra_system")
    return prompt, turns


def system_prompt(value: Any) -> str | None:
    """A system prompt beside the messages, None where it is missing or empty."""
    return None if value is None else _text("system", value) or None


def _turn(number: int, message: Any) -> dict[str, str]:
    if not isinstance(message, Mapping):
        raise UnreadableError("read.bad_messages", f"message {number}: {json_type(message)}")
    for key in _BEYOND_TEXT:
        if message.get(key):
            raise UnreadableError("read.unsupported_content", key)
    name = message.get("role", message.get("from"))
    if not isinstance(name, str):
        raise UnreadableError("read.bad_messages", f"message {number}: no role")
    role = ROLES.get(name.lower())
    if role is None:
        raise UnreadableError("read.unknown_role", name)
    for key in ("content", "value"):
        if key in message:
            return turn(role, _text(key, message[key]))
    raise UnreadableError("read.bad_messages", f"message {number}: no content")


def _text(field: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise UnreadableError("read.not_text", f"{field}: {json_type(value)}")
    return "\n".join(_part(field, part) for part in value)


def _part(field: str, part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise UnreadableError("read.not_text", f"{field}: array of {json_type(part)}")
    kind = part.get("type", "text" if "text" in part else next(iter(part), "nothing"))
    text = part.get("text")
    if kind != "text" or len(part.keys() - {"type", "text", "cache_control"}) > 0:
        raise UnreadableError("read.unsupported_content", _odd_key(part, kind))
    if not isinstance(text, str):
        raise UnreadableError("read.not_text", f"text: {json_type(text)}")
    return text


def _odd_key(part: Mapping[str, Any], kind: Any) -> Any:
    odd = (key for key in part if key not in ("type", "text", "cache_control"))
    return kind if kind != "text" else next(odd)
