"""Which rows of a task's files came of which unit: what lets the next run take them over.

In every file of a part, the rows of a unit stand together, in the order of the units. The ledger
says what each stage made of a unit's records, so that counts can be summed over any units.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
import polars as pl
import polars.selectors as cs

from pipeline.errors import LawBroken
from pipeline.ledger import StageCount
from pipeline.record import root_id
from pipeline.settle import Settled
from pipeline.source import Reader, Unit
from pipeline.withdraw import NOTHING, Withdrawn

UNIT = "unit"
"""The number of a record's unit within its task: a column while a task is done, never on disk."""

LEDGER = pl.Schema({"stage": pl.String(), "what": pl.String(), "number": pl.Int64()})
"""A unit's share of a stage's counts: `what` is came, merged, divided, chunks, or one of these:"""

REASON, TALLY, LOSS = "reason ", "tally ", "loss "


def unit_keys(units: Iterable[tuple[Reader, Unit]], withdrawn: Withdrawn = NOTHING) -> list[str]:
    """Of each unit a digest of all that its records depend on beside stages and code: the reader
    with its settings, names and bytes, and what of it is withdrawn."""
    settings: dict[int, str] = {}
    keys = []
    for reader, unit in units:
        if id(reader) not in settings:
            settings[id(reader)] = getattr(reader, "model_dump_json", str)()
        files = [[file.uri, file.sha256, file.span] for file in unit.files]
        beside = [[file.uri, file.sha256] for file in unit.sidecars]
        told = [reader.name, settings[id(reader)], files, beside, *withdrawn.of(unit)]
        keys.append(hashlib.blake2b(orjson.dumps(told), digest_size=16).hexdigest())
    return keys


