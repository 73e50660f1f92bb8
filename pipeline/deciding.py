"""The vote over all sketches of a pass, in bounded memory: by key, or with evidence.

Sketches are stored beside the shards. For a vote by key, sketches that do not fit into memory are
voted on in groups of keys; a vote with evidence reads a column of them at a time; a vote on pieces
of texts is in `pipeline.deciding_pieces`. Votes are written beside the shards, one file for each
shard, and the next pass reads nothing else. They do not depend on how much is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.blobs import Blobs
from pipeline.buckets import BUCKET, Buckets
from pipeline.corpus_stage import (
    ComparingStage,
    CorpusStage,
    EvidenceStage,
    RewritingStage,
    Verdict,
    only_rejects,
)
from pipeline.deciding_pieces import Pieces
from pipeline.earlier import Earlier, met, votes_of
from pipeline.engines.local import Workers
from pipeline.errors import LawBroken
from pipeline.made import rows_in_use
from pipeline.memory import refuse_over, room_to_decide
from pipeline.passes import AnyCorpusStage, Decided, Look
from pipeline.shards import evidence_path, read_frame, sketch_path, votes_path, write_frame
from pipeline.tables import SketchTable, rows_left

PART = "_part"
RECORD_BYTES = 32  # for each record's sketch while a column of sketches is sorted
HELD_BYTES = 16  # for each record's sketch while candidates are compared
CANDIDATE_BYTES = 320  # for each candidate while candidates are compared


@dataclass(frozen=True)
class Deciding:
    """One corpus stage's decision over the shards of a pass."""

    label: str
    shards: list[Path]  # the kept records, in order; their sketches are stored beside them
    earlier: Earlier  # shards of earlier data, which is compared with but not voted on
    memory: int | None  # bytes, of all processes
    engine: Workers
    before: tuple[str, ...] = ()  # labels of the decisions on the same shards that came first

    def decide(self, stage: AnyCorpusStage) -> tuple[Decided, Mapping[str, Any]]:
        """Write the votes; returns what the next pass needs to apply them, and the manifest's
        entry about them."""
        for shard in self.shards:
            votes_path(shard, self.label).unlink(missing_ok=True)
        if isinstance(stage, RewritingStage):
            pieces = Pieces(self._sketches(self.shards), self._folder, self._room)
            for part, taken in pieces.taken(stage):
                write_frame(votes_path(self.shards[part], self.label), taken)
            return Decided(self.label, stage), {"repeated": pieces.keys}
        votes = Buckets(self._folder / "votes", self._room)
        entry: Mapping[str, Any] = {}
        if isinstance(stage, EvidenceStage):
            sketches, verdict = self._with_evidence(stage)
            entry = verdict.told
            cast = Ballot(self.label, sketches, self.earlier).named(verdict.votes)
        else:
            cast = self._by_key(stage)
        for vote in cast:
            votes.add(vote)
        for part, frame in votes.read():
            if only_rejects(stage) and set(frame.columns) != {"id", "rejected"}:
                raise LawBroken(
                    f"{self.label}: a stage that may only reject decided on {frame.columns}"
                )
            write_frame(votes_path(self.shards[part], self.label), frame)
        for shard in [*self.shards, *self.earlier.shards]:
            evidence_path(shard).unlink(missing_ok=True)
        return Decided(self.label), entry

    @property
    def _folder(self) -> Path:
        return self.shards[0].parent

    @property
    def _room(self) -> int:
        """Bytes of rows that may be in memory at once."""
        return room_to_decide(self.memory)

    def _by_key(self, stage: CorpusStage) -> Iterator[pl.DataFrame]:
        """Yield the votes, with the number of each one's shard as its bucket."""
        for sketches in self._together(stage.key):
            own_sketches = sketches.filter(pl.col("number").is_null()).drop("number")
            votes = []
            if own_sketches.height < sketches.height and isinstance(stage, ComparingStage):
                earlier_sketches = sketches.filter(pl.col("number").is_not_null())
                met_keys = met(own_sketches, earlier_sketches, stage.key)
                votes.append(votes_of(met_keys, stage.earlier_reason, self.earlier))
                own_sketches = own_sketches.join(
                    met_keys, on="id", how="anti", maintain_order="left"
                )
            decision = stage.decide(own_sketches)
            check_decision(self.label, own_sketches["id"], decision)
            decision = pl.concat([decision, *votes])
            parts = sketches.filter(pl.col("number").is_null()).select("id", PART)
            yield decision.join(parts, on="id", how="left").rename({PART: BUCKET})

    def _together(self, key: str) -> Iterator[pl.DataFrame]:
        """Yield the sketches in groups that fit into memory; sketches with one key are together.

        Sketches of earlier data have a `number`, those of the run's records have null.
        """
        shards = [*self.shards, *self.earlier.shards]
        files = [sketch_path(shard, self.label) for shard in shards]
        groups = max(1, -(-sum(file.stat().st_size for file in files) // self._room))
        spread = Buckets(self._folder / "keys", self._room)
        start = 0  # the number of the next record of earlier data
        for part, file in enumerate(files):
            rows = pl.read_ipc(file).with_columns(
                pl.lit(part, pl.UInt32).alias(PART), number=pl.lit(None, pl.UInt32)
            )
            if part >= len(self.shards):
                rows = rows.with_columns(
                    number=pl.int_range(start, start + pl.len(), dtype=pl.UInt32)
                )
                start += rows.height
            left = rows_left(rows, self._gone(shards[part]), rows_in_use(shards[part]))
            rows = rows if left is None else rows[left]
            if groups > 1:
                rows = rows.filter(pl.col(key).is_not_null())
            number = _number(key, rows.schema[key]) % groups if groups > 1 else pl.lit(0)
            spread.add(rows.with_columns(number.cast(pl.UInt32).alias(BUCKET)))
        yield from (rows for _, rows in spread.read())

    def _gone(self, shard: Path) -> pl.Series:
        """The ids that the decisions before this one have rejected in a shard."""
        paths = [votes_path(shard, label) for label in self.before]
        ids = [read_frame(path)["id"] for path in paths if path.exists()]
        return pl.concat([pl.Series("id", dtype=pl.String), *ids])

    def _sketches(self, shards: list[Path]) -> SketchTable:
        """The sketches of some shards; the run's own shards come first."""
        files = [sketch_path(shard, self.label) for shard in shards]
        gone = [self._gone(shard) for shard in shards]
        in_use = [rows_in_use(shard) for shard in shards]
        first = len(self.shards)
        own = SketchTable(files[:first], gone=gone[:first], in_use=in_use[:first]).height
        return SketchTable(files, own, gone, self._room, in_use)

    def _with_evidence(self, stage: EvidenceStage) -> tuple[SketchTable, Verdict]:
        """The sketches, and the stage's verdict on them."""
        shards = [*self.shards, *self.earlier.shards]
        sketches = self._sketches(shards)
        refuse_over(self.memory, self.label, RECORD_BYTES * sketches.height)
        candidates = stage.candidates(sketches)
        needed = HELD_BYTES * sketches.height + CANDIDATE_BYTES * candidates.len()
        refuse_over(self.memory, self.label, needed)
        tasks = [(shards[part], rows) for part, rows in sketches.by_part(candidates)]
        sizes_by_task = dict(self.engine.map(Look(stage).run, tasks))
        sizes = [sizes_by_task[position] for position in range(len(tasks))]
        every = pl.concat([pl.Series(dtype=pl.UInt32), *sizes], rechunk=True)
        evidence_files = [(evidence_path(shard), rows.len()) for shard, rows in tasks]
        evidence = Blobs(candidates, every, evidence_files, self._room)
        return sketches, stage.decide(sketches, evidence)


class Ballot:
    """Checks votes on rows: one vote for each record, and merged only into records that are kept.

    Raises LawBroken for votes that break this.
    """

    def __init__(self, label: str, sketches: SketchTable, earlier: Earlier | None = None) -> None:
        self.label, self.sketches, self.earlier = label, sketches, earlier or Earlier()
        self.voted = pl.repeat(False, sketches.own, dtype=pl.Boolean, eager=True)
        self.kept: list[pl.Series] = []  # rows that others were merged into
        self.starts = pl.Series(sketches.starts, dtype=pl.Int64)

    def named(self, votes: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the votes by id instead of by row, with the number of the shard as the bucket."""
        for vote in votes:
            if vote.height:
                self._count(vote["row"])
                yield self._by_id(self._met(self._merged(vote)))
        for rows in self.kept:
            if (rows >= self.sketches.own).any() or self.voted.gather(rows).any():
                raise LawBroken(f"{self.label}: a duplicate was merged into a record not kept")

    def _count(self, rows: pl.Series) -> None:
        unknown = (rows >= self.sketches.own).any()
        if unknown or rows.is_duplicated().any() or self.voted.gather(rows).any():
            raise LawBroken(
                f"{self.label}: decided on a record twice, or on one that it was not given"
            )
        self.voted = self.voted.scatter(rows, True)

    def _merged(self, vote: pl.DataFrame) -> pl.DataFrame:
        """Put the ids of the rows that others are merged into in the place of row numbers."""
        if "into" not in vote.columns:
            return vote
        rows = vote["into"].drop_nulls()
        self.kept.append(rows)
        ids = self.sketches.rows(["id"], rows).with_columns(into=rows).unique("into")
        named = vote.join(ids.rename({"id": "kept"}), on="into", how="left", maintain_order="left")
        merged_into = pl.coalesce("kept", pl.col("rejected").struct.field("merged_into"))
        rejected = pl.col("rejected").struct.with_fields(merged_into=merged_into)
        return named.with_columns(rejected).drop("into", "kept")

    def _met(self, vote: pl.DataFrame) -> pl.DataFrame:
        """Add to the value of each rejection the place of the earlier record that it is like."""
        if "earlier" not in vote.columns:
            return vote
        places = self.earlier.places(vote["earlier"] - self.sketches.own)
        value = pl.format("{}, {}", places, pl.col("rejected").struct.field("value"))
        return vote.with_columns(pl.col("rejected").struct.with_fields(value=value)).drop("earlier")

    def _by_id(self, vote: pl.DataFrame) -> pl.DataFrame:
        rows = vote["row"]
        part = self.starts.search_sorted(rows.cast(pl.Int64), "right") - 1
        ids = self.sketches.rows(["id"], rows)["id"]
        return vote.drop("row").with_columns(ids, part.cast(pl.UInt32).alias(BUCKET))


def _number(key: str, dtype: Any) -> pl.Expr:
    """The first sixteen bits of a binary key, or a number below 65,535 from a numeric one."""
    if dtype == pl.UInt64:
        return pl.col(key) % 0xFFFF
    return pl.col(key).bin.slice(0, 2).bin.reinterpret(dtype=pl.UInt16, endianness="little")


def check_decision(label: str, ids: pl.Series, decision: pl.DataFrame) -> None:
    """Raise LawBroken for a vote on an unknown id, or a merge into a record that is not kept."""
    if decision["id"].is_duplicated().any() or not decision["id"].is_in(ids.implode()).all():
        raise LawBroken(f"{label}: decided on an id twice, or on one that it was not given")
    if "rejected" not in decision.columns:
        return
    out = decision.filter(pl.col("rejected").is_not_null())
    named = out["rejected"].struct.field("merged_into").drop_nulls()
    if named.is_in(out["id"].implode()).any() or not named.is_in(ids.implode()).all():
        raise LawBroken(f"{label}: a duplicate was merged into a record not kept")
