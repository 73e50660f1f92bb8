"""Brings what earlier runs have made into this run's folder.

A task's files are linked even if the votes on some of its units have changed: such units are
computed again in another task, and no index refers to their old rows any more. A task is rewritten
without its unused rows when one of its sources is gone, so that no text of that source stays, or
when less than half of its bytes are in use. Each nightly run adds a task or two; to keep their
number from growing for ever, small tasks are merged from time to time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.failpoints import step
from pipeline.fragments import LINES_END, LINES_OF
from pipeline.made import ALWAYS, at, in_use_path, kinds_of, located, read_spans, spans_of
from pipeline.parts import Parts
from pipeline.reuse import Known
from pipeline.shards import FILES, read_frame, write_frame
from pipeline.unit_rows import UNIT

SMALL = 1 / 8
"""A task is small if it has less than this share of the bytes that a task may have."""

SMALL_MOST = 8
"""When there are more small tasks than this, they are merged."""

OF_USE = 1 / 2
"""A task of whose bytes less than this share is in use is not linked but rewritten."""


def link_known(
    known: Known, folder: Path, made_of: str, keys: pl.Series, most_bytes: int
) -> Iterator[pl.DataFrame]:
    """Link or rewrite all that is known into `folder`; yields the located rows.

    `keys` are the units' keys in their order; a rewritten task has about `most_bytes` at most. The
    earlier files were checked against their digests when they were found.
    """
    for path in folder.glob(in_use_path("*").name):  # left by a run that was stopped
        path.unlink()
    if known.rows.is_empty():
        return
    tasks = known.rows.group_by("task", maintain_order=True).agg(
        pl.col("size").sum(),
        stays=~pl.col("gone").first() & (pl.col("size").sum() >= OF_USE * pl.col("of").first()),
    )
    small = tasks.filter(pl.col("stays") & (pl.col("size") < SMALL * most_bytes))["task"]
    not_linked = tasks.filter(~pl.col("stays"))["task"]
    to_rewrite = pl.concat([not_linked, small]) if small.len() > SMALL_MOST else not_linked
    is_rewritten = pl.col("task").is_in(to_rewrite.implode())
    for (task,), rows in known.rows.filter(~is_rewritten).group_by("task", maintain_order=True):
        _link(Path(str(task)), folder)
        _write_in_use(rows, folder)
        reused = rows.drop("task", "hides", "of", "gone")
        yield reused.with_columns(stem=pl.lit(f"{folder}/") + pl.col("part"))
    rewritten = known.rows.filter(is_rewritten)
    if rewritten.height:
        units = pl.DataFrame({"key": keys}).with_row_index(UNIT)
        ordered = rewritten.join(units, on="key").sort(UNIT, "piece")
        start = pl.col("size").cast(pl.Int64).cum_sum() - pl.col("size")
        tasks = ordered.with_columns(block=start.first().over(UNIT) // most_bytes).drop(UNIT)
        for rows in tasks.partition_by("block", maintain_order=True, include_key=False):
            yield _written(rows, known, folder, made_of, most_bytes)


def _link(marker: Path, folder: Path) -> None:
    """Link a task's files, which never change, into this run's folder; copy them if need be."""
    if marker.parent == folder:
        return
    for name in (*json.loads(marker.read_bytes())[FILES], marker.name):
        source, place = marker.with_name(name), folder / name
        step("link shard")
        place.unlink(missing_ok=True)
        try:
            os.link(source, place)
        except OSError:  # not on this file system
            unfinished = place.with_name(place.name + ".part")
            shutil.copyfile(source, unfinished)
            unfinished.replace(place)


def _write_in_use(rows: pl.DataFrame, folder: Path) -> None:
    """Record which rows of a task's files are in use, for parts that have other rows too."""
    places = [name for kind in kinds_of(rows) for name in (kind, at(kind))]
    for (part,), rows_in_part in rows.filter("hides").group_by("part", maintain_order=True):
        write_frame(in_use_path(f"{folder}/{part}"), rows_in_part.select(places))


def _written(
    rows: pl.DataFrame, known: Known, folder: Path, made_of: str, most_bytes: int
) -> pl.DataFrame:
    """Write the rows of some units as a new task; returns its located rows."""
    units = rows.unique("key", keep="first", maintain_order=True)
    numbers = units.select("key").with_row_index(UNIT)
    numbered = rows.join(numbers, on="key", maintain_order="left")
    parts = Parts(folder, units["key"].to_list(), units["source"].to_list(), made_of)
    start = pl.col("size").cast(pl.Int64).cum_sum() - pl.col("size")
    for part_rows in numbered.with_columns(part_of=start // most_bytes).partition_by(
        "part_of", maintain_order=True, include_key=False
    ):
        parts.write(dict(_frames(part_rows)), part_rows.select(UNIT))
    # Rewriting leaves out no sample, so the bounds stay those of the earlier tasks.
    parts.bounds = [known.bounds[task] for task in rows["task"].unique()]
    return located(read_frame(folder / parts.finish()["units"]), folder)


def _frames(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield (kind, rows of some units with a column `unit`), for each kind of file."""
    for kind in kinds_of(rows):
        spans = spans_of(rows, kind)
        if spans.is_empty():
            if kind.split(".")[0] not in ALWAYS:
                continue
            spans = rows.head(1).select("stem", start=0, number=0)
        frame = read_spans(spans, kind, file_in=LINES_OF if kind.endswith(LINES_END) else None)
        owners = (
            rows.select(pl.col(UNIT).repeat_by(kind).explode())
            .to_series()
            .drop_nulls()
            .cast(pl.UInt32)
        )
        yield kind, _without_rest(frame).with_columns(owners)


def _without_rest(frame: pl.DataFrame) -> pl.DataFrame:
    """Copy the rows: of a slice, Polars would also write the texts of all rows around it."""
    copied = pl.from_arrow(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(copied, pl.DataFrame)
    return copied.match_to_schema(frame.schema)
