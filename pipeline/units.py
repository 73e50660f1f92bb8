"""The units of a pass, and the keys by which their results are found again in later runs.

In the first pass a unit is a unit of source files. In later passes it is the records that one part
of the previous pass has kept of such a unit, with the votes on them. Glossary: `pipeline.made`.
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
"""Tasks are made small enough that each worker gets `TASKS_LEAST` of them and all workers are busy
until the end, but no smaller than 1/`LEAST` of the bytes that a task may have."""


class Units(Protocol):
    """The units of a pass, in order."""

    @property
    def keys(self) -> pl.Series:
        """A digest for each unit of everything its result depends on, except stages and code."""
        ...

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> Tasks:
        """The units with these numbers, in tasks of at most about `most_bytes`."""
        ...


@dataclass(frozen=True)
class SourceUnits:
    """Units of source files."""

    units: Sequence[tuple[Reader, Unit]]
    keys: pl.Series

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> list[ReadTask]:
        """The units with these numbers, with as many in each task as fit."""
        chosen_units = [self.units[number] for number in chosen]
        return read_tasks(chosen_units, most_bytes, self.keys.gather(list(chosen)).to_list())


@dataclass(frozen=True)
class KeptUnits:
    """The records that a pass has kept of its units, part by part."""

    spans: pl.DataFrame  # `stem`, `start`, `number`, `key`, and `source`: the source unit's key
    sizes: pl.Series  # bytes
    workers: int

    @property
    def keys(self) -> pl.Series:
        """A digest for each unit of everything its result depends on, except stages and code."""
        return self.spans["key"]

    def tasks(self, chosen: Sequence[int], most_bytes: int) -> list[ShardTask]:
        """The units with these numbers; if there is enough work, several tasks for each worker."""
        rows = pl.Series(chosen, dtype=pl.UInt32)
        sizes = self.sizes.gather(rows)
        fair = int(sizes.sum()) // (TASKS_LEAST * self.workers)
        most = min(most_bytes, max(fair, most_bytes // LEAST))
        return shard_tasks(self.spans[rows], sizes, most)


def kept_units(
    made: Made, decided: Sequence[Decided], workers: int, run: str | None = None
) -> KeptUnits:
    """The units of the next pass, made of the records that a pass has kept, for `workers` workers.

    A unit's key covers the key of its unit in the previous pass, the range of that unit's records
    that the part has (unless it has all), and every vote on them. If `run` is given and there are
    records with images, it covers `run` too, because their lines have it in the images' paths.
    """
    if "kept" not in made.rows.columns:
        return KeptUnits(_NO_SPANS, pl.Series(dtype=pl.UInt32), workers)
    kept = pl.col("kept").cast(pl.Int64)
    rows = made.rows.filter(pl.col("kept") > 0).with_columns(
        first=kept.cum_sum().over("key") - kept, of_all=kept.sum().over("key")
    )
    part = pl.when(pl.col("kept") < pl.col("of_all")).then(pl.format("{} {}", "first", "kept"))
    parts = rows.select(part.fill_null("")).to_series()
    additions: list[str] = [""] * rows.height
    for number, text in _key_additions(rows, decided, run):
        additions[number] = text
    keys = [
        _digest(key, piece, text) if piece or text else key
        for key, piece, text in zip(rows["key"], parts, additions, strict=True)
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


def _digest(*key_parts: str) -> str:
    return hashlib.blake2b("\0".join(key_parts).encode(), digest_size=16).hexdigest()


def _key_additions(
    rows: pl.DataFrame, decided: Sequence[Decided], run: str | None
) -> Iterator[tuple[int, str]]:
    """Yield (row number, text that its key must also cover), for rows that have such a text."""
    numbered = rows.select("stem", "kept", at("kept")).with_row_index(UNIT)
    for (stem,), units_in_part in numbered.group_by("stem", maintain_order=True):
        shard = Path(f"{stem}.kept.arrow")
        paths = [(decision.label, votes_path(shard, decision.label)) for decision in decided]
        voted = [(label, path) for label, path in paths if path.exists()]
        if not voted and run is None:
            continue
        ordered = units_in_part.sort(at("kept"))
        owners = ordered.select(pl.col(UNIT).repeat_by("kept").explode()).to_series()
        in_use = ordered.select(row_numbers(at("kept"), "kept")).to_series()
        ids = pl.read_ipc(shard, columns=["id"])[in_use].with_columns(owners)
        additions = [_votes(ids, label, read_frame(path)) for label, path in voted]
        if run is not None:
            images = pl.read_ipc(shard, columns=["images"])[in_use].with_columns(owners)
            shown = images.filter(pl.col("images").list.len() > 0).select(UNIT).unique()
            additions.append(shown.select(UNIT, text=pl.lit(run)))
        by_unit = pl.concat(additions).group_by(UNIT, maintain_order=True)
        yield from by_unit.agg(pl.col("text").str.join("\n")).iter_rows()


def _votes(ids: pl.DataFrame, label: str, votes: pl.DataFrame) -> pl.DataFrame:
    """One stage's votes as texts (`unit`, `text`), in the order of the records in `ids`."""
    rest = pl.struct(pl.exclude("id")).struct.json_encode()
    texts = votes.select("id", text=pl.format("{} {} {}", pl.lit(label), "id", rest))
    return ids.join(texts, on="id", how="inner", maintain_order="left").select(UNIT, "text")
