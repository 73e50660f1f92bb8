"""From rendered shards to the run's folder: lines, lineage, rejected, metrics."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.ledger import StageCount
from pipeline.parquet_rows import ParquetRows
from pipeline.render import LINES
from pipeline.rendering import Rendering
from pipeline.select_records import OVER_LIMIT, choose
from pipeline.shards import read_frame

SPLITS = ("train", "validation", "test")

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
    """What one file of a target holds."""

    records: int = 0
    tokens: int = 0  # sum of the upper bounds
    bytes: int = 0


@dataclass
class TargetFiles:
    """What was written for one target."""

    rendering: Rendering
    splits: dict[str, SplitCount] = field(default_factory=dict)
    selection: StageCount | None = None  # when records past the limit were left out

    def told(self, what: str) -> dict[str, int]:
        """`records`, `tokens` or `bytes` of each split that has a file."""
        return {split: getattr(count, what) for split, count in self.splits.items()}


class Assembly:
    """Writes the files of one run's folder, in the order of the shards."""

    def __init__(self, folder: Path, rendered: Path, metrics: Path) -> None:
        self.folder = folder
        self.rendered = rendered
        self.lineage = ParquetRows(folder / "lineage.parquet", LINEAGE)
        self.rejected = ParquetRows(folder / "rejected.parquet", REJECTED)
        self.metrics = ParquetRows(metrics, METRICS)

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, kind: Any, error: Any, at: Any) -> None:
        for rows in (self.lineage, self.rejected, self.metrics):
            rows.__exit__(kind, error, at)

    def add_rejected(self, frames: Iterable[pl.DataFrame]) -> None:
        """Append what the stages of a pass set aside, without its text."""
        for frame in frames:
            if frame.height:
                self.rejected.add(frame.unnest("rejected"))

    def add_target(self, rendering: Rendering, records_max: int | None) -> TargetFiles:
        """Write a target's files; past `records_max` the rest is left out, with a reason."""
        parts = sorted(self.rendered.glob(f"{rendering.name}.*.lines.arrow"))
        files = TargetFiles(rendering)
        left_out = self._left_out(parts, records_max)
        if left_out is not None:
            files.selection = self._reject_left_out(rendering, parts, left_out)
        folder = self.folder / rendering.name
        folder.mkdir()
        outputs = {split: _Lines(folder / f"{split}.jsonl", rendering) for split in SPLITS}
        for lines in _kept(parts, left_out):
            self._add_lines(lines, rendering.name, outputs)
        for split, output in outputs.items():
            if output.close():
                files.splits[split] = output.count
        self._copy_images(rendering.name, left_out)
        return files

    def _add_lines(self, lines: pl.DataFrame, name: str, outputs: dict[str, _Lines]) -> None:
        lines = lines.with_columns(target=pl.lit(name))
        self.metrics.add(lines)
        before = {split: output.count.records for split, output in outputs.items()}
        start = pl.col("split").replace_strict(before, return_dtype=pl.Int64)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("split")
        self.lineage.add(lines.drop("line").with_columns(line=start + number))
        for split, output in outputs.items():
            output.add(lines.filter(pl.col("split") == split))

    def _left_out(self, parts: list[Path], records_max: int | None) -> set[str] | None:
        if records_max is None:
            return None
        columns = ["id", "document", "split"]
        counted = pl.concat([read_frame(part).select(columns) for part in parts])
        counted = counted.filter(pl.col("split") != "test")
        return choose(counted, records_max) if counted.height > records_max else None

    def _reject_left_out(
        self, rendering: Rendering, parts: list[Path], left_out: set[str]
    ) -> StageCount:
        label = f"{rendering.label}.select"
        count = StageCount(label)
        for part in parts:
            lines = read_frame(part)
            out = lines.filter(pl.col("id").is_in(list(left_out)))
            count.came += lines.height
            count.kept += lines.height - out.height
            count.reasons.update({OVER_LIMIT: out.height} if out.height else {})
            nothing = pl.lit(None, dtype=pl.String)
            self.rejected.add(
                out.with_columns(
                    stage=pl.lit(label),
                    reason=pl.lit(OVER_LIMIT),
                    value=nothing,
                    threshold=nothing,
                    merged_into=nothing,
                )
            )
        return count

    def _copy_images(self, name: str, left_out: set[str] | None) -> None:
        images = sorted(self.rendered.glob(f"{name}.image.*"))
        for image in images:
            final = image.name.removeprefix(f"{name}.image.")
            if left_out and final.rsplit(".", 1)[0] in left_out:
                continue
            folder = self.folder / name / "images"
            folder.mkdir(exist_ok=True)
            shutil.copyfile(image, folder / final)


class _Lines:
    """One JSONL file being written; it does not exist if no line came."""

    def __init__(self, path: Path, rendering: Rendering) -> None:
        self.path = path
        self.final_newline = rendering.target.final_newline
        self.count = SplitCount()
        self.file: Any = None

    def add(self, lines: pl.DataFrame) -> None:
        if not lines.height:
            return
        separator = b"\n" if self.file is not None else b""
        self.file = self.file or self.path.open("wb")
        data = "\n".join(lines["line"]).encode()
        self.file.write(separator + data)
        self.count.records += lines.height
        self.count.tokens += int(lines["tokens"].sum())
        self.count.bytes += len(separator) + len(data)

    def close(self) -> bool:
        """Whether there is a file."""
        if self.file is None:
            return False
        if self.final_newline:
            self.file.write(b"\n")
            self.count.bytes += 1
        self.file.close()
        return True


def _kept(parts: Iterable[Path], left_out: set[str] | None) -> Iterator[pl.DataFrame]:
    for part in parts:
        lines = read_frame(part)
        yield lines.filter(~pl.col("id").is_in(list(left_out))) if left_out else lines


def list_files(folder: Path) -> list[dict[str, Any]]:
    """Every file of a run with bytes and SHA-256, by name: the manifest's list."""
    listed = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    data.update(block)
            name = path.relative_to(folder).as_posix()
            entry = {"path": name, "bytes": path.stat().st_size, "sha256": data.hexdigest()}
            listed.append(entry)
    return listed
