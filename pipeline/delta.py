"""What a target of `mode: delta` leaves out: the lines that its parent runs have shipped.

A model that is already tuned is tuned further on what is new. The first run of a chain ships
everything; each later one names its parent, and leaves out every line that is in any run of the
chain. Lines are compared as they stand, but for the name of their run in the URIs of images.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import xxhash

from pipeline.errors import RecipeError, StorageError
from pipeline.fragments import Lines
from pipeline.publish import MANIFEST, read_run, whole_name
from pipeline.recipe import Recipe
from pipeline.storage import Place

SHIPPED = "shipped_before"
SHIPPED_MEANS = (
    "the line is in an earlier run of the chain that a target of `mode: delta` goes on from; the "
    "value names the parent run"
)

Parents = Mapping[str, str]
"""The run that each target of `mode: delta` goes on from, by the target's name."""


@dataclass(frozen=True)
class Delta:
    """What one target has shipped before."""

    chain: tuple[str, ...]  # runs, the parent first
    shipped: pl.Series  # digests of their lines, each once
    base_model: str | None = None  # what the parent's own job started from, if not the card's model

    def new_ids(self, rendered: Lines, run: str) -> pl.Series:
        """The ids of rendered records whose lines the chain does not hold."""
        shipped = self.shipped.implode()
        return pl.concat(
            [
                pl.Series("id", dtype=pl.String),
                *(
                    lines["id"].filter(~_rendered_digests(lines, run).is_in(shipped))
                    for lines in rendered.texts()
                ),
            ]
        )

    def withdrawn(self, rendered: Lines, run: str) -> int:
        """How many shipped lines the data no longer holds: a tuned model does not forget them."""
        found = [_rendered_digests(lines, run) for lines in rendered.texts()]
        there = pl.concat([NO_DIGESTS, *found]).unique()
        return int((~self.shipped.is_in(there.implode())).sum())


MENDED = (
    "put back a copy of the file, name another run as the parent, or start anew with `mode: full`"
)

NO_DIGESTS = pl.Series("digest", dtype=pl.UInt64)


def line_digests(lines: Iterable[bytes], run: str) -> pl.Series:
    """xxh3-64 of each line, without the name of its run: 8 bytes of each are held, not the line."""
    named = f"/runs/{run}/".encode()
    digests = (xxhash.xxh3_64_intdigest(line.replace(named, b"/runs/")) for line in lines)
    return pl.Series("digest", array("Q", digests), dtype=pl.UInt64)


def _rendered_digests(lines: pl.DataFrame, run: str) -> pl.Series:
    return line_digests((line.encode() for line in lines["line"]), run)


def named_parents(recipe: Recipe, defaults: Parents, since: str | None) -> Parents:
    """The parent of each delta target: its own `parent`, else `--since`, else the default."""
    found = {}
    for name, entry in recipe.targets.items():
        parent = entry.parent or since or defaults.get(name)
        if entry.mode == "delta" and parent:
            found[name] = parent
    return found


def parents_of(manifest: Mapping[str, Any]) -> Parents:
    """The parents that a run went on from, by its manifest."""
    return dict(manifest.get("parents", {}))


def read_deltas(place: Place, parents: Parents) -> dict[str, Delta]:
    """What the chains of all delta targets have shipped.

    Raises RecipeError for a parent that was never there, StorageError for one that is gone.
    """
    return {name: _read_delta(place, name, parent) for name, parent in parents.items()}


def _read_delta(place: Place, target: str, parent: str) -> Delta:
    chain: list[str] = []
    shipped = [NO_DIGESTS]
    base_model: str | None = None
    following: str | None = parent
    while following is not None:
        manifest = _manifest(place, target, following, first=not chain)
        base_model = base_model if chain else _base_model(manifest, target)
        chain.append(following)
        shipped.append(line_digests(_lines(place, manifest, target), following))
        following = parents_of(manifest).get(target)
    return Delta(tuple(chain), pl.concat(shipped).unique(), base_model)


def _base_model(manifest: Mapping[str, Any], target: str) -> str | None:
    """The `job.base_model` of a run's target: its own, else the recipe's."""
    recipe = manifest["recipe"]
    jobs = [recipe["targets"].get(target, {}).get("job"), recipe.get("job")]
    return next((job["base_model"] for job in jobs if job and job.get("base_model")), None)


def _manifest(place: Place, target: str, run: str, *, first: bool) -> Mapping[str, Any]:
    there = read_run(place, run)
    if there is not None:
        return there[0]
    if first:
        raise RecipeError(f"targets.{target}: its parent, run {run}, is not in {place.uri}")
    raise StorageError(
        f"{place.uri}/runs/{run}/{MANIFEST}: is gone, and targets.{target} goes on from it; "
        "name another run as its parent, or start anew with `mode: full`"
    )


def _lines(place: Place, manifest: Mapping[str, Any], target: str) -> Iterator[bytes]:
    """Every line that a run holds for a target, of all its parts and splits."""
    there = manifest["targets"].items()
    named = [name for name, told in there if whole_name(name, told) == target]
    for file in manifest["files"]:
        folder, _, name = file["path"].partition("/")
        if folder in named and name in {"train.jsonl", "validation.jsonl", "test.jsonl"}:
            read = _published_lines(place, f"runs/{manifest['run']}/{file['path']}", file["sha256"])
            yield from filter(None, read)


def _published_lines(place: Place, name: str, sha256: str) -> Iterator[bytes]:
    """The lines of a published file, digested as they are read.

    Raises StorageError, once all lines are read, when they are not those that were published.
    """
    found = place.open(name)
    if found is None:
        raise StorageError(f"{place.uri}/{name}: is gone; {MENDED}")
    read = hashlib.sha256()
    with found:
        for line in found:
            read.update(line)
            yield line.rstrip(b"\n")
    if read.hexdigest() != sha256:
        raise StorageError(f"{place.uri}/{name}: is not as it was published; {MENDED}")
