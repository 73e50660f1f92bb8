"""The one row schema that all readers, stages and targets share.

A record is a row; a document is an item that was ingested; a chunk is a piece of one. All columns
except the first three may be null. Images are given as URIs, never as bytes. Anything that a
labelled record needs beyond text turns (tool calls, reference answers, measured images) is JSON in
`extra`, with a type defined by the target that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipeline.identity import ID_LENGTH as ID_LENGTH
from pipeline.identity import record_id as record_id
from pipeline.identity import record_ids as record_ids
from pipeline.identity import rejection as rejection

SPLITS = ("train", "validation", "test")

MESSAGE = pl.Struct({"role": pl.String, "text": pl.String})
"""One turn: `role` is `user` or `assistant`; the system prompt has its own column."""

REJECTED = pl.Struct(
    {
        "reason": pl.String,  # the fault (`too_short`), never the rule (`min_length`)
        "value": pl.String,  # what was measured
        "threshold": pl.String,  # what was allowed
        "merged_into": pl.String,  # the kept record that represents this one, if it is a duplicate
    }
)

COLUMNS: dict[str, Any] = {
    "id": pl.String,  # stable between runs; a chunk's is its parent's + ".0001"
    "document": pl.String,  # id of the ingested ancestor; keeps chunks of a document in one split
    "source": pl.String,  # path relative to the recipe, or s3:// URI
    "locator": pl.String,  # where in the source: line=12, row=3, page=4, chars=0-812
    "text": pl.String,
    "system": pl.String,
    "messages": pl.List(MESSAGE),
    "images": pl.List(pl.String),  # source URIs
    "language": pl.String,  # ISO 639-1, or "und"
    "tokens": pl.Int64,  # upper bound of the estimate, see pipeline.tokens
    "split": pl.String,  # train, validation, test
    "extra": pl.String,  # JSON object
    "rejected": REJECTED,
}
SCHEMA = pl.Schema(COLUMNS)
_TEXT = SCHEMA.names().index("text")


def root_id(column: str = "id") -> pl.Expr:
    """The ids of the ingested records that the column's records are, or are chunks of."""
    return pl.col(column).str.slice(0, ID_LENGTH)


def frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a frame of `SCHEMA`; each needs `source`, the rest is filled in or null.

    `id` and `document` are made from `source` and `locator` if they are missing. Texts are given to
    Polars separately: as values of rows, long ones are copied twice, which is half of the cost.
    """
    filled: list[dict[str, Any]] = []
    texts: list[str | None] = []
    for row in rows:
        unknown = row.keys() - COLUMNS.keys()
        if unknown:
            raise KeyError(f"no such record column: {', '.join(sorted(unknown))}")
        own_id = row.get("id") or record_id(row["source"], row.get("locator") or "")
        document = row.get("document") or own_id
        filled.append({**row, "id": own_id, "document": document, "text": None})
        texts.append(row.get("text"))
    if not filled:
        return pl.DataFrame(schema=SCHEMA)
    made = pl.from_dicts(filled, schema=SCHEMA)
    return made.replace_column(_TEXT, pl.Series("text", texts, dtype=pl.String))
