"""Which columns of a row are the prompt, the completion, the messages, the text.

A recipe names them (`columns: {prompt: question, completion: answer}`). Otherwise, for each row,
the first convention below applies whose columns are all present; if there is none, names are
compared again without regard to case and outer spaces. Columns that mean nothing are left out.

| columns | become |
|---|---|
| messages, or another name of a conversation (see `columns`) | messages, and columns beside them |
| prompt + completion, question + answer, or another pair (see `columns`) | two turns |
| instruction, prompt or question (+ input or context) and its answer | two turns |
| dialogue or transcript + summary or a pair about it | two turns, dialogue under the prompt |
| prompt + chosen, where chosen is the answer alone | two turns; lists of messages are joined |
| image-ref + caption | images, text |
| text, content | text |
| prompt, question, instruction (+ input or context), query alone | one turn by the user |

`system`, `system_prompt`, `toolConfig`, `tools` and `reference_answer` may stand beside turns. A
column with the name of a conversation counts as one if its value is one: messages, texts in turn,
or a text with speakers' marks. If it is not (`"turns": 2`), the other conventions come first.

First, `pipeline.readers.nested` splits rows that hold several records; messages may be one text
with speakers' marks (`pipeline.readers.dialogue`); a `history` of earlier turns is put before the
prompt (`pipeline.readers.history`). If a recipe names the columns, only speakers' marks are
recognised.

A pair or a conversation whose `label` (or `kto_tag`) is false has an answer to unlearn, and is
rejected.

A null is a missing value: a null completion leaves one turn. An empty string is a value: the turn
is kept, empty, for a later stage to judge. Strings are kept verbatim. Whatever else belongs to the
turns is put in `extra`: tools, a `reference_answer` (text or object), and the columns that the
recipe names as `metadata`.

Reasons: those of the modules `turns`, `blocks`, `beside`, `nested` and `dialogue`,
`read.not_text` (value: the column and its type),
`read.unknown_columns` (value: the columns of the row),
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
    "read.unknown_columns": "the columns match no known convention; name them with `columns`",
    "read.missing_column": "a column that the recipe names is missing or null",
    "read.duplicate_header": "two columns have the same name",
    "read.undesirable_answer": "its label marks the answer as a bad one (KTO); no Bedrock format "
    "can express that, and the model would learn it",
    "read.bad_file_name": "a file name points outside its own folder, or is a URL",
}


def records(
    row: Mapping[str, Any], columns: Columns | None, file: SourceFile, locator: str
) -> Iterator[Row]:
    """Yield the records of one row, with source and locator.

    A part that cannot be read becomes a rejected record.
    """
    for place, part in nested.parted(row) if columns is None else [("", row)]:
        where = f"{locator} {place}".strip()
        try:
            if isinstance(part, UnreadableError):
                raise part
            known = columns or layout_of(part)
            if columns is None and history.NAME in part:
                part = history.with_history(part, known.prompt)
            values = fields(part, known, file.uri)
        except UnreadableError as fault:
            yield fault.row(file, where)
        else:
            yield {"source": file.uri, "locator": where, **values}


def fields(row: Mapping[str, Any], columns: Columns, uri: str) -> Row:
    """The record's columns from one row of a table; raises `UnreadableError`.

    `uri` is the file that holds the row: image names are relative to its folder.
    """
    record = _text_fields(row, columns)
    if columns.images and row.get(columns.images):
        record["images"] = _images(row[columns.images], columns.images, uri)
    return record


def _text_fields(row: Mapping[str, Any], columns: Columns) -> Row:
    if columns.text:
        return {"text": _string(row, columns.text)}
    tools = beside.tools(row, columns.tools)
    record = _turns(row, columns, tools)
    extra = record.pop("extra", {}) | tools
    extra |= beside.reference_answer(row, columns.reference_answer)
    extra |= beside.metadata(row, columns.metadata)
    return record | ({"extra": orjson.dumps(extra).decode()} if extra else {})


def _turns(row: Mapping[str, Any], columns: Columns, tools: Mapping[str, Any]) -> Row:
    """`system` and `messages` of the record, and `extra` as an object if turns hold more than
    text."""
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
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _joined(row: Mapping[str, Any], columns: Columns) -> list[Any]:
    """The messages of a pair in which at least one side is a list of messages."""
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
    """The input that is put under the prompt; "" if it is missing or blank."""
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
