"""The last pass: tokens of everything in a line, and no line that its schema refuses."""

from __future__ import annotations

import json

import polars as pl

from pipeline.record import frame
from pipeline.render import (
    measured,
    record_tokens,
    reject_broken_lines,
    reject_other_languages,
)
from pipeline.tokens import message_tokens, token_bound

TURNS = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Welcome"}]


def records(*extras: object) -> pl.DataFrame:
    rows = [
        {
            "source": str(n),
            "messages": TURNS,
            "extra": extra if extra is None else json.dumps(extra),
        }
        for n, extra in enumerate(extras)
    ]
    return frame(rows)


def test_reasoning_and_tools_count_as_tokens() -> None:
    """What stands in a line beside its turns is held against the limits too."""
    tools = {"tools": [{"toolSpec": {"name": "boil", "description": "Boils water. " * 50}}]}
    held = records(None, {}, {"reasoning": "It is green tea. " * 50}, {"toolConfig": tools})
    counted = held.select(turns=message_tokens(), all=record_tokens())
    assert counted["turns"].n_unique() == 1
    beside = (counted["all"] - counted["turns"]).to_list()
    assert beside[:2] == [0, 0]
    assert min(beside[2:]) > 150


def test_given_turns_count_with_their_blocks() -> None:
    """Reasoning inside a turn is nowhere in `messages`."""
    block = {"reasoningContent": {"reasoningText": {"text": "It is green tea. " * 50}}}
    held = records({"converse_messages": [{"role": "assistant", "content": [block]}]})
    assert held.select(record_tokens()).item() > 150


def test_given_turns_count_once() -> None:
    """Not as `messages` and as blocks: one long text costs what it costs, and little more."""
    text = "It is green tea. " * 500
    given = [{"role": "user", "content": [{"text": text}]}]
    held = frame(
        [
            {
                "source": "a",
                "messages": [{"role": "user", "text": text}],
                "extra": json.dumps({"converse_messages": given}),
            }
        ]
    )
    once = held.select(token_bound(pl.lit(text))).item()
    assert once < held.select(record_tokens()).item() < once + 60


def test_a_text_without_turns_counts_alone() -> None:
    """A document, or a caption."""
    held = frame([{"source": "a", "text": "It is green tea."}])
    assert held.select(record_tokens()).item() == held.select(token_bound(pl.col("text"))).item()


def test_a_line_that_its_schema_refuses_is_not_written() -> None:
    """With the place and the fault as the value."""
    lines = ['{"prompt":"a","completion":"b"}', '{"prompt":"a"}', None]
    held = records(None, None, None).with_columns(line=pl.Series(lines, dtype=pl.String))
    marks = reject_broken_lines(held, "prompt_completion.schema.json")["rejected"].to_list()
    assert marks[0] is None
    assert marks[2] is None
    assert marks[1]["reason"] == "schema_broken"
    assert "completion" in marks[1]["value"]


def test_a_target_takes_its_languages_alone() -> None:
    """What is in another is its reject; what cannot be told, or was not asked, stays."""
    languages = pl.Series("language", ["vi", "en", "und", None])
    held = records(None, None, None, None).with_columns(languages)
    assert reject_other_languages(held, ())["rejected"].null_count() == 4
    marks = reject_other_languages(held, ("th", "vi"))["rejected"].to_list()
    expected = {"reason": "language_not_wanted", "value": "en", "threshold": "th, vi"}
    assert marks == [None, expected | {"merged_into": None}, None, None]


def test_a_target_without_validation_trains_on_that_share() -> None:
    """The test split stays apart."""
    held = records(None, None, None).with_columns(
        split=pl.Series(["train", "validation", "test"]), line=pl.lit("{}")
    )
    assert measured(held, takes_validation=False)["split"].to_list() == ["train", "train", "test"]
    assert measured(held, takes_validation=True)["split"].to_list() == held["split"].to_list()
