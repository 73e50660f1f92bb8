"""Turn a conversation written as one text, with a speaker's mark before each turn, into messages.

    Customer: My tea is bitter.
    Agent: Take cooler water.
    It should be at 80 degrees.

Marks that say who speaks (`User:`, `Human:`, `Q:`, `Khách hàng:` …) count at the beginning of a
line. If there are none, two other names count; who speaks first is the user. Of the known marks,
only those of the first user and the first assistant count, because an answer may contain others (a
quiz, a dialogue that was asked for); but customers may be passed on to another agent. In a list of
texts without marks, user and assistant take turns.

Reasons: `read.bad_messages` if no marks say who speaks, `read.too_many_speakers` (value: how
many).
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.readers import json_object
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import role_of

REASONS = {
    "read.too_many_speakers": "more than two names speak, and nothing says which is the assistant",
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
"""The marks of questions and answers; all others are marks of speakers."""

_SERVED = frozenset(("customer", "client", "khách hàng", "khách"))
"""Users who may be answered first by a bot and then by a person."""

_LIST_OF_OBJECTS = re.compile(r"\s*\[\s*\{")

_KNOWN = re.compile(
    rf"^[ \t]*(?:\*\*)?({'|'.join(sorted(ROLE_OF, key=len, reverse=True))})(?:\*\*)?[ \t]*:"
    r"(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(r"^[ \t]*(#?[^\W_][\w.'’-]{0,30}(?: [\w.'’-]{1,30}){0,2}#?)[ \t]*:[ \t]+", re.M)


def messages_in(value: Any) -> Any:
    """The messages of a text with marks, of JSON in a string, or of a list of texts.

    Returns any other value unchanged. Raises `UnreadableError` for a text without marks.
    """
    if isinstance(value, str):
        return _parsed(value) or _spoken(value)
    if isinstance(value, list) and len(value) > 1 and all(isinstance(text, str) for text in value):
        roles = ("user", "assistant")
        return [{"role": roles[at % 2], "content": said} for at, said in enumerate(value)]
    return value


def has_turns(value: Any) -> bool:
    """Whether a value has the shape of a conversation: messages, texts in turn, marked speakers."""
    try:
        messages = messages_in(value)
    except UnreadableError:
        return False
    return isinstance(messages, list) and any(isinstance(message, dict) for message in messages)


def is_answer(value: Any, prompt: Any) -> bool:
    """Whether a value answers a prompt: it is no conversation, or one that the assistant begins.

    Beside a prompt, a text counts as a conversation only if a user's known mark begins it and it
    contains an assistant's mark and the prompt too: nothing is lost then. Plain answers may contain
    names and colons as well.
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
    """Whether a value is a text, such as a dialogue or its summary, and not a list as JSON text."""
    return isinstance(value, str) and not _LIST_OF_OBJECTS.match(value)


def _has_exchange(text: str, prompt: Any) -> bool:
    roles = [ROLE_OF[name] for _, name in _marked(text)]
    asked = bool(roles) and roles[0] != "assistant" and {"user", "assistant"} <= set(roles)
    if not asked or not isinstance(prompt, str):
        return asked
    return _even(text).startswith(_even(prompt)) or holds(text, prompt)


def holds(text: str, *said: Any) -> bool:
    """Whether each text in `said` is exactly one turn of the dialogue `text`, except for spaces."""
    try:
        turns = {_even(turn["content"]) for turn in _spoken(text)}
    except UnreadableError:
        return False
    return turns.issuperset(map(_even, said))


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
    """The known marks that count, with their names; empty if there is text before the first."""
    marks = [(mark, _name_of(mark[1])) for mark in _KNOWN.finditer(text)]
    if not marks or text[: marks[0][0].start()].strip():
        return []
    counted = _counted([name for _, name in marks if ROLE_OF[name] != "system"])
    return [
        (mark, name)
        for at, (mark, name) in enumerate(marks)
        if name in counted or (at == 0 and ROLE_OF[name] == "system")
    ]


def _counted(names: list[str]) -> frozenset[str]:
    """Which of the marks' names are those of the speakers; `names` are in the order of the text."""
    kin = [name for name in names if (name in _ASKED) == (names[0] in _ASKED)]
    first: dict[str, str] = {}
    for name in (*kin, *names):
        first.setdefault(ROLE_OF[name], name)
    counted = frozenset(first.values())
    if first.get("user") in _SERVED and counted.isdisjoint(_ASKED):
        return counted | (frozenset(SPEAKERS["assistant"]) - _ASKED)
    return counted


def _name_of(mark: str) -> str:
    """The known name of a mark, ignoring case; `aı` is `AI` lowered by a Turkish computer."""
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
