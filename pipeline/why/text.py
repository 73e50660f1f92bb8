"""Which records contain a text: for `why --text`, on a run in a local folder."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.errors import RecipeError
from pipeline.made import rows_in_use
from pipeline.published import PublishedRun
from pipeline.storage import is_remote
from pipeline.why.way import Way, follow

PIECE = 1 << 22
FOUND_MOST = 20
"""How many records are followed; a fragment that more records contain tells little."""


def why_text(run: PublishedRun, fragment: str, work: Path | None = None) -> Way:
    """Follow the first records that contain a text, in an output line or among the rejected texts.

    Case and white space matter. `work` is the work folder, which has the rejected texts; None
    means `.work` in a local output. If it no longer exists, only output lines are searched.
    Raises RecipeError for a run on S3, a blank text, and a text that no record contains.
    """
    if is_remote(run.place.uri):
        raise RecipeError(f"--text: {run.uri} is not in a folder; copy the run here to search it")
    if not fragment.strip():
        raise RecipeError("--text: the text is blank; give some text to look for")
    try:
        fragment.encode()
    except UnicodeEncodeError:
        raise RecipeError("--text: the text is not valid UTF-8") from None
    output = Path(run.place.uri)
    ids = list(_in_lines(run, output / "runs" / run.run, fragment))
    left = FOUND_MOST - len(ids)
    ids += set_aside((work or output / ".work") / run.run, fragment)[: max(left, 0)]
    if not ids:
        raise RecipeError(f"--text: no searched record of run {run.run} contains {fragment!r}")
    return follow(run, f"text {fragment!r}", pl.col("id").is_in(ids))


def _in_lines(run: PublishedRun, folder: Path, fragment: str) -> Iterator[str]:
    """Ids of the records whose output lines contain a text, as JSON writes it."""
    lineage = run.scan("lineage.parquet")
    seen: dict[str, None] = {}
    for listed in run.manifest["files"]:
        target, _, file = listed["path"].rpartition("/")
        if not file.endswith(".jsonl") or len(seen) >= FOUND_MOST:
            continue
        lines = list(_lines(folder / listed["path"], fragment))
        if lines:
            in_file = (pl.col("target") == target) & (
                pl.col("split") == file.removesuffix(".jsonl")
            )
            rows = lineage.filter(in_file & pl.col("line").is_in(lines)).select("id").collect()
            seen |= dict.fromkeys(rows["id"])
    yield from list(seen)[:FOUND_MOST]


def _lines(path: Path, fragment: str) -> Iterator[int]:
    """Numbers of a file's lines that contain a text; the file is mapped, not read into memory."""
    wanted = {json.dumps(fragment, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
    found: set[int] = set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for spelling in sorted(wanted):
            at, counted, number = data.find(spelling.encode()), 0, 1
            while at >= 0 and len(found) < FOUND_MOST:
                number += _newlines(data, counted, at)
                counted = at
                found.add(number)
                end = data.find(b"\n", at)
                at = data.find(spelling.encode(), end) if end >= 0 else -1
    yield from sorted(found)


def _newlines(data: mmap.mmap, start: int, end: int) -> int:
    """Number of newlines between two positions, counted a piece at a time."""
    pieces = range(start, end, PIECE)
    return sum(data[at : min(at + PIECE, end)].count(b"\n") for at in pieces)


def set_aside(work: Path, fragment: str) -> list[str]:
    """Ids of the rejected records that contain a text, from a run's private work folder."""
    found: list[str] = []
    turns = pl.col("messages").list.eval(pl.element().struct.field("text")).list.join("\n")
    holds = pl.any_horizontal(
        column.str.contains(fragment, literal=True).fill_null(False)
        for column in (pl.col("text"), pl.col("system"), turns)
    )
    for path in sorted(work.glob("**/*.rejected.arrow")):
        with path.open("rb") as file:
            rows = pl.read_ipc(file, columns=["id", "text", "system", "messages"])
        if (in_use := rows_in_use(path)) is not None:
            rows = rows[in_use]
        found += rows.filter(holds)["id"].to_list()
        if len(found) >= FOUND_MOST:
            break
    return found[:FOUND_MOST]
