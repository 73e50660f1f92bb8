"""`quality`: each rule at its edge."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.record import frame
from pipeline.stages.quality import Quality

PROSE = "The leaves are picked early in the morning, while they are still wet."


def mark(text: str, **settings: float) -> tuple[str, str, str] | None:
    found = Quality(**settings)(frame([{"source": "a", "text": text}]))["rejected"].item()
    return found and (found["reason"], found["value"], found["threshold"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROSE, None),
        ("one two three four five", None),
        ("one two three four", ("too_short", "4", "5")),
        ("", ("too_short", "0", "5")),
        (" " * 500 + "one two three four", ("too_short", "4", "5")),
        (" " * 500 + "one two three four five", None),
        ("茶叶在清晨采摘趁着", ("too_short", "4", "5")),
        ("茶叶在清晨采摘趁着露", None),
        ("ใบชาถูกเก็บในตอนเช้า", None),
        (PROSE + "x" * 10_000, ("line_too_long", f"{len(PROSE) + 10_000}", "10000")),
        ((PROSE + "\n") * 200, None),
        ("a b c d e " + "|=" * 20, ("too_many_symbols", "0.889", "0.4")),
        ("one 1234567890 1234567890 two 1234567890 3 4", ("too_few_letters", "0.158", "0.25")),
    ],
)
def test_each_rule(text: str, expected: tuple[str, str, str] | None) -> None:
    """Reason, value and threshold."""
    assert mark(text) == expected


def test_rules_can_be_moved() -> None:
    """Each threshold is a setting."""
    assert mark("one", min_words=1) is None
    assert mark("a b c d e 123456789012345678901234567890", min_letter_ratio=0.1) is None
    assert mark("a b c d e " + "|=" * 20, max_symbol_ratio=1, min_letter_ratio=0) is None
    assert mark(PROSE, max_line_chars=len(PROSE)) is None
    assert mark(PROSE, max_line_chars=len(PROSE) - 1) is not None


def test_labels_and_captions_are_left_alone() -> None:
    """`yes` is a fine answer, and a caption may be one word."""
    turns = [{"role": "user", "text": "?"}, {"role": "assistant", "text": "yes"}]
    rows: list[dict[str, Any]] = [
        {"source": "a", "text": "x", "messages": turns},
        {"source": "b", "text": "Tea", "images": ["a.png"]},
        {"source": "c", "text": None},
    ]
    assert Quality()(frame(rows))["rejected"].null_count() == 3
