"""`split`: shares met, groups whole, the same in any order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from voting import vote

from pipeline.record import frame, rejection
from pipeline.stages.split import Split


def shares(sizes: list[int], **settings: object) -> dict[str, int]:
    rows = [
        {"source": "a", "locator": f"{group}.{number}", "document": f"doc{group}"}
        for group, size in enumerate(sizes)
        for number in range(size)
    ]
    stage = Split(**settings)
    votes = vote(stage, frame(rows))
    return dict(votes["split"].value_counts().iter_rows())


@pytest.mark.parametrize(
    ("sizes", "settings", "expected"),
    [
        ([1] * 100, {"validation": 0.1, "test": 0.2}, {"train": 70, "validation": 10, "test": 20}),
        ([1] * 100, {}, {"train": 100}),
        ([1] * 10, {"validation": 0.01}, {"train": 9, "validation": 1}),
        ([1] * 9, {"validation": 0.01}, {"train": 9}),
        ([5] * 20, {"validation": 0.1}, {"train": 90, "validation": 10}),
        ([30] * 10, {"validation": 0.05}, {"train": 270, "validation": 30}),
        ([1], {"validation": 0.9}, {"train": 1}),
        ([], {"validation": 0.5}, {}),
        ([10] * 3, {"group_by": "record", "validation": 0.1}, {"train": 27, "validation": 3}),
        ([10] * 3, {"group_by": "source", "validation": 0.9}, {"train": 30}),
        ([1] * 12, {"test": 0.92, "validation": 0.02}, {"train": 1, "test": 11}),
    ],
)
def test_shares(sizes: list[int], settings: dict[str, object], expected: dict[str, int]) -> None:
    """As near as whole groups allow, never over, at least one group of ten, never all."""
    assert shares(sizes, **settings) == expected


def test_a_group_keeps_its_place_when_others_come() -> None:
    """The digest of the key decides: more documents hardly move those that were there."""
    rows = [{"source": "a", "locator": str(number)} for number in range(400)]
    stage = Split(validation=0.1)
    before = dict(vote(stage, frame(rows[:300])).select("id", "split").iter_rows())
    after = dict(vote(stage, frame(rows)).select("id", "split").iter_rows())
    assert sum(after[name] != split for name, split in before.items()) < 25


def test_an_empty_key_holds_nothing_together() -> None:
    """A hundred customers whose name was left empty are not one customer."""
    rows = [
        {"source": "a", "locator": str(number), "extra": '{"customer": ""}'}
        for number in range(100)
    ]
    votes = vote(Split(validation=0.1, group_by="$.customer"), frame(rows))
    assert votes.filter(pl.col("split") == "validation").height == 10


def test_rejected_records_have_no_split() -> None:
    """They are not part of any share."""
    rows = [
        {"source": "a", "locator": str(number), "rejected": rejection("too_short")}
        for number in range(90)
    ] + [{"source": "b", "locator": str(number)} for number in range(10)]
    stage = Split(test=0.1)
    votes = vote(stage, frame(rows))
    assert votes.height == 10
    assert votes.filter(pl.col("split") == "test").height == 1


def test_something_must_be_left_to_train_on() -> None:
    """Shares that add up to everything are a fault of the recipe."""
    with pytest.raises(ValidationError, match="less than 1"):
        Split(validation=0.5, test=0.5)


def dialogue(number: int) -> list[dict[str, str]]:
    words = random.Random(number).choices([f"word{n}" for n in range(3000)], k=60)
    return [turn("user", " ".join(words[:30])), turn("assistant", " ".join(words[30:]))]


def turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "text": text}


def are_together(records: pl.DataFrame) -> bool:
    """Whether each pair of neighbours is of one split; there is more than one."""
    votes = vote(Split(validation=0.2), records)
    splits = records.join(votes, on="id", maintain_order="left", suffix="_voted")["split_voted"]
    assert splits.n_unique() == 2
    return splits.gather_every(2).equals(splits.gather_every(2, 1))


def seen(name: str, pixels: int) -> dict[str, Any]:
    extra = {"images": [{"format": "png", "pixels_sha256": f"{pixels:064x}"}]}
    return {"images": [name], "extra": json.dumps(extra)}


@pytest.mark.parametrize(
    "around",
    [
        lambda twin: {"system": f"You are the care desk. Today is 2026-01-0{twin + 1}."},
        lambda twin: {"extra": json.dumps({"tools": [{"name": "warm" if twin else "cool"}]})},
        lambda twin: {"images": ["leaf.png"], "system": "See." if twin else None},
    ],
)
def test_what_stands_around_turns_parts_no_family(around: Callable[[int], dict[str, Any]]) -> None:
    """The same conversation is of one split, whatever its system prompt, tools or place."""
    rows = [
        {"source": "a", "locator": f"{n}.{twin}", "document": f"{n}.{twin}"}
        | {"messages": dialogue(n)}
        | around(twin)
        for n in range(100)
        for twin in (0, 1)
    ]
    assert are_together(frame(rows))


@pytest.mark.parametrize(
    ("pixels", "together"), [(lambda n, _: n, True), (lambda n, k: 2 * n + k, False)]
)
def test_images_are_known_by_their_pixels(
    pixels: Callable[[int, int], int], together: bool
) -> None:
    """Captions that say the same are of one family if the picture is the same one, by any name."""
    rows = [
        {"source": "a", "locator": f"{n}.{twin}", "document": f"{n}.{twin}"}
        | {"text": dialogue(n)[0]["text"]}
        | seen(f"{n}-{twin}.png", pixels(n, twin))
        for n in range(100)
        for twin in (0, 1)
    ]
    assert are_together(frame(rows)) == together
