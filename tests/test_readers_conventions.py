"""Columns to records: known conventions, named columns, and conversations of every make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.local_sources import source_uri
from pipeline.readers.conventions import Columns, fields, layout
from pipeline.readers.rows import UnreadableError, sibling

PAIR = [{"role": "user", "text": "Q"}, {"role": "assistant", "text": "A"}]


def record(row: dict[str, Any], columns: Columns | None = None) -> dict[str, Any]:
    """The record columns of a row, as its reader gets them; nulls left out."""
    found = fields(row, layout(row.keys(), columns), "folder/rows.jsonl")
    return {name: value for name, value in found.items() if value is not None}


def fault(row: dict[str, Any], columns: Columns | None = None) -> tuple[str, str | None]:
    with pytest.raises(UnreadableError) as raised:
        record(row, columns)
    return raised.value.reason, raised.value.value


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("prompt", "completion"),
        ("prompt", "response"),
        ("question", "answer"),
        ("query", "response"),
        ("instruction", "output"),
        ("instruction", "response"),
        ("input", "output"),
        (" Question", "ANSWER "),
    ],
)
def test_pairs(prompt: str, completion: str) -> None:
    """Every usual name of a prompt and its completion gives a user's and an assistant's turn."""
    assert record({"id": 7, completion: "A", prompt: "Q"}) == {"messages": PAIR}


def test_instruction_with_input() -> None:
    """Alpaca's input and Dolly's context stand under the instruction, if they say anything."""
    row = {"instruction": "Sum up.", "input": "Tea.", "output": "A", "text": "all of it"}
    assert record(row)["messages"][0]["text"] == "Sum up.\n\nTea."
    assert record(row | {"input": " "})["messages"][0]["text"] == "Sum up."
    dolly = {"instruction": "Sum up.", "context": "Tea.", "response": "A"}
    assert record(dolly)["messages"][0]["text"] == "Sum up.\n\nTea."
    asked = {"query": "Sum up?", "context": "Tea.", "response": "A"}
    assert record(asked)["messages"][0]["text"] == "Sum up?\n\nTea."


def test_prompt_alone_and_empty_values() -> None:
    """A missing or null completion leaves one turn; an empty one is an empty turn."""
    one = {"messages": [{"role": "user", "text": "Q"}]}
    assert record({"prompt": "Q"}) == record({"prompt": "Q", "completion": None}) == one
    assert record({"prompt": "", "completion": ""})["messages"] == [
        {"role": "user", "text": ""},
        {"role": "assistant", "text": ""},
    ]


def test_texts_and_images() -> None:
    """Text columns, Bedrock's own image lines, and image names below the file's folder."""
    assert record({"text": " a\n", "url": "x"}) == {"text": " a\n"}
    assert record({"content": "a"}) == {"text": "a"}
    bedrock = {"image-ref": "s3://b/1.png", "caption": "a"}
    assert record(bedrock) == {"text": "a", "images": ["s3://b/1.png"]}
    columns = Columns(text="alt", images="files")
    row = {"alt": "a", "files": ["1.png", "./x//2.png"]}
    assert record(row, columns)["images"] == ["folder/1.png", "folder/x/2.png"]
    assert record({"alt": "a", "files": []}, columns) == {"text": "a"}


def test_named_columns() -> None:
    """What the recipe names counts alone; what it names and is not there is a fault."""
    columns = Columns(prompt="q", completion="a", system="s")
    row = {"q": "Q", "a": "A", "s": "Be kind.", "prompt": "no", "completion": "no"}
    assert record(row, columns) == {"system": "Be kind.", "messages": PAIR}
    assert fault({"a": "A"}, columns) == ("read.missing_column", "q")
    assert fault({"q": None}, columns) == ("read.missing_column", "q")
    with pytest.raises(UnreadableError, match=r"read\.missing_column"):
        layout({"q", "a"}, columns, complete=True)


@pytest.mark.parametrize(
    "given", [{}, {"completion": "a"}, {"text": "t", "prompt": "p"}, {"text": "t", "input": "i"}]
)
def test_columns_that_make_no_record(given: dict[str, str]) -> None:
    """A recipe that names too little or too much is a recipe fault."""
    with pytest.raises(ValidationError):
        Columns(**given)


@pytest.mark.parametrize(
    ("row", "reason", "value"),
    [
        ({"a": "1", "b": "2"}, "read.unknown_columns", "a, b"),
        ({}, "read.unknown_columns", ""),
        ({"prompt": 1, "completion": "A"}, "read.not_text", "prompt: number"),
        ({"prompt": "Q", "completion": ["A"]}, "read.not_text", "completion: array"),
        ({"text": {"a": 1}}, "read.not_text", "text: object"),
        ({"text": None}, "read.missing_column", "text"),
        ({"prompt": "Q", "system": True}, "read.not_text", "system: boolean"),
        ({"image-ref": "../1.png", "caption": "a"}, "read.bad_file_name", "../1.png"),
        ({"image-ref": [1], "caption": "a"}, "read.not_text", "image-ref: number"),
    ],
)
def test_faults_of_columns(row: dict[str, Any], reason: str, value: str) -> None:
    """Each fault says which column, and what was there."""
    assert fault(row) == (reason, value)


CONVERSE = [
    {"role": "user", "content": [{"text": "Q"}]},
    {"role": "assistant", "content": [{"text": "A"}]},
]
OPENAI = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "Q"}]},
    {"role": "assistant", "content": "A", "tool_calls": None},
]
SHAREGPT = [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A", "weight": 1}]


@pytest.mark.parametrize(
    ("row", "system"),
    [
        ({"messages": CONVERSE}, None),
        ({"messages": CONVERSE, "system": [{"text": "Be kind."}]}, "Be kind."),
        ({"messages": CONVERSE, "system": ""}, None),
        ({"messages": OPENAI}, "Be kind."),
        ({"messages": OPENAI, "system": "Be kind."}, "Be kind."),
        ({"conversations": SHAREGPT, "system": "Be kind."}, "Be kind."),
        ({"conversation": [{"from": "system", "value": "S"}, *SHAREGPT]}, "S"),
        ({"messages": SHAREGPT, "prompt": "x", "completion": "y", "text": "z"}, None),
    ],
)
def test_conversations(row: dict[str, Any], system: str | None) -> None:
    """OpenAI's, Converse's and ShareGPT's shapes give the same turns and system prompt."""
    assert record(row) == {"messages": PAIR} | ({"system": system} if system else {})


