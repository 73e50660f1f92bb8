"""Selecting down to a limit: exact, varied, and the same for any order of the records."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.select_records import RecordLimit, varied

sizes = st.lists(st.integers(1, 6), min_size=1, max_size=12)


def records(counts: list[int]) -> pl.DataFrame:
    rows = [
        {"id": f"{document}.{number}", "document": str(document), "split": "train"}
        for document, count in enumerate(counts)
        for number in range(count)
    ]
    return pl.DataFrame(rows)


def data_sets(limit: RecordLimit, frame: pl.DataFrame) -> list[set[str]] | None:
    """The ids of each, none of which is there twice."""
    found = limit.data_sets(frame)
    assert found is None or all(ids.n_unique() == ids.len() for ids in found)
    return [set(ids) for ids in found] if found else None


@given(sizes, st.integers(1, 40))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_a_selection_is_exact_and_free_of_order(counts: list[int], most: int) -> None:
    """Exactly `most` stay, and shuffling the records changes nothing."""
    frame = records(counts)
    limit = RecordLimit("select", together=most)
    chosen = data_sets(limit, frame)
    if frame.height <= most:
        assert chosen is None
        return
    assert chosen is not None
    assert [len(ids) for ids in chosen] == [most]
    assert data_sets(limit, frame.sample(fraction=1.0, shuffle=True, seed=1)) == chosen


@given(sizes, st.integers(1, 40))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_parts_hold_every_record_once(counts: list[int], most: int) -> None:
    """As few data sets as it takes, none over the limit."""
    frame = records(counts)
    parts = data_sets(RecordLimit("parts", together=most), frame) or [set(frame["id"])]
    assert len(parts) == max(1, -(-frame.height // most))
    assert all(0 < len(ids) <= most for ids in parts)
    assert sorted(one for ids in parts for one in ids) == sorted(frame["id"])


def test_every_document_gives_one_record_before_any_gives_two() -> None:
    """Variety comes before volume."""
    frame = records([5, 5, 1, 1])
    kept = frame.filter(pl.col("id").is_in(varied(frame)["id"][:4].implode()))
    assert kept["document"].n_unique() == 4


@given(st.integers(1, 30), st.integers(0, 20), st.integers(1, 12), st.integers(2, 40))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_a_bound_on_training_counts_training_alone(
    train: int, others: int, most: int, together: int
) -> None:
    """Validation is left out, or moved to another part, only for a bound on both together."""
    frame = records([train, others]).with_columns(
        split=pl.Series(["train"] * train + ["validation"] * others)
    )
    trained = set(frame["id"][:train])
    for bound in (None, together):
        (kept,) = data_sets(RecordLimit("select", bound, most), frame) or [set(frame["id"])]
        assert len(kept & trained) <= min(train, most)
        allowed = min(train, most) + others
        assert len(kept) == (allowed if bound is None else min(allowed, bound))
    parts = data_sets(RecordLimit("parts", None, most), frame) or [set(frame["id"])]
    assert len(parts) == -(-train // most)
    assert all(0 < len(ids & trained) <= most for ids in parts)
    assert sorted(one for ids in parts for one in ids) == sorted(frame["id"])
