"""Expectations of one's own: in the recipe, or in a Great Expectations suite that it names."""

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
"""What an expectation may name of a record; also `<stage>.<measure>` of what a stage measures."""

COLUMN_KEYS = ("column", "column_A", "column_B")
FOREIGN = ("expect_query_", "unexpected_rows_", "expect_table_row_count_to_equal_other_table")
"""Expectations that need SQL or a second table: there is neither."""


class Expectation(Settings):
    """One expectation of Great Expectations over the numbers derived from each record.

    `severity: warning` is told in the report and stops nothing.
    """

    type: str = Field(pattern=r"^expect_[a-z0-9_]+$")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    target: str | None = None  # the target whose records it is about; of all targets if None
    description: str | None = None
    severity: Literal["critical", "warning", "info"] = "critical"

    def columns(self) -> list[str]:
        """The columns that it names."""
        named = [self.kwargs[key] for key in COLUMN_KEYS if key in self.kwargs]
        listed = self.kwargs.get("column_list") or []
        return [name for name in [*named, *listed] if isinstance(name, str)]


def read_suite(path: Path) -> list[Expectation]:
    """The expectations of a suite as Great Expectations writes it: `{"expectations": […]}`.

    `meta.target` says which target one is about. Raises RecipeError.
    """
    try:
        suite = json.loads(path.read_bytes())
        listed = suite["expectations"]
        return [_from_suite(one) for one in listed]
    except OSError as error:
        raise RecipeError(f"gate.suite: {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecipeError(f"gate.suite: {path}: {where}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        told = "is no suite of Great Expectations: a JSON object with `expectations`"
        raise RecipeError(f"gate.suite: {path}: {told}") from None


def _from_suite(one: dict[str, Any]) -> Expectation:
    return Expectation(
        type=one["type"],
        kwargs=one.get("kwargs") or {},
        target=(one.get("meta") or {}).get("target"),
        description=one.get("description"),
        severity=one.get("severity") or "critical",
    )


def expectation_faults(
    expectations: Iterable[Expectation], targets: Iterable[str], stages: Iterable[str]
) -> Iterator[str]:
    """What is wrong with expectations before there is any data: type, column, target."""
    targets, stages, known = set(targets), set(stages), known_types()
    for number, one in enumerate(expectations):
        where = f"gate.expectations[{number}]"
        if one.type not in known:
            yield f"{where}: Great Expectations has no {one.type} for a single table"
        if one.target is not None and one.target not in targets:
            yield f"{where}: {one.target} is no target of this recipe"
        for column in one.columns():
            if column not in COLUMNS and column.rpartition(".")[0] not in stages:
                told = f"there are {', '.join(COLUMNS)} and <stage>.<measure>"
                yield f"{where}: no column {column}: {told}"


def known_types() -> set[str]:
    """The expectations that the installed Great Expectations has; it is not imported for that."""
    found = importlib.util.find_spec("great_expectations")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "expectations" / "core"
    names = {path.stem for path in folder.glob("expect_*.py")}
    return {name for name in names if not name.startswith(FOREIGN)}
