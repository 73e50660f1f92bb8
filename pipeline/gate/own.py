"""The user's own expectations: in the recipe, or in a Great Expectations suite that it names."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipeline.errors import RecipeError
from pipeline.stage import Settings

TEXTS = ("id", "document", "source", "locator", "split", "language")
NUMBERS = ("tokens", "bytes", "turns", "images")
FLAGS = (
    *("id_missing", "id_repeated", "document_missing", "document_in_two_splits"),
    *("source_missing", "split_unknown"),
)
COLUMNS = (*TEXTS, *NUMBERS, *FLAGS)
"""The columns that an expectation may name, besides `<stage>.<measure>` for stages' measures."""

COLUMN_KEYS = ("column", "column_A", "column_B")
FOREIGN = ("expect_query_", "unexpected_rows_", "expect_table_row_count_to_equal_other_table")
"""Prefixes of expectations that need SQL or a second table, which the gate does not have."""


class Expectation(Settings):
    """One expectation of Great Expectations over the numbers derived from each record.

    `severity: warning` is reported but does not stop the run.
    """

    type: str = Field(pattern=r"^expect_[a-z0-9_]+$")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    target: str | None = None  # the target whose records it is about; None: all targets
    description: str | None = None
    severity: Literal["critical", "warning", "info"] = "critical"

    def columns(self) -> list[str]:
        """The columns that the expectation names."""
        named = [self.kwargs[key] for key in COLUMN_KEYS if key in self.kwargs]
        listed = self.kwargs.get("column_list") or []
        return [name for name in [*named, *listed] if isinstance(name, str)]


def read_suite(path: Path) -> list[Expectation]:
    """The expectations of a suite as Great Expectations writes it: `{"expectations": […]}`.

    `meta.target` says which target an expectation is about. Raises RecipeError.
    """
    try:
        suite = json.loads(path.read_bytes())
        listed = suite["expectations"]
        return [_from_suite(expectation) for expectation in listed]
    except OSError as error:
        raise RecipeError(f"gate.suite: {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecipeError(f"gate.suite: {path}: {where}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "is not a suite of Great Expectations (a JSON object with `expectations`)"
        raise RecipeError(f"gate.suite: {path}: {reason}") from None


def _from_suite(entry: dict[str, Any]) -> Expectation:
    return Expectation(
        type=entry["type"],
        kwargs=entry.get("kwargs") or {},
        target=(entry.get("meta") or {}).get("target"),
        description=entry.get("description"),
        severity=entry.get("severity") or "critical",
    )


def expectation_faults(
    expectations: Iterable[Expectation], targets: Iterable[str], stages: Iterable[str]
) -> Iterator[str]:
    """Faults of expectations that show before there is any data: type, target, column."""
    targets, stages, known = set(targets), set(stages), known_types()
    for number, expectation in enumerate(expectations):
        where = f"gate.expectations[{number}]"
        if expectation.type not in known:
            yield f"{where}: Great Expectations has no {expectation.type} for a single table"
        if expectation.target is not None and expectation.target not in targets:
            yield f"{where}: {expectation.target} is not a target of this recipe"
        for column in expectation.columns():
            if column not in COLUMNS and column.rpartition(".")[0] not in stages:
                remedy = f"use one of {', '.join(COLUMNS)}, or <stage>.<measure>"
                yield f"{where}: no column {column}: {remedy}"


def known_types() -> set[str]:
    """The expectations that the installed Great Expectations has, found without importing it."""
    spec = importlib.util.find_spec("great_expectations")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "expectations" / "core"
    names = {path.stem for path in folder.glob("expect_*.py")}
    return {name for name in names if not name.startswith(FOREIGN)}
