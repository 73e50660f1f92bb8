"""What earlier runs have made of the same units: found by digest.

A unit's part of a pass depends on its bytes and name, its reader, the stages, what was voted on its
records, and the code, and on nothing else. So what an earlier run left in its work folder stands as
if this run had made it, and the run is the same as one from nothing. Nothing is believed because a
file exists: markers name what made them and the digests of files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from pipeline.made import Made, located
from pipeline.resume import code_digest, digest_of
from pipeline.shards import FILES, IMAGES, read_frame, read_marker
from pipeline.stage import SAMPLES_KEPT, SAMPLES_MOST

Bounds = dict[str, str]
"""Of each stage and kind whose samples were cut: the greatest id up to which all are there."""


@dataclass(frozen=True)
class Known:
    """What earlier runs have made of units."""

    rows: pl.DataFrame
    """Those of units files with their places and the `task`, the bytes that it is `of`, and whether
    a source of it is `gone`; whether the part `hides` other rows."""
    bounds: Mapping[str, Bounds] = field(default_factory=dict)  # of samples, by task

    @property
    def keys(self) -> pl.Series:
        """Those of the units; one that has several pieces comes again."""
        return self.rows["key"]


def made_by(stages: Iterable[tuple[str, Any]], corpora: Iterable[tuple[str, Any]]) -> str:
    """Digest of what turns a unit into records: code, record stages and sketches."""
    steps = [*stages, *corpora]
    told = [[label, type(step).__name__, step.model_dump_json()] for label, step in steps]
    return digest_of(code_digest(), json.dumps(told))


_NO_ROWS = pl.DataFrame(schema={"key": pl.String, "task": pl.String})


def find_known(
    work: Path, own: Path, made_of: str, keys: pl.Series, sources: pl.Series, *, full: bool
) -> Known:
    """What is known of the units with these keys, from the work folder of this run and, but for
    `full`, from those of all others.

    `own` is the pass's folder, whose namesakes in other runs are looked through. `sources` are the
    keys of all source units that there are.
    """
    found: list[pl.DataFrame] = []
    bounds: dict[str, Bounds] = {}
    others = [] if full else sorted(work.glob(f"*/{own.name}/*.json"))
    mine = sorted(own.glob("*.json"))
    for path in (*mine, *(path for path in others if path.parent != own)):
        names = (FILES, IMAGES) if path.parent == own else (FILES,)
        marker = read_marker(path, names, made_of=made_of)
        if marker is not None:
            index = located(read_frame(path.with_name(marker["units"])), path.parent)
            found.append(index.with_columns(task=pl.lit(str(path))))
            bounds[str(path)] = marker["bounds"]
    rows = _sampled_enough(first_of_each(found, keys, sources), bounds)
    return Known(rows.with_columns(cs.numeric().fill_null(0)), bounds)


def first_of_each(
    tasks: Iterable[pl.DataFrame], keys: pl.Series, sources: pl.Series
) -> pl.DataFrame:
    """The rows of the units with these keys, of each from the first task that has it.

    `tasks` are units files' rows with their `task`, which come back with `hides`, `of` and `gone`
    (see `Known`); `sources` are the keys of all source units that there are.
    """
    rows = [frame for frame in tasks if frame.height]
    if not rows:
        return _NO_ROWS
    first = pl.col("task") == pl.col("task").first().over("key")
    told = pl.concat(rows, how="diagonal").with_columns(
        known=pl.col("key").is_in(keys.implode()) & first,
        there=pl.col("source").is_in(sources.implode()),
    )
    told = told.with_columns(
        hides=~pl.col("known").all().over("task", "part"),
        of=pl.col("size").sum().over("task"),
        gone=~pl.col("there").all().over("task"),
    )
    return told.filter("known").drop("known", "there")


def _sampled_enough(rows: pl.DataFrame, bounds: Mapping[str, Bounds]) -> pl.DataFrame:
    """Without the rows of tasks whose samples may lack one that the run must show.

    A task holds the least ids of a kind up to its bound. When records that were shown are gone,
    others move up; one beyond the bound is not known, and its task must be done again.
    """
    while rows.height:
        least = _last_shown(rows)
        short = {
            task
            for task in rows["task"].unique()
            for name, bound in bounds[task].items()
            if name not in least or least[name] > bound
        }
        if not short:
            break
        rows = rows.filter(~pl.col("task").is_in(list(short)))
    return rows


def _last_shown(rows: pl.DataFrame) -> dict[str, str]:
    """The greatest id that will be shown of each stage and kind of which there are enough."""
    ids: dict[str, list[str]] = {}
    for shown in Made(rows, ()).frames("samples", ("stage", "kind", "id"), ordered=False):
        for stage, kind, one in shown.iter_rows():
            ids.setdefault(f"{stage} {kind}", []).append(one)
    enough = {name: sorted(found) for name, found in ids.items() if len(found) >= SAMPLES_MOST}
    return {name: found[SAMPLES_MOST - 1] for name, found in enough.items()}


def bounds_of(samples: pl.DataFrame) -> Bounds:
    """Up to which id samples of each stage and kind are complete, where some were left out."""
    counted = samples.group_by("stage", "kind").agg(pl.col("id").max(), number=pl.len())
    cut = counted.filter(pl.col("number") >= SAMPLES_KEPT)
    return {f"{stage} {kind}": last for stage, kind, last, _ in cut.iter_rows()}


def lesser(bounds: Iterable[Bounds]) -> Bounds:
    """The bounds of several tasks together."""
    least: Bounds = {}
    for one in bounds:
        for name, bound in one.items():
            least[name] = min(bound, least.get(name, bound))
    return least