def test_parts_are_joined() -> None:
    """Several parts of one message become lines of one text."""
    parts = [{"text": "a"}, {"type": "text", "text": "b"}, "c"]
    row = {"messages": [{"role": "user", "content": parts}]}
    assert record(row)["messages"] == [{"role": "user", "text": "a\nb\nc"}]


def test_what_tables_write_otherwise() -> None:
    """Nulls for the keys that a part lacks, lists as text: the same turns."""
    parts = [{"type": "text", "text": "Q", "image_url": None}, {"type": None, "text": "R"}]
    asked = {"messages": [{"role": "user", "content": parts}]}
    assert record(asked)["messages"] == [{"role": "user", "text": "Q\nR"}]
    for indent in (None, 1):
        assert record({"messages": json.dumps(CONVERSE, indent=indent)})["messages"] == PAIR


def message(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Q"} | more]}


@pytest.mark.parametrize(
    ("row", "reason", "value"),
    [
        ({"messages": "[]"}, "read.bad_messages", "string"),
        ({"messages": []}, "read.bad_messages", "no message"),
        ({"messages": '[{"role": "user", "role": "bot"}]'}, "read.duplicate_key", "role"),
        ({"messages": '[{"a":' * 40 + "1" + "}]" * 40}, "read.too_deep", "80"),
        ({"messages": OPENAI[:1]}, "read.bad_messages", "no message"),
        ({"messages": ["Q"]}, "read.bad_messages", "message 1: string"),
        ({"messages": [{"content": "Q"}]}, "read.bad_messages", "message 1: no role"),
        ({"messages": [{"role": "user"}]}, "read.bad_messages", "message 1: no content"),
        ({"messages": None}, "read.missing_column", "messages"),
        (message(role="tool"), "read.tool_result_without_call", None),
        (message(content=None), "read.not_text", "content: null"),
        (message(content=[1]), "read.not_text", "content: array of number"),
        (message(content=[{"text": 1}]), "read.not_text", "text: number"),
        (message(content=[{"image": {"format": "png"}}]), "read.unsupported_content", "image"),
        (
            message(content=[{"type": "image_url", "image_url": {}}]),
            "read.unsupported_content",
            "image_url",
        ),
        (message(content=[{"toolUse": {}}]), "read.bad_tool_call", "no name"),
        (message(content=[{"text": "a", "video": {}}]), "read.unsupported_content", "video"),
        (message(content=[{}]), "read.unsupported_content", "nothing"),
        (message(tool_calls=[{"id": "1"}]), "read.bad_tool_call", "tool_calls: no function"),
        ({"messages": [*CONVERSE, OPENAI[0]]}, "read.extra_system", None),
        ({"messages": OPENAI, "system": "Be rude."}, "read.extra_system", None),
    ],
)
def test_faults_of_conversations(row: dict[str, Any], reason: str, value: str | None) -> None:
    """Nothing of a conversation is dropped in silence."""
    assert fault(row) == (reason, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "from", "content", "value", "text", "type", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["messages", "prompt", "completion", "text", "system", "input", "x"]), JSON
    )
)
def test_any_row_is_a_record_or_a_fault(row: dict[str, Any]) -> None:
    """Whatever JSON a row holds, it gives text or turns of text, or one reason."""
    try:
        found = record(row)
    except UnreadableError as error:
        assert error.reason.startswith("read.")
        return
    assert ("text" in found) != ("messages" in found)
    turns = found.get("messages", [])
    assert all(set(turn) == {"role", "text"} and type(turn["text"]) is str for turn in turns)
    assert {turn["role"] for turn in turns} <= {"user", "assistant"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/../../b",
        "/etc/passwd",
        "~/x",
        "C:/x",
        "a\\b",
        "http://h/x",
        "s3://b/x",
        "a\0",
    ],
)
def test_names_that_lead_out(name: str) -> None:
    """A name in the data reaches nothing outside its folder."""
    with pytest.raises(UnreadableError, match=r"read\.bad_file_name"):
        sibling("folder/rows.jsonl", name)


def test_names_that_stay() -> None:
    """Dots and empty steps are tidied; the top folder has no name."""
    assert sibling("s3://b/f/rows.jsonl", "./a//1..png") == "s3://b/f/a/1..png"
    assert sibling("rows.jsonl", "1.png") == "1.png"


@pytest.mark.parametrize(
    "name", ["my%20cat.png", "my cat.png", "mèo.png", "a#1.png", "a\xa0\t.png"]
)
def test_a_name_is_that_of_the_source(name: str, tmp_path: Path) -> None:
    """Local sources have some characters encoded in their URIs, those in S3 none."""
    beside = source_uri(tmp_path / "photos" / "rows.jsonl", tmp_path)
    assert sibling(beside, name) == source_uri(tmp_path / "photos" / name, tmp_path)
    assert sibling("s3://b/rows.jsonl", name) == f"s3://b/{name}"
