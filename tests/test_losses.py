"""What a format cannot say is told: nothing of a kept record is dropped in silence."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest

from pipeline.record import frame
from pipeline.targets import LOSSES, TARGETS
from pipeline.targets.contract import Place

PLACE = Place("s3://data-bucket/images/", "111122223333")
FUNCTION = {"name": "TOOL", "description": "d", "parameters": {"type": "object", "properties": {}}}
ONE = [("user", "FIRST"), ("assistant", "SECOND")]
MORE = [*ONE, ("user", "THIRD"), ("assistant", "FOURTH")]

SYSTEM, TURNS, IMAGES = [None, "SYSTEM"], [[], ONE, MORE], [0, 1, 2]
TOOLS = [{}, {"tools": [{"type": "function", "function": FUNCTION}]}]
REASONING, REFERENCE = [{}, {"reasoning": "REASON"}], [{}, {"reference_answer": {"a": "REFERENCE"}}]

TOLD = {
    "SYSTEM": {"system_left_out"},
    "TOOL": {"tools_left_out"},
    "REASON": {"reasoning_left_out"},
    "REFERENCE": {"reference_left_out"},
    "turn": {
        "turns_left_out", "answer_left_out", "answer_left_to_teacher", "answer_became_reference",
    },
}  # fmt: skip
"""The losses that may tell that a part of a record is not in its line."""


def records() -> list[dict[str, Any]]:
    """Every combination of what a record may have beside a text."""
    parts = itertools.product(SYSTEM, TURNS, IMAGES, TOOLS, REASONING, REFERENCE)
    rows = []
    combined: Iterable[Any] = enumerate(parts)
    for number, (system, turns, images, *beside) in combined:
        extra = {key: value for one in beside for key, value in one.items()}
        if images:
            extra["images"] = [{"format": "png"}] * images
        rows.append(
            {
                "source": f"{number}.jsonl",
                "text": None if turns else "TEXT",
                "system": system,
                "messages": [{"role": role, "text": text} for role, text in turns] or None,
                "images": [f"{n}.png" for n in range(images)] or None,
                "extra": json.dumps(extra) if extra else None,
            }
        )
    # an image whose caption stands beside turns, as some exports have it
    return [*rows, *({**row, "source": f"t{row['source']}", "text": "TEXT"} for row in rows)]


def parts_of(row: dict[str, Any]) -> dict[str, str]:
    """The texts of a record that its line must hold, and what kind of part each is."""
    parts = {turn["text"]: "turn" for turn in row["messages"] or []}
    if row["system"]:
        parts["SYSTEM"] = "SYSTEM"
    return parts | {
        word: word for word in ("TOOL", "REASON", "REFERENCE") if word in (row["extra"] or "")
    }


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_dropped_in_silence(name: str) -> None:
    """Each part of a record is in its line, told as a loss, or the reason of its rejection."""
    rows, target = records(), TARGETS[name]()
    held = frame(rows)
    lines = target.render(held, PLACE)
    told = held.select(**target.losses()).to_dicts()
    assert set(target.losses()) <= LOSSES.keys()
    kept = [
        (row, line, {loss for loss, lost in losses.items() if lost})
        for row, line, losses in zip(rows, lines["line"], told, strict=True)
        if line is not None
    ]
    assert kept
    for row, line, losses in kept:
        assert line.count(".png") == len(row["images"] or [])
        for word, kind in parts_of(row).items():
            assert word in line or losses & TOLD[kind], (word, losses, line)


@pytest.mark.parametrize("name", TARGETS)
def test_a_loss_is_a_loss(name: str) -> None:
    """What is in the line is not told as left out."""
    target, rows = TARGETS[name](), records()
    held = frame(rows)
    told = held.select(**target.losses()).to_dicts()
    for row, line, losses in zip(rows, target.render(held, PLACE)["line"], told, strict=True):
        for word in parts_of(row).keys() & {"SYSTEM", "TOOL", "REASON", "REFERENCE"}:
            (loss,) = TOLD[word]
            assert not (line and word in line and losses.get(loss)), (word, line)