class UnitRows:
    """Counts the rows of each unit while the parts of one task are made."""

    def __init__(self, keys: Sequence[str], sources: Sequence[str]) -> None:
        self.keys, self.sources = keys, sources  # by the units' numbers
        self.parts: list[pl.DataFrame] = []

    def add(
        self, part: str, roots: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> dict[str, pl.DataFrame]:
        """Count one part's rows by unit; returns its frames with each unit's rows together.

        `roots` has `root` (the id of an ingested record) and `unit`.
        """
        rows = roots.group_by(UNIT).agg(size=pl.len()).sort(UNIT)
        ordered = {}
        for kind, frame in frames.items():
            numbered = with_units(frame, roots)
            if not numbered[UNIT].is_sorted():
                numbered = numbered.sort(UNIT, maintain_order=True)
            ordered[kind] = numbered.drop(UNIT)
            counted = numbered.group_by(UNIT).agg(pl.len().cast(pl.UInt32).alias(kind))
            rows = rows.join(counted, on=UNIT, how="left", maintain_order="left")
        share = (
            pl.col("size") / pl.col("size").sum() * sum(f.estimated_size() for f in frames.values())
        )
        self.parts.append(rows.with_columns(part=pl.lit(part), size=share.cast(pl.Int64)))
        return ordered

    def index(self) -> pl.DataFrame:
        """A row for each unit and part: `key`, the `source` unit's key, `part`, `piece`, `size` in
        bytes, and the number of its rows in the part's file of each kind."""
        named = {"key": list(self.keys), "source": list(self.sources)}
        keys = pl.DataFrame(named).with_row_index(UNIT)
        rows = pl.concat(self.parts, how="diagonal") if self.parts else _NO_PARTS
        numbered = rows.join(keys.cast({UNIT: rows.schema[UNIT]}), on=UNIT, maintain_order="left")
        piece = pl.int_range(pl.len(), dtype=pl.UInt32).over("key")
        return numbered.with_columns(piece=piece).drop(UNIT).with_columns(cs.numeric().fill_null(0))


_NO_PARTS = pl.DataFrame(schema={UNIT: pl.UInt32, "size": pl.Int64, "part": pl.String})


def roots_of(records: pl.DataFrame) -> pl.DataFrame:
    """`root` and `unit` of incoming records, which have a column `unit`."""
    roots = records.select(UNIT, root=root_id())
    return roots.unique("root", keep="first", maintain_order=True)


def with_units(frame: pl.DataFrame, roots: pl.DataFrame) -> pl.DataFrame:
    """Rows with the number of their unit, found by `id`.

    Raises LawBroken for a row about a record that is not of the part.
    """
    if UNIT in frame.columns:
        return frame
    numbered = frame.join(
        roots, left_on=root_id(), right_on="root", how="left", maintain_order="left"
    ).drop("root")
    if numbered[UNIT].null_count():
        stranger = numbered.filter(pl.col(UNIT).is_null())["id"].first()
        raise LawBroken(f"{stranger!s}: a stage tells of it, but it is not among its records")
    return numbered


def ledger_rows(
    before: pl.DataFrame, after: pl.DataFrame, parted: Settled, roots: pl.DataFrame
) -> pl.DataFrame:
    """What one stage made of each unit's records: `unit` and `LEDGER`."""
    told = [before.select("id", what=pl.lit("came"))]
    if parted.rejected.height:
        rejected = parted.rejected.select("id", pl.col("rejected").struct.unnest())
        told.append(rejected.select("id", what=pl.lit(REASON) + pl.col("reason")))
        merged = rejected.filter(pl.col("merged_into").is_not_null())
        told.append(merged.select("id", what=pl.lit("merged")))
    if parted.count.divided or parted.count.chunks:
        old, new = (frame["id"].implode() for frame in (before, after))
        told.append(before.filter(~pl.col("id").is_in(new)).select("id", what=pl.lit("divided")))
        told.append(after.filter(~pl.col("id").is_in(old)).select("id", what=pl.lit("chunks")))
    counted = with_units(pl.concat(told), roots).group_by(UNIT, "what", maintain_order=True)
    numbers = counted.agg(number=pl.len().cast(pl.Int64))
    return numbers.select(UNIT, stage=pl.lit(parted.count.stage), what="what", number="number")


def tally_rows(
    stage: str, tallies: pl.DataFrame, roots: pl.DataFrame, prefix: str = TALLY
) -> pl.DataFrame:
    """What a stage tells of records (`id`, `kind`, `number`), by unit: `unit` and `LEDGER`."""
    counted = with_units(tallies, roots).group_by(UNIT, "kind", maintain_order=True)
    numbers = counted.agg(pl.col("number").sum().cast(pl.Int64))
    what = pl.lit(prefix) + pl.col("kind")
    return numbers.select(UNIT, stage=pl.lit(stage), what=what, number="number")


@dataclass(frozen=True)
class Sums:
    """What a ledger comes to."""

    counts: list[StageCount]
    tallies: dict[str, Counter[str]]  # by stage
    losses: dict[str, Counter[str]]  # likewise; of targets


def sum_ledger(ledger: Iterable[pl.DataFrame], stages: Iterable[str]) -> Sums:
    """The counts of the stages, and what they tell, from frames of `LEDGER`.

    Raises LawBroken when a count does not balance.
    """
    told: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
    for frame in ledger:
        sums = frame.group_by("stage", "what").agg(pl.col("number").sum()).sort("stage", "what")
        for stage, what, number in sums.iter_rows():
            told[stage][what] += number
    counts = [_stage_count(stage, counted) for stage, counted in told.items()]
    for count in counts:
        count.check()
    tallies, losses = (
        {stage: named for stage, counted in told.items() if (named := _named(prefix, counted))}
        for prefix in (TALLY, LOSS)
    )
    return Sums(counts, tallies, losses)


def _stage_count(stage: str, told: Counter[str]) -> StageCount:
    reasons = _named(REASON, told)
    kept = told["came"] - sum(reasons.values()) - told["divided"]
    numbers = {name: told[name] for name in ("came", "merged", "divided", "chunks")}
    return StageCount(stage, kept=kept, reasons=reasons, **numbers)


def _named(prefix: str, told: Counter[str]) -> Counter[str]:
    return Counter(
        {what.removeprefix(prefix): n for what, n in told.items() if what.startswith(prefix)}
    )
