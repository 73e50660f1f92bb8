"""What a stage is: a function from a frame of records to a frame of records.

    A stage never loses a record without a reason.

It drops no row: it marks rows to set aside with `reject()`, and the run moves them out. It is pure
and its result does not depend on order: no clock, no randomness, ties broken by `id`. The one
exception is a corpus stage (`pipeline.corpus_stage`), which must see all records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import polars as pl

from pipeline.record import REJECTED
from pipeline.settings import Settings as Settings


@runtime_checkable
class RecordStage(Protocol):
    """Records to records, shard by shard. Rows stay in order, and no row is dropped."""

    name: ClassVar[str]

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """All incoming rows: as they are, changed, marked as rejected, or replaced by chunks."""
        ...


def labels(names: Iterable[str]) -> Iterator[str]:
    """Names of stages as the ledger has them: the second stage of a name is `quality.2`."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}.{seen[name]}"


CHUNKS = ".chunks"
"""Ending of the label under which a stage that judges its chunks counts what became of them."""


def judges_chunks(stage: object) -> bool:
    """Whether a record stage (`judges_chunks = True`) may reject chunks that it makes itself.

    Then it has two lines in the ledger: one for the records, and one for their chunks.
    """
    return bool(getattr(stage, "judges_chunks", False))


def ledger_labels(label: str, stage: object) -> tuple[str, ...]:
    """The labels of a stage's lines in the ledger."""
    return (label, label + CHUNKS) if judges_chunks(stage) else (label,)


SAMPLES = pl.Schema(
    {
        "id": pl.String,
        "source": pl.String,
        "locator": pl.String,
        "kind": pl.String,  # of change, as in `tallies`
        "before": pl.String,
        "after": pl.String,
    }
)
"""Texts before and after a stage, for the report; they never leave the private work folder."""

TALLIES = pl.Schema({"id": pl.String, "kind": pl.String, "number": pl.Int64})
"""How often a stage did something to a record."""

SAMPLES_MOST, SAMPLES_KEPT = 20, 64
"""Samples for each stage and kind: how many a run shows, and how many are kept of each shard. More
are kept than shown so that, when records that were shown are gone, the next run can show others
without computing a shard again."""


@dataclass(frozen=True)
class Observed:
    """What a record stage returns, with what it observed on the way."""

    records: pl.DataFrame  # what `__call__` returns
    measures: pl.DataFrame | None = None  # `id` and numeric columns, a row per record judged
    tallies: pl.DataFrame | None = None  # of `TALLIES`
    samples: pl.DataFrame | None = None  # of `SAMPLES`; see `fewest`
    matches: pl.DataFrame | None = None  # of `references.MATCHES`, a row per record and set


@runtime_checkable
class ObservingStage(Protocol):
    """A record stage that also reports what it measured and changed: `observe` is called instead
    of `__call__`."""

    name: ClassVar[str]

    def observe(self, records: pl.DataFrame) -> Observed:
        """Like `__call__`, and at no higher cost: observations must be by-products."""
        ...


def fewest(rows: pl.DataFrame) -> pl.DataFrame:
    """At most `SAMPLES_KEPT` of the rows: those with the smallest ids, however shards are cut.

    An id is a digest, so they are as good as a random sample, and the same in every run. Call this
    before texts are gathered: a stage that changes every text must not hold all of them twice.
    """
    return rows.sort("id").head(SAMPLES_KEPT)


@dataclass(frozen=True)
class Broken:
    """A rule, with evidence: where it is broken, what was measured, what is allowed."""

    where: pl.Expr
    value: pl.Expr | None = None
    threshold: Any = None
    merged_into: pl.Expr | None = None


def rejected_as(reason: str, rule: Broken) -> pl.Expr:
    """The `rejected` struct with `reason` and the rule's value and threshold."""
    null = pl.lit(None, dtype=pl.String)
    threshold = null if rule.threshold is None else pl.lit(str(rule.threshold))
    return pl.struct(
        reason=pl.lit(reason),
        value=null if rule.value is None else rule.value.cast(pl.String),
        threshold=threshold,
        merged_into=null if rule.merged_into is None else rule.merged_into,
    ).cast(REJECTED)


def reject(records: pl.DataFrame, /, **rules: pl.Expr | Broken) -> pl.DataFrame:
    """Mark each record with the first rule it breaks; the rule's name is the reason.

    A rule is an expression that is true where it is broken (null counts as not broken), or a
    `Broken` that also has the value and the threshold. A record that is rejected already stays so.

    >>> words = pl.col("text").str.split(" ").list.len()
    >>> reject(records, too_short=Broken(words < 5, value=words, threshold=5))  # doctest: +SKIP
    """
    marks: Any = pl.when(pl.col("rejected").is_not_null()).then(pl.col("rejected"))
    for reason, rule in rules.items():
        broken = rule if isinstance(rule, Broken) else Broken(rule)
        marks = marks.when(broken.where.fill_null(False)).then(rejected_as(reason, broken))
    return records.with_columns(rejected=marks.otherwise(pl.lit(None, dtype=REJECTED)))
