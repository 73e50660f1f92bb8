"""The `withdraw` command: what depends on a record or a source, and what removes it for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from pipeline.delta import parents_of
from pipeline.errors import RecipeError
from pipeline.publish import as_json as to_json
from pipeline.publish import read_run
from pipeline.published import PublishedRun, open_run
from pipeline.record import ID_LENGTH, record_id, root_id
from pipeline.why.way import meant, place_of, verdict_of

SHOWN_MOST = 20
ROOT = root_id()


@dataclass(frozen=True)
class Dependants:
    """Everything in a run that depends on some records."""

    entries: list[str]  # for the recipe's `withdraw`
    lines: dict[str, int]  # number of lines that contain them, by target
    chunks: int
    stands_for_it: list[dict[str, Any]]  # rows of the records that still say the same
    comes_back: list[dict[str, Any]]  # rows of the records that were merged into them
    shipped: list[dict[str, Any]]  # `run`, `target`, `lines`, for the runs of delta chains


def dependants(uri: str, what: str, *, duplicates: bool, as_json: bool) -> str:
    """What depends on a record id, a source or a line of a run, in words or as JSON.

    With `duplicates`, the entries also remove everything that was merged with it. Raises
    RecipeError when the run has never seen it, StorageError when it cannot be read.
    """
    run = open_run(uri)
    result = find_dependants(run, what, duplicates=duplicates)
    if as_json:
        return to_json({"run": run.run, "what": what, **asdict(result)}).decode()
    return "".join(f"{line}\n" for line in _described(result, duplicates))


def find_dependants(run: PublishedRun, what: str, *, duplicates: bool = False) -> Dependants:
    """The same, as a value; it is always about whole ingested records."""
    lineage, rejected = run.scan("lineage.parquet"), run.scan("rejected.parquet")
    asked = meant(run, what)
    rows = pl.concat(
        frame.filter(asked).select("id", "source", "locator").collect()
        for frame in (lineage, rejected)
    )
    if rows.is_empty():
        raise RecipeError(f"{what}: run {run.run} has no such record id, source or line")
    roots = rows.select(ROOT).to_series().unique().sort()
    is_asked = ROOT.is_in(roots.implode())
    held = lineage.filter(is_asked).collect()
    merged = root_id("merged_into").is_in(roots.implode()) & ~is_asked
    entries = _entries(rows, what)
    if duplicates:
        others = _merged_with(rejected, roots)
        more = [
            frame.filter(ROOT.is_in(others)).select("id", "source", "locator").collect()
            for frame in (lineage, rejected)
        ]
        entries = sorted({*entries, *_entries(pl.concat(more), what)})
    return Dependants(
        entries=entries,
        lines=dict(held.group_by("target").len().sort("target").iter_rows()),
        chunks=held["id"].filter(held["id"].str.len_chars() > ID_LENGTH).n_unique(),
        stands_for_it=_standing(lineage, rejected, roots),
        comes_back=rejected.filter(merged).collect().sort("source", "id").to_dicts(),
        shipped=list(_shipped(run, is_asked)),
    )


def _merged_with(rejected: pl.LazyFrame, roots: pl.Series) -> list[str]:
    """The other ingested records that were merged with these, in either direction, directly or by
    way of others: when one is removed, another of them would say the same."""
    into = root_id("merged_into").alias("into")
    merges = rejected.filter(pl.col("merged_into").is_not_null()).select(ROOT, into).collect()
    known, new_roots = set(roots), set(roots)
    while new_roots:
        touched = merges.filter(pl.any_horizontal(pl.all().is_in(sorted(new_roots))))
        new_roots = {*touched["id"], *touched["into"]} - known
        known |= new_roots
    return sorted(known - set(roots))


def _standing(
    lineage: pl.LazyFrame, rejected: pl.LazyFrame, roots: pl.Series
) -> list[dict[str, Any]]:
    """`id`, `source` and `locator` of the records with a line that these were merged into, directly
    or by way of others."""
    known, new_roots = set(roots), roots
    while new_roots.len():
        merged = rejected.filter(ROOT.is_in(new_roots.implode())).select(root_id("merged_into"))
        found = merged.collect().to_series().drop_nulls().unique()
        new_roots = found.filter(~found.is_in(list(known)))
        known |= set(new_roots)
    others = sorted(known - set(roots))
    rows = lineage.filter(ROOT.is_in(others)).select(ROOT, "source", "locator").collect()
    rows_by_id = {
        record: {"id": record, "source": source, "locator": _root_locator(record, source, locator)}
        for record, source, locator in rows.iter_rows()
    }
    return sorted(rows_by_id.values(), key=lambda row: (row["source"], row["id"]))


def _entries(rows: pl.DataFrame, what: str) -> list[str]:
    """Entries for `withdraw`: the source, if that was asked for, else the records' places."""
    entries = set()
    for record, source, locator in rows.iter_rows():
        whole = source == what or source.endswith(f"/{what}")
        place = "" if whole else _root_locator(record[:ID_LENGTH], source, locator)
        entries.add(f"{source} ({place})" if place else source)
    return sorted(entries)


