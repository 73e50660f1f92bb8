"""Conversations keep their words through other shapes: Converse to ShareGPT or OpenAI and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.conventions import fields, layout
from pipeline.record import frame
from pipeline.targets import TARGETS
from pipeline.targets.contract import Place

PLACE = Place("s3://bucket/runs/1/t/images/", None)
WORDS = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\\n\r\t\u2028{}[]:, <>é😀'), min_size=1
)
SAID = WORDS.filter(lambda text: bool(text.replace("\ufeff", "").strip()))
"""Not blank; to JSON Schema, whose patterns are JavaScript's, U+FEFF is a blank too."""


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """A line of Bedrock's with plain turns: a system prompt or none, user and assistant in turn."""
    texts = draw(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=4))
    said = [text for pair in texts for text in pair]
    messages = [
        {"role": ("user", "assistant")[n % 2], "content": [{"text": text}]}
        for n, text in enumerate(said)
    ]
    system = draw(st.none() | SAID)
    line = {"schemaVersion": "bedrock-conversation-2024"}
    return line | ({"system": [{"text": system}]} if system else {}) | {"messages": messages}


def to_sharegpt(line: dict[str, Any]) -> dict[str, Any]:
    """As ShareGPT's exports have it: the system prompt is a turn of its own."""
    names = {"user": "human", "assistant": "gpt"}
    system = [{"from": "system", "value": one["text"]} for one in line.get("system", [])]
    turns = [
        {"from": names[one["role"]], "value": one["content"][0]["text"]} for one in line["messages"]
    ]
    return {"id": "x", "conversations": system + turns}


def to_sharegpt_beside(line: dict[str, Any]) -> dict[str, Any]:
    """As others write it: the system prompt stands beside the turns."""
    row = to_sharegpt({"messages": line["messages"]})
    return row | ({"system": line["system"][0]["text"]} if "system" in line else {})


def to_openai(line: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's messages; what Hugging Face's chat data sets hold too."""
    turns = line.get("system", []), line["messages"]
    system = [{"role": "system", "content": one["text"]} for one in turns[0]]
    return {"messages": system + [one | {"content": one["content"][0]["text"]} for one in turns[1]]}


def back(row: dict[str, Any]) -> str:
    """The row read by its fields, as a line of the conversation target."""
    found = fields(row, layout(row.keys(), None), "rows.jsonl")
    rows = frame([{"source": "rows.jsonl", "locator": "line=1", **found}])
    [line] = TARGETS["conversation"]().render(rows, PLACE)["line"]
    assert isinstance(line, str)
    return line


@pytest.mark.parametrize("other", [to_sharegpt, to_sharegpt_beside, to_openai, dict])
@given(line=conversations())
def test_plain_turns_come_back_as_they_were(
    other: Callable[[dict[str, Any]], dict[str, Any]], line: dict[str, Any]
) -> None:
    """Every character and the order of turns: reading a shape and writing the line is the
    identity, and so is doing it again."""
    first = back(other(line))
    assert json.loads(first) == line
    assert back(other(json.loads(first))) == first
