"""A record's way through a run: where it was kept, what it merged into, which rule rejected it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.errors import RecipeError
from pipeline.ledger import target_of
from pipeline.published import PublishedRun
from pipeline.record import ID_LENGTH

MOST_SHOWN = 200
FOLLOWED_MOST = 20
ID = re.compile(rf"[0-9a-f]{{6,{ID_LENGTH}}}(\.\d+)*")
"""A record's id, or at least six digits of it."""

LINE = re.compile(r"(?P<target>[^/]+)/(?P<split>train|validation|test)\.jsonl:(?P<line>\d+)")
KEYS = {"document": "document", "source": "source", "record": "id"}
"""By `split.group_by`, the column of lineage.parquet whose rows a split keeps together."""


@dataclass
class Way:
    """What happened to one record, document, source or line."""

    what: str
    lines: list[dict[str, Any]] = field(default_factory=list)  # where it is kept, lineage rows
    rejections: list[dict[str, Any]] = field(default_factory=list)  # rejected.parquet rows
    merged: list[dict[str, Any]] = field(default_factory=list)  # records merged into it
    stages: list[str] = field(default_factory=list)  # all stages of the run, in order
    split: dict[str, Any] = field(default_factory=dict)  # the recipe's settings

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: rows of the run's tables, chunks by parent, split settings."""
        return {
            "what": self.what,
            "lines": self.lines,
            "rejections": self.rejections,
            "merged": self.merged,
            "chunks": self.chunks(),
            "split": self.split,
        }

    def chunks(self) -> dict[str, list[str]]:
        """The ids of the chunks that were kept, by the id of the record that was divided."""
        found: dict[str, dict[str, None]] = {}
        for row in self.lines:
            if row["id"][ID_LENGTH : ID_LENGTH + 1] == ".":
                found.setdefault(row["id"][:ID_LENGTH], {})[row["id"]] = None
        return {parent: list(chunk_ids) for parent, chunk_ids in found.items()}

    def told(self) -> Iterator[str]:
        """Text for the terminal, line by line."""
        for row in self.rejections[:MOST_SHOWN]:
            yield from self._format_rejection(row)
        for row in self.lines[:MOST_SHOWN]:
            part = f" ({row['locator']})" if row["locator"] else ""
            where = f"{row['target']}/{row['split']}.jsonl:{row['line']}"
            yield f"{row['source']}{part}  {row['id']}  kept: {where}"
        hidden = max(len(self.lines) - MOST_SHOWN, 0) + max(len(self.rejections) - MOST_SHOWN, 0)
        if hidden:
            yield f"… and {hidden} more records"
        yield from self._format_chunks()
        yield from self._format_merged()
        yield from self._format_split()

    def _format_rejection(self, row: dict[str, Any]) -> Iterator[str]:
        yield f"{place_of(row)}  {row['id']}  {verdict_of(row)}"
        passed = self._passed(row["stage"])
        if passed:
            yield f"  passed before: {' → '.join(passed)}"
        if row["merged_into"]:
            yield f"  merged into: {row['merged_into']}"

    def _passed(self, stage: str) -> list[str]:
        """The stages before `stage`; of the targets' stages, only those of its own target."""
        before = self.stages[: self.stages.index(stage)] if stage in self.stages else []
        return [s for s in before if target_of(s) in {None, target_of(stage)}]

    def _format_chunks(self) -> Iterator[str]:
        for parent, chunks in list(self.chunks().items())[:FOLLOWED_MOST]:
            yield f"  {parent} was divided into chunks; chunks that were kept: {len(chunks)}"

    def _format_merged(self) -> Iterator[str]:
        for row in self.merged[:FOLLOWED_MOST]:
            yield f"  merged into it: {place_of(row)}  {row['id']}: {verdict_of(row)}"
        if len(self.merged) > FOLLOWED_MOST:
            yield f"  … and {len(self.merged) - FOLLOWED_MOST} more records"

    def _format_split(self) -> Iterator[str]:
        """Which split each document is in; a digest decides for all records of a group."""
        by = self.split.get("group_by", "document")
        shares = [
            f"{self.split[name]:g} asked for {name}"
            for name in ("validation", "test")
            if self.split.get(name)
        ]
        if not shares:
            return
        if by not in KEYS:  # a path in `extra`, which lineage does not contain
            yield from self._format_path(by, shares)
            return
        found = {row[KEYS[by]]: row["split"] for row in self.lines}
        for key, split in list(found.items())[:FOLLOWED_MOST]:
            cause = (
                f"the digest of its {by} decides" if by != "record" else "its own digest decides"
            )
            yield f"  in {split} with all records of {by} {key}: {cause}, {', '.join(shares)}"

    def _format_path(self, by: str, shares: list[str]) -> Iterator[str]:
        splits = " and ".join(sorted({row["split"] for row in self.lines}))
        same = f"with all records of the same {by}, or of the same document if they have none"
        if splits:
            yield f"  in {splits} {same}: its digest decides, {', '.join(shares)}"


