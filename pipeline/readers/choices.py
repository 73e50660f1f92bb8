"""Multiple-choice questions as pairs: the passage, the question and the lettered choices make the
prompt, the letter and the text of the right choice the completion.

    article, question, options: ["a", "b"], answer: "B"                        RACE
    question, choices: {"text": ["a", "b"], "label": ["A", "B"]}, answerKey    ARC, CommonsenseQA
    question, choices: ["a", "b"], answer: 1 (the first is 0)                  MMLU
    question, options: {"A": "a", "B": "b"}, answer_idx: "B"                   MedQA
    question: {stem, choices: [{text, label}]}, answerKey                      ARC's own files
    article, questions, options, answers: a list each                          RACE's own files

Choices that already start with their letters (`(A) tea`) keep them. An answer that is none of the
choices is taken as the completion unchanged.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any, TypeGuard

from pipeline.readers.turns import SYSTEM_NAMES

PASSAGES = ("article", "passage", "context")
ASKED = ("question", "question_stem")
CHOICES = ("options", "choices")
RIGHT = ("answerKey", "answer_idx", "answer", "correct", "label")
"""Columns that give the right choice: its letter, its number or its text."""

_MARK = re.compile(r"\s*\(?([A-Z])[).:]")

Choices = list[tuple[str, str]]
"""Each choice's letter and text; the letter is "" if the text already starts with it."""


def questions(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The questions of a row, each as a row of its own; empty if it has no choices.

    A row may hold lists of questions, options and answers.
    """
    asked, given, right = (row.get(name) for name in ("questions", "options", "answers"))
    if isinstance(stem := row.get("question"), dict):
        row = {**row, "question": stem.get("stem"), "choices": stem.get("choices")}
    if not (isinstance(asked, list) and isinstance(given, list) and isinstance(right, list)):
        return [row] if _is_question(row) else []
    if not len(asked) == len(given) == len(right):
        return []
    held = {name: row[name] for name in (*PASSAGES, *SYSTEM_NAMES) if name in row}
    each: list[Mapping[str, Any]] = [
        held | {"question": question, "options": options, "answer": answer}
        for question, options, answer in zip(asked, given, right, strict=True)
    ]
    return each if all(map(_is_question, each)) else []


def _is_question(row: Mapping[str, Any]) -> bool:
    return bool(_first(row, ASKED) and _choices(row)) and _right(row) is not None


def pair(row: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt and completion of a row that `questions` returned."""
    choices = _choices(row)
    parts = [_first(row, PASSAGES), _first(row, ASKED), "\n".join(map(_line, choices))]
    prompt = "\n\n".join(text for text in parts if text.strip())
    chosen = _chosen(choices, _right(row))
    answer = _line(chosen) if chosen else _right(row)
    beside = {name: row[name] for name in SYSTEM_NAMES if name in row}
    return {"prompt": prompt, "completion": answer, **beside}


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these columns that is not blank; "" if all are."""
    texts = (row.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _right(row: Mapping[str, Any]) -> str | int | None:
    values = (row.get(name) for name in RIGHT)
    return next((value for value in values if type(value) in (str, int)), None)


def _choices(row: Mapping[str, Any]) -> Choices:
    """The choices of a row; empty if it has none in a known form."""
    held: Any = next((row[name] for name in CHOICES if row.get(name)), None)
    texts: Any = held
    labels: Any = None
    if isinstance(held, dict):
        listed = held.keys() >= {"text", "label"}
        labels, texts = (held["label"], held["text"]) if listed else (list(held), [*held.values()])
    elif isinstance(held, list) and all(isinstance(item, dict) for item in held):
        labels, texts = [item.get("label") for item in held], [item.get("text") for item in held]
    if not _are_texts(texts) or not 2 <= len(texts) <= len(string.ascii_uppercase):
        return []
    if labels is None:
        letters = [match[1] for match in map(_MARK.match, texts) if match]
        lettered = "".join(letters) == string.ascii_uppercase[: len(texts)]
        labels = [""] * len(texts) if lettered else list(string.ascii_uppercase[: len(texts)])
    if not _are_texts(labels) or len(labels) != len(texts):
        return []
    return list(zip(labels, texts, strict=True))


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _line(choice: tuple[str, str]) -> str:
    letter, text = choice
    return f"{letter}. {text}" if letter else text


def _chosen(choices: Choices, right: str | int | None) -> tuple[str, str] | None:
    """The right choice: found by its letter, else by its text, else by its number, counted from 0.

    None if it is none of the choices.
    """
    letters = [letter or string.ascii_uppercase[at] for at, (letter, _) in enumerate(choices)]
    for names in (letters, [text for _, text in choices]):
        if str(right) in names:
            return choices[names.index(str(right))]
    if isinstance(right, int) and 0 <= right < len(choices):
        return choices[right]
    return None
