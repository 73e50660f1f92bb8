"""Rows that hold several records, or one in a shape of its own, as rows with plain columns.

| row | becomes |
|---|---|
| data of paragraphs, paragraphs, or context + qas (SQuAD) | a pair for each question |
| context + question + answers (SQuAD, flattened) | context and question, first answer |
| instruction + instances (self-instruct) | a pair for each instance |
| title, subject, body … + answers (forum) | the question, the accepted answer |
| subject or description + comments (help desk) | messages: the request, then each comment |
| a log of a Bedrock call, a result of batch inference | see `pipeline.readers.invocations` |

Anything else stays one row. A record's place in its row is added to the locator.

Reasons: those of `invocations`, `read.no_answer`, `read.no_accepted_answer` (value: how many
answers there are).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from pipeline.readers import invocations
from pipeline.readers.rows import UnreadableError

REASONS = {
    **invocations.REASONS,
    "read.no_answer": "the question has no answer in its passage",
    "read.no_accepted_answer": "none of the answers is marked as accepted",
}

Part = tuple[str, Mapping[str, Any] | UnreadableError]
"""Where in the row a record stands, "" for the whole row, and the record's own row or fault."""

ASKED = ("title", "subject", "question", "body", "description")
"""What a ticket or a forum's question is made of, in this order."""

ANSWERED = ("body", "text", "answer", "content", "answer_text")
ACCEPTED = ("is_accepted", "accepted", "isAccepted")


def parted(row: Mapping[str, Any]) -> Iterator[Part]:
    """The records of a row, each as a row of plain columns."""
    if invocations.is_call(row):
        yield "", _held(invocations.exchange_of, row)
    elif _is_squad(row):
        yield from _squad(row)
    elif _dicts(row.get("instances")) and isinstance(row.get("instruction"), str):
        for number, one in enumerate(row["instances"], 1):
            yield f"instance={number}", {"instruction": row["instruction"], **one}
    elif isinstance(row.get("question"), str) and _is_answers(row.get("answers")):
        yield "", _answered(row)
    elif _dicts(row.get("answers")) and _asked(row):
        yield "", _held(_forum, row)
    elif _dicts(row.get("comments")) and _asked(row):
        first = {"role": "user", "content": _asked(row)}
        yield "", {"messages": [first, *row["comments"]]}
    else:
        yield "", row


def _held(read: Any, row: Mapping[str, Any]) -> Mapping[str, Any] | UnreadableError:
    try:
        plain: Mapping[str, Any] = read(row)
    except UnreadableError as fault:
        return fault
    return plain


def _dicts(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _is_squad(row: Mapping[str, Any]) -> bool:
    articles = row.get("data")
    if _dicts(articles) and all("paragraphs" in one for one in articles):
        return True
    return _dicts(row.get("paragraphs")) or (isinstance(row.get("qas"), list) and "context" in row)


def _squad(row: Mapping[str, Any]) -> Iterator[Part]:
    number = 0
    for article in row.get("data") or [row]:
        for paragraph in article.get("paragraphs") or [article]:
            questions = paragraph.get("qas") if isinstance(paragraph, dict) else None
            for asked in questions if _dicts(questions) else [{}]:
                number += 1
                yield (
                    f"question={number}",
                    _answered({"context": paragraph.get("context"), **asked}),
                )


def _is_answers(value: Any) -> bool:
    """SQuAD's answers: `{text: [...]}`, or `[{text, answer_start}]`."""
    if isinstance(value, dict):
        return isinstance(value.get("text"), list)
    return isinstance(value, list) and all(
        isinstance(one, str) or (isinstance(one, dict) and "answer_start" in one) for one in value
    )


def _answered(asked: Mapping[str, Any]) -> Mapping[str, Any] | UnreadableError:
    """A question with its passage and the first of its answers."""
    answers = asked.get("answers") or []
    texts = answers["text"] if isinstance(answers, dict) else answers
    answer = texts[0] if texts else None
    answer = answer.get("text") if isinstance(answer, dict) else answer
    if answer is None or asked.get("is_impossible"):
        return UnreadableError("read.no_answer")
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
