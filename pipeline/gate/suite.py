"""The gate's suite: which expectations are generated for which target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from pipeline.gate.own import Expectation
    from pipeline.recipe_settings import Gate

ALL_TARGETS = "all targets"
"""Used as the target in checks of the whole run; no target's name can contain a space."""

ABOUT = (
    "Great Expectations saw numbers that were derived from each record (lengths, counts and "
    "flags), not the texts."
)
COUNTS = "counts.parquet"
"""The one-row table that checks of counts and shares look at."""

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
AT_LEAST = "expect_column_min_to_be_between"
AT_MOST = "expect_column_max_to_be_between"


@dataclass(frozen=True)
class TargetLimits:
    """What each record of one target must meet; None if no document gives a limit."""

    max_tokens: int | None = None  # upper bound of a record
    line_bytes_max: int | None = None  # without the newline
    min_turns: int = 0
    max_images: int | None = None
    trains: bool = True  # False: a delta with nothing new to train on, which no job reads


@dataclass(frozen=True)
class Check:
    """One expectation of the suite: `column` of `table` is between `low` and `high`."""

    target: str
    name: str
    table: str  # file name in the gate's folder
    column: str
    low: float | None = None
    high: float | None = None
    expectation: str = BETWEEN
    own: Expectation | None = None  # the recipe's own expectation, with its bounds in kwargs

    def as_json(self) -> dict[str, Any]:
        """The expectation as plain JSON, in the form that Great Expectations reads."""
        if self.own is not None:
            return self._own_json(self.own)
        bounds = {"min_value": self.low, "max_value": self.high}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        return {
            "type": self.expectation,
            "kwargs": {"column": self.column, **given},
            "meta": {"target": self.target, "check": self.name},
        }

    def _own_json(self, own: Expectation) -> dict[str, Any]:
        meta = {"target": self.target, "check": self.name, "own": True}
        entry = {"type": own.type, "kwargs": own.kwargs, "meta": meta, "severity": own.severity}
        return entry | ({"description": own.description} if own.description else {})

    def broken(self) -> pl.Expr:
        """True for the records that fail the check; null fails only a check for null."""
        value = pl.col(self.column)
        if self.expectation == NOT_NULL:
            return value.is_null()
        low = pl.lit(False) if self.low is None else value < self.low
        high = pl.lit(False) if self.high is None else value > self.high
        return (low | high).fill_null(False)


def record_checks(target: str, limits: TargetLimits, gate: Gate, table: str) -> Iterator[Check]:
    """The checks that each record of a target must pass."""

    def check(name: str, column: str, low: float | None = 0, high: float | None = 0) -> Check:
        kind = NOT_NULL if name.endswith("_known") else BETWEEN
        bounds = (None, None) if kind == NOT_NULL else (low, high)
        return Check(target, name, table, column, *bounds, expectation=kind)

    yield check("id_present", "id_missing")
    yield check("id_unique", "id_repeated")
    yield check("document_present", "document_missing")
    yield check("document_in_one_split", "document_in_two_splits")
    yield check("source_present", "source_missing")
    yield check("split_valid", "split_unknown")
    yield check("tokens_known", "tokens")
    yield check("tokens_within_limit", "tokens", 1, limits.max_tokens)
    yield check("line_bytes_known", "bytes")
    yield check("line_bytes_within_limit", "bytes", 1, limits.line_bytes_max)
    if limits.min_turns:
        yield check("turns_known", "turns")
        yield check("turns_enough", "turns", limits.min_turns, None)
    if limits.max_images is not None:
        yield check("images_within_limit", "images", 0, limits.max_images)
    if gate.max_tokens is not None:
        yield check("tokens_within_gate", "tokens", None, gate.max_tokens)


def own_checks(target: str, gate: Gate, table: str) -> Iterator[Check]:
    """The recipe's own expectations about a target, each with a unique name."""
    seen: dict[str, int] = {}
    for own in gate.expectations:
        if own.target not in {None, target}:
            continue
        about = "+".join(own.columns()) or "table"
        name = f"{about}.{own.type.removeprefix('expect_')}"
        seen[name] = seen.get(name, 0) + 1
        numbered = name if seen[name] == 1 else f"{name}.{seen[name]}"
        yield Check(target, numbered, table, about, expectation=own.type, own=own)


def count_checks(gate: Gate, targets: dict[str, TargetLimits]) -> Iterator[Check]:
    """The checks of counts and shares, over the columns of the one-row table."""
    for name, limits in targets.items():
        min_records, column = gate.min_records, f"{name}.train_records"
        if limits.trains:
            yield Check(name, "train_records_enough", COUNTS, column, min_records, None, AT_LEAST)
        for language, share in sorted(gate.min_languages_share.items()):
            check, column = f"language_share_{language}_enough", f"{name}.share_{language}"
            yield Check(name, check, COUNTS, column, share, None, AT_LEAST)
    share = gate.max_rejected
    yield Check(
        ALL_TARGETS, "rejected_share_allowed", COUNTS, "rejected_share", None, share, AT_MOST
    )


def as_suite(checks: list[Check]) -> dict[str, Any]:
    """The suites as plain JSON, one for each table that is checked.

    Great Expectations accepts each as `ExpectationSuite(name=…, expectations=…)`.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for check in checks:
        tables.setdefault(check.table, []).append(check.as_json())
    suites = [
        {"name": table.removesuffix(".parquet"), "table": table, "expectations": expectations}
        for table, expectations in tables.items()
    ]
    return {"about": ABOUT, "suites": suites}
