"""`label`: each way a conversation can make no sense."""

from __future__ import annotations

import pytest

from pipeline.record import frame
from pipeline.stages.label import Label

U, A = "user", "assistant"

Turn = tuple[str | None, str | None]


def record(*turns: Turn, **more: object) -> dict[str, object]:
    messages = [{"role": role, "text": text} for role, text in turns]
    return {"source": "a", "locator": repr((turns, more)), "messages": messages, **more}


FINE = record(("user", "q"), ("assistant", "a"))


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([(U, "q"), (A, "a")], None),
        ([(U, "q"), (A, "a"), (U, "r"), (A, "b")], None),
        ([], ("no_messages", "0", "2")),
        ([("system", "s"), (U, "q")], ("unknown_role", "system", "user or assistant")),
        ([(U, "q"), (None, "a")], ("unknown_role", None, "user or assistant")),
        ([(A, "a")], ("first_turn_not_user", A, U)),
        ([(U, "q")], ("last_turn_not_assistant", U, A)),
        ([(U, "q"), (A, "a"), (U, "r")], ("last_turn_not_assistant", U, A)),
        ([(U, "q"), (U, "r"), (A, "a")], ("roles_do_not_alternate", "2", None)),
        ([(U, "q"), (A, "a"), (A, "b")], ("roles_do_not_alternate", "3", None)),
        ([(U, " \n"), (A, "a")], ("empty_prompt", "1", None)),
        ([(U, None), (A, "a")], ("empty_prompt", "1", None)),
        ([(U, "q"), (A, "\t")], ("empty_completion", "2", None)),
        ([(U, "q"), (A, ""), (U, "r"), (A, "b")], ("empty_turn", "2", None)),
        ([(U, "q"), (A, "a"), (U, ""), (A, "b")], ("empty_prompt", "3", None)),
    ],
)  # fmt: skip
def test_each_fault(turns: list[Turn], expected: tuple[str, str | None, str | None] | None) -> None:
    """Reason, value and threshold; a good neighbour stays good."""
    marks = Label()(frame([FINE, record(*turns, system="s")]))["rejected"].to_list()
    assert marks[0] is None
    found = marks[1]
    assert (found and (found["reason"], found["value"], found["threshold"])) == expected


def test_documents_are_left_alone() -> None:
    """A record without `messages` has nothing to judge."""
    assert Label()(frame([{"source": "a", "text": "t"}]))["rejected"].item() is None


def test_an_image_may_ask_alone() -> None:
    """With a picture, the question may be empty; the answer may not."""
    rows = [
        record(("user", ""), ("assistant", "a"), images=["a.png"]),
        record(("user", ""), ("assistant", ""), images=["a.png"]),
    ]
    reasons = Label()(frame(rows))["rejected"].struct.field("reason")
    assert reasons.to_list() == [None, "empty_completion"]


def test_neighbours_of_one_role_can_be_joined() -> None:
    """An empty line between them, no turn across two records, the rest untouched."""
    split = record(
        ("user", "q"), ("user", None), ("user", "r"), ("assistant", "a"), ("assistant", "b")
    )
    rows = [split, record(("assistant", "x")), FINE, record()]
    after = Label(merge_same_role=True)(frame(rows))
    assert after["messages"][0].to_list() == [
        {"role": "user", "text": "q\n\nr"},
        {"role": "assistant", "text": "a\n\nb"},
    ]
    assert after["messages"][2].to_list() == FINE["messages"]
    reasons = after["rejected"].struct.field("reason").to_list()
    assert reasons == [None, "first_turn_not_user", None, "no_messages"]
