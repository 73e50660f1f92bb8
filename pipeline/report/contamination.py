"""What the report says about evaluation sets: which records repeat their items, and where.

A passage is shown with the words around it. The record's side comes from the rejected texts in
the work folder, the item's side from the tables of the evaluation sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.evaluation import CONTAMINATION, PLACE, tables_of
from pipeline.references import MATCHES
from pipeline.report.measures import cut
from pipeline.report.texts import Piece, find_turns, passages

KINDS = ("exact", "normalised", "run", "share")
COUNTS = ("items", "searched", "whole", "equal", "passed", "common")
SETS_MOST = 20
SAMPLES_MOST = 2
"""Samples shown of one evaluation set and kind of overlap."""

Sides = tuple[list[Piece] | None, list[Piece] | None]
"""The shared passage in the record and in the item; None for a side that is not shown."""


def measure_contamination(
    evaluation: dict[str, Any], run: Path, work: Path, show: str
) -> dict[str, Any]:
    """The evaluation sets, how many records repeat their items, by kind, and a few of them.

    `evaluation` is the manifest's entry of that name; `run` is a folder with
    contamination.parquet, `work` the run's work folder. `show` is `masked`, `plain` or `none`.
    """
    path = run / CONTAMINATION
    rows = pl.scan_parquet(path) if evaluation and path.exists() else pl.LazyFrame(schema=_EMPTY)
    grouped = rows.group_by("set", "kind").agg(pl.len()).collect()
    counts = {(name, kind): number for name, kind, number in grouped.iter_rows()}
    records = {name: sum(counts.get((name, kind), 0) for kind in KINDS) for name in evaluation}
    names = sorted(evaluation, key=lambda name: (-records[name], name))
    samples = _samples(rows, names[:SETS_MOST])
    pieces = _pieces(samples, work, show)
    return {
        "records": int(rows.select(pl.col("id").n_unique()).collect().item()),
        "sets": len(names),
        "hidden": max(len(names) - SETS_MOST, 0),
        "items": sum(entry["items"] for entry in evaluation.values()),
        "shown": [
            {
                "set": name,
                **{count: evaluation[name][count] for count in COUNTS},
                "unread": sum(evaluation[name]["unread"].values()),
                "records": records[name],
                "kinds": {kind: counts.get((name, kind), 0) for kind in KINDS},
                "samples": [
                    _sample(row, pair)
                    for row, pair in zip(samples, pieces, strict=True)
                    if row["set"] == name
                ],
            }
            for name in names[:SETS_MOST]
        ],
    }


_EMPTY = pl.Schema({**MATCHES, **PLACE})


def _samples(rows: pl.LazyFrame, names: list[str]) -> list[dict[str, Any]]:
    """The first records by id of each set and kind, the most literal kinds first."""
    order = pl.col("kind").replace_strict(KINDS, range(len(KINDS)), return_dtype=pl.Int64)
    listed = rows.filter(pl.col("set").is_in(names)).with_columns(order=order)
    few = listed.sort("set", "order", "id").group_by("set", "kind", maintain_order=True)
    return few.head(SAMPLES_MOST).collect().to_dicts()


def _sample(row: dict[str, Any], pieces: tuple[list[Piece] | None, ...]) -> dict[str, Any]:
    places = ("id", "source", "locator", "item_source", "item_locator")
    record_pieces, item_pieces = pieces
    return (
        {name: cut(row[name]) for name in places}
        | {name: row[name] for name in ("kind", "words", "items")}
        | {"share": round(100 * row["share"], 1)}
        | {"pieces": record_pieces, "item_pieces": item_pieces}
    )


def _pieces(rows: list[dict[str, Any]], work: Path, samples: str) -> list[Sides]:
    """The passage of each row in the record's text and in the item's.

    A side that is missing, or must not be shown, is None.
    """
    if samples == "none" or not rows:
        return [(None, None)] * len(rows)
    turns = find_turns(work, {row["id"]: row["turn"] for row in rows})
    items = _items(work, rows)
    places: list[tuple[str, int, int]] = []
    for row in rows:
        places.append((turns.get(row["id"], ""), row["start"], row["end"]))
        places.append((items.get(_key(row), ""), row["item_start"], row["item_end"]))
    cut_passages = [pieces or None for pieces in passages(places, samples)]
    return list(zip(cut_passages[::2], cut_passages[1::2], strict=True))


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("set", "item_source", "item_locator", "item_turn"))


def _items(work: Path, rows: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], str]:
    """The texts of the items that are shown, by `_key`."""
    tables = tables_of(work, "")
    if not tables.has("parts"):
        return {}
    parts = tables.frame("parts").select("set", "source", "locator", "turn", "text")
    names = ("set", "source", "locator", "turn")
    wanted = pl.DataFrame(
        [dict(zip(names, _key(row), strict=True)) for row in rows],
        schema={name: parts.schema[name] for name in names},
    ).unique()
    shown = parts.join(wanted, on=names, how="semi", nulls_equal=True)
    return {tuple(row[:-1]): row[-1] for row in shown.iter_rows()}
