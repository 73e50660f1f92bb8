"""What the report counts of evaluation sets: what they ask and records say, and where.

A passage is shown with the words around it, on the record's side from the work folder's rejected
texts, on the item's from the tables of the sets.
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
"""Of one set and kind."""

Sides = tuple[list[Piece] | None, list[Piece] | None]
"""A passage in the record and in the item."""


def measure_contamination(told: dict[str, Any], run: Path, work: Path, show: str) -> dict[str, Any]:
    """What each evaluation set asks, how many records say it, by which kind, and a few of them.

    `told` is the manifest's `evaluation`; `run` a folder with contamination.parquet, `work` the
    run's work folder. `show` is `masked`, `plain` or `none`.
    """
    path = run / CONTAMINATION
    rows = pl.scan_parquet(path) if told and path.exists() else pl.LazyFrame(schema=_EMPTY)
    grouped = rows.group_by("set", "kind").agg(pl.len()).collect()
    found = {(name, kind): number for name, kind, number in grouped.iter_rows()}
    records = {name: sum(found.get((name, kind), 0) for kind in KINDS) for name in told}
    names = sorted(told, key=lambda name: (-records[name], name))
    samples = _samples(rows, names[:SETS_MOST])
    pieces = _pieces(samples, work, show)
    return {
        "records": int(rows.select(pl.col("id").n_unique()).collect().item()),
        "sets": len(names),
        "hidden": max(len(names) - SETS_MOST, 0),
        "items": sum(one["items"] for one in told.values()),
        "shown": [
            {
                "set": name,
                **{count: told[name][count] for count in COUNTS},
                "unread": sum(told[name]["unread"].values()),
                "records": records[name],
                "kinds": {kind: found.get((name, kind), 0) for kind in KINDS},
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
    """The first records of each set and kind by id, the plainest kinds first."""
    order = pl.col("kind").replace_strict(KINDS, range(len(KINDS)), return_dtype=pl.Int64)
    own = rows.filter(pl.col("set").is_in(names)).with_columns(order=order)
    few = own.sort("set", "order", "id").group_by("set", "kind", maintain_order=True)
    return few.head(SAMPLES_MOST).collect().to_dicts()


def _sample(row: dict[str, Any], pieces: tuple[list[Piece] | None, ...]) -> dict[str, Any]:
    places = ("id", "source", "locator", "item_source", "item_locator")
    own, item = pieces
    return (
        {name: cut(row[name]) for name in places}
        | {name: row[name] for name in ("kind", "words", "items")}
        | {"share": round(100 * row["share"], 1)}
        | {"pieces": own, "item_pieces": item}
    )


def _pieces(rows: list[dict[str, Any]], work: Path, samples: str) -> list[Sides]:
    """The passage of each row in the record's text and in the item's; None for what is not there
    or not to be shown."""
    if samples == "none" or not rows:
        return [(None, None)] * len(rows)
    own = find_turns(work, {row["id"]: row["turn"] for row in rows})
    asked = _items(work, rows)
    places: list[tuple[str, int, int]] = []
    for row in rows:
        places.append((own.get(row["id"], ""), row["start"], row["end"]))
        places.append((asked.get(_key(row), ""), row["item_start"], row["item_end"]))
    told = [pieces or None for pieces in passages(places, samples)]
    return list(zip(told[::2], told[1::2], strict=True))


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("set", "item_source", "item_locator", "item_turn"))


def _items(work: Path, rows: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], str]:
    """The texts of the items that are shown."""
    tables = tables_of(work, "")
    if not tables.has("parts"):
        return {}
    parts = tables.frame("parts").select("set", "source", "locator", "turn", "text")
    names = ("set", "source", "locator", "turn")
    wanted = pl.DataFrame(
        [dict(zip(names, _key(row), strict=True)) for row in rows],
        schema={name: parts.schema[name] for name in names},
    ).unique()
    found = parts.join(wanted, on=names, how="semi", nulls_equal=True)
    return {tuple(row[:-1]): row[-1] for row in found.iter_rows()}
