"""What the units of a pass are, and the keys by which what is made of them is found again.

In the first pass they are units of source files; later what one part of the pass before has kept of
such a unit, with what was voted on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from pipeline.made import Made, at, row_numbers, spans_of
from pipeline.passes import Decided
from pipeline.shards import read_frame, votes_path
from pipeline.source import Reader, Unit
from pipeline.tasks import ReadTask, ShardTask, read_tasks, shard_tasks
from pipeline.unit_rows import UNIT

Tasks = Sequence[ReadTask] | Sequence[ShardTask]


TASKS_LEAST, LEAST = 4, 8
"""Tasks for each worker, so that all have something to do to the end; but none is made smaller for
that than this part of what fits."""


class Units(Protocol):
    """The units of a pass, in order."""

    @property
    def keys(self) -> pl.Series:
        """Digests of all that is known of each: the same for the same."""
        ...

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> Tasks:
        """Those with these numbers, some to a task."""
        ...


@dataclass(frozen=True)
class SourceUnits:
    """Units of source files."""

    units: Sequence[tuple[Reader, Unit]]
    keys: pl.Series

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> list[ReadTask]:
        """Those with these numbers, as many to a task as fit."""
        own = [self.units[number] for number in chosen]
        return read_tasks(own, most_bytes, self.keys.gather(list(chosen)).to_list())


@dataclass(frozen=True)
class KeptUnits:
    """What a pass has kept of its units, part by part."""

    spans: pl.DataFrame  # `stem`, `start`, `number`; `key`, and that of the `source` unit
    sizes: pl.Series  # bytes
    workers: int

    @property
    def keys(self) -> pl.Series:
        """Digests of all that is known of each."""
        return self.spans["key"]

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> list[ShardTask]:
        """Those with these numbers; where there is enough to do, some tasks for each worker."""
        rows = pl.Series(chosen, dtype=pl.UInt32)
        sizes = self.sizes.gather(rows)
        fair = int(sizes.sum()) // (TASKS_LEAST * self.workers)
        most = min(most_bytes, max(fair, most_bytes // LEAST))
        return shard_tasks(self.spans[rows], sizes, most)


def kept_units(
    made: Made, decided: Sequence[Decided], workers: int, run: str | None = None
) -> KeptUnits:
    """What is left for the next pass, by so many workers, of what one has made.

    A key tells a unit's own, which of its records are in the part if not all are, and each vote on
    them; where records have images, the `run` too, if that is given: then lines name them by it.
    """
    if "kept" not in made.rows.columns:
        return KeptUnits(_NO_SPANS, pl.Series(dtype=pl.UInt32), workers)
    kept = pl.col("kept").cast(pl.Int64)
    rows = made.rows.filter(pl.col("kept") > 0).with_columns(
        first=kept.cum_sum().over("key") - kept, of_all=kept.sum().over("key")
    )
    part = pl.when(pl.col("kept") < pl.col("of_all")).then(pl.format("{} {}", "first", "kept"))
    parts = rows.select(part.fill_null("")).to_series()
    told: list[str] = [""] * rows.height
    for number, text in _told(rows, decided, run):
        told[number] = text
    keys = [
        _digest(key, piece, text) if piece or text else key
        for key, piece, text in zip(rows["key"], parts, told, strict=True)
    ]
    spans = spans_of(rows, "kept").with_columns(
        rows["source"], key=pl.Series(keys, dtype=pl.String)
    )
    return KeptUnits(spans, rows["size"], workers)


_NO_SPANS = pl.DataFrame(
    schema={
        "stem": pl.String,
        "start": pl.UInt32,
        "number": pl.UInt32,
        "source": pl.String,
        "key": pl.String,
    }
)


def _digest(*told: str) -> str:
    return hashlib.blake2b("\0".join(told).encode(), digest_size=16).hexdigest()


def _told(
    rows: pl.DataFrame, decided: Sequence[Decided], run: str | None
) -> Iterator[tuple[int, str]]:
    """(number of a row, what its key tells beside) where there is anything."""
    numbered = rows.select("stem", "kept", at("kept")).with_row_index(UNIT)
    for (stem,), own in numbered.group_by("stem", maintain_order=True):
        shard = Path(f"{stem}.kept.arrow")
        paths = [(one.label, votes_path(shard, one.label)) for one in decided]
        votes = [(label, path) for label, path in paths if path.exists()]
        if not votes and run is None:
            continue
        ordered = own.sort(at("kept"))
        owners = ordered.select(pl.col(UNIT).repeat_by("kept").explode()).to_series()
        mine = ordered.select(row_numbers(at("kept"), "kept")).to_series()
        ids = pl.read_ipc(shard, columns=["id"])[mine].with_columns(owners)
        told = [_votes(ids, label, read_frame(path)) for label, path in votes]
        if run is not None:
            images = pl.read_ipc(shard, columns=["images"])[mine].with_columns(owners)
            shown = images.filter(pl.col("images").list.len() > 0).select(UNIT).unique()
            told.append(shown.select(UNIT, told=pl.lit(run)))
        by_unit = pl.concat(told).group_by(UNIT, maintain_order=True)
        yield from by_unit.agg(pl.col("told").str.join("\n")).iter_rows()


def _votes(ids: pl.DataFrame, label: str, votes: pl.DataFrame) -> pl.DataFrame:
    """A stage's votes on records, each as a text with the number of its unit, in their order."""
    rest = pl.struct(pl.exclude("id")).struct.json_encode()
    told = votes.select("id", told=pl.format("{} {} {}", pl.lit(label), "id", rest))
    return ids.join(told, on="id", how="inner", maintain_order="left").select(UNIT, "told")
