"""A conversation written as one text, a speaker's mark before what is said, as messages.

    Customer: My tea is bitter.
    Agent: Take cooler water.
    It should be at 80 degrees.

Marks that say who is who (`User:`, `Human:`, `Q:`, `Khách hàng:` …) count where they stand at the
beginning of a line; if there are none, two names do: who speaks first is the user. A list of texts
without marks is said in turn.

Reasons: `read.bad_messages` where nothing marks who speaks, `read.too_many_speakers` (value: how
many).
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.readers import json_object
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import role_of

REASONS = {
    "read.too_many_speakers": "more than two names speak; nobody says which is the assistant",
}

SPEAKERS = {
    "user": ("user", "human", "customer", "client", "q", "question", "người dùng", "khách hàng",
             "khách", "hỏi"),
    "assistant": ("assistant", "ai", "bot", "chatbot", "agent", "support", "a", "answer", "trợ lý",
                  "nhân viên", "tư vấn viên", "đáp", "trả lời"),
    "system": ("system", "hệ thống"),
}  # fmt: skip
ROLE_OF = {name: role for role, names in SPEAKERS.items() for name in names}

_LIST_OF_OBJECTS = re.compile(r"\s*\[\s*\{")

_KNOWN = re.compile(
    rf"^[ \t]*(?:\*\*)?({'|'.join(sorted(ROLE_OF, key=len, reverse=True))})(?:\*\*)?[ \t]*:"
    r"(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(r"^[ \t]*(#?[^\W_][\w.'’-]{0,30}(?: [\w.'’-]{1,30}){0,2}#?)[ \t]*:[ \t]+", re.M)


def messages_in(value: Any) -> Any:
    """Messages of a text with marks, of JSON in a string, or of a list of texts; else the value."""
    if isinstance(value, str):
        return _parsed(value) or _spoken(value)
    if isinstance(value, list) and len(value) > 1 and all(isinstance(one, str) for one in value):
        roles = ("user", "assistant")
        return [{"role": roles[at % 2], "content": said} for at, said in enumerate(value)]
    return value


def has_turns(value: Any) -> bool:
    """Whether a value has the shape of a conversation: messages, texts in turn, marked speakers."""
    try:
        found = messages_in(value)
    except UnreadableError:
        return False
    return isinstance(found, list) and any(isinstance(one, dict) for one in found)


def is_answer(value: Any) -> bool:
    """Whether a value is what answers a prompt: no conversation, or one the assistant begins."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        try:
            return role_of(1, value[0]) == "assistant"
        except UnreadableError:
            return False
    return value != [] and not has_turns(value)


def _parsed(text: str) -> list[Any] | None:
    value = json_object.in_text(text) if _LIST_OF_OBJECTS.match(text) else None
    return value if isinstance(value, list) else None


def _spoken(text: str) -> list[dict[str, str]]:
    known = list(_KNOWN.finditer(text))
    if known and not text[: known[0].start()].strip():
        return _turns(text, known, _role_of)
    named = list(_NAMED.finditer(text))
    if not named or text[: named[0].start()].strip():
        raise UnreadableError("read.bad_messages", "string")
    names = list(dict.fromkeys(match[1] for match in named))
    if len(names) > 2:
        raise UnreadableError("read.too_many_speakers", len(names))
    return _turns(text, named, lambda name: "user" if name == names[0] else "assistant")


def _role_of(mark: str) -> str:
    """The role of a mark without regard to case; `aı` is how a Turkish computer lowers `AI`."""
    exact = ROLE_OF.get(mark.lower())
    return exact or next(
        role for name, role in ROLE_OF.items() if re.fullmatch(name, mark, re.IGNORECASE)
    )


def _turns(text: str, marks: list[re.Match[str]], role_of: Any) -> list[dict[str, str]]:
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        {"role": role_of(mark[1]), "content": text[mark.end() : end].strip()}
        for mark, end in zip(marks, ends, strict=True)
    ]