def _root_locator(root: str, source: str, locator: str) -> str:
    """The locator of the ingested record that a record is, or is a chunk of."""
    while locator and record_id(source, locator) != root:
        locator = locator.rpartition(";")[0]
    return locator


def _shipped(run: PublishedRun, is_asked: pl.Expr) -> Iterator[dict[str, Any]]:
    """Yield the lines that the runs of each delta's chain have shipped of it, latest run first."""
    targets = run.manifest["recipe"]["targets"]
    for target in (name for name, entry in targets.items() if entry.get("mode") == "delta"):
        at: PublishedRun | None = run
        while at is not None:
            parts = [name for name in at.manifest["targets"] if at.whole(name) == target]
            held = is_asked & pl.col("target").is_in(parts)
            lines = at.scan("lineage.parquet").filter(held).select(pl.len()).collect().item()
            if lines:
                yield {"run": at.run, "target": target, "lines": lines}
            parent = parents_of(at.manifest).get(target)
            found = read_run(run.place, parent) if parent else None
            at = PublishedRun(run.place, parent, found[0]) if parent and found else None


def _described(found: Dependants, duplicates: bool) -> Iterator[str]:
    """Yield lines for people; the entries come last, as they are to be added to the recipe."""
    stands, returns = "still says the same", "comes back, because it was merged into it"
    if duplicates:
        stands, returns = (
            "says the same and is removed too",
            "was merged into it and is removed too",
        )
    for target, lines in found.lines.items():
        yield f"{target}: {lines} {'lines contain' if lines > 1 else 'line contains'} it"
    if found.chunks:
        yield f"chunks: {found.chunks}"
    for row in found.stands_for_it[:SHOWN_MOST]:
        yield f"{stands}: {place_of(row)}  {row['id']}"
    for row in found.comes_back[:SHOWN_MOST]:
        yield f"{returns}: {place_of(row)}  {row['id']}, {verdict_of(row)}"
    for rows in (found.stands_for_it, found.comes_back):
        if len(rows) > SHOWN_MOST:
            yield f"… and {len(rows) - SHOWN_MOST} more"
    for delta in found.shipped:
        yield (
            f"shipped by run {delta['run']}, target {delta['target']}: {delta['lines']}; "
            "a model tuned on it does not forget it"
        )
    if not duplicates and (found.stands_for_it or found.comes_back):
        yield "for entries that remove those too, run again with --duplicates"
    yield "published runs still contain it until they are deleted"
    yield "to keep it out of every further run, add to the recipe:"
    yield "withdraw:"
    yield from (f"  - {to_json(entry).decode().strip()}" for entry in found.entries)
