"""Which columns of a row or a table are what: named by the recipe, or recognised by known names.

The conventions are those of `pipeline.readers.conventions`.

Reasons, explained there: `read.unknown_columns` (value: the columns found), `read.missing_column`
(value: the column), `read.duplicate_header` (value: the name), `read.undesirable_answer` (value:
the column).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, Self

from pydantic import Field, model_validator

from pipeline.readers import dialogue, nested
from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import SYSTEM_NAMES
from pipeline.settings import Settings


class Columns(Settings):
    """Which column of the source is what; exactly one of prompt, messages and text is required."""

    prompt: str | None = Field(default=None, description="what the user says")
    input: str | None = Field(default=None, description="put under the prompt, if not blank")
    completion: str | None = Field(default=None, description="what the assistant answers")
    system: str | None = Field(default=None, description="the system prompt")
    messages: str | None = Field(default=None, description="a list of messages")
    text: str | None = Field(default=None, description="a document, or an image's caption")
    images: str | None = Field(
        default=None, description="an image's file name or S3 URI, or a list"
    )
    tools: str | None = Field(default=None, description="the tools that the assistant may call")
    reference_answer: str | None = Field(
        default=None, description="what a grader compares answers with"
    )
    metadata: list[str] | None = Field(default=None, description="what else a grader is given")

    @model_validator(mode="after")
    def _makes_a_record(self) -> Self:
        if sum(map(bool, (self.prompt, self.messages, self.text))) != 1:
            raise ValueError("name exactly one of prompt, messages and text")
        if (self.completion or self.input) and not self.prompt:
            raise ValueError("completion and input need a prompt; name its column")
        if self.text and (self.tools or self.reference_answer or self.metadata):
            raise ValueError("tools, reference_answer and metadata need a prompt or messages")
        return self


_MESSAGES = (
    "messages", "conversations", "conversation", "chat", "dialogue", "dialog", "transcript",
    "turns", "chosen",
)  # fmt: skip
_PAIRS = (
    ("prompt", "completion"), ("prompt", "response"), ("prompt", "answer"), ("prompt", "output"),
    ("question", "answer"), ("question", "response"), ("question", "best_answer"),
    ("query", "response"), ("query", "answer"), ("instruction", "output"),
    ("instruction", "response"), ("problem", "solution"), ("input", "output"), ("input", "target"),
    ("inputs", "targets"), ("context", "response"),
)  # fmt: skip
_SPOKEN = ("dialogue", "dialog", "transcript", "conversation")
"""Names of a dialogue that a pair may be about, such as the one that `summary` summarises."""
_SUMMARY = "summary"

_JUDGEMENTS = ("label", "kto_tag")
"""Columns in which false marks an answer to unlearn (KTO): TRL's and LLaMA-Factory's names."""

_CONVENTIONS = (
    *(Columns(messages=name) for name in _MESSAGES),
    *(Columns(prompt=prompt, completion=completion) for prompt, completion in _PAIRS),
    Columns(images="image-ref", text="caption"),
    Columns(text="text"),
    Columns(text="content"),
    Columns(prompt="prompt"),
    Columns(prompt="question"),
    Columns(prompt="query"),
    Columns(prompt="instruction"),
)

_OPTIONAL_INPUTS = ("input", "context")
_WITH_INPUT = ("instruction", "question", "prompt", "query")
_OPTIONAL_TOOLS = ("toolConfig", "tools")


def _names(columns: Columns) -> frozenset[str]:
    named = columns.model_dump(exclude_none=True, exclude={"metadata"})
    return frozenset([*named.values(), *(columns.metadata or ())])


_NEEDED = tuple((_names(columns), columns) for columns in _CONVENTIONS)


def layout(names: Set[str], columns: Columns | None = None, *, complete: bool = False) -> Columns:
    """What the columns with these names are: `columns`, or else the first convention that fits.

    With `complete`, all columns that `columns` names must be present. Raises `UnreadableError`.
    """
    if columns:
        missing = sorted(_names(columns) - names) if complete else []
        if missing:
            raise UnreadableError("read.missing_column", missing[0])
        return columns
    known = _known(frozenset(names))
    if known is None:
        raise UnreadableError("read.unknown_columns", ", ".join(names))
    return known


def header(names: Sequence[str], columns: Columns | None, *, flat: bool = True) -> Columns | None:
    """What the columns of a table are, for all its rows; None if it must be decided row by row.

    That is the case if a column may or may not hold a conversation, if answers are judged, and if
    rows may be nested. In a `flat` table, whose cells are texts, rows may only be nested as JSON
    in texts. Raises `UnreadableError`.
    """
    common: Columns | None = None
    if columns or flat or nested.KEYS.isdisjoint(names):
        common = layout(dict.fromkeys(names).keys(), columns, complete=True)
    twice = next((name for name, times in Counter(names).items() if name and times > 1), None)
    if twice:
        raise UnreadableError("read.duplicate_header", twice)
    if columns is None and nested.IN_TEXTS.issubset(names):
        return None
    if columns is None and common and (common.messages or common.completion):
        left = frozenset(names) - {common.messages or ""}
        unsure = common.messages and (_known(left) or _named(_SUMMARY, left))
        return None if unsure or _judgement(left) else common
    return common


def layout_of(row: Mapping[str, Any]) -> Columns:
    """What the columns of a row are, judging by its values too; raises `UnreadableError`."""
    names = frozenset(row)
    columns = _layout_of(row, names)
    judgement = _judgement(names)
    answered = columns.completion or columns.messages
    if judgement and answered and _is_false(row[judgement], row[answered]):
        raise UnreadableError("read.undesirable_answer", judgement)
    return columns


@lru_cache(maxsize=1_000)
def _judgement(names: frozenset[str]) -> str | None:
    """The name of the column that may judge the answers of a pair or a conversation, if any."""
    return next(filter(None, (_named(wanted, names) for wanted in _JUDGEMENTS)), None)


def _is_false(value: Any, answer: Any) -> bool:
    """Whether a judgement is false, or the text "false", as in tables of texts.

    A text that equals the answer is no judgement: in classification, the label is the answer.
    """
    written = isinstance(value, str) and value.strip().lower() == "false" and value != answer
    return value is False or written


def _layout_of(row: Mapping[str, Any], names: frozenset[str]) -> Columns:
    known = _known(names)
    while known and known.messages:
        names -= {known.messages}
        other = _known(names)
        if other and _is_chosen_answer(known, other, row):
            return other.model_copy(update={"completion": known.messages, "tools": known.tools})
        if about := _about_dialogue(known.messages, other, names, row):
            return about
        if other is None or dialogue.has_turns(row[known.messages]):
            break
        known = other
    return known or layout(row.keys())


def _is_chosen_answer(known: Columns, other: Columns, row: Mapping[str, Any]) -> bool:
    """Whether the column `chosen` is only the answer to a prompt beside it.

    It may also hold the whole conversation, with the prompt.
    """
    name = known.messages or ""
    if other.prompt is None or other.completion or name.strip().lower() != "chosen":
        return False
    return dialogue.is_answer(row[name], row[other.prompt])


def _about_dialogue(
    name: str, other: Columns | None, names: frozenset[str], row: Mapping[str, Any]
) -> Columns | None:
    """The layout of a pair about the dialogue in the column `name`; None if there is none.

    The dialogue is put under the prompt, or is the prompt itself. Raises `UnreadableError` if
    another passage already takes that place.
    """
    if name.strip().lower() not in _SPOKEN or not dialogue.is_spoken(row[name]):
        return None
    asked = other if other and other.prompt else Columns(prompt=name)
    completion = asked.completion or _named(_SUMMARY, names)
    pair = [row.get(asked.prompt or ""), row.get(completion or "")]
    if not all(map(dialogue.is_spoken, pair)) or dialogue.holds(row[name], *pair):
        return None  # half a pair, or a pair that is part of the dialogue
    if asked.input and str(row[asked.input] or "").strip():
        raise UnreadableError("read.unknown_columns", ", ".join(row))
    passage = None if asked.prompt == name else name
    system = next((each for each in SYSTEM_NAMES if each in names), asked.system)
    more = {"completion": completion, "input": passage, "system": system}
    return asked.model_copy(update=more)


def _named(wanted: str, names: Set[str]) -> str | None:
    """The name that equals `wanted` except for case and outer spaces; None if there is none."""
    return next((name for name in names if name.strip().lower() == wanted), None)


@lru_cache(maxsize=1_000)
def _known(names: frozenset[str]) -> Columns | None:
    return _recognised(names) or _recognised_loosely(names)


def _recognised(names: Set[str]) -> Columns | None:
    for needed, columns in _NEEDED:
        if needed <= names:
            return _with_optional(columns, names)
    return Columns(text="input") if names == {"input"} else None  # Bedrock's format for documents


def _recognised_loosely(names: Set[str]) -> Columns | None:
    exact = {name.strip().lower(): name for name in names}
    columns = _recognised(exact.keys())
    if columns is None:
        return None
    named = columns.model_dump(exclude_none=True)
    return columns.model_copy(update={field: exact[name] for field, name in named.items()})


def _with_optional(columns: Columns, names: Set[str]) -> Columns:
    more = {}
    given = next((name for name in _OPTIONAL_INPUTS if name in names), None)
    if given and columns.prompt in _WITH_INPUT:
        more["input"] = given
    if columns.text is None:
        system = next((name for name in SYSTEM_NAMES if name in names), None)
        more |= {"system": system} if system else {}
        more |= {name: name for name in ("reference_answer",) if name in names}
    declared = next((name for name in _OPTIONAL_TOOLS if name in names), None)
    if declared and columns.messages:
        more["tools"] = declared
    return columns.model_copy(update=more) if more else columns
