"""What finished work was made by: work from other code, data or shard sizes is never reused.

A run's work folder belongs to one plan: the run's digest (recipe and inputs), the code with its
libraries, and the size at which shards are cut. Every marker in it names the plan and its inputs.
"""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import xxhash

from pipeline.memory import Share
from pipeline.schemas_dir import schema_path
from pipeline.shards import discard_folder, private_folder, write_bytes

PLAN = "plan.json"
FROM_SOURCES = "pass-00"
"""The folder of a run's first pass, which later runs reuse."""

LIBRARIES = (
    *("charset-normalizer", "datasets", "fastwarc", "ftfy", "jsonschema-rs", "langdetect", "lxml"),
    *("numpy", "orjson", "phonenumbers", "pillow", "polars", "pyarrow", "pypdfium2"),
    *("python-stdnum", "pyyaml", "resiliparse", "spacy", "tokenizers", "xxhash"),
)
"""Libraries of which a new version may turn the same input into other records: all that are
imported, except those that only fetch, check, report, or read the command line."""


def claim(folder: Path, run: str, share: Share) -> tuple[Share, str]:
    """Claim a run's work folder; returns the share of memory to keep to, and the plan's digest.

    Anything that another plan has left there is removed. Shards that were cut smaller than `share`
    asks for are fine: their size is kept, so that a run with another `--memory` can go on with
    them.
    """
    earlier = _read(folder / PLAN)
    cut = earlier.get("shard_bytes")
    if isinstance(cut, int) and cut <= share.shard_bytes:
        share = replace(share, shard_bytes=cut)
    plan = {"run": run, "code": code_digest(), "shard_bytes": share.shard_bytes}
    if earlier != plan:
        discard_folder(folder)
        private_folder(folder)
        write_bytes(folder / PLAN, json.dumps(plan, sort_keys=True).encode())
    return share, digest_of(json.dumps(plan, sort_keys=True))


def digest_of(*parts: str) -> str:
    """xxh3-128 of several texts, hex."""
    return xxhash.xxh3_128("\0".join(parts).encode()).hexdigest()


@functools.cache
def code_digest() -> str:
    """Digest of this package's files, Python's version and the versions of `LIBRARIES`."""
    state = xxhash.xxh3_128()
    state.update(repr([platform.python_version(), *map(_version, LIBRARIES)]).encode())
    for root in (Path(__file__).parent, schema_path("models").parent):
        for path in _sources(root):
            state.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return state.hexdigest()


def _sources(root: Path) -> Iterable[Path]:
    kinds = {".py", ".json", ".yaml", ".c", ".h"}
    return sorted(path for path in root.rglob("*") if path.suffix in kinds)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _read(path: Path) -> dict[str, object]:
    """The plan that a folder was made by; empty if it has none."""
    try:
        plan = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return plan if isinstance(plan, dict) else {}
