"""The evaluation sets of a recipe: read in the same way as sources, and put into tables for the
stages that compare records with them. Their texts stay in the work folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.corpus_stage import Stage
from pipeline.engines.local import Workers
from pipeline.errors import DataError
from pipeline.inputs import Inputs
from pipeline.made import Made
from pipeline.memory import refuse_sets
from pipeline.observations import MATCHED
from pipeline.parquet_rows import ParquetRows
from pipeline.passes import Pass
from pipeline.record import SCHEMA
from pipeline.references import MATCHES, References, ReferringStage
from pipeline.resume import digest_of
from pipeline.reuse import made_by
from pipeline.shards import private_folder, read_frame
from pipeline.tasks import read_tasks
from pipeline.unit_rows import unit_keys

EVALUATION, KEY = "evaluation", "evaluation_sets"
CONTAMINATION = "contamination.parquet"


@dataclass(frozen=True)
class EvaluationSets:
    """What was read of the evaluation sets."""

    items: dict[str, list[Path]] = field(default_factory=dict)  # files of records, by set
    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # manifest entries, by set
    digest: str = ""  # of the files of all sets, and of how they are read

    def prepare_stage(self, step: Stage, folder: Path, memory: int | None) -> Stage:
        """The stage with its tables, if it compares with the sets; tables are made in `folder`.

        Raises RecipeError if they do not fit into `memory`.
        """
        if not self.items or not isinstance(step, ReferringStage):
            return step
        items = self._frame()
        refuse_sets(memory, int(items.estimated_size()))
        references = tables_of(folder, self.digest)
        private_folder(references.folder)
        for name, frame in step.prepared(items).items():
            references.write(name, frame)
            if name == "sets":
                for row in frame.to_dicts():
                    self.told[row.pop("set")].update(row)
        bound: Any = step.against(references)
        return bound  # type: ignore[no-any-return]

    def _frame(self) -> pl.DataFrame:
        """The items of all sets, in the order of the sets' names, with a column `set`."""
        return pl.concat(
            read_frame(path).with_columns(set=pl.lit(name))
            for name, paths in self.items.items()
            for path in paths
        )


def tables_of(work: Path, digest: str) -> References:
    """Where a run's tables are stored, below its work folder."""
    return References(work / EVALUATION / "tables", digest)


def read_sets(sets: Mapping[str, Inputs], template: Pass, engine: Workers) -> EvaluationSets:
    """Read all sets in a pass of their own; `template` is such a pass.

    It has the stages that change texts, so that items are changed like the records that they are
    compared with. Raises DataError for a set that has no readable item, because nothing would be
    compared with it.
    """
    made_of = made_by(template.stages, ())
    digest = digest_of(made_of, *_pinned(sets)) if sets else ""
    read = read_named(sets, replace(template, folder=template.folder / EVALUATION), engine, KEY)
    return EvaluationSets(*read, digest)


def read_named(
    sets: Mapping[str, Inputs], template: Pass, engine: Workers, key: str
) -> tuple[dict[str, list[Path]], dict[str, dict[str, Any]]]:
    """The files of records of each set, and its manifest entry.

    `key` is the key in the recipe under which the sets are. Raises DataError for a set that has no
    readable item.
    """
    items: dict[str, list[Path]] = {}
    entries: dict[str, dict[str, Any]] = {}
    faults = []
    for name, inputs in sorted(sets.items()):
        this = replace(template, folder=private_folder(template.folder / name))
        tasks = read_tasks(inputs.units, template.shard_bytes)
        markers = dict(engine.map(this.run, tasks))
        parts = [part for number in range(len(tasks)) for part in markers[number]["parts"]]
        items[name] = [this.folder / f"{part}.kept.arrow" for part in parts]
        unread = Counter[str]()
        for part in parts:
            rejected = read_frame(this.folder / f"{part}.rejected.arrow")["rejected"]
            unread.update(rejected.struct.field("reason").to_list())
        if not any(read_frame(path).height for path in items[name]):
            causes = ", ".join(f"{reason} {number}" for reason, number in sorted(unread.items()))
            faults.append(f"{key}.{name}: none of its items can be read: {causes}")
        entries[name] = {"inputs": inputs.listing, "unread": dict(sorted(unread.items()))}
    if faults:
        raise DataError("; ".join(faults))
    return items, entries


def _pinned(sets: Mapping[str, Inputs]) -> list[str]:
    """Texts that identify the sets and, for each unit, what it is read from and how."""
    return [
        f"{name} {key}" for name, inputs in sorted(sets.items()) for key in unit_keys(inputs.units)
    ]


def gather_matches(passes: list[Made], folder: Path) -> None:
    """Write `contamination.parquet` from the matches that stages found in each pass."""
    with ParquetRows(folder / CONTAMINATION, pl.Schema({**MATCHES, **PLACE})) as rows:
        for made in passes:
            for matches in made.frames(MATCHED):
                ids = matches["id"].implode()
                rejected_frames = made.frames("rejected", ["id", *PLACE])
                rejected_here = [frame.filter(pl.col("id").is_in(ids)) for frame in rejected_frames]
                place = pl.concat([pl.DataFrame(schema={"id": pl.String, **PLACE}), *rejected_here])
                rows.add(matches.join(place, on="id", how="left", maintain_order="left"))


PLACE = {name: SCHEMA[name] for name in ("source", "locator")}
