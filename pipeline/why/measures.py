"""The measures that a run's stages took of each record, for `why` and `why --what-if`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import polars as pl
from pydantic import ValidationError

from pipeline.errors import RecipeError
from pipeline.faults import did_you_mean
from pipeline.published import PublishedRun
from pipeline.stage import Broken, labels
from pipeline.stages import STAGES


@runtime_checkable
class Thresholds(Protocol):
    """A stage whose verdict on a record depends on its measures alone."""

    def broken(self) -> dict[str, Broken]:
        """Each rule by its reason, over the measures' columns; the first broken one decides."""
        ...


def labelled_stages(run: PublishedRun) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name and settings of the run's stages, by their label in the ledger."""
    stages = [next(iter(entry.items())) for entry in run.manifest["recipe"]["stages"]]
    named = [(name, settings or {}) for name, settings in stages]
    return dict(zip(labels(name for name, _ in named), named, strict=True))


def stage_with(name: str, settings: dict[str, Any], changes: dict[str, Any]) -> Any:
    """A stage with some settings changed (`rules`, `c4.min_sentences`).

    Raises RecipeError for settings that the stage does not accept.
    """
    changed = dict(settings)
    for path, value in changes.items():
        *above, last = path.split(".")
        inner = changed
        for key in above:
            value_there = inner.get(key)
            inner[key] = dict(value_there) if isinstance(value_there, dict) else {}
            inner = inner[key]
        inner[last] = value
    kind: Any = STAGES[name]
    try:
        return kind.model_validate(changed)
    except ValidationError as error:
        faults = (
            _format_fault(kind, fault_of["loc"], fault_of["type"], fault_of["msg"])
            for fault_of in error.errors()
        )
        raise RecipeError(*(f"{name}.{fault}" for fault in faults)) from None


def _format_fault(kind: Any, place: tuple[Any, ...], fault: str, words: str) -> str:
    path = ".".join(map(str, place))
    if fault != "extra_forbidden":
        return f"{path}: {words}"
    for above in place[:-1]:
        kind = kind.model_fields[above].annotation
    return f"{path}: no such setting{did_you_mean(str(place[-1]), kind.model_fields)}"


def measures_of(run: PublishedRun, label: str) -> pl.LazyFrame | None:
    """The measures of a stage: `id`, and a column for each measure; None if the run has none."""
    path = f"measures/{label}.parquet"
    if path not in {file["path"] for file in run.manifest["files"]}:
        return None
    return run.scan(path)


def told_measures(run: PublishedRun, record: str) -> Iterator[str]:
    """What each stage measured of one record, with its thresholds; a line for each stage."""
    for label, (name, settings) in labelled_stages(run).items():
        frame = measures_of(run, label)
        rows = [] if frame is None else frame.filter(pl.col("id") == record).collect().to_dicts()
        stage = stage_with(name, settings, {}) if rows else None
        for row in rows:
            shown = list(_shown(row, stage)) if isinstance(stage, Thresholds) else []
            if shown:
                yield f"  measured by {label}: {', '.join(shown)}"


def _shown(row: dict[str, Any], stage: Thresholds) -> Iterator[str]:
    for reason, rule in stage.broken().items():
        (measure,) = rule.where.meta.root_names()
        if row.get(measure) is not None:
            yield f"{measure} {row[measure]:g} ({reason}: {rule.threshold:g})"
