"""Labelled data in every shape that people have it in: a small file of each, and what it becomes.

`UPDATE_GOLDEN=1 pytest tests/test_readers_shapes.py` writes the golden file anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.readers.conventions import fields, layout, records
from pipeline.readers.jsonl import JsonlReader
from pipeline.record import frame
from pipeline.source import SourceFile, Unit
from pipeline.stages.label import Label
from pipeline.targets.contract import Place
from pipeline.targets.conversation import Conversation

SHAPES = Path(__file__).parent / "conventions"
GOLDEN = SHAPES / "golden.json"
SHOWN = ("locator", "text", "system", "messages", "extra", "rejected")


def opened(path: Path) -> SourceFile:
    return SourceFile(path.name, path, path.stat().st_size, "0" * 64)


def read(path: Path) -> list[dict[str, Any]]:
    """What the reader makes of a file, without what is null."""
    [rows] = JsonlReader().read(Unit((opened(path),)))
    shown = rows.select(SHOWN).to_dicts()
    return [{name: value for name, value in row.items() if value is not None} for row in shown]


@pytest.mark.parametrize("path", sorted(SHAPES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_shape_is_read(path: Path) -> None:
    """As the golden file says, line by line."""
    found = json.loads(json.dumps(read(path)))
    golden = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("UPDATE_GOLDEN"):
        golden = dict(sorted((golden | {path.stem: found}).items()))
        told = json.dumps(golden, ensure_ascii=False, indent=1)
        GOLDEN.write_text(told + "\n", encoding="utf-8")
    assert found == golden[path.stem]


def test_what_is_read_makes_sense_as_turns() -> None:
    """Every record that is kept has the user first and the assistant last, by turns."""
    kept, faults = 0, []
    for path in sorted(SHAPES.glob("*.jsonl")):
        for row in read(path):
            if "rejected" not in row:
                record = {"source": path.name, **row}
                mark = Label()(frame([record]))["rejected"].item()
                kept += mark is None
                faults += [] if mark is None else [(path.stem, mark["reason"])]
    assert kept == 58
    assert faults == [("prompt_completion", "last_turn_not_assistant")]


def test_a_nested_row_keeps_its_neighbours() -> None:
    """One bad part of a row costs one record, which says where it stood."""
    row = {
        "data": [{"paragraphs": [{"context": "c", "qas": [{"question": "q"}, {"question": 7}]}]}]
    }
    row["data"].append({"paragraphs": [{"context": "c", "qas": []}]})
    row["data"].append({"paragraphs": [{"context": "c", "qas": [
        {"question": "q", "answers": [{"text": "a"}]}]}]})  # fmt: skip
    found = list(records(row, None, SourceFile("a", Path("a"), 0, ""), "line=1"))
    assert [one["locator"] for one in found] == [f"line=1 question={n}" for n in (1, 2, 3, 4)]
    reasons = [(one.get("rejected") or {}).get("reason") for one in found]
    assert reasons == ["read.no_answer", "read.no_answer", "read.no_answer", None]


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(
    str.strip
)
plain_turns = st.lists(st.tuples(text, text), min_size=1, max_size=4)


@settings(derandomize=True, deadline=None, max_examples=100, database=None)
@given(system=st.none() | text, turns=plain_turns)
def test_converse_to_sharegpt_and_back_is_the_same(
    system: str | None, turns: list[tuple[str, str]]
) -> None:
    """For plain turns: the same line of a Converse data set comes out."""
    said = [
        {"role": role, "content": [{"text": one}]}
        for pair in turns
        for role, one in zip(("user", "assistant"), pair, strict=True)
    ]
    converse = {"system": [{"text": system}]} if system else {}
    line = line_of(converse | {"messages": said})
    parts = json.loads(line)
    sharegpt = [
        {
            "from": {"user": "human", "assistant": "gpt"}[one["role"]],
            "value": one["content"][0]["text"],
        }
        for one in parts["messages"]
    ]
    before = [{"from": "system", "value": parts["system"][0]["text"]}] if "system" in parts else []
    assert line_of({"conversations": before + sharegpt}) == line
    assert parts["messages"] == said


def line_of(row: dict[str, Any]) -> str:
    """The Converse line that a row becomes."""
    record = {"source": "a", **fields(row, layout(row.keys()), "a")}
    rendered = Conversation().render(frame([record]), Place("", None))
    assert rendered["rejected"].item() is None
    line: str = rendered["line"].item()
    return line
