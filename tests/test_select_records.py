"""Selecting down to a limit: exact, varied, and the same for any order of the records."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.select_records import choose

sizes = st.lists(st.integers(1, 6), min_size=1, max_size=12)


def records(counts: list[int]) -> pl.DataFrame:
    rows = [
        {"id": f"{document}.{number}", "document": str(document), "split": "train"}
        for document, count in enumerate(counts)
        for number in range(count)
    ]
    return pl.DataFrame(rows)


@given(sizes, st.integers(0, 40), st.randoms(use_true_random=False))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_choice_is_exact_and_free_of_order(
    counts: list[int], most: int, random: object
) -> None:
    """Exactly `most` stay, and shuffling the records changes nothing."""
    frame = records(counts)
    out = choose(frame, most)
    assert frame.height - len(out) == min(most, frame.height)
    assert choose(frame.sample(fraction=1.0, shuffle=True, seed=1), most) == out


def test_every_document_gives_one_record_before_any_gives_two() -> None:
    """Variety comes before volume."""
    frame = records([5, 5, 1, 1])
    out = choose(frame, 4)
    kept = frame.filter(~pl.col("id").is_in(list(out)))
    assert kept["document"].n_unique() == 4
