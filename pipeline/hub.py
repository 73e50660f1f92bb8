"""Hugging Face data sets as sources: `hf://OWNER/NAME?split=train`.

The `datasets` library reads them, in a process of its own without AWS credentials, and what it
reads is pinned as one Parquet file a split. A name may also be a folder: one that `save_to_disk`
wrote, or one of data files that `load_dataset` knows. `split` is one split, several
(`train+test`, a file each) or slices (`train[:1000]`). No data set's own code is run. Only a name
of the hub needs the network, and only when its files are not in the library's cache.
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
    """What of which data set is read; None: the only configuration, every split, the newest."""

    name: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None


def parse_spec(spec: str) -> DataSet:
    """The data set that a source names. Raises RecipeError."""
    name, _, query = spec.removeprefix(SCHEME).partition("?")
    # `parse_qsl` would take the plus of `train+test` for a blank.
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    asked = {key: unquote(value) for key, value in pairs}
    fault = None if name else "names no data set"
    for key, value in pairs:
        if key not in KNOWN:
            fault = f"{key}: is none of {', '.join(KNOWN)}"
        elif not all(value.split("+")):
            fault = f"{key}: is empty"
        elif asked[key] != unquote(value):
            fault = f"{key}: is given twice"
    if fault:
        raise RecipeError(f"source {spec}: {fault}; such as hf://OWNER/NAME?split=train")
    return DataSet(name, **asked)


def list_hub(spec: str, folder: Path, spool: Path) -> list[Listed]:
    """One Parquet file a split, in the spool folder. Raises RecipeError, StorageError.

    `folder` is what a relative folder's name is relative to.
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
    found = sorted(_export(spec, asked).items())
    revision = f"@{wanted.revision}" if wanted.revision else ""
    base = f"{SCHEME}{wanted.name}{revision}" + (f"/{wanted.config}" if wanted.config else "")
    return [
        Listed(f"{base}/{split}.parquet", Path(path).stat().st_size, Path(path), None)
        for split, path in found
    ]


def _export(spec: str, asked: dict[str, str | None]) -> dict[str, str]:
    """The files by split, as the child tells them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    own = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    child = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline.hub_child", json.dumps(asked)],
        env=kept | own,
        capture_output=True,
        check=False,
    )
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"the process ended with {child.returncode}"
        raise StorageError(f"source {spec}: {why}")
    told: dict[str, str] = json.loads(child.stdout)
    return told
