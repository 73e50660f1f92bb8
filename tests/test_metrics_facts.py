"""What only all records together tell, found a group of rows at a time: as plain counts tell it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import parquet_rows
from pipeline.metrics_facts import certificate, find_faulty
from pipeline.report import measures as report_measures
from pipeline.report.measures import measure_records, write_outcomes

some = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METRICS = pl.Schema(
    {
        **dict.fromkeys(["target", "id", "document", "split", "source", "language"], pl.String),
        **dict.fromkeys(["tokens", "bytes", "turns", "images"], pl.Int64),
    }
)
REJECTED = pl.Schema(dict.fromkeys(["id", "source", "merged_into"], pl.String))
records = st.lists(
    st.fixed_dictionaries(
        {
            "target": st.sampled_from(["a", "b"]),
            "id": st.none() | st.sampled_from([f"r{n}" for n in range(12)]),
            "document": st.none() | st.sampled_from(["d1", "d2", "d3"]),
            "split": st.none() | st.sampled_from(["train", "validation"]),
            "source": st.sampled_from(["s1", "s2"]),
            "language": st.none() | st.sampled_from(["en", "vi"]),
            "tokens": st.integers(0, 40),
            "bytes": st.integers(0, 3),
            "turns": st.none() | st.integers(0, 3),
            "images": st.integers(0, 2),
        }
    ),
    max_size=25,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write to, while few rows are held at once."""
    monkeypatch.setattr(parquet_rows, "ROW_GROUP", 4)
    monkeypatch.setattr(report_measures, "AT_ONCE", 5)
    monkeypatch.setattr(report_measures, "WAITING", 200)
    return tmp_path


def written(folder: Path, rows: list[dict[str, Any]], schema: pl.Schema = METRICS) -> Path:
    path = folder / f"{len(schema)}.parquet"
    pl.DataFrame(rows, schema=schema).write_parquet(path)
    return path


def torn(rows: list[dict[str, Any]]) -> set[str]:
    """Documents in several splits; what has no split is in one of its own."""
    splits = defaultdict(set)
    for row in rows:
        splits[row["document"]].add(row["split"])
    return {name for name, found in splits.items() if name and len(found) > 1}


@some
@given(rows=records)
def test_faulty_records_are_found(rows: list[dict[str, Any]], folder: Path) -> None:
    """Of each target by itself; the certificate counts each document once."""
    metrics = written(folder, rows)
    for target in ("a", "b"):
        own = [row for row in rows if row["target"] == target]
        faulty = find_faulty(metrics, target)
        twice = {name for name, n in Counter(row["id"] for row in own).items() if name and n > 1}
        assert faulty.repeated.to_list() == sorted(twice)
        assert faulty.torn.to_list() == sorted(torn(own))
    everywhere = {t: torn([r for r in rows if r["target"] == t]) for t in ("a", "b")}
    assert certificate(metrics) == {
        "documents": len({row["document"] for row in rows}),
        "in_two_splits": len(everywhere["a"] | everywhere["b"]),
    }


@some
@given(rows=records)
def test_numbers_are_spread_as_they_stand(rows: list[dict[str, Any]], folder: Path) -> None:
    """Nearest-rank percentiles, as Polars finds them in all numbers at once."""
    told = measure_records(written(folder, rows), "a")
    for name, where in (("tokens", "tokens"), ("bytes", "line_bytes"), ("turns", "turns")):
        numbers = [r[name] for r in rows if r["target"] == "a" and r[name] is not None]
        found = pl.Series(numbers, dtype=pl.Int64)
        expected = {"min": found.min(), "max": found.max()}
        expected |= {
            f"p{p}": found.quantile(p / 100, "nearest") for p in (1, 5, 25, 50, 75, 95, 99)
        }
        spread = {key: value for key, value in told[where].items() if key != "histogram"}
        assert spread == expected, name
        if name != "bytes":
            assert sum(one["records"] for one in told[where]["histogram"]) == len(numbers)


@some
@given(rows=records, rejected=st.lists(st.tuples(st.integers(0, 15), st.booleans()), max_size=20))
def test_every_record_ends_once(
    rows: list[dict[str, Any]], rejected: list[tuple[int, bool]], folder: Path
) -> None:
    """What any target keeps is kept; of the others, what is merged anywhere is merged."""
    rows = [row for row in rows if row["id"]]
    gone = [
        {"id": f"r{n}", "source": "s3", "merged_into": "r99" if merged else None}
        for n, merged in rejected
    ]
    path = folder / "outcomes.parquet"
    write_outcomes(written(folder, rows), written(folder, gone, REJECTED), path)
    expected: dict[str, tuple[str, str | None, str]] = {}
    for one in gone:
        ended = [two["merged_into"] for two in gone if two["id"] == one["id"]]
        expected[str(one["id"])] = ("s3", None, "merged" if any(ended) else "rejected")
    for name in {row["id"] for row in rows}:
        own = [row for row in rows if row["id"] == name]
        languages = sorted(row["language"] for row in own if row["language"])
        source = min(row["source"] for row in own)
        expected[name] = (source, languages[0] if languages else None, "kept")
    found = pl.read_parquet(path)
    assert {name: rest for name, *rest in found.iter_rows()} == {
        k: list(v) for k, v in expected.items()
    }
    assert found.height == len(expected)
