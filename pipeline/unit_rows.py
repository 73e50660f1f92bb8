"""Which rows of a task's files come from which unit: this lets the next run reuse them.

In every file of a part, the rows of a unit are consecutive, and units are in order. The ledger
records what each stage did with a unit's records, so that counts can be added up for any units.
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
"""A column with the number of a record's unit within its task; it is never written to disk."""

LEDGER = pl.Schema({"stage": pl.String(), "what": pl.String(), "number": pl.Int64()})
"""A unit's share of a stage's counts: `what` is came, merged, divided, chunks, or a name with one
of these prefixes:"""

REASON, TALLY, LOSS = "reason ", "tally ", "loss "


def unit_keys(units: Iterable[tuple[Reader, Unit]], withdrawn: Withdrawn = NOTHING) -> list[str]:
    """A digest for each unit of everything its records depend on, except stages and code: the
    reader with its settings, the names and bytes of the files, and what is withdrawn of them."""
    settings: dict[int, str] = {}
    keys = []
    for reader, unit in units:
        if id(reader) not in settings:
            settings[id(reader)] = getattr(reader, "model_dump_json", str)()
        files = [[file.uri, file.sha256, file.span] for file in unit.files]
        beside = [[file.uri, file.sha256] for file in unit.sidecars]
        key_parts = [reader.name, settings[id(reader)], files, beside, *withdrawn.of(unit)]
        keys.append(hashlib.blake2b(orjson.dumps(key_parts), digest_size=16).hexdigest())
    return keys


class UnitRows:
    """Counts the rows of each unit while the parts of one task are written."""

    def __init__(self, keys: Sequence[str], sources: Sequence[str]) -> None:
        self.keys, self.sources = keys, sources  # indexed by unit number
        self.parts: list[pl.DataFrame] = []

    def add(
        self, part: str, roots: pl.DataFrame, frames: Mapping[str, pl.DataFrame]
    ) -> dict[str, pl.DataFrame]:
        """Count one part's rows by unit; returns its frames, sorted by unit.

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
        """A row for each unit and part: `key`, `source` (the source unit's key), `part`, `piece`,
        `size` in bytes, and for each kind the number of the unit's rows in the part's file."""
        named = {"key": list(self.keys), "source": list(self.sources)}
        keys = pl.DataFrame(named).with_row_index(UNIT)
        rows = pl.concat(self.parts, how="diagonal") if self.parts else _NO_PARTS
        numbered = rows.join(keys.cast({UNIT: rows.schema[UNIT]}), on=UNIT, maintain_order="left")
        piece = pl.int_range(pl.len(), dtype=pl.UInt32).over("key")
        return numbered.with_columns(piece=piece).drop(UNIT).with_columns(cs.numeric().fill_null(0))


_NO_PARTS = pl.DataFrame(schema={UNIT: pl.UInt32, "size": pl.Int64, "part": pl.String})


def roots_of(records: pl.DataFrame) -> pl.DataFrame:
    """`root` and `unit` of incoming records (which have a column `unit`), each root once."""
    roots = records.select(UNIT, root=root_id())
    return roots.unique("root", keep="first", maintain_order=True)


def with_units(frame: pl.DataFrame, roots: pl.DataFrame) -> pl.DataFrame:
    """Add the number of each row's unit, which is found by `id`.

    Raises LawBroken for a row about a record that is not in the part.
    """
    if UNIT in frame.columns:
        return frame
    numbered = frame.join(
        roots, left_on=root_id(), right_on="root", how="left", maintain_order="left"
    ).drop("root")
    if numbered[UNIT].null_count():
        foreign_id = numbered.filter(pl.col(UNIT).is_null())["id"].first()
        raise LawBroken(
            f"{foreign_id!s}: a stage returned a row about this id, but was given no such record"
        )
    return numbered


def ledger_rows(
    before: pl.DataFrame, after: pl.DataFrame, parted: Settled, roots: pl.DataFrame
) -> pl.DataFrame:
    """What one stage did with each unit's records: `unit` and the columns of `LEDGER`.

    `before` and `after` are the records at the stage's input and output.
    """
    events = [before.select("id", what=pl.lit("came"))]
    if parted.rejected.height:
        rejected = parted.rejected.select("id", pl.col("rejected").struct.unnest())
        events.append(rejected.select("id", what=pl.lit(REASON) + pl.col("reason")))
        merged = rejected.filter(pl.col("merged_into").is_not_null())
        events.append(merged.select("id", what=pl.lit("merged")))
    if parted.count.divided or parted.count.chunks:
        old, new = (frame["id"].implode() for frame in (before, after))
        events.append(before.filter(~pl.col("id").is_in(new)).select("id", what=pl.lit("divided")))
        events.append(after.filter(~pl.col("id").is_in(old)).select("id", what=pl.lit("chunks")))
    counted = with_units(pl.concat(events), roots).group_by(UNIT, "what", maintain_order=True)
    numbers = counted.agg(number=pl.len().cast(pl.Int64))
    return numbers.select(UNIT, stage=pl.lit(parted.count.stage), what="what", number="number")


def tally_rows(
    stage: str, tallies: pl.DataFrame, roots: pl.DataFrame, prefix: str = TALLY
) -> pl.DataFrame:
    """What a stage counted in records (`id`, `kind`, `number`), by unit: `unit` and `LEDGER`."""
    counted = with_units(tallies, roots).group_by(UNIT, "kind", maintain_order=True)
    numbers = counted.agg(pl.col("number").sum().cast(pl.Int64))
    what = pl.lit(prefix) + pl.col("kind")
    return numbers.select(UNIT, stage=pl.lit(stage), what=what, number="number")


@dataclass(frozen=True)
class Sums:
    """The totals of a ledger."""

    counts: list[StageCount]
    tallies: dict[str, Counter[str]]  # what stages counted, by stage
    losses: dict[str, Counter[str]]  # what a target's format cannot hold, by the target's label


def sum_ledger(ledger: Iterable[pl.DataFrame], stages: Iterable[str]) -> Sums:
    """Add up frames of `LEDGER`: the counts of `stages`, and what they counted in records.

    Raises LawBroken when a count does not balance.
    """
    totals: dict[str, Counter[str]] = {stage: Counter() for stage in stages}
    for frame in ledger:
        sums = frame.group_by("stage", "what").agg(pl.col("number").sum()).sort("stage", "what")
        for stage, what, number in sums.iter_rows():
            totals[stage][what] += number
    counts = [_stage_count(stage, counted) for stage, counted in totals.items()]
    for count in counts:
        count.check()
    tallies, losses = (
        {stage: named for stage, counted in totals.items() if (named := _named(prefix, counted))}
        for prefix in (TALLY, LOSS)
    )
    return Sums(counts, tallies, losses)


def _stage_count(stage: str, totals: Counter[str]) -> StageCount:
    reasons = _named(REASON, totals)
    kept = totals["came"] - sum(reasons.values()) - totals["divided"]
    numbers = {name: totals[name] for name in ("came", "merged", "divided", "chunks")}
    return StageCount(stage, kept=kept, reasons=reasons, **numbers)


def _named(prefix: str, totals: Counter[str]) -> Counter[str]:
    return Counter(
        {what.removeprefix(prefix): n for what, n in totals.items() if what.startswith(prefix)}
    )
