"""`contradictions`: one question, several answers."""

from __future__ import annotations

from typing import Any

from pipeline.record import frame
from pipeline.stages.contradictions import Contradictions


def pair(name: str, *turns: str, **more: object) -> dict[str, object]:
    roles = ("user", "assistant") * len(turns)
    messages = [{"role": role, "text": text} for role, text in zip(roles, turns, strict=False)]
    return {"id": name, "source": "a.jsonl", "messages": messages, **more}


ROWS: list[dict[str, Any]] = [
    pair("c", "How long?", "Three minutes."),
    pair("b", "How  long?", "Five minutes."),
    pair("a", "How long?\n", "Three  minutes."),
    pair("d", "How hot?", "80 °C"),
    pair("e", "How hot?", "80 °C "),
    pair("f", "How long?", "Two.", system="Be brief."),
    pair("g", "How long?", "Four.", images=["cup.png"]),
    pair("h", "Hi", "Yes?", "How long?", "Six."),
    pair("i", "How long?"),
    {"id": "j", "source": "b.md", "text": "How long?"},
]


def votes(**settings: str) -> dict[str, dict[str, str | None]]:
    stage = Contradictions(**settings)
    return dict(stage.decide(stage.sketch(frame(ROWS))).iter_rows())


def test_none_is_kept_by_default() -> None:
    """All answers to a contradicted prompt go, equal ones too; the value is the first record."""
    assert sorted(votes()) == ["a", "b", "c"]
    assert all(
        mark == {"reason": "contradiction", "value": "a", "threshold": None, "merged_into": None}
        for mark in votes().values()
    )


def test_the_first_answer_can_be_kept() -> None:
    """`keep: first` keeps the first by source and id, and those that agree with it."""
    assert list(votes(keep="first")) == ["b"]
