"""What a stage is: a function from a frame of records to a frame of records.

    A stage never loses a record without a reason.

It drops no row: it marks the ones to set aside with `reject()`, and the run moves them out.
It is pure and free of order: no clock, no randomness, ties broken by `id`. The one exception is
a corpus stage (`pipeline.corpus_stage`), which must see everything.
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
    """Records to records, shard by shard. Order of rows is kept; no row is dropped."""

    name: ClassVar[str]

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """All incoming rows, changed, marked as rejected, or replaced by their chunks."""
        ...


def labels(names: Iterable[str]) -> Iterator[str]:
    """The names of stages in order, the second of a name as `quality.2`: as the ledger has them."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}.{seen[name]}"


CHUNKS = ".chunks"
"""Ends the label of what a stage that judges its chunks has rejected of them."""


def judges_chunks(stage: object) -> bool:
    """Whether a record stage (`judges_chunks = True`) may reject chunks where it makes them.

    Then it has two lines in the ledger: what became of the records, and what of their chunks.
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
"""Texts before and after a stage, for the report; they stay in the private work folder."""

TALLIES = pl.Schema({"id": pl.String, "kind": pl.String, "number": pl.Int64})
"""How often something was done to a record."""

SAMPLES_MOST, SAMPLES_KEPT = 20, 64
"""Of one stage and kind: those that a run shows, and those kept of each shard. When records that
were shown are gone the next run shows others, and must not make a shard anew to know them."""


@dataclass(frozen=True)
class Observed:
    """What a record stage gives, with what it saw on the way."""

    records: pl.DataFrame  # what `__call__` returns
    measures: pl.DataFrame | None = None  # `id` and numeric columns, a row for each record judged
    tallies: pl.DataFrame | None = None  # of `TALLIES`
    samples: pl.DataFrame | None = None  # of `SAMPLES`; see `fewest`
    matches: pl.DataFrame | None = None  # of `references.MATCHES`, a row for each record and set


@runtime_checkable
class ObservingStage(Protocol):
    """A record stage that also tells what it measured and changed; called instead of `__call__`."""

    name: ClassVar[str]

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, and no dearer: what is told must be a by-product."""
        ...


def fewest(rows: pl.DataFrame) -> pl.DataFrame:
    """At most `SAMPLES_KEPT` of the rows: those with the least ids, whatever the shard's borders.

    An id is a digest, so they are as good as drawn by lot, and the same in every run. Take them
    before texts are gathered: a stage that changes every text must not hold all of them twice.
    """
    return rows.sort("id").head(SAMPLES_KEPT)


@dataclass(frozen=True)
class Broken:
    """A rule with its evidence: where it is broken, what was measured, what was allowed."""

    where: pl.Expr
    value: pl.Expr | None = None
    threshold: Any = None
    merged_into: pl.Expr | None = None


def rejected_as(reason: str, rule: Broken) -> pl.Expr:
    """The `rejected` struct that says `reason` with the rule's value and threshold."""
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
    `Broken` that also carries the value and the threshold. A mark that is there already stays.

    >>> words = pl.col("text").str.split(" ").list.len()
    >>> reject(records, too_short=Broken(words < 5, value=words, threshold=5))  # doctest: +SKIP
    """
    marks: Any = pl.when(pl.col("rejected").is_not_null()).then(pl.col("rejected"))
    for reason, rule in rules.items():
        broken = rule if isinstance(rule, Broken) else Broken(rule)
        marks = marks.when(broken.where.fill_null(False)).then(rejected_as(reason, broken))
    return records.with_columns(rejected=marks.otherwise(pl.lit(None, dtype=REJECTED)))
