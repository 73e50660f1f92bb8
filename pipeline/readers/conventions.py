"""Which columns of a row are the prompt, the completion, the messages, the text.

A recipe names them (`columns: {prompt: question, completion: answer}`), or the first convention
below whose columns are all there is taken, row by row; if none is, names are compared once more
without regard to case and outer spaces. What is mapped to nothing is left out.

| columns | become |
|---|---|
| messages, or another name of a conversation (see `_MESSAGES`) | messages; and what stands beside |
| prompt + completion, question + answer, or another pair (see `_PAIRS`) | two turns |
| instruction (+ input or context) + output or response | two turns |
| image-ref + caption | images, text |
| text, content | text |
| prompt, question, query, instruction (+ input or context) alone | one turn by the user |

`system`, `system_prompt`, `toolConfig`, `tools` and `reference_answer` stand beside turns.
Before, `pipeline.readers.nested` takes rows apart that hold several records; messages may be one
text with speakers' marks (`pipeline.readers.dialogue`). Neither is done where a recipe names the
columns, except for the marks.

A null is a missing value: a null completion leaves one turn. An empty string is a value: the
turn is there and empty, for a later stage to judge. Strings are kept verbatim. What stands beside
the turns goes to `extra`: tools, a `reference_answer` (text or object), and the columns that the
recipe names as `metadata`.

Reasons: those of the modules `turns`, `blocks`, `beside`, `nested` and `dialogue`,
`read.not_text` (value: the column and its type),
`read.unknown_columns` (value: the columns there are),
`read.missing_column` (value: the column), `read.bad_file_name` (value: the name).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, Self

import orjson
from pydantic import Field, model_validator

from pipeline.readers import beside, blocks, dialogue, nested, turns
from pipeline.readers.rows import Row, UnreadableError, sibling
from pipeline.source import SourceFile
from pipeline.stage import Settings

REASONS = {
    **turns.REASONS,
    **blocks.REASONS,
    **beside.REASONS,
    **nested.REASONS,
    **dialogue.REASONS,
    "read.unknown_columns": "no known set of columns is there; name them with `columns`",
    "read.missing_column": "a column that the recipe names is not there, or null",
    "read.bad_file_name": "a file name leads out of its folder, or is a URL",
}


class Columns(Settings):
    """Which column of the source is what; at least one of prompt, messages and text."""

    prompt: str | None = Field(default=None, description="what the user says")
    input: str | None = Field(default=None, description="put under the prompt, if not blank")
    completion: str | None = Field(default=None, description="what the assistant answers")
    system: str | None = Field(default=None, description="the system prompt")
    messages: str | None = Field(default=None, description="a list of messages")
    text: str | None = Field(default=None, description="a document, or an image's caption")
    images: str | None = Field(default=None, description="an image's file name or S3 URI, or some")
    tools: str | None = Field(default=None, description="the tools that the assistant may call")
    reference_answer: str | None = Field(default=None, description="what a grader measures by")
    metadata: list[str] | None = Field(default=None, description="what else a grader is handed")

    @model_validator(mode="after")
    def _makes_a_record(self) -> Self:
        if sum(map(bool, (self.prompt, self.messages, self.text))) != 1:
            raise ValueError("name exactly one of prompt, messages and text")
        if (self.completion or self.input) and not self.prompt:
            raise ValueError("completion and input need a prompt")
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
_OPTIONAL_SYSTEM = ("system", "system_prompt")
_OPTIONAL_TOOLS = ("toolConfig", "tools")


def _names(columns: Columns) -> frozenset[str]:
    named = columns.model_dump(exclude_none=True, exclude={"metadata"})
    return frozenset([*named.values(), *(columns.metadata or ())])


_NEEDED = tuple((_names(columns), columns) for columns in _CONVENTIONS)


def layout(names: Set[str], columns: Columns | None = None, *, complete: bool = False) -> Columns:
    """What the columns of these names are: `columns`, or else the first convention they meet.

    With `complete`, all that `columns` names must be there. Raises `UnreadableError`.
    """
    if columns:
        missing = sorted(_names(columns) - names) if complete else []
        if missing:
            raise UnreadableError("read.missing_column", missing[0])
        return columns
    found = _recognised(names) or _recognised_loosely(names)
    if found is None:
        raise UnreadableError("read.unknown_columns", ", ".join(names))
    return found


def _recognised(names: Set[str]) -> Columns | None:
    for needed, columns in _NEEDED:
        if needed <= names:
            return _with_optional(columns, names)
    return None


def _recognised_loosely(names: Set[str]) -> Columns | None:
    exact = {name.strip().lower(): name for name in names}
    found = _recognised(exact.keys())
    if found is None:
        return None
    named = found.model_dump(exclude_none=True)
    return found.model_copy(update={field: exact[name] for field, name in named.items()})


def _with_optional(columns: Columns, names: Set[str]) -> Columns:
    more = {}
    given = next((name for name in _OPTIONAL_INPUTS if name in names), None)
    if given and columns.prompt == "instruction":
        more["input"] = given
    if columns.text is None:
        system = next((name for name in _OPTIONAL_SYSTEM if name in names), None)
        more |= {"system": system} if system else {}
        more |= {name: name for name in ("reference_answer",) if name in names}
    declared = next((name for name in _OPTIONAL_TOOLS if name in names), None)
    if declared and columns.messages:
        more["tools"] = declared
    return columns.model_copy(update=more) if more else columns


def records(
    row: Mapping[str, Any], columns: Columns | None, file: SourceFile, locator: str
) -> Iterator[Row]:
    """The records of one row, with source and locator; what cannot be read is a rejected one."""
    for place, part in nested.parted(row) if columns is None else [("", row)]:
        where = f"{locator} {place}".strip()
        try:
            if isinstance(part, UnreadableError):
                raise part
            own = fields(part, layout(part.keys(), columns), file.uri)
        except UnreadableError as fault:
            yield fault.row(file, where)
        else:
            yield {"source": file.uri, "locator": where, **own}


def fields(row: Mapping[str, Any], columns: Columns, uri: str) -> Row:
    """The record columns that one row of a table gives; raises `UnreadableError`.

    `uri` is the file the row stands in: image names are relative to its folder.
    """
    found = _text_fields(row, columns)
    if columns.images and row.get(columns.images):
        found["images"] = _images(row[columns.images], columns.images, uri)
    return found


def _text_fields(row: Mapping[str, Any], columns: Columns) -> Row:
    if columns.text:
        return {"text": _string(row, columns.text)}
    tools = beside.tools(row, columns.tools)
    found = _said(row, columns, tools)
    extra = found.pop("extra", {}) | tools
    extra |= beside.reference_answer(row, columns.reference_answer)
    extra |= beside.metadata(row, columns.metadata)
    return found | ({"extra": orjson.dumps(extra).decode()} if extra else {})


def _said(row: Mapping[str, Any], columns: Columns, tools: Mapping[str, Any]) -> Row:
    """`system`, `messages`, and `extra` as an object where turns hold more than text."""
    system = row.get(columns.system) if columns.system else None
    if not columns.messages:
        return {"system": turns.system_prompt(system), "messages": _pair(row, columns)}
    messages = dialogue.messages_in(_value(row, columns.messages))
    if blocks.beyond_text(messages):
        return blocks.conversation(messages, system, beside.declared(tools))
    prompt, said = turns.conversation(messages, system)
    return {"system": prompt, "messages": said}


def _pair(row: Mapping[str, Any], columns: Columns) -> list[dict[str, str]]:
    prompt = _string(row, columns.prompt or "")
    if columns.input and row.get(columns.input) is not None:
        given = _string(row, columns.input)
        prompt = f"{prompt}\n\n{given}" if given.strip() else prompt
    messages = [turns.turn("user", prompt)]
    if columns.completion and row.get(columns.completion) is not None:
        messages.append(turns.turn("assistant", _string(row, columns.completion)))
    return messages


def _value(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if value is None:
        raise UnreadableError("read.missing_column", name)
    return value


def _string(row: Mapping[str, Any], name: str) -> str:
    value = _value(row, name)
    if not isinstance(value, str):
        raise UnreadableError("read.not_text", f"{name}: {turns.json_type(value)}")
    return value


def _images(value: Any, name: str, uri: str) -> list[str]:
    names = value if isinstance(value, list) else [value]
    for each in names:
        if not isinstance(each, str):
            raise UnreadableError("read.not_text", f"{name}: {turns.json_type(each)}")
    return [each if each.startswith("s3://") else sibling(uri, each) for each in names]
