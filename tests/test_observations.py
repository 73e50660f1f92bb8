"""What stages observe reaches the run, the same for any shards."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from pipeline.made import located, made_of_parts
from pipeline.observations import gather_measures, gather_samples
from pipeline.passes import Pass
from pipeline.record import frame
from pipeline.shards import read_frame, write_frame
from pipeline.stage import SAMPLES_MOST, Observed, Settings, fewest
from pipeline.tasks import ShardTask
from pipeline.unit_rows import sum_ledger

RECORDS = frame([{"source": f"{n}.txt", "text": "tea " * (n % 7) + "x"} for n in range(90)])


class Trim(Settings):
    """A stage that measures every text, counts what it changes and shows some of it."""

    name: ClassVar[str] = "trim"
    reasons: ClassVar[dict[str, str]] = {}

    def observe(self, records: pl.DataFrame) -> Observed:
        words = pl.col("text").str.split(" ").list.len()
        after = records.with_columns(text=pl.col("text").str.strip_suffix("x"))
        changed = records.filter(words > 3)
        shown = fewest(changed).select(
            "id", "source", "locator", kind=pl.lit("tail"), before="text", after=pl.lit("")
        )
        measures = records.select("id", words=words.cast(pl.Float64))
        tallies = changed.select("id", kind=pl.lit("tail"), number=pl.lit(1, pl.Int64))
        return Observed(after, measures, tallies, shown)

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        return self.observe(records).records


def task_of(folder: Path, key: str, records: pl.DataFrame) -> ShardTask:
    """All records of one shard, as one unit."""
    write_frame(folder / f"in{key}.kept.arrow", records)
    place = {"stem": [f"{folder}/in{key}"], "start": [0], "number": [records.height]}
    return ShardTask(pl.DataFrame({**place, "key": [key], "source": [key]}))


def seen_in(
    folder: Path, shards: list[pl.DataFrame]
) -> tuple[dict[str, Counter[str]], pl.DataFrame, bytes]:
    """Tallies, samples and the measures' file of one pass over the shards."""
    folder.mkdir()
    this = Pass(0, folder, (("trim", Trim()),), (), (), 1 << 20, "plan")
    rows = []
    for index, shard in enumerate(shards):
        marker = this.run(task_of(folder, str(index), shard))
        rows.append(located(read_frame(folder / marker["units"]), folder))
    made = made_of_parts(rows, pl.Series([str(index) for index in range(len(shards))]))
    (folder / "run").mkdir()
    gather_measures([made], folder / "run")
    measures = (folder / "run" / "measures" / "trim.parquet").read_bytes()
    tallies = sum_ledger(made.frames("ledger"), this.labels).tallies
    return tallies, gather_samples([made]), measures


@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_same_is_seen_however_records_are_cut(tmp_path: Path, size: int) -> None:
    """Counts add up, the same samples are chosen, the measures' file has the same bytes."""
    whole, samples, measures = seen_in(tmp_path / "whole", [RECORDS])
    cut = [RECORDS.slice(start, size) for start in range(0, RECORDS.height, size)]
    tallies, cut_samples, cut_measures = seen_in(tmp_path / "cut", cut)
    assert tallies == whole
    assert whole["trim"]["tail"] == RECORDS.filter(pl.col("text").str.len_chars() > 9).height > 20
    assert cut_samples.equals(samples)
    assert samples.height == SAMPLES_MOST
    assert cut_measures == measures


def test_a_finished_task_is_not_done_again(tmp_path: Path) -> None:
    """Its marker is as it was, and the files with samples, measures and ledger belong to it."""
    this = Pass(0, tmp_path, (("trim", Trim()),), (), (), 1 << 20, "plan")
    first, again = (this.run(task_of(tmp_path, "0", RECORDS)) for _ in range(2))
    assert again == first | {"reused": True}
    assert {name.split(".", 1)[1] for name in first["files"]} == {
        "kept.arrow", "rejected.arrow", "ledger.arrow", "samples.arrow", "measures.trim.arrow",
        "units.arrow",
    }  # fmt: skip
