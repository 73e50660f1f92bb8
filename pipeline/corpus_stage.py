"""What a stage is that must see everything: it sketches each shard, then decides on ids.

It is as pure and as free of order as those of `pipeline.stage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import polars as pl

from pipeline.stage import Observed, RecordStage


@runtime_checkable
class CorpusStage(Protocol):
    """A stage that must see everything: small evidence per record, then one vote over all of it.

    Only records with the same `key` are voted on together, so that a vote may be taken for some
    keys at a time. One with `only_rejects = True` sets nothing but `rejected`: then the corpus
    stage behind it may sketch the same records, since what is left is as it was. A stage whose
    sketches have several rows for a record, and whose decision is about keys, applies it to the
    records itself: see `RewritingStage`.
    """

    name: ClassVar[str]
    key: ClassVar[str]  # column of the sketch, Binary or UInt64; a null has no vote

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id` and small columns; never the text."""
        ...

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and the record columns to set (`rejected`, `split`); absent ids stay as they are."""
        ...


@runtime_checkable
class ComparingStage(Protocol):
    """A corpus stage that also compares with earlier data; it only rejects.

    One that votes by key leaves the comparison to the run: a record whose key stands in earlier
    data is rejected for `earlier_reason`. One with evidence names in its votes, in the column
    `earlier` (UInt32), the row of earlier data that a record is like.
    """

    name: ClassVar[str]
    earlier_reason: ClassVar[str]


def only_rejects(stage: object) -> bool:
    """Whether a corpus stage leaves all that it keeps as it was."""
    return bool(getattr(stage, "only_rejects", False))


@runtime_checkable
class RewritingStage(Protocol):
    """A corpus stage that takes pieces that stand in many records out of their texts.

    Pieces with one key (`key` and `rest`, UInt64) are judged together. A piece is known by the
    `place` of its record among all, by source and id, and by its `number` in the record (UInt32).
    """

    name: ClassVar[str]

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id`, `source`, and its `pieces`, packed; never the text."""
        ...

    def pieces(self, packed: pl.Series) -> pl.DataFrame:
        """The packed pieces of some records: `row` (among these), `number`, `key`, `rest`."""
        ...

    def decide(self, pieces: pl.DataFrame) -> pl.DataFrame:
        """The pieces to take out. Beside `place`, `number`, `key`, `rest` they have `document`
        (UInt64, the same for all chunks of one document); those with one key come together."""
        ...

    def apply(self, records: pl.DataFrame, taken: pl.DataFrame) -> Observed:
        """All records without the pieces that `taken` names (`id`, `numbers`), and what was
        changed: as a record stage."""
        ...


class Table(Protocol):
    """The sketches of all records in the order of the shards, too many to hold at once."""

    height: int
    own: int  # rows of the run's records; behind them stand those of earlier data, if any
    at_once: int  # rows of a column that may be held and sorted

    def column(self, name: str) -> pl.Series:
        """One column of all rows."""
        ...

    def pieces(self, name: str, *, own: bool) -> Iterator[pl.Series]:
        """One column of the run's own rows, or of those behind them, in order, some at a time."""
        ...

    def rows(self, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
        """Some columns of the rows with these numbers, in their order."""
        ...


class Evidence(Protocol):
    """What is known of candidates, in their order: bytes that are read when they are asked for."""

    rows: pl.Series  # of the candidates in the table, as the stage has named them
    sizes: pl.Series  # bytes, UInt32

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of some candidates (numbers are places among the candidates), Binary."""
        ...


@dataclass(frozen=True)
class Verdict:
    """A vote, in frames of a bounded size, and what is to be told of it in the manifest.

    `votes` have `row`, the record columns to set, and `into` (UInt32, a row that is not voted on)
    where a record is merged into another.
    """

    votes: Iterable[pl.DataFrame]
    told: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class EvidenceStage(Protocol):
    """A corpus stage whose vote needs more than sketches of a few records: it may ask once more.

    Records have numbers here: rows of the table of all sketches.
    """

    name: ClassVar[str]

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id` and small columns; never the text."""
        ...

    def candidates(self, sketches: Table) -> pl.Series:
        """The rows that more must be known of: UInt32, ascending."""
        ...

    def evidence(self, records: pl.DataFrame) -> pl.Series:
        """What is to be known of candidates, Binary, one for each; asked shard by shard."""
        ...

    def decide(self, sketches: Table, evidence: Evidence) -> Verdict:
        """The vote, with the evidence of all candidates."""
        ...


Stage = RecordStage | CorpusStage | RewritingStage | EvidenceStage
"""Also a `Settings`, whose fields are what a recipe may set."""
