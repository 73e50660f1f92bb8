"""Rows that hold several records, or one in a shape of its own, as rows with plain columns.

| row | becomes |
|---|---|
| data of paragraphs, paragraphs, or context + qas (SQuAD) | a pair for each question |
| context + question + answers (SQuAD, flattened) | context and question, first answer |
| instruction + instances (self-instruct) | a pair for each instance |
| title, subject, body … + answers (forum) | the question, the accepted answer |
| subject or description + comments (help desk) | messages: the request, then each comment |
| question with options or choices, and the right one | see `pipeline.readers.choices` |
| query + answers + tools (xLAM) | see `pipeline.readers.xlam` |
| a log of a Bedrock call, a result of batch inference | see `pipeline.readers.invocations` |

Anything else stays one row. A record's place in its row is added to the locator.

Reasons: those of `invocations` and `xlam`, `read.bad_nesting` (value: the key and what it holds),
`read.no_answer`, `read.no_accepted_answer` (value: how many answers there are).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from pipeline.readers import choices, history, invocations, xlam
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import json_type

REASONS = {
    **invocations.REASONS,
    "read.bad_nesting": "what should be a list of articles, passages, questions or answers is none",
    "read.no_answer": "the question has no answer in its passage",
    "read.no_accepted_answer": "none of the answers is marked as accepted",
}

Part = tuple[str, Mapping[str, Any] | UnreadableError]
"""Where in the row a record stands, "" for the whole row, and the record's own row or fault."""

ASKED = ("title", "subject", "question", "body", "description")
"""What a ticket or a forum's question is made of, in this order."""

KEYS = frozenset(
    ("schemaType", "modelInput", "data", "paragraphs", "qas", "instances", "answers", "comments",
     *choices.CHOICES, history.NAME)
)  # fmt: skip
"""A row without any of these is no row that `parted` takes apart, or that has a history; but for
one whose question is an object."""

ANSWERED = ("body", "text", "answer", "content", "answer_text")
ACCEPTED = ("is_accepted", "accepted", "isAccepted")


IN_TEXTS = xlam.NAMES
"""A row with all of these may be taken apart where all of its values are texts too."""


def parted(row: Mapping[str, Any]) -> Iterator[Part]:
    """The records of a row, each as a row of plain columns."""
    if KEYS.isdisjoint(row) and not isinstance(row.get("question"), dict):
        yield "", row
    elif invocations.is_call(row):
        yield "", _held(invocations.exchange_of, row)
    elif row.keys() >= xlam.NAMES:
        yield "", _held(xlam.conversation, row)
    elif several := choices.questions(row):
        for number, one in enumerate(several, 1):
            yield f"question={number}" if len(several) > 1 else "", choices.pair(one)
    elif _is_squad(row):
        yield from _squad(row)
    elif _dicts(row.get("instances")) and isinstance(row.get("instruction"), str):
        for number, one in enumerate(row["instances"], 1):
            yield f"instance={number}", {"instruction": row["instruction"], **one}
    elif isinstance(row.get("question"), str) and _is_answers(row.get("answers")):
        yield "", _held(_answered, row)
    elif _dicts(row.get("answers")) and _asked(row):
        yield "", _held(_forum, row)
    elif _dicts(row.get("comments")) and _asked(row):
        first = {"role": "user", "content": _asked(row)}
        yield "", {"messages": [first, *row["comments"]]}
    else:
        yield "", row


def _held(read: Any, *given: Any) -> Mapping[str, Any] | UnreadableError:
    try:
        plain: Mapping[str, Any] = read(*given)
    except UnreadableError as fault:
        return fault
    return plain


def _dicts(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _any_with(value: Any, key: str) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) and key in one for one in value)


def _is_squad(row: Mapping[str, Any]) -> bool:
    nested = _any_with(row.get("data"), "paragraphs") or _any_with(row.get("paragraphs"), "qas")
    return nested or ("qas" in row and "context" in row)


def _squad(row: Mapping[str, Any]) -> Iterator[Part]:
    number = 0
    for article in _listed(row, "data"):
        for paragraph in _listed(article, "paragraphs"):
            for asked in _listed(paragraph, "qas"):
                number += 1
                yield f"question={number}", _held(_asked_of, paragraph, asked)


def _listed(holder: Any, key: str) -> Iterator[Any]:
    """What the list under a key holds; the holder itself where it has no such list, or an empty
    one; a fault where it has what is no list, or what is no object in it."""
    value = holder.get(key) if isinstance(holder, dict) else None
    if value is None or value == []:
        yield holder
    elif isinstance(value, list):
        for one in value:
            odd = f"{key}: array of {json_type(one)}"
            yield one if isinstance(one, dict) else UnreadableError("read.bad_nesting", odd)
    else:
        yield UnreadableError("read.bad_nesting", f"{key}: {json_type(value)}")


def _asked_of(paragraph: Any, asked: Any) -> Mapping[str, Any]:
    """A question of a paragraph as a row; raises UnreadableError, one that was found before too."""
    if isinstance(asked, UnreadableError):
        raise asked
    return _answered({"context": paragraph.get("context"), **asked})


def _is_answers(value: Any) -> bool:
    """SQuAD's answers: `{text: [...]}`, or `[{text, answer_start}]`."""
    if isinstance(value, dict):
        return isinstance(value.get("text"), list)
    return isinstance(value, list) and all(
        isinstance(one, str) or (isinstance(one, dict) and "answer_start" in one) for one in value
    )


def _answered(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """A question with its passage and the first of its answers; raises UnreadableError."""
    answers = asked.get("answers")
    texts = answers.get("text", answers) if isinstance(answers, dict) else answers
    if asked.get("is_impossible") or texts is None or texts == []:
        raise UnreadableError("read.no_answer")
    if not isinstance(texts, list):
        raise UnreadableError("read.bad_nesting", f"answers: {json_type(texts)}")
    answer = texts[0].get("text") if isinstance(texts[0], dict) else texts[0]
    if answer is None:
        raise UnreadableError("read.no_answer")
    said = [one for one in (asked.get("context"), asked.get("question")) if one]
    whole = all(isinstance(one, str) for one in said)
    return {"question": "\n\n".join(said) if whole else said, "answer": answer}


def _asked(row: Mapping[str, Any]) -> str:
    said = [row[name] for name in ASKED if isinstance(row.get(name), str) and row[name].strip()]
    return "\n\n".join(said)


def _forum(row: Mapping[str, Any]) -> Mapping[str, Any]:
    answers = row["answers"]
    wanted = row.get("accepted_answer_id")
    for answer in answers:
        own = answer.get("id", answer.get("answer_id"))
        named = wanted is not None and own == wanted
        if named or any(answer.get(key) is True for key in ACCEPTED):
            text = next((answer[key] for key in ANSWERED if key in answer), None)
            return {"question": _asked(row), "answer": text}
    raise UnreadableError("read.no_accepted_answer", len(answers))
