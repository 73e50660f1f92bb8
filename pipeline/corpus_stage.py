"""What a corpus stage is: it must see all records, so it sketches each shard, then decides on ids.

Like the stages of `pipeline.stage`, it is pure, and its results do not depend on any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import polars as pl

from pipeline.stage import Observed, RecordStage


@runtime_checkable
class CorpusStage(Protocol):
    """A stage that must see all records: a small sketch of each, then one vote over all sketches.

    Only records with the same `key` are voted on together, so that the vote can be taken for some
    keys at a time. A stage with `only_rejects = True` sets nothing but `rejected`; then the next
    corpus stage may sketch the same records, because those that are left are unchanged. For a
    stage whose sketches have several rows for a record, and that applies its decision to the
    records itself, see `RewritingStage`.
    """

    name: ClassVar[str]
    key: ClassVar[str]  # column of the sketch, Binary or UInt64; rows with null are not voted on

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id` and small columns; never the text."""
        ...

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and the record columns to set (`rejected`, `split`); absent ids stay as they are."""
        ...


@runtime_checkable
class ComparingStage(Protocol):
    """A corpus stage that also compares records with earlier data; it only rejects.

    If it votes by key, the run does the comparison: a record whose key is in earlier data is
    rejected for `earlier_reason`. If it votes with evidence, its votes have a column `earlier`
    (UInt32) with the row of earlier data that a record is like.
    """

    name: ClassVar[str]
    earlier_reason: ClassVar[str]


def only_rejects(stage: object) -> bool:
    """Whether a corpus stage leaves the records that it keeps unchanged."""
    return bool(getattr(stage, "only_rejects", False))


@runtime_checkable
class RewritingStage(Protocol):
    """A corpus stage that removes pieces of text that occur in many records.

    Pieces with one key (`key` and `rest`, UInt64) are judged together. A piece is identified by
    the `place` of its record (its position when all are sorted by source and id) and by its
    `number` in the record (UInt32).
    """

    name: ClassVar[str]

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id`, `source`, and its `pieces`, packed; never the text."""
        ...

    def pieces(self, packed: pl.Series) -> pl.DataFrame:
        """The packed pieces of some records: `row` (among these), `number`, `key`, `rest`."""
        ...

    def decide(self, pieces: pl.DataFrame) -> pl.DataFrame:
        """The pieces to remove. In addition to `place`, `number`, `key` and `rest`, `pieces` has
        `document` (UInt64, the same for all chunks of one document); pieces with one key are in
        the same frame."""
        ...

    def apply(self, records: pl.DataFrame, taken: pl.DataFrame) -> Observed:
        """All records without the pieces in `taken` (`id`, `numbers`), and observations about the
        changes, like a record stage that observes."""
        ...


class Table(Protocol):
    """The sketches of all records in the order of the shards; too many to hold at once."""

    height: int
    own: int  # rows of the run's records; rows of earlier data, if any, come after them
    at_once: int  # rows of a column that may be held and sorted

    def column(self, name: str) -> pl.Series:
        """One column of all rows."""
        ...

    def pieces(self, name: str, *, own: bool) -> Iterator[pl.Series]:
        """One column of the run's own rows, or of the rows after them, in order, in pieces."""
        ...

    def rows(self, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
        """Some columns of the rows with these numbers, in the order of the numbers."""
        ...


class Evidence(Protocol):
    """Evidence about candidates, in their order: bytes that are read when they are needed."""

    rows: pl.Series  # the candidates' rows in the table, as the stage has chosen them
    sizes: pl.Series  # bytes, UInt32

    def take(self, numbers: pl.Series) -> pl.Series:
        """The evidence about some candidates, Binary; `numbers` are positions in `rows`."""
        ...


@dataclass(frozen=True)
class Verdict:
    """A vote, in frames of a bounded size, and an entry about it for the manifest (`told`).

    `votes` have `row`, the record columns to set, and, where a record is merged into another,
    `into` (UInt32: the row of that record, which itself gets no vote).
    """

    votes: Iterable[pl.DataFrame]
    told: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class EvidenceStage(Protocol):
    """A corpus stage that needs more than sketches to vote on a few records: it reads those again.

    Records are identified by their row numbers in the table of all sketches.
    """

    name: ClassVar[str]

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """One row for each record: `id` and small columns; never the text."""
        ...

    def candidates(self, sketches: Table) -> pl.Series:
        """The rows of the records that evidence is needed about: UInt32, ascending."""
        ...

    def evidence(self, records: pl.DataFrame) -> pl.Series:
        """The evidence about candidates, Binary, one for each; called shard by shard."""
        ...

    def decide(self, sketches: Table, evidence: Evidence) -> Verdict:
        """The vote, with the evidence of all candidates."""
        ...


Stage = RecordStage | CorpusStage | RewritingStage | EvidenceStage
"""A stage is also a `Settings`: its fields are what a recipe may set."""
