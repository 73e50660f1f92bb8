"""Hugging Face data sets as sources: `hf://OWNER/NAME?split=train`.

The `datasets` library reads them in a separate process without AWS credentials, and what it reads
is pinned as one Parquet file per split. The name may also be a folder: one that `save_to_disk`
wrote, or one with data files that `load_dataset` can read. `split` is one split, several
(`train+test`, a file each) or slices (`train[:1000]`). The code of a data set is never run. The
network is needed only for a name on the hub whose files are not in the library's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pipeline.errors import RecipeError, StorageError
from pipeline.source import Listed

SCHEME = "hf://"
KNOWN = ("config", "split", "revision")


def is_hub(spec: str) -> bool:
    """Whether a source is a Hugging Face data set."""
    return spec.startswith(SCHEME)


@dataclass(frozen=True)
class DataSet:
    """A data set and what to read of it; None: the only configuration, all splits, the latest."""

    name: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None


def parse_spec(spec: str) -> DataSet:
    """The data set that a source names. Raises RecipeError."""
    name, _, query = spec.removeprefix(SCHEME).partition("?")
    # `parse_qsl` would read the plus in `train+test` as a blank.
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    parameters = {key: unquote(value) for key, value in pairs}
    fault = None if name else "does not name a data set"
    for key, value in pairs:
        if key not in KNOWN:
            fault = f"{key}: is not one of {', '.join(KNOWN)}"
        elif not all(value.split("+")):
            fault = f"{key}: is empty"
        elif parameters[key] != unquote(value):
            fault = f"{key}: is given twice"
    if fault:
        raise RecipeError(f"source {spec}: {fault}; for example hf://OWNER/NAME?split=train")
    return DataSet(name, **parameters)


def list_hub(spec: str, folder: Path, spool: Path) -> list[Listed]:
    """Export a data set into the spool folder, one Parquet file per split.

    A relative folder's name starts at `folder`. Raises RecipeError, StorageError.
    """
    wanted = parse_spec(spec)
    digest = hashlib.sha256(spec.encode()).hexdigest()[:16]
    local = folder / wanted.name
    asked = {
        "name": str(local) if local.is_dir() else wanted.name,
        "config": wanted.config,
        "split": wanted.split,
        "revision": wanted.revision,
        "stem": str(spool / f"hub-{digest}"),
    }
    files_by_split = sorted(_export(spec, asked).items())
    revision = f"@{wanted.revision}" if wanted.revision else ""
    base = f"{SCHEME}{wanted.name}{revision}" + (f"/{wanted.config}" if wanted.config else "")
    return [
        Listed(f"{base}/{split}.parquet", Path(path).stat().st_size, Path(path), None)
        for split, path in files_by_split
    ]


def _export(spec: str, asked: dict[str, str | None]) -> dict[str, str]:
    """The files by split, as the child process reports them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    child = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline.hub_child", json.dumps(asked)],
        env=environment | quiet,
        capture_output=True,
        check=False,
    )
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"the process ended with {child.returncode}"
        raise StorageError(f"source {spec}: {why}")
    files: dict[str, str] = json.loads(child.stdout)
    return files
