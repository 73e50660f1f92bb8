"""A record's whole way through a run: kept where, merged into what, rejected by which rule."""

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
"""The column of lineage that a split keeps together."""


@dataclass
class Way:
    """What became of one record, document, source or line."""

    what: str
    lines: list[dict[str, Any]] = field(default_factory=list)  # where it stands, lineage rows
    rejections: list[dict[str, Any]] = field(default_factory=list)  # rejected.parquet rows
    merged: list[dict[str, Any]] = field(default_factory=list)  # rows that it stands for
    stages: list[str] = field(default_factory=list)  # in order, for the way up to a rejection
    split: dict[str, Any] = field(default_factory=dict)  # the recipe's settings

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "what": self.what,
            "lines": self.lines,
            "rejections": self.rejections,
            "merged": self.merged,
            "chunks": self.chunks(),
            "split": self.split,
        }

    def chunks(self) -> dict[str, list[str]]:
        """By the record that was divided, the ids of the chunks that stand in a line."""
        found: dict[str, dict[str, None]] = {}
        for row in self.lines:
            if row["id"][ID_LENGTH : ID_LENGTH + 1] == ".":
                found.setdefault(row["id"][:ID_LENGTH], {})[row["id"]] = None
        return {parent: list(own) for parent, own in found.items()}

    def told(self) -> Iterator[str]:
        """For people, line by line."""
        for row in self.rejections[:MOST_SHOWN]:
            yield from self._told_rejection(row)
        for row in self.lines[:MOST_SHOWN]:
            part = f" ({row['locator']})" if row["locator"] else ""
            where = f"{row['target']}/{row['split']}.jsonl:{row['line']}"
            yield f"{row['source']}{part}  {row['id']}  kept: {where}"
        hidden = max(len(self.lines) - MOST_SHOWN, 0) + max(len(self.rejections) - MOST_SHOWN, 0)
        if hidden:
            yield f"… and {hidden} records more"
        yield from self._told_chunks()
        yield from self._told_merged()
        yield from self._told_split()

    def _told_rejection(self, row: dict[str, Any]) -> Iterator[str]:
        yield f"{place_of(row)}  {row['id']}  {verdict_of(row)}"
        passed = self._passed(row["stage"])
        if passed:
            yield f"  passed before: {' → '.join(passed)}"
        if row["merged_into"]:
            yield f"  stands for it: {row['merged_into']}"

    def _passed(self, stage: str) -> list[str]:
        """The stages before one. Targets stand beside one another: of them, only its own."""
        before = self.stages[: self.stages.index(stage)] if stage in self.stages else []
        return [s for s in before if target_of(s) in {None, target_of(stage)}]

    def _told_chunks(self) -> Iterator[str]:
        for parent, chunks in list(self.chunks().items())[:FOLLOWED_MOST]:
            yield f"  {parent} was divided; chunks of it that are kept: {len(chunks)}"

    def _told_merged(self) -> Iterator[str]:
        for row in self.merged[:FOLLOWED_MOST]:
            yield f"  stands for {place_of(row)}  {row['id']}: {verdict_of(row)}"
        if len(self.merged) > FOLLOWED_MOST:
            yield f"  … and for {len(self.merged) - FOLLOWED_MOST} records more"

    def _told_split(self) -> Iterator[str]:
        """Which split each document went to; what goes together is decided by a digest."""
        by = self.split.get("group_by", "document")
        shares = [
            f"{self.split[name]:g} asked for {name}"
            for name in ("validation", "test")
            if self.split.get(name)
        ]
        if not shares:
            return
        if by not in KEYS:  # a path in `extra`, of which lineage holds nothing
            yield from self._told_path(by, shares)
            return
        found = {row[KEYS[by]]: row["split"] for row in self.lines}
        for key, split in list(found.items())[:FOLLOWED_MOST]:
            cause = (
                f"the digest of its {by} decides" if by != "record" else "its own digest decides"
            )
            yield f"  in {split} with all of {by} {key}: {cause}, {', '.join(shares)}"

    def _told_path(self, by: str, shares: list[str]) -> Iterator[str]:
        splits = " and ".join(sorted({row["split"] for row in self.lines}))
        same = f"with all that has the same {by}, or of its document where it has none"
        if splits:
            yield f"  in {splits} {same}: the digest of that decides, {', '.join(shares)}"


def place_of(row: dict[str, Any]) -> str:
    """Source and place of a record."""
    return f"{row['source']} ({row['locator']})" if row["locator"] else str(row["source"])


def verdict_of(row: dict[str, Any]) -> str:
    """By which stage a record was set aside, for which reason, with what was measured."""
    verdict = "merged by" if row["merged_into"] else "rejected by"
    measured = f", value {row['value']}" if row["value"] is not None else ""
    allowed = f", threshold {row['threshold']}" if row["threshold"] is not None else ""
    return f"{verdict} {row['stage']}: {row['reason']}{measured}{allowed}"


def why(run: PublishedRun, what: str) -> Way:
    """The way of a record id (or its first 6 or more digits), a document, a source or a line.

    A line is named as `assistant/train.jsonl:22`. A merged record is followed to the one that
    stands for it, and that one to all that it stands for. Raises RecipeError when the run has
    never seen it.
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
    """The rows of lineage and of what was rejected that an id, a source or a line means."""
    asked = _line(run, what)
    return _asked(what) if asked is None else asked


def follow(run: PublishedRun, what: str, asked: pl.Expr | None) -> Way:
    """Lines and rejections of what is asked for and of what stands for it, and what that merged."""
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
    """The records that those of the way stand for, without those that are on it already."""
    ids = {row["id"][:ID_LENGTH] for row in way.lines} | {row["id"] for row in way.lines}
    ids |= {row["id"] for row in way.rejections}
    there = {row["id"] for row in way.rejections}
    found = rejected.filter(pl.col("merged_into").is_in(sorted(ids))).collect()
    yield from (row for row in found.to_dicts() if row["id"] not in there)


def _any_of(ids: set[str]) -> pl.Expr:
    return pl.col("id").is_in(sorted(ids)) | pl.col("document").is_in(sorted(ids))


def _line(run: PublishedRun, what: str) -> pl.Expr | None:
    """The record of an output line, None where `what` names no line of this run."""
    found = LINE.fullmatch(what)
    if found is None:
        return None
    lineage = run.scan("lineage.parquet").filter(
        pl.col("target") == found["target"],
        pl.col("split") == found["split"],
        pl.col("line") == int(found["line"]),
    )
    ids = lineage.select("id").collect()["id"].to_list()
    return pl.col("id").is_in(ids) if ids else None


def _asked(what: str) -> pl.Expr:
    """Rows that an id, the beginning of one, a document or a source means."""
    source = (pl.col("source") == what) | pl.col("source").str.ends_with(f"/{what}")
    if what.endswith(")"):  # a place as it is told: a source, and where in it
        source |= pl.format("{} ({})", "source", "locator") == what
    if not ID.fullmatch(what):
        return source
    own = (pl.col("id") == what) | (pl.col("document") == what)
    if len(what) >= ID_LENGTH:
        return own
    return own | pl.col("id").str.starts_with(what) | source
