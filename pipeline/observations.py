"""What record stages observe: written beside each shard, gathered into the run.

Measures (numbers) go into the run as `measures/<label>.parquet`, a file for each stage that
measures. Tallies (counts) are in the ledger of a pass, and go into the manifest. Samples (texts)
never leave the work folder. Matches (places in evaluation sets) go into the run as one file: see
`pipeline.evaluation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipeline.made import Made
from pipeline.parquet_rows import ParquetRows
from pipeline.references import MATCHES
from pipeline.stage import SAMPLES, SAMPLES_MOST, Observed, fewest

MEASURES = "measures"
MATCHED = "matches"
LABELLED_SAMPLES = pl.Schema({"stage": pl.String(), **SAMPLES})


class Observations:
    """What the stages observe while the parts of one task are made."""

    def __init__(self) -> None:
        self.measures: dict[str, pl.DataFrame] = {}
        self.samples: list[pl.DataFrame] = []
        self.matches: list[pl.DataFrame] = []

    def add(self, label: str, observed: Observed) -> None:
        """Add what a stage observed in the records of one part."""
        if observed.measures is not None:
            self.measures[label] = observed.measures
        if observed.samples is not None and observed.samples.height:
            rows = observed.samples.match_to_schema(SAMPLES).with_columns(stage=pl.lit(label))
            self.samples.append(rows.select(LABELLED_SAMPLES.names()))
        if observed.matches is not None and observed.matches.height:
            self.matches.append(observed.matches.match_to_schema(MATCHES))

    def frames(self) -> dict[str, pl.DataFrame]:
        """The observations about one part, by the kind of file; they are cleared."""
        frames = {f"{MEASURES}.{label}": frame for label, frame in self.measures.items()}
        if self.samples:
            frames["samples"] = least_samples(self.samples)
        if self.matches:
            frames[MATCHED] = pl.concat(self.matches)
        self.measures, self.samples, self.matches = {}, [], []
        return frames


def least_samples(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The samples with the smallest ids by stage and kind, the same for every order of shards."""
    rows = pl.concat([pl.DataFrame(schema=LABELLED_SAMPLES), *frames])
    kinds = rows.partition_by("stage", "kind", maintain_order=True)
    chosen = [fewest(kind) for kind in kinds]
    return pl.concat([pl.DataFrame(schema=LABELLED_SAMPLES), *chosen]).sort("stage", "kind", "id")


def gather_measures(passes: Iterable[Made], folder: Path) -> None:
    """Write `measures/<label>.parquet` below `folder` from what the passes have made."""
    for made in passes:
        for kind in made.kinds():
            if not kind.startswith(f"{MEASURES}."):
                continue
            rows: ParquetRows | None = None
            for frame in made.frames(kind):
                if rows is None:
                    (folder / MEASURES).mkdir(exist_ok=True)
                    file = folder / MEASURES / f"{kind.removeprefix(f'{MEASURES}.')}.parquet"
                    rows = ParquetRows(file, frame.schema)
                rows.add(frame)
            if rows is not None:
                rows.__exit__(None, None, None)


def gather_samples(passes: Iterable[Made]) -> pl.DataFrame:
    """The samples of a whole run, as `LABELLED_SAMPLES`."""
    samples = least_samples(frame for made in passes for frame in made.frames("samples"))
    return samples.filter(pl.int_range(pl.len()).over("stage", "kind") < SAMPLES_MOST)
