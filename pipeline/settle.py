"""The law, checked after every stage in production: no record vanishes without a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from pipeline.errors import LawBroken
from pipeline.ledger import StageCount
from pipeline.record import SCHEMA

CHUNK_NUMBER = r"\.\d+$"


@dataclass(frozen=True)
class Settled:
    """A stage's output, divided: records kept, records rejected, and the count of both."""

    kept: pl.DataFrame
    rejected: pl.DataFrame
    count: StageCount


def settle(label: str, before: pl.DataFrame, after: pl.DataFrame) -> Settled:
    """Separate kept from rejected records, and count them; `label` is the stage's in the ledger.

    Each incoming id must come out under its own name (kept, rejected or merged) or as chunks
    `<id>.<number>`. Raises LawBroken for a lost, invented or duplicated id, for a chunk that is
    rejected by the stage that made it, and for a changed schema.
    """
    if after.schema != SCHEMA:
        raise LawBroken(f"{label}: changed the columns: {_difference(after)}")
    divided, chunks = _divided(label, before["id"], after["id"])
    is_rejected = after["rejected"].is_not_null()
    kept, rejected = after.filter(~is_rejected), after.filter(is_rejected)
    if chunks and not rejected["id"].is_in(before["id"].implode()).all():
        raise LawBroken(f"{label}: rejected a chunk that it made itself; see `chunks_apart`")
    marks = rejected["rejected"].struct
    count = StageCount(
        stage=label,
        came=before.height,
        kept=after.height - chunks - rejected.height,
        merged=int(marks.field("merged_into").is_not_null().sum()),
        divided=divided,
        chunks=chunks,
        reasons=Counter(dict(marks.field("reason").value_counts().iter_rows())),
    )
    count.check()
    return Settled(kept, rejected, count)


def chunks_apart(before: pl.DataFrame, after: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A stage's output as two steps: records divided, no chunk rejected; then chunks rejected.

    The second step does not have the records that were rejected or merged in the first.
    """
    chunk = ~pl.col("id").is_in(before["id"].implode())
    undone = pl.when(chunk).then(None).otherwise(pl.col("rejected"))
    made = after.with_columns(rejected=undone)
    return made, after.filter(chunk | pl.col("rejected").is_null())


def _divided(label: str, before: pl.Series, after: pl.Series) -> tuple[int, int]:
    """How many ids were replaced by chunks, and by how many chunks."""
    if before.len() == after.len() and bool((before == after).all()):
        return 0, 0
    if after.is_duplicated().any():
        twice = after.filter(after.is_duplicated()).first()
        raise LawBroken(f"{label}: {twice!s} came out twice")
    new = after.filter(~after.is_in(before.implode()))
    parents = new.str.replace(CHUNK_NUMBER, "").unique()
    invented = parents.filter(~parents.is_in(before.implode()))
    if invented.len():
        raise LawBroken(f"{label}: {invented.first()!s} came from nowhere")
    accounted = pl.concat([after, parents])
    lost = before.filter(~before.is_in(accounted.implode()))
    if lost.len():
        raise LawBroken(f"{label}: lost {lost.len()} records, the first is {lost.first()!s}")
    if parents.is_in(after.implode()).any():
        raise LawBroken(f"{label}: kept a record beside its own chunks")
    return parents.len(), new.len()


def _difference(after: pl.DataFrame) -> str:
    wrong = [f"{n}: {t}" for n, t in after.schema.items() if SCHEMA.get(n) != t]
    missing = [f"{name} is missing" for name in SCHEMA if name not in after.schema]
    return ", ".join(wrong + missing) or "their order"
