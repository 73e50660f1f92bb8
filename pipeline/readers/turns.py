"""Turn conversations in other formats into `system` and `messages`.

These formats are recognised: OpenAI messages (`role`, `content` as a string or as parts
`{"type": "text", "text"}`), Bedrock Converse (parts `{"text"}`), ShareGPT (`from`, `value`;
`human`, `gpt`) and help desks (`author_role`, `body`; `customer`, `agent`). The parts of one
message are joined by a newline. A leading system message becomes the system prompt. Conversations
that hold more than text are read by `pipeline.readers.blocks`. An assistant's turn of `weight` 0 is
only context in OpenAI's format; Bedrock trains on every answer, so such a conversation is rejected.

Reasons: `read.bad_messages` (value: what is wrong), `read.unknown_role` (value: the role),
`read.extra_system`, `read.unsupported_content` (value: the part's type), `read.not_text`
(value: the field and its type), `read.weight_zero` (value: the message's number).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.readers.rows import UnreadableError

REASONS = {
    "read.bad_messages": "the conversation is not a list of messages with a role and a content",
    "read.unknown_role": "a message's role is not user, assistant, system or a known synonym",
    "read.extra_system": "there is a second system prompt, or one after the first message",
    "read.unsupported_content": "a message holds an image, a sound, a document or something "
    "unknown, which records cannot hold",
    "read.weight_zero": "an answer is marked as one not to learn from (`weight: 0`), which no "
    "Bedrock format can express; leave it out or end the conversation before it",
    "read.not_text": "a value that should be text is a number, a list, an object or null",
}

SYSTEM_NAMES = ("system", "system_prompt")
"""The columns beside turns that may hold a system prompt."""

PLAIN = ("user", "assistant", "system")
ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "agent": "assistant",  # of a help desk
    "support": "assistant",
    "customer": "user",
    "requester": "user",
    "system": "system",
    "developer": "system",  # OpenAI's later name for the role
}

_UNSUPPORTED = ("function_call", "audio")  # OpenAI's; it deprecated calls without ids in 2023

_ROLE_KEYS = ("role", "from", "author_role", "speaker")
_CONTENT_KEYS = ("content", "value", "body", "text")

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
    """JSON's name for the type of a parsed value."""
    return _JSON_TYPES[type(value)]


def turn(role: str, text: str) -> dict[str, str]:
    """One element of the column `messages`."""
    return {"role": role, "text": text}


def conversation(messages: Any, system: Any) -> tuple[str | None, list[dict[str, str]]]:
    """The system prompt and the turns of one record; raises `UnreadableError`.

    `system` is the prompt beside the messages: a string, Converse's `[{"text"}]`, or None. An empty
    one counts as None.
    """
    if not isinstance(messages, list):
        raise UnreadableError("read.bad_messages", json_type(messages))
    return parted([_turn(number, message) for number, message in enumerate(messages, 1)], system)


def parted(turns: list[dict[str, str]], system: Any) -> tuple[str | None, list[dict[str, str]]]:
    """The system prompt and the turns without it; raises `UnreadableError`.

    The prompt may be the first turn, or `system`, the value beside the turns.
    """
    prompt = system_prompt(system)
    if turns and turns[0]["role"] == "system":
        leading, turns = turns[0]["text"], turns[1:]
        if prompt and leading and leading != prompt:
            raise UnreadableError("read.extra_system")
        prompt = leading or prompt
    if not turns:
        raise UnreadableError("read.bad_messages", "no message")
    if any(each["role"] == "system" for each in turns):
        raise UnreadableError("read.extra_system")
    return prompt, turns


def system_prompt(value: Any) -> str | None:
    """The text of a system prompt beside the messages; None if it is missing or empty."""
    return None if value is None else "\n".join(texts("system", value)) or None


def is_plain(message: Any) -> bool:
    """Whether a message has only `role` (user, assistant or system) and a text as `content`.

    This is a quick test for the most common form: other messages may be only text too.
    """
    return (
        type(message) is dict
        and len(message) == 2
        and type(message.get("content")) is str
        and message.get("role") in PLAIN
    )


def _turn(number: int, message: Any) -> dict[str, str]:
    if is_plain(message):
        return turn(message["role"], message["content"])
    role = role_of(number, message)
    return turn(role, "\n".join(texts(*content_of(number, message))))


def role_of(number: int, message: Any) -> str:
    """The role of a message: user, assistant or system; raises `UnreadableError`.

    `number` is the message's number, from 1, for the fault.
    """
    if not isinstance(message, Mapping):
        raise UnreadableError("read.bad_messages", f"message {number}: {json_type(message)}")
    for key in _UNSUPPORTED:
        if message.get(key):
            raise UnreadableError("read.unsupported_content", key)
    name = next((message[key] for key in _ROLE_KEYS if key in message), None)
    if not isinstance(name, str):
        raise UnreadableError("read.bad_messages", f"message {number}: no role")
    role = ROLES.get(name.lower())
    if role is None:
        raise UnreadableError("read.unknown_role", name)
    if role == "assistant" and message.get("weight") == 0:
        raise UnreadableError("read.weight_zero", number)
    return role


def content_of(number: int, message: Mapping[str, Any]) -> tuple[str, Any]:
    """The key of a message's content, and the content itself; raises `UnreadableError`."""
    for key in _CONTENT_KEYS:
        if key in message:
            return key, message[key]
    raise UnreadableError("read.bad_messages", f"message {number}: no content")


def texts(field: str, value: Any) -> list[str]:
    """The texts of a content: a string, or a list of parts that are text.

    `field` names the content in a fault. Raises `UnreadableError`.
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise UnreadableError("read.not_text", f"{field}: {json_type(value)}")
    return [part_text(field, part) for part in value]


def filled(part: Any) -> dict[str, Any]:
    """A part without its null values, with which tables fill missing keys; {} for no object."""
    return {k: v for k, v in part.items() if v is not None} if isinstance(part, dict) else {}


def part_text(field: str, part: Any) -> str:
    """The text of one part of a content; raises `UnreadableError`."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise UnreadableError("read.not_text", f"{field}: array of {json_type(part)}")
    part = filled(part) or part
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
