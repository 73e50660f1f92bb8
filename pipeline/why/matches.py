"""What rejected records share with evaluation sets, for the `why` command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from pipeline.evaluation import CONTAMINATION
from pipeline.published import PublishedRun
from pipeline.references import SYSTEM_TURN


def matches_of(run: PublishedRun, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of contamination.parquet about the records `ids`; none if the run has no such file."""
    wanted = list(ids)
    if not wanted or CONTAMINATION not in {file["path"] for file in run.manifest["files"]}:
        return []
    rows = run.scan(CONTAMINATION).filter(pl.col("id").is_in(wanted))
    return rows.collect().sort("id", "set").to_dicts()


def told_matches(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Format rows of `matches_of` as text, a line for each record and set."""
    for row in rows:
        locator = f" ({row['item_locator']})" if row["item_locator"] else ""
        others = f", and {row['items'] - 1} more items" if row["items"] > 1 else ""
        yield (
            f"  {row['id']} overlaps with {row['set']}: {row['item_source']}{locator}, "
            f"{row['kind']}, {row['words']:g} words in a row, {row['share']:.0%} of the item's "
            f"runs, at {_place(row, '')} of the record, {_place(row, 'item_')} of the item{others}"
        )


def _place(row: dict[str, Any], side: str) -> str:
    turn = row[f"{side}turn"]
    where = {0: "the text", SYSTEM_TURN: "the system prompt"}.get(turn, f"turn {turn}")
    return f"characters {row[f'{side}start']}-{row[f'{side}end']} of {where}"
