"""From rendered shards to the run's folder: lines, lineage, rejected records, metrics."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.delta import SHIPPED, Delta
from pipeline.fragments import Lines, append_lines
from pipeline.ledger import StageCount
from pipeline.made import Made
from pipeline.parquet_rows import ParquetRows
from pipeline.record import SPLITS
from pipeline.render import LINES
from pipeline.rendering import Rendering
from pipeline.select_records import OVER_LIMIT, RecordLimit

SELECTIONS = {OVER_LIMIT: "select", SHIPPED: "delta"}
"""The ending of a target's label in the ledger, by the reason for which it left records out."""

LINEAGE = pl.Schema(
    {
        "target": pl.String,
        "split": pl.String,
        "line": pl.Int64,  # 1-based, in the split's file
        "id": pl.String,
        "document": pl.String,
        "source": pl.String,
        "locator": pl.String,
    }
)
REJECTED = pl.Schema(
    {
        "id": pl.String,
        "document": pl.String,
        "source": pl.String,
        "locator": pl.String,
        "stage": pl.String,
        "reason": pl.String,
        "value": pl.String,
        "threshold": pl.String,
        "merged_into": pl.String,
    }
)
METRICS = pl.Schema([("target", pl.String()), *(c for c in LINES.items() if c[0] != "line")])


@dataclass
class SplitCount:
    """What one file of a target contains."""

    records: int = 0
    tokens: int = 0  # sum of the records' upper bounds
    bytes: int = 0


@dataclass
class TargetFiles:
    """What was written for one target, or for one of its parts."""

    rendering: Rendering
    name: str  # its folder: the target's name, with a number if it is one of several parts
    number: int = 1
    parts: int = 1
    splits: dict[str, SplitCount] = field(default_factory=dict)

    def told(self, what: str) -> dict[str, int]:
        """`records`, `tokens` or `bytes` of each split that has a file."""
        return {split: getattr(count, what) for split, count in self.splits.items()}


