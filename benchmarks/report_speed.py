"""What the report and `why` cost on a run of many records: CPU seconds and peak memory.

    python benchmarks/report_speed.py [RECORDS]

The run is generated (lineage, rejected, measures, and shards of texts as in a work folder). Each
part is measured in its own process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from pipeline.record import SCHEMA, record_id

SHARD = 62_500
STAGES = ("read", "language", "quality", "dedup_near")
REASONS = {
    "language": "language_not_allowed",
    "quality": "too_short",
    "dedup_near": "near_duplicate",
}


def generate(folder: Path, records: int) -> dict[str, object]:
    """Write a run of `records` records, a tenth of which are set aside; returns its manifest."""
    run, work = folder / "runs" / "0", folder / "work" / "pass-00"
    for path in (run / "measures", work):
        path.mkdir(parents=True)
    ids = [record_id(f"d/{n}.md", "") for n in range(records)]
    number = pl.int_range(records, eager=True)
    rows = pl.DataFrame({"id": ids, "n": number}).with_columns(
        document="id",
        source=pl.format("documents/{}/{}.md", pl.col("n") % 1000, "n"),
        locator=pl.format("line={}", "n"),
        language=pl.when(pl.col("n") % 3 == 0).then(pl.lit("vi")).otherwise(pl.lit("en")),
        tokens=pl.col("n") % 4000 + 1,
        bytes=pl.col("n") % 9000 + 10,
        turns=pl.col("n") % 7,
        images=pl.lit(0, pl.Int64),
        split=pl.when(pl.col("n") % 10 == 1).then(pl.lit("validation")).otherwise(pl.lit("train")),
        target=pl.lit("corpus"),
    )
    out = pl.col("n") % 10 == 0
    kept = rows.filter(~out).with_columns(line=pl.int_range(1, pl.len() + 1).over("split"))
    kept.select("target", "split", "line", "id", "document", "source", "locator").write_parquet(
        run / "lineage.parquet", row_group_size=65_536
    )
    kept.drop("n", "line").write_parquet(folder / "work" / "metrics.parquet", row_group_size=65_536)
    stage = (pl.col("n") // 10 % 3).replace_strict(dict(enumerate(REASONS)), return_dtype=pl.String)
    aside = rows.filter(out).with_columns(stage=stage)
    merged = pl.col("stage") == "dedup_near"
    aside = aside.with_columns(
        reason=pl.col("stage").replace_strict(REASONS),
        value=(pl.col("n") % 97 / 100).cast(pl.String),
        threshold=pl.lit("0.8"),
        merged_into=pl.when(merged).then(pl.lit(pl.Series(ids)).gather(pl.col("n") // 50 * 50 + 1)),
    )
    columns = ["id", "document", "source", "locator", "stage", "reason", "value", "threshold"]
    aside.select(*columns, "merged_into").write_parquet(
        run / "rejected.parquet", row_group_size=65_536
    )
    rows.select("id", words=pl.col("n") % 5000, symbols=pl.col("n") % 100 / 100).write_parquet(
        run / "measures" / "quality.parquet"
    )
    write_shards(rows, out, work)
    counts = dict(aside.group_by("stage").len().iter_rows())
    return manifest(records, counts, kept)


def write_shards(rows: pl.DataFrame, out: pl.Expr, work: Path) -> None:
    """Write shards of half-kilobyte texts as a pass leaves them; `out` marks the rejected rows."""
    words = "the kettle boils and the tea of the house steeps for three minutes "
    text = pl.format("{} {}", "n", pl.lit(words * 7))
    for index, start in enumerate(range(0, rows.height, SHARD)):
        shard = rows.slice(start, SHARD).drop("images").with_columns(text=text)
        for kind, part in (("kept", shard.filter(~out)), ("rejected", shard.filter(out))):
            blank = [name for name in SCHEMA.names() if name not in part.columns]
            whole = part.with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in blank)
            frame = whole.select(SCHEMA.names()).cast(SCHEMA)
            frame.write_ipc(work / f"{index:05d}-0000.{kind}.arrow", compression="uncompressed")


def manifest(records: int, counts: dict[str, int], kept: pl.DataFrame) -> dict[str, object]:
    """The manifest of the generated run, with a ledger that matches its files."""
    came, stages = records, []
    for name in STAGES:
        lost = counts.get(name, 0)
        reasons = {REASONS[name]: lost} if lost else {}
        merged = lost if name == "dedup_near" else 0
        numbers = {"rejected": lost - merged, "merged": merged, "divided": 0, "chunks": 0}
        stages.append(
            {"stage": name, "came": came, "kept": came - lost, "reasons": reasons, **numbers}
        )
        came -= lost
    sizes = {"train": came}
    target = {"format": "pretraining_text", "records": sizes, "tokens": sizes, "bytes": sizes}
    return {
        "run": "0",
        "name": "many",
        "version": "0",
        "recipe": {"name": "many", "stages": [{"quality": {"min_words": 20}}], "split": {}},
        "inputs": [],
        "stages": [*stages, stages[-1] | {"stage": "targets.corpus", "came": came, "kept": came,
                                          "rejected": 0, "merged": 0, "reasons": {}}],
        "targets": {"corpus": target | {"faults": [], "ready": True}},
        "split": {"documents": kept.height, "in_two_splits": 0},
        "files": [],
    }  # fmt: skip


def report(folder: Path) -> None:
    """Summarise the run and write its report."""
    from pipeline.report.summary import summary, write_report

    published, run, work = (
        json.loads((folder / "manifest").read_text()),
        folder / "runs/0",
        folder / "work",
    )
    whole = summary(published, None, work / "metrics.parquet", run / "rejected.parquet", work)
    write_report(whole, folder)
    samples = [one["excerpt"] for reason in whole["reasons"]["shown"] for one in reason["samples"]]
    assert all(samples)
    sizes = [(folder / name).stat().st_size for name in ("report.html", "report.json")]
    print(f"report.html {sizes[0] / 1e6:.2f} MB, report.json {sizes[1] / 1e6:.2f} MB", end="  ")


def ask(folder: Path, what: str) -> None:
    """Ask `why` about one record, source or line."""
    from pipeline.published import PublishedRun
    from pipeline.storage import Aws, open_place
    from pipeline.why.way import why

    published = json.loads((folder / "manifest").read_text())
    way = why(PublishedRun(open_place(str(folder), Aws()), "0", published), what)
    assert way.lines or way.rejections, what
    assert list(way.told())


def measured(folder: Path, *words: str) -> None:
    """Run one part in its own process and print its CPU and wall seconds."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, __file__, "--part", str(folder), *words], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{' '.join(words)}: {cpu:.2f} CPU s, {time.perf_counter() - began:.2f} s", flush=True)


def main() -> None:
    """Generate, then measure each part."""
    if sys.argv[1:2] == ["--part"]:
        folder, kind, *rest = sys.argv[2:]
        report(Path(folder)) if kind == "report" else ask(Path(folder), rest[0])
        # ru_maxrss would include the parent process before exec
        status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
        print(f"peak {int(status.split()[0]) / 1024:.0f} MB", end="  ", flush=True)
        return
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "manifest").write_text(json.dumps(generate(made, records)))
        print(f"{records:,} records")
        measured(made, "report")
        middle = records // 2 + 1
        for what in (record_id(f"d/{middle}.md", ""), f"{middle}.md", "corpus/train.jsonl:400"):
            measured(made, "why", what)


if __name__ == "__main__":
    main()
