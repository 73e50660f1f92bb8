"""Which columns of a row are the prompt, the completion, the messages, the text.

A recipe names them (`columns: {prompt: question, completion: answer}`), or the first convention
below whose columns are all there is taken, row by row; if none is, names are compared once more
without regard to case and outer spaces. What is mapped to nothing is left out.

| columns | become |
|---|---|
| messages, or another name of a conversation (see `columns`) | messages; and what stands beside |
| prompt + completion, question + answer, or another pair (see `columns`) | two turns |
| instruction, prompt or question (+ input or context) and what answers it | two turns |
| dialogue or transcript + summary or a pair about it | two turns, it is under the prompt |
| prompt + chosen, where chosen is the answer alone | two turns; lists of messages are joined |
| image-ref + caption | images, text |
| text, content | text |
| prompt, question, instruction (+ input or context), query alone | one turn by the user |

`system`, `system_prompt`, `toolConfig`, `tools` and `reference_answer` stand beside turns.
A name of a conversation counts where its value is one: messages, texts in turn, a text with
speakers' marks. Where it is not (`"turns": 2`), the others come first.

Before, `pipeline.readers.nested` takes rows apart that hold several records; messages may be one
text with speakers' marks (`pipeline.readers.dialogue`); a `history` of earlier turns stands before
a prompt (`pipeline.readers.history`). Nothing of it is done where a recipe names the columns,
except for the marks.

A pair or a conversation whose `label` (or `kto_tag`) is false has an answer to unlearn, and is
rejected.

A null is a missing value: a null completion leaves one turn. An empty string is a value: the
turn is there and empty, for a later stage to judge. Strings are kept verbatim. What stands beside
the turns goes to `extra`: tools, a `reference_answer` (text or object), and the columns that the
recipe names as `metadata`.

Reasons: those of the modules `turns`, `blocks`, `beside`, `nested` and `dialogue`,
`read.not_text` (value: the column and its type),
`read.unknown_columns` (value: the columns there are),
`read.missing_column` (value: the column), `read.duplicate_header` (value: the name),
`read.undesirable_answer` (value: the column), `read.bad_file_name` (value: the name).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import orjson

from pipeline.readers import beside, blocks, dialogue, history, nested, turns
from pipeline.readers.columns import Columns, header, layout, layout_of
from pipeline.readers.rows import Row, UnreadableError, sibling
from pipeline.source import SourceFile

__all__ = ["REASONS", "Columns", "fields", "header", "layout", "layout_of", "records"]

REASONS = {
    **turns.REASONS,
    **blocks.REASONS,
    **beside.REASONS,
    **nested.REASONS,
    **dialogue.REASONS,
    "read.unknown_columns": "no known set of columns is there; name them with `columns`",
    "read.missing_column": "a column that the recipe names is not there, or null",
    "read.duplicate_header": "two columns have one name",
    "read.undesirable_answer": "its label says that the answer is a bad one, as KTO has it; no "
    "format of Bedrock can say so, and the model would learn it",
    "read.bad_file_name": "a file name points outside its own folder, or is a URL",
}


def records(
    row: Mapping[str, Any], columns: Columns | None, file: SourceFile, locator: str
) -> Iterator[Row]:
    """The records of one row, with source and locator; what cannot be read is a rejected one."""
    for place, part in nested.parted(row) if columns is None else [("", row)]:
        where = f"{locator} {place}".strip()
        try:
            if isinstance(part, UnreadableError):
                raise part
            known = columns or layout_of(part)
            if columns is None and history.NAME in part:
                part = history.with_history(part, known.prompt)
            own = fields(part, known, file.uri)
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
    if columns.messages:
        messages = dialogue.messages_in(_value(row, columns.messages))
    elif _is_list(row.get(columns.prompt or "")) or _is_list(row.get(columns.completion or "")):
        messages = _joined(row, columns)
    else:
        return {"system": turns.system_prompt(system), "messages": _pair(row, columns)}
    if blocks.beyond_text(messages):
        return blocks.conversation(messages, system, beside.declared(tools))
    prompt, said = turns.conversation(messages, system)
    return {"system": prompt, "messages": said}


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _joined(row: Mapping[str, Any], columns: Columns) -> list[Any]:
    """The messages of a pair of which at least one side is a list of them."""
    asked = _messages(row, columns.prompt, "user")
    if given := _given(row, columns):
        key, value = turns.content_of(len(asked), asked[-1])
        text = "\n".join(turns.texts(key, value))
        asked[-1] = {**asked[-1], key: f"{text}\n\n{given}"}
    return asked + _messages(row, columns.completion, "assistant")


def _messages(row: Mapping[str, Any], name: str | None, role: str) -> list[Any]:
    value = row.get(name) if name else None
    if _is_list(value):
        return list(value)
    if not name or (value is None and role == "assistant"):
        return []
    return [{"role": role, "content": _string(row, name)}]


def _given(row: Mapping[str, Any], columns: Columns) -> str:
    """What is put under the prompt; "" where there is nothing, or it says nothing."""
    if not columns.input or row.get(columns.input) is None:
        return ""
    given = _string(row, columns.input)
    return given if given.strip() else ""


def _pair(row: Mapping[str, Any], columns: Columns) -> list[dict[str, str]]:
    prompt = _string(row, columns.prompt or "")
    if given := _given(row, columns):
        prompt = f"{prompt}\n\n{given}"
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