class Assembly:
    """Writes the files of one run's folder, in the order of the sources."""

    def __init__(self, folder: Path, rendered: Made, images: Path, metrics: Path, run: str) -> None:
        self.run = run  # the run's digest
        self.folder = folder
        self.rendered = rendered
        self.images = images  # the folder with the prepared images
        self.lineage = ParquetRows(folder / "lineage.parquet", LINEAGE)
        self.rejected = ParquetRows(folder / "rejected.parquet", REJECTED)
        self.metrics = ParquetRows(metrics, METRICS, "none")  # a work file, read three times
        self.selections: list[StageCount] = []  # of the targets that leave records out

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, kind: Any, error: Any, at: Any) -> None:
        for rows in (self.lineage, self.rejected, self.metrics):
            rows.__exit__(kind, error, at)

    def add_rejected(self, made: Made, kind: str) -> None:
        """Append the records that the stages of a pass have set aside, without their texts."""
        columns = ["id", "document", "source", "locator", "stage", "rejected"]
        for frame in made.frames(kind, columns):
            self.rejected.add(frame.unnest("rejected"))

    def add_target(
        self, rendering: Rendering, limit: RecordLimit | None, delta: Delta | None
    ) -> list[TargetFiles]:
        """Write a target's files: one data set, or several if `limit` requires it."""
        lines = Lines(self.rendered, rendering.name)
        new = delta.new_ids(lines, self.run) if delta else None
        if delta and new is not None:
            self._set_aside(rendering, lines, None, new, SHIPPED, delta.chain[0])
        counted, data_sets = None, None
        if limit is not None and lines.height > limit.least:
            counted = pl.concat(lines.columns("id", "document", "split"))
            if new is not None:
                counted = counted.filter(pl.col("id").is_in(new.implode()))
            held_out = pl.col("split") == "test"
            data_sets = limit.data_sets(counted.filter(~held_out))
        if limit is None or counted is None or data_sets is None:
            return [self._write(TargetFiles(rendering, rendering.name), lines, new)]
        unread = counted.filter(held_out)["id"]  # no job reads the test split
        data_sets[0] = pl.concat([data_sets[0], unread])
        if limit.overflow == "select":
            self._set_aside(rendering, lines, new, data_sets[0], OVER_LIMIT, None)
            return [self._write(TargetFiles(rendering, rendering.name), lines, data_sets[0])]
        return [
            self._write(
                TargetFiles(rendering, f"{rendering.name}-{number}", number, len(data_sets)),
                lines,
                ids,
            )
            for number, ids in enumerate(data_sets, start=1)
        ]

    def _write(self, files: TargetFiles, lines: Lines, ids: pl.Series | None) -> TargetFiles:
        """Write the files of one data set; `ids` are its records, None for all."""
        folder = self.folder / files.name
        folder.mkdir()
        outputs = {split: _Lines(folder / f"{split}.jsonl", files.rendering) for split in SPLITS}
        for frame in lines.frames():
            chosen = frame if ids is None else frame.filter(pl.col("id").is_in(ids.implode()))
            self._add_facts(chosen, files.name, outputs)
            for split, output in outputs.items():
                output.add(chosen.filter(pl.col("split") == split))
        for split, output in outputs.items():
            if output.close():
                files.splits[split] = output.count
        self._copy_images(files, ids)
        return files

    def _add_facts(self, lines: pl.DataFrame, name: str, outputs: dict[str, _Lines]) -> None:
        """Add metrics and lineage for lines that are about to be written."""
        lines = lines.with_columns(target=pl.lit(name))
        self.metrics.add(lines)
        before = {split: output.count.records for split, output in outputs.items()}
        start = pl.col("split").replace_strict(before, return_dtype=pl.Int64)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("split")
        self.lineage.add(lines.with_columns(line=start + number))

    def _set_aside(
        self,
        rendering: Rendering,
        rendered: Lines,
        among: pl.Series | None,
        ids: pl.Series,
        reason: str,
        value: str | None,
    ) -> None:
        """Set aside the records of `among` (None: all) that are not in `ids`."""
        label = f"{rendering.label}.{SELECTIONS[reason]}"
        count = StageCount(label)
        columns = {
            "stage": pl.lit(label),
            "reason": pl.lit(reason),
            "value": pl.lit(value, pl.String),
        }
        nothing = dict.fromkeys(("threshold", "merged_into"), pl.lit(None, pl.String))
        for lines in rendered.frames():
            if among is not None:
                lines = lines.filter(pl.col("id").is_in(among.implode()))
            out = lines.filter(~pl.col("id").is_in(ids.implode()))
            count.came += lines.height
            count.kept += lines.height - out.height
            count.reasons.update({reason: out.height} if out.height else {})
            self.rejected.add(out.with_columns(**columns, **nothing))
        self.selections.append(count)

    def _copy_images(self, files: TargetFiles, ids: pl.Series | None) -> None:
        prefix = f"{files.rendering.name}.image."
        images = sorted(self.images.glob(f"{prefix}*"))
        named = set(ids) if ids is not None and images else set()
        for image in images:
            final = image.name.removeprefix(prefix)
            if ids is not None and final.split(".")[0].split("-")[0] not in named:
                continue
            folder = self.folder / files.rendering.name / "images"  # the path in the lines
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, folder / final)


class _Lines:
    """One JSONL file that is being written; it is not created if it gets no line."""

    def __init__(self, path: Path, rendering: Rendering) -> None:
        self.path = path
        self.final_newline = rendering.target.final_newline
        self.count = SplitCount()
        self.file: Any = None

    def add(self, lines: pl.DataFrame) -> None:
        """Add the lines of some records."""
        if self._counted(lines):
            append_lines(lines, self.file)

    def _counted(self, lines: pl.DataFrame) -> bool:
        """Count the lines and open the file; returns whether there is any line."""
        if not lines.height:
            return False
        self.file = self.file or self.path.open("wb")
        self.count.records += lines.height
        self.count.tokens += int(lines["tokens"].sum())
        self.count.bytes += int(lines["bytes"].sum()) + lines.height
        return True

    def close(self) -> bool:
        """Finish the file; returns whether there is one."""
        if self.file is None:
            return False
        self.file.flush()
        if not self.final_newline:
            self.count.bytes -= 1
            self.file.truncate(self.count.bytes)
        self.file.close()
        return True


def list_files(folder: Path) -> list[dict[str, Any]]:
    """All files of a run, by name, with size and SHA-256, for the manifest."""
    listed = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            name = path.relative_to(folder).as_posix()
            listed.append({"path": name, "bytes": path.stat().st_size, "sha256": digest})
    return listed
