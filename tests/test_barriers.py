"""Corpus stages that share a barrier decide as if each had one of its own."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from conftest import latest

from pipeline import segments as segments_of
from pipeline.deciding import Deciding
from pipeline.earlier import Earlier
from pipeline.engines.local import Workers
from pipeline.errors import LawBroken
from pipeline.made import at, in_use_path
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.record import frame
from pipeline.run import Options, prepare
from pipeline.segments import segments
from pipeline.shards import read_frame, sketch_path, votes_path, write_frame
from pipeline.stages.chunk import Chunk
from pipeline.stages.clean import Clean
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_lines import DedupLines
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.split import Split
from pipeline.tables import SketchTable

RECIPE = """
name: shared
sources: [{path: docs.jsonl, reader: jsonl}]
stages: [clean, dedup_exact, {dedup_near: {threshold: 0.7, keep: longest}}STAGE]
targets: {corpus: {format: pretraining}}
split: {validation: 0.2, near_duplicates: 0.6}
"""
WORDS = [f"word{number}" for number in range(300)]


def documents(folder: Path) -> Path:
    """Documents with exact copies, near ones, and copies of near ones."""
    lot = random.Random(4)
    texts = [" ".join(lot.choices(WORDS, k=60)) for _ in range(60)]
    near = [text.replace(" ", "  ", 3) + " and so on" for text in texts[:30]]
    lines = [{"text": text} for text in [*texts, *near, *texts[:10], *near[5:20]]]
    lot.shuffle(lines)
    path = folder / "docs.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def published(folder: Path, stages: str) -> dict[str, Any]:
    """Lines, lineage, ledger and rejected records of a run."""
    folder.mkdir()
    documents(folder)
    (folder / "recipe.yaml").write_text(RECIPE.replace("STAGE", stages))
    out = folder / "out"
    options = Options(str(out), workers=1)
    prepare(
        load_recipe(folder / "recipe.yaml"), folder, options, Lines(io.StringIO(), as_json=False)
    )
    run = latest(out)
    manifest = json.loads((run / "manifest.json").read_text())
    return {
        "lines": [path.read_bytes() for path in sorted((run / "corpus").glob("*.jsonl"))],
        "lineage": (run / "lineage.parquet").read_bytes(),
        "rejected": pl.read_parquet(run / "rejected.parquet").sort("id").to_dicts(),
        "told": [manifest[name] for name in ("stages", "duplicates", "split")],
    }


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("stages", ["", ", {chunk: {max_tokens: 60}}"])
def test_one_barrier_for_several_stages_decides_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stages: str
) -> None:
    """What exact duplicates leave is all that near ones are found among, and the split after."""
    together = published(tmp_path / "together", stages)
    monkeypatch.setattr(segments_of, "only_rejects", lambda _: False)
    apart = published(tmp_path / "apart", stages)
    assert together == apart
    reasons = {row["reason"] for row in together["rejected"]}
    assert {"duplicate", "near_duplicate"} <= reasons


def test_stages_that_only_reject_share_a_barrier() -> None:
    """Not what follows a stage that changes texts, or stands behind a record stage."""

    def told(*steps: Any) -> list[tuple[list[str], list[str]]]:
        return [
            ([label for label, _ in one.stages], [label for label, _ in one.corpora])
            for one in segments(list(steps))
        ]

    exact, near, split = DedupExact(), DedupNear(), Split(validation=0.1)
    assert told(Clean(), exact, near, Chunk(), split) == [
        (["clean"], ["dedup_exact", "dedup_near"]),
        (["chunk"], ["split"]),
    ]
    assert told(exact, near, exact, split) == [
        ([], ["dedup_exact", "dedup_near", "dedup_exact.2", "split"])
    ]
    assert told(DedupLines(), exact) == [([], ["dedup_lines"]), ([], ["dedup_exact"])]
    assert told(exact, DedupLines()) == [([], ["dedup_exact", "dedup_lines"]), ([], [])]
    assert told() == [([], [])]


class Meddling(DedupExact):
    """Says that it only rejects, and does more."""

    name: ClassVar[str] = "meddling"

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """A split for everybody."""
        return sketches.select("id", split=pl.lit("test"))


def test_a_stage_that_decides_on_more_than_it_says_breaks_the_law(tmp_path: Path) -> None:
    """Else the sketches behind it would be of records that are no more."""
    shard = tmp_path / "00000.kept.arrow"
    records = frame([{"source": "a", "text": "one"}, {"source": "b", "text": "two"}])
    write_frame(shard, records)
    write_frame(sketch_path(shard, "meddling"), Meddling().sketch(records))
    with Workers(1) as engine, pytest.raises(LawBroken, match="may only reject decided on"):
        Deciding("meddling", [shard], Earlier(), None, engine).decide(Meddling())


def test_rows_that_are_not_in_use_are_not_voted_on(tmp_path: Path) -> None:
    """A file of an earlier run holds the same text twice; of one of them no unit tells."""
    shard = tmp_path / "00-0000.kept.arrow"
    records = frame([{"source": name, "text": "one and the same"} for name in "ab"])
    write_frame(shard, records)
    write_frame(sketch_path(shard, "dedup_exact"), DedupExact().sketch(records))
    votes = votes_path(shard, "dedup_exact")
    with Workers(1) as engine:
        deciding = Deciding("dedup_exact", [shard], Earlier(), None, engine)
        deciding.decide(DedupExact())
        assert read_frame(votes)["id"].to_list() == [records["id"][1]]
        place = pl.DataFrame({"kept": [1], at("kept"): [1]})
        write_frame(in_use_path(str(tmp_path / "00-0000")), place)
        deciding.decide(DedupExact())
    assert not votes.exists()


def test_rows_that_are_gone_are_no_rows_of_a_table() -> None:
    """Numbers count what is left; places in a part count all of it."""
    parts = [
        pl.DataFrame({"id": list(ids), "key": keys})
        for ids, keys in (("abc", [1, 2, 3]), ("de", [4, 5]))
    ]
    gone = [pl.Series(["b"]), pl.Series([], dtype=pl.String)]
    table = SketchTable(parts, gone=gone)
    assert table.height == 4
    assert table.column("key").to_list() == [1, 3, 4, 5]
    numbers = pl.Series([3, 1, 1, 0], dtype=pl.UInt32)
    assert table.rows(["id"], numbers)["id"].to_list() == ["e", "c", "c", "a"]
    places = {part: rows.to_list() for part, rows in table.by_part(pl.Series([0, 1, 3]))}
    assert places == {0: [0, 2], 1: [1]}
