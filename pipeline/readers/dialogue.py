"""A conversation written as one text, a speaker's mark before what is said, as messages.

    Customer: My tea is bitter.
    Agent: Take cooler water.
    It should be at 80 degrees.

Marks that say who is who (`User:`, `Human:`, `Q:`, `Khách hàng:` …) count where they stand at the
beginning of a line; if there are none, two names do: who speaks first is the user. Of known marks
only those count that the first user and the first assistant have, since an answer may hold others
(a quiz, a dialogue that was asked for); customers may be handed on to another agent. A list of
texts without marks is said in turn.

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

_ASKED = frozenset(("q", "question", "hỏi", "a", "answer", "đáp", "trả lời"))
"""Marks of questions and answers, where all others are those of speakers."""

_SERVED = frozenset(("customer", "client", "khách hàng", "khách"))
"""Who may be answered by a bot first and a person then."""

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


def is_answer(value: Any, prompt: Any) -> bool:
    """Whether a value is what answers a prompt: no conversation, or one the assistant begins.

    A text is a conversation beside a prompt if a user's known mark begins it, an assistant's is in
    it, and the prompt too: nothing is lost then. Other answers have names and colons as well.
    """
    if isinstance(value, str):
        return not (_parsed(value) or _has_exchange(value, prompt))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        try:
            return role_of(1, value[0]) == "assistant"
        except UnreadableError:
            return False
    return value != [] and not has_turns(value)


def is_spoken(value: Any) -> bool:
    """Whether a value is a text and no list written as one: a dialogue, or what is told of it."""
    return isinstance(value, str) and not _LIST_OF_OBJECTS.match(value)


def _has_exchange(text: str, prompt: Any) -> bool:
    roles = [ROLE_OF[name] for _, name in _marked(text)]
    asked = bool(roles) and roles[0] != "assistant" and {"user", "assistant"} <= set(roles)
    if not asked or not isinstance(prompt, str):
        return asked
    return _even(text).startswith(_even(prompt)) or holds(text, prompt)


def holds(text: str, *said: Any) -> bool:
    """Whether each of these texts is all that somebody says at once in a text of turns."""
    try:
        told = {_even(one["content"]) for one in _spoken(text)}
    except UnreadableError:
        return False
    return told.issuperset(map(_even, said))


def _even(text: str) -> str:
    return " ".join(text.split())


def _parsed(text: str) -> list[Any] | None:
    value = json_object.in_text(text) if _LIST_OF_OBJECTS.match(text) else None
    return value if isinstance(value, list) else None


def _spoken(text: str) -> list[dict[str, str]]:
    if known := _marked(text):
        return _turns(text, [(mark, ROLE_OF[name]) for mark, name in known])
    named = list(_NAMED.finditer(text))
    if not named or text[: named[0].start()].strip():
        raise UnreadableError("read.bad_messages", "string")
    names = list(dict.fromkeys(match[1] for match in named))
    if len(names) > 2:
        raise UnreadableError("read.too_many_speakers", len(names))
    return _turns(text, [(m, "user" if m[1] == names[0] else "assistant") for m in named])


def _marked(text: str) -> list[tuple[re.Match[str], str]]:
    """The known marks that count, with their names; none where something stands before them."""
    found = [(mark, _name_of(mark[1])) for mark in _KNOWN.finditer(text)]
    if not found or text[: found[0][0].start()].strip():
        return []
    counted = _counted([name for _, name in found if ROLE_OF[name] != "system"])
    return [
        (mark, name)
        for at, (mark, name) in enumerate(found)
        if name in counted or (at == 0 and ROLE_OF[name] == "system")
    ]


def _counted(names: list[str]) -> frozenset[str]:
    """Which of the names of users and assistants are those of who speaks."""
    kin = [name for name in names if (name in _ASKED) == (names[0] in _ASKED)]
    first: dict[str, str] = {}
    for name in (*kin, *names):
        first.setdefault(ROLE_OF[name], name)
    counted = frozenset(first.values())
    if first.get("user") in _SERVED and counted.isdisjoint(_ASKED):
        return counted | (frozenset(SPEAKERS["assistant"]) - _ASKED)
    return counted


def _name_of(mark: str) -> str:
    """The known name without regard to case; `aı` is how a Turkish computer lowers `AI`."""
    exact = mark.lower()
    if exact in ROLE_OF:
        return exact
    return next(name for name in ROLE_OF if re.fullmatch(name, mark, re.IGNORECASE))


def _turns(text: str, marks: list[tuple[re.Match[str], str]]) -> list[dict[str, str]]:
    ends = [mark.start() for mark, _ in marks[1:]] + [len(text)]
    return [
        {"role": role, "content": text[mark.end() : end].strip()}
        for (mark, role), end in zip(marks, ends, strict=True)
    ]
