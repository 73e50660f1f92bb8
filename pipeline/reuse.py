"""What earlier runs have made of the same source units: found by digest, put in this run's order.

A unit's part of the first pass depends on its bytes and name, its reader, the record stages, the
sketch and the code, and on nothing else. So what an earlier run left in its work folder stands as
if this run had made it, and all that comes after sees the same shards as in a run from nothing.
Nothing is believed because a file exists: markers name what made them and the digests of files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from pipeline.observations import least_samples
from pipeline.resume import code_digest, digest_of
from pipeline.shards import digest_file, read_frame
from pipeline.stage import SAMPLES_MOST
from pipeline.unit_rows import UNIT

ALWAYS = {"kept", "rejected", "sketch", "ledger"}
"""Kinds of files that every part has, be they empty; `sketch` is that of each corpus stage."""

INDEX = {"key", "part", "piece", "pieces", "size"}
"""Columns of a units file that are not numbers of rows."""

Bounds = dict[str, str]
"""Of each stage and kind whose samples were cut: the greatest id up to which all are there."""


@dataclass(frozen=True)
class Known:
    """What earlier runs have made of units."""

    rows: pl.DataFrame  # of a units file, with `task`, `stem` and where each kind's rows start
    bounds: Mapping[str, Bounds] = field(default_factory=dict)  # of samples, by task

    def of(self, keys: Iterable[str]) -> Known | None:
        """What is known of some units; None if nothing is."""
        rows = self.rows.filter(pl.col("key").is_in(list(keys)))
        tasks = rows["task"].unique()
        return Known(rows, {task: self.bounds[task] for task in tasks}) if rows.height else None


def made_by(stages: Iterable[tuple[str, Any]], corpora: Iterable[tuple[str, Any]]) -> str:
    """Digest of what turns a unit into records: code, record stages and sketches."""
    steps = [*stages, *corpora]
    told = [[label, type(step).__name__, step.model_dump_json()] for label, step in steps]
    return digest_of(code_digest(), json.dumps(told))


def at(kind: str) -> str:
    """The column that says in which row of a part's file a unit's rows start."""
    return f"{kind} at"


def kinds_of(rows: pl.DataFrame) -> list[str]:
    """The kinds of files that a units file counts the rows of."""
    others = INDEX | {"task", "stem", UNIT}
    return [name for name in rows.columns if name not in others and not name.endswith(" at")]


def located(index: pl.DataFrame, folder: Path, task: str) -> pl.DataFrame:
    """A units file's rows with the place of each unit's rows."""
    starts = {
        at(kind): pl.col(kind).cum_sum().over("part") - pl.col(kind) for kind in kinds_of(index)
    }
    stem = pl.lit(f"{folder}/") + pl.col("part")
    return index.with_columns(**starts, stem=stem, task=pl.lit(task))


def find_known(work: Path, own: Path, made_of: str, keys: Iterable[str]) -> Known:
    """What is known of the units with these keys, from the work folders of all other runs.

    `own` is the pass's folder, whose namesakes in other runs are looked through.
    """
    wanted = pl.Series("key", list(keys), dtype=pl.String)
    tasks: dict[str, pl.DataFrame] = {}
    bounds: dict[str, Bounds] = {}
    for path in sorted(work.glob(f"*/{own.name}/*.json")):
        marker = None if path.parent == own else _whole(path, made_of)
        if marker is None:
            continue
        index = located(read_frame(path.with_suffix(".units.arrow")), path.parent, str(path))
        rows = index.filter(pl.col("key").is_in(wanted.implode()))
        tasks[str(path)], bounds[str(path)] = rows, marker["bounds"]
        wanted = wanted.filter(~wanted.is_in(rows["key"].implode()))
    tasks = _sampled_enough(tasks, bounds)
    rows = pl.concat(tasks.values(), how="diagonal") if tasks else _NOTHING
    return Known(rows.with_columns(cs.numeric().fill_null(0)), bounds)


_NOTHING = pl.DataFrame(schema={"key": pl.String, "task": pl.String})


def _whole(path: Path, made_of: str) -> dict[str, Any] | None:
    """A marker of work that can be taken over: made by the same, every file as it was written."""
    try:
        marker: dict[str, Any] = json.loads(path.read_bytes())
        if marker.get("made_of") != made_of:
            return None
        files = marker["files"].items()
        whole = all(digest_file(path.with_name(name)) == digest for name, digest in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return marker if whole else None


def _sampled_enough(
    tasks: dict[str, pl.DataFrame], bounds: Mapping[str, Bounds]
) -> dict[str, pl.DataFrame]:
    """Without the tasks whose samples may lack one that the run must show.

    A task holds the least ids of a kind up to its bound. When records that were shown are gone,
    others move up; one beyond the bound is not known, and its task must be done again.
    """
    while tasks:
        least = _last_shown(tasks)
        short = {
            task
            for task in tasks
            for name, bound in bounds[task].items()
            if name not in least or least[name] > bound
        }
        if not short:
            break
        tasks = {task: rows for task, rows in tasks.items() if task not in short}
    return tasks


def _last_shown(tasks: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """The greatest id that will be shown of each stage and kind of which there are enough."""
    ids: dict[str, list[str]] = {}
    for rows in tasks.values():
        if "samples" in rows.columns:
            shown = _rows_of(rows, "samples")
            named = [] if shown is None else shown.select("stage", "kind", "id").iter_rows()
            for stage, kind, one in named:
                ids.setdefault(f"{stage} {kind}", []).append(one)
    enough = {name: sorted(found) for name, found in ids.items() if len(found) >= SAMPLES_MOST}
    return {name: found[SAMPLES_MOST - 1] for name, found in enough.items()}


def bounds_of(samples: pl.DataFrame) -> Bounds:
    """Up to which id samples of each stage and kind are complete, where some were left out."""
    counted = samples.group_by("stage", "kind").agg(pl.col("id").max(), number=pl.len())
    cut = counted.filter(pl.col("number") >= SAMPLES_MOST)
    return {f"{stage} {kind}": last for stage, kind, last, _ in cut.iter_rows()}


def lesser(bounds: Iterable[Bounds]) -> Bounds:
    """The bounds of several tasks together."""
    least: Bounds = {}
    for one in bounds:
        for name, bound in one.items():
            least[name] = min(bound, least.get(name, bound))
    return least


def ledger_of(known: Known) -> pl.DataFrame:
    """The ledger of known units."""
    rows = _rows_of(known.rows, "ledger")
    assert rows is not None
    return rows


def spliced(
    known: pl.DataFrame, new: pl.DataFrame, keys: Sequence[str], most_bytes: int
) -> Iterator[tuple[pl.DataFrame, dict[str, pl.DataFrame]]]:
    """Parts of about `most_bytes` from located rows, in the order of units: that of `keys`.

    Each is (its units, its frames by kind); both have the column `unit`.
    """
    rows = pl.concat([known, new], how="diagonal").with_columns(cs.numeric().fill_null(0))
    units = pl.DataFrame({"key": list(keys)}).with_row_index(UNIT)
    start = pl.col("size").cum_sum() - pl.col("size")
    ordered = rows.join(units, on="key").sort(UNIT, "piece")
    blocks = ordered.with_columns(block=start // most_bytes)
    for block in blocks.partition_by("block", maintain_order=True, include_key=False):
        frames = {}
        for kind in kinds_of(block):
            frame = _rows_of(block, kind)
            if frame is not None:
                owners = block.select(pl.col(UNIT).repeat_by(kind).explode()).drop_nulls()
                frames[kind] = frame.with_columns(owners.to_series())
        if "samples" in frames:
            chosen = least_samples([frames["samples"].drop(UNIT)])
            named = ["stage", "kind", "id"]
            frames["samples"] = frames["samples"].join(chosen, on=named, how="semi")
        yield block.select(UNIT), frames


def _rows_of(rows: pl.DataFrame, kind: str) -> pl.DataFrame | None:
    """The rows of some units in their files of one kind, in order; None if there is no file."""
    there = rows.select("stem", start=at(kind), number=kind).filter(pl.col("number") > 0)
    if not there.height:
        return _file(rows["stem"].first(), kind).clear() if kind.split(".")[0] in ALWAYS else None
    before, end = pl.col("stem").shift(), (pl.col("start") + pl.col("number")).shift()
    apart = ((pl.col("stem") != before) | (pl.col("start") != end)).fill_null(True)
    spans = there.group_by(span=apart.cum_sum(), maintain_order=True).agg(
        pl.col("stem", "start").first(), pl.col("number").sum()
    )
    files = {stem: _file(stem, kind) for stem in spans["stem"].unique()}
    places = spans.select("stem", "start", "number").iter_rows()
    return pl.concat([files[stem].slice(start, number) for stem, start, number in places])


def _file(stem: Any, kind: str) -> pl.DataFrame:
    return read_frame(Path(f"{stem}.{kind}.arrow"))