def place_of(row: dict[str, Any]) -> str:
    """Source and locator of a record, as `source (locator)`."""
    return f"{row['source']} ({row['locator']})" if row["locator"] else str(row["source"])


def verdict_of(row: dict[str, Any]) -> str:
    """Which stage set a record aside, for which reason, with the value and the threshold."""
    verdict = "merged by" if row["merged_into"] else "rejected by"
    measured = f", value {row['value']}" if row["value"] is not None else ""
    allowed = f", threshold {row['threshold']}" if row["threshold"] is not None else ""
    return f"{verdict} {row['stage']}: {row['reason']}{measured}{allowed}"


def why(run: PublishedRun, what: str) -> Way:
    """The way of a record id (or its first 6 or more digits), a document, a source or a line.

    A line is written as `assistant/train.jsonl:22`. A merged record is followed to the record that
    it was merged into, and that one to all records that were merged into it. Raises RecipeError
    if the run has never seen it.
    """
    way = follow(run, what, meant(run, what))
    if way.lines or way.rejections:
        return way
    for listed in run.manifest["inputs"]:
        if listed["source"] == what and listed["sidecar"]:
            way.what = f"{what}: was read along with other files (captions or metadata)"
            return way
    raise RecipeError(f"{what}: run {run.run} has no such record id, document, source or line")


def meant(run: PublishedRun, what: str) -> pl.Expr:
    """An expression for the lineage and rejected rows that an id, a source or a line means."""
    asked = _line(run, what)
    return _asked(what) if asked is None else asked


def follow(run: PublishedRun, what: str, asked: pl.Expr | None) -> Way:
    """Follow the rows that match `asked`, the records they merged into, and what these absorbed."""
    stages = [count["stage"] for count in run.manifest["stages"]]
    way = Way(what, stages=stages, split=run.manifest["recipe"].get("split") or {})
    lineage, rejected = run.scan("lineage.parquet"), run.scan("rejected.parquet")
    seen: set[str] = set()
    while asked is not None:
        way.lines += lineage.filter(asked).collect().to_dicts()
        rows = rejected.filter(asked).collect().to_dicts()
        way.rejections += rows
        merged = {row["merged_into"] for row in rows if row["merged_into"]} - seen
        seen |= merged
        asked = _any_of(merged) if merged else None
    way.merged = list(_stood_for(rejected, way))
    return way


def _stood_for(rejected: pl.LazyFrame, way: Way) -> Iterator[dict[str, Any]]:
    """The records that were merged into those of the way, except those already on it."""
    ids = {row["id"][:ID_LENGTH] for row in way.lines} | {row["id"] for row in way.lines}
    ids |= {row["id"] for row in way.rejections}
    on_way = {row["id"] for row in way.rejections}
    found = rejected.filter(pl.col("merged_into").is_in(sorted(ids))).collect()
    yield from (row for row in found.to_dicts() if row["id"] not in on_way)


def _any_of(ids: set[str]) -> pl.Expr:
    return pl.col("id").is_in(sorted(ids)) | pl.col("document").is_in(sorted(ids))


def _line(run: PublishedRun, what: str) -> pl.Expr | None:
    """An expression for the record of an output line; None if `what` is not a line of this run."""
    match = LINE.fullmatch(what)
    if match is None:
        return None
    lineage = run.scan("lineage.parquet").filter(
        pl.col("target") == match["target"],
        pl.col("split") == match["split"],
        pl.col("line") == int(match["line"]),
    )
    ids = lineage.select("id").collect()["id"].to_list()
    return pl.col("id").is_in(ids) if ids else None


def _asked(what: str) -> pl.Expr:
    """An expression for the rows that an id, the beginning of one, a document or a source means."""
    source = (pl.col("source") == what) | pl.col("source").str.ends_with(f"/{what}")
    if what.endswith(")"):  # `source (locator)`, as `place_of` prints it
        source |= pl.format("{} ({})", "source", "locator") == what
    if not ID.fullmatch(what):
        return source
    exact = (pl.col("id") == what) | (pl.col("document") == what)
    if len(what) >= ID_LENGTH:
        return exact
    return exact | pl.col("id").str.starts_with(what) | source
