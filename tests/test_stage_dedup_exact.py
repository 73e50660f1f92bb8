"""`dedup_exact`: what counts as the same, and which of them stays."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from pipeline.record import frame
from pipeline.stages.dedup_exact import DedupExact


def duplicates(rows: list[dict[str, object]], **settings: Any) -> dict[str, str]:
    stage = DedupExact(**settings)
    votes = stage.decide(stage.sketch(frame(rows)))
    return dict(votes.select("id", pl.col("rejected").struct.field("merged_into")).iter_rows())


def document(name: str, text: str | None, **more: object) -> dict[str, object]:
    return {"id": name, "source": f"{name}.md", "text": text, **more}


def dialogue(name: str, *turns: str, **more: object) -> dict[str, object]:
    roles = ("user", "assistant") * len(turns)
    messages = [{"role": role, "text": text} for role, text in zip(roles, turns, strict=False)]
    return {"id": name, "source": f"{name}.jsonl", "messages": messages, **more}


def test_the_first_by_source_stays() -> None:
    """Not the first in the frame; all others point to it, with it as the value."""
    rows = [
        document("b", "tea", source="2.md"),
        document("c", "tea", source="3.md"),
        document("z", "tea", source="1.md"),
        document("y", "tea", source="2.md"),
        document("a", "x", source="0.md"),
    ]
    assert duplicates(rows) == {"b": "z", "c": "z", "y": "z"}
    stage = DedupExact()
    marks = stage.decide(stage.sketch(frame(rows)))["rejected"].to_list()
    assert marks[0] == {"reason": "duplicate", "value": "z", "threshold": None, "merged_into": "z"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("green  tea\n", "green tea", True),
        ("\tgreen\u00a0tea", "green\r\ntea ", True),
        ("Vie\u0323\u0302t", "Việt", True),
        ("Tea", "tea", False),
        ("green tea", "greentea", False),
        ("", "", True),
        (None, None, False),
    ],
)
def test_layout_does_not_count(one: str | None, other: str | None, same: bool) -> None:
    """White space and normal form do not count, letter case does; no text is not compared."""
    assert bool(duplicates([document("a", one), document("b", other)])) is same


def test_turns_are_compared_whole() -> None:
    """System prompt, roles and borders between turns count."""
    rows = [
        dialogue("a", "q", "a"),
        dialogue("b", "q ", "a"),
        dialogue("c", "q", "a", system="s"),
        dialogue("d", "q", "b"),
        dialogue("e", "q a"),
        dialogue("f"),
        dialogue("g"),
        document("h", "q a"),
    ]
    assert duplicates(rows) == {"b": "a"}


def test_text_with_another_meaning_of_its_parts() -> None:
    """A turn that spells out another turn is not that turn."""
    rows = [dialogue("a", "q", "a"), dialogue("b", "q\nassistant\na")]
    assert duplicates(rows) == {}


def test_pictures_count() -> None:
    """Two pictures may have one caption; the same file twice is the same."""
    rows = [
        document("a", "a cat", images=["1.png"]),
        document("b", "a cat", images=["2.png"]),
        document("c", "a cat", images=["1.png"]),
        document("d", "a cat"),
    ]
    assert duplicates(rows) == {"c": "a"}


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("prompt", {"b": "a", "f": "e"}),
        ("pair", {"c": "a", "d": "a", "f": "e"}),
        ("conversation", {"f": "e"}),
        ("text", {"h": "g"}),
    ],
)
def test_on_says_what_is_compared(on: str, expected: dict[str, str]) -> None:
    """Only records that have it are compared."""
    rows = [
        dialogue("a", "q", "a"),
        dialogue("b", "q", "b"),
        dialogue("c", "p", "b", "q", "a"),
        dialogue("d", "q", "a", system="s"),
        dialogue("e", "x", "y", "z", "w"),
        dialogue("f", "x", "y", "z", "w"),
        document("g", "text"),
        document("h", "text"),
    ]
    assert duplicates(rows, on=on) == expected


def test_a_url_is_the_identity_of_a_record() -> None:
    """Whatever else differs; who has no such field, an empty object or no object, stays."""
    url = '{"metadata": {"url": "https://example.org/tea"}}'
    rows = [
        document("a", "tea", extra=url),
        document("b", "other words", extra=url),
        document("c", "tea", extra='{"metadata": {"url": "https://example.org/coffee"}}'),
        document("d", "tea", extra='{"metadata": {}}'),
        document("e", "tea", extra='{"metadata": {"url": null}}'),
        document("f", "tea"),
        document("g", "tea", extra='{"metadata": {"url": null}}'),
        document("h", "tea", extra='{"metadata": {"url": ""}}'),
        document("i", "tea", extra='{"metadata": {"url": " "}}'),
    ]
    assert duplicates(rows, fields=["$.metadata.url"]) == {"b": "a"}


def test_all_chosen_fields_count_and_no_other() -> None:
    """Layout does not; the words of one field do not pass for those of the next."""
    rows = [
        document("a", "tea", system="be  kind", extra='{"n": 1}', images=["1.png"]),
        document("b", " tea", system="be kind", extra='{"n": 1, "m": 2}'),
        document("c", "tea", system="be kind", extra='{"n": 2}'),
        document("d", "tea be", system="kind", extra='{"n": 1}'),
        document("e", "tea", extra='{"n": 1}'),
    ]
    assert duplicates(rows, fields=["text", "system", "$.n"]) == {"b": "a"}
    turns = [dialogue("a", "q", "a"), dialogue("b", "q", "a", system="s"), dialogue("c", "q")]
    assert duplicates([*turns, dialogue("d"), dialogue("e")], fields=["turns"]) == {"b": "a"}


@pytest.mark.parametrize("name", ["url", "messages", "$", ""])
def test_a_field_that_is_none_is_a_fault(name: str) -> None:
    """A slip would compare nothing, and keep every duplicate."""
    with pytest.raises(ValidationError):
        DedupExact(fields=[name])


def test_sketches_are_small() -> None:
    """The vote needs 16 bytes of each record, not its text."""
    sketch = DedupExact().sketch(frame([document("a", "long " * 1000)]))
    assert sketch.columns == ["id", "source", "key"]
    assert len(sketch["key"].item()) == 16


def test_keys_are_the_same_on_every_machine() -> None:
    """The key is a fixed digest of the content: runs of different days can be compared."""
    sketch = DedupExact().sketch(frame([document("a", "green tea")]))
    assert sketch["key"].item().hex() == "ef766e03b50f98f1076435bd7e812aec"
