"""Who shares a key with whom: what a plain count says, however few keys are held at once."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.near_pairs import NONE, sharers, sharing
from pipeline.tables import SketchTable

quick = settings(derandomize=True, deadline=None, max_examples=150, database=None)
keys = st.sampled_from([NONE, 1, 2, 3, 2**32, 2**62, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1])
parts = st.lists(st.lists(st.tuples(keys, keys), max_size=6), max_size=5)


def plain(rows: list[tuple[int, int]], own: int) -> list[int]:
    """The rows that share one of their keys with another row, one of the two the run's own."""
    found = set()
    for band in (0, 1):
        of_run = Counter(row[band] for row in rows[:own])
        everywhere = Counter(row[band] for row in rows)
        for number, row in enumerate(rows):
            key = row[band]
            met = of_run[key] and everywhere[key] > 1
            if key != NONE and met:
                found.add(number)
    return sorted(found)


@pytest.mark.parametrize("at_once", [1, 3, 1000])
@quick
@given(own=parts, earlier=parts)
def test_who_shares_a_key(
    at_once: int, own: list[list[tuple[int, int]]], earlier: list[list[tuple[int, int]]]
) -> None:
    """Keys over the whole range, in one part or many, with and without earlier data."""
    schema = {"a": pl.UInt64, "b": pl.UInt64}
    frames = [pl.DataFrame(rows, schema=schema, orient="row") for rows in (*own, *earlier)]
    table = SketchTable(frames, sum(map(len, own)))
    table.at_once = at_once
    expected = plain([row for rows in (*own, *earlier) for row in rows], table.own)
    assert sharing(table, ["a", "b"]).to_list() == expected


@quick
@given(rows=st.lists(st.tuples(keys, keys), max_size=8))
def test_who_shares_a_key_of_a_band(rows: list[tuple[int, int]]) -> None:
    """Band by band, each with its rank and size: as a plain count says."""
    read = pl.DataFrame(rows, schema={"a": pl.UInt64, "b": pl.UInt64}, orient="row")
    sizes = pl.Series(range(10, 10 + len(rows)), dtype=pl.UInt32)
    bands = [[row[band] for row in rows] for band in (0, 1)]
    expected = [
        {"rank": rank, "size": 10 + rank, "key": key}
        for band in bands
        for rank, key in enumerate(band)
        if key != NONE and band.count(key) > 1
    ]
    assert sharers(read, sizes).to_dicts() == expected


def test_a_column_comes_in_order_and_no_more_than_is_held() -> None:
    """The run's own rows first; a part is never cut."""
    table = SketchTable([pl.DataFrame({"a": range(n, n + 2)}) for n in range(0, 12, 2)], own=8)
    table.at_once = 5
    own, earlier = ([one.to_list() for one in table.pieces("a", own=o)] for o in (True, False))
    assert own == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert earlier == [[8, 9, 10, 11]]
