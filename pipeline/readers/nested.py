"""Rows that hold several records, or one in a special shape, as rows with plain columns.

| row | becomes |
|---|---|
| data of paragraphs, paragraphs, or context + qas (SQuAD) | a pair for each question |
| context + question + answers (SQuAD, flattened) | context and question, first answer |
| instruction + instances (self-instruct) | a pair for each instance |
| title, subject, body … + answers (forum) | the question, the accepted answer |
| subject or description + comments (help desk) | messages: the request, then each comment |
| question with options or choices, and the right answer | see `pipeline.readers.choices` |
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
    "read.bad_nesting": "a value that should be a list of articles, passages, questions or answers "
    "is not one",
    "read.no_answer": "the question has no answer in its passage",
    "read.no_accepted_answer": "none of the answers is marked as accepted",
}

Part = tuple[str, Mapping[str, Any] | UnreadableError]
"""A record's place in the row, "" for the whole row, and the record's own row or fault."""

ASKED = ("title", "subject", "question", "body", "description")
"""The columns that make up a ticket or a question in a forum, in this order."""

KEYS = frozenset(
    ("schemaType", "modelInput", "data", "paragraphs", "qas", "instances", "answers", "comments",
     *choices.CHOICES, history.NAME)
)  # fmt: skip
"""A row without any of these keys is not split by `parted` and has no history, except a row whose
question is an object."""

ANSWERED = ("body", "text", "answer", "content", "answer_text")
ACCEPTED = ("is_accepted", "accepted", "isAccepted")


IN_TEXTS = xlam.NAMES
"""A row with all of these keys may be split even if all its values are texts."""


def parted(row: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the records of a row, each as a row of plain columns, or its fault."""
    if KEYS.isdisjoint(row) and not isinstance(row.get("question"), dict):
        yield "", row
    elif invocations.is_call(row):
        yield "", _held(invocations.exchange_of, row)
    elif row.keys() >= xlam.NAMES:
        yield "", _held(xlam.conversation, row)
    elif several := choices.questions(row):
        for number, question in enumerate(several, 1):
            yield f"question={number}" if len(several) > 1 else "", choices.pair(question)
    elif _is_squad(row):
        yield from _squad(row)
    elif _dicts(row.get("instances")) and isinstance(row.get("instruction"), str):
        for number, instance in enumerate(row["instances"], 1):
            yield f"instance={number}", {"instruction": row["instruction"], **instance}
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
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _any_with(value: Any, key: str) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and key in item for item in value)


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
    """Yield the items of the list under a key; the holder itself if it has no items there.

    A value that is not a list, and an item that is not an object, become faults.
    """
    value = holder.get(key) if isinstance(holder, dict) else None
    if value is None or value == []:
        yield holder
    elif isinstance(value, list):
        for item in value:
            odd = f"{key}: array of {json_type(item)}"
            yield item if isinstance(item, dict) else UnreadableError("read.bad_nesting", odd)
    else:
        yield UnreadableError("read.bad_nesting", f"{key}: {json_type(value)}")


def _asked_of(paragraph: Any, asked: Any) -> Mapping[str, Any]:
    """A question about a paragraph as a row; raises UnreadableError, also if `asked` is one."""
    if isinstance(asked, UnreadableError):
        raise asked
    return _answered({"context": paragraph.get("context"), **asked})


def _is_answers(value: Any) -> bool:
    """SQuAD's answers: `{text: [...]}`, or `[{text, answer_start}]`."""
    if isinstance(value, dict):
        return isinstance(value.get("text"), list)
    return isinstance(value, list) and all(
        isinstance(item, str) or (isinstance(item, dict) and "answer_start" in item)
        for item in value
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
    parts = [part for part in (asked.get("context"), asked.get("question")) if part]
    are_texts = all(isinstance(part, str) for part in parts)
    return {"question": "\n\n".join(parts) if are_texts else parts, "answer": answer}


def _asked(row: Mapping[str, Any]) -> str:
    texts = [row[name] for name in ASKED if isinstance(row.get(name), str) and row[name].strip()]
    return "\n\n".join(texts)


def _forum(row: Mapping[str, Any]) -> Mapping[str, Any]:
    answers = row["answers"]
    wanted = row.get("accepted_answer_id")
    for answer in answers:
        answer_id = answer.get("id", answer.get("answer_id"))
        named = wanted is not None and answer_id == wanted
        if named or any(answer.get(key) is True for key in ACCEPTED):
            text = next((answer[key] for key in ANSWERED if key in answer), None)
            return {"question": _asked(row), "answer": text}
    raise UnreadableError("read.no_accepted_answer", len(answers))
