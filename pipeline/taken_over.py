"""What earlier runs have made, as files of this run.

A task's files are linked, be the votes on some of its units others now: then these are made anew in
another task, and the old rows are in no index. It is written anew without the rest where a source
is gone, so that no text of it stays, or where less than half of it is of use. Each night adds a
task or two; so that they do not grow in number for ever, small ones are put together now and then.
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
"""Of the bytes that a task may have: one below is small."""

SMALL_MOST = 8
"""Small tasks from which on they are put together."""

OF_USE = 1 / 2
"""Of a task's bytes: with less it is not linked."""


def take_over(
    known: Known, folder: Path, made_of: str, keys: pl.Series, most_bytes: int
) -> Iterator[pl.DataFrame]:
    """The located rows of all that is known, as this run's, by files below `folder`.

    `keys` are the units in their order. The earlier files have been held against their digests
    when they were found.
    """
    for path in folder.glob(in_use_path("*").name):  # a run before this one's end has left them
        path.unlink()
    if known.rows.is_empty():
        return
    tasks = known.rows.group_by("task", maintain_order=True).agg(
        pl.col("size").sum(),
        stays=~pl.col("gone").first() & (pl.col("size").sum() >= OF_USE * pl.col("of").first()),
    )
    small = tasks.filter(pl.col("stays") & (pl.col("size") < SMALL * most_bytes))["task"]
    left = tasks.filter(~pl.col("stays"))["task"]
    anew = pl.concat([left, small]) if small.len() > SMALL_MOST else left
    is_anew = pl.col("task").is_in(anew.implode())
    for (task,), rows in known.rows.filter(~is_anew).group_by("task", maintain_order=True):
        _link(Path(str(task)), folder)
        _tell_in_use(rows, folder)
        own = rows.drop("task", "hides", "of", "gone")
        yield own.with_columns(stem=pl.lit(f"{folder}/") + pl.col("part"))
    rewritten = known.rows.filter(is_anew)
    if rewritten.height:
        units = pl.DataFrame({"key": keys}).with_row_index(UNIT)
        ordered = rewritten.join(units, on="key").sort(UNIT, "piece")
        start = pl.col("size").cast(pl.Int64).cum_sum() - pl.col("size")
        tasks = ordered.with_columns(block=start.first().over(UNIT) // most_bytes).drop(UNIT)
        for rows in tasks.partition_by("block", maintain_order=True, include_key=False):
            yield _written(rows, known, folder, made_of, most_bytes)


def _link(marker: Path, folder: Path) -> None:
    """A task's files under this run's folder too: none is ever written to."""
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


def _tell_in_use(rows: pl.DataFrame, folder: Path) -> None:
    """Say of a task's files that hold rows of no unit which ones count."""
    places = [name for kind in kinds_of(rows) for name in (kind, at(kind))]
    for (part,), own in rows.filter("hides").group_by("part", maintain_order=True):
        write_frame(in_use_path(f"{folder}/{part}"), own.select(places))


def _written(
    rows: pl.DataFrame, known: Known, folder: Path, made_of: str, most_bytes: int
) -> pl.DataFrame:
    """The rows of some units as a task of their own."""
    units = rows.unique("key", keep="first", maintain_order=True)
    numbers = units.select("key").with_row_index(UNIT)
    numbered = rows.join(numbers, on="key", maintain_order="left")
    parts = Parts(folder, units["key"].to_list(), units["source"].to_list(), made_of)
    start = pl.col("size").cast(pl.Int64).cum_sum() - pl.col("size")
    for some in numbered.with_columns(part_of=start // most_bytes).partition_by(
        "part_of", maintain_order=True, include_key=False
    ):
        parts.write(dict(_frames(some)), some.select(UNIT))
    parts.bounds = [known.bounds[task] for task in rows["task"].unique()]  # no sample is left out
    return located(read_frame(folder / parts.finish()["units"]), folder)


def _frames(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of some units by kind, each with the number of its unit."""
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
    """The same rows alone: of a slice Polars would write the texts of all rows around it, too."""
    copied = pl.from_arrow(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(copied, pl.DataFrame)
    return copied.match_to_schema(frame.schema)
