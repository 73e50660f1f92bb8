"""What finished work was made by: nothing is taken up that other code, data or cuts have made.

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
"""The folder of a run's first pass, which later runs take over."""

LIBRARIES = (
    *("charset-normalizer", "datasets", "fastwarc", "ftfy", "jsonschema-rs", "langdetect", "lxml"),
    *("numpy", "orjson", "phonenumbers", "pillow", "polars", "pyarrow", "pypdfium2"),
    *("python-stdnum", "pyyaml", "resiliparse", "spacy", "tokenizers", "xxhash"),
)
"""Those whose new version may turn the same input into other records: all that are imported, but
for those that only fetch, check, tell, or read the command line."""


def claim(folder: Path, run: str, share: Share) -> tuple[Share, str]:
    """Make a run's work folder ours; returns the share to keep to, and the plan's digest.

    What another plan has left there is removed. Shards that were cut smaller than `share` asks for
    fit as well: then their size is kept, so that the work is taken up under another `--memory`.
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
    """xxh3-128 over several texts, hex."""
    return xxhash.xxh3_128("\0".join(parts).encode()).hexdigest()


@functools.cache
def code_digest() -> str:
    """Of this package's own files, Python's version and those of the libraries that shape data."""
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
    """The plan that a folder was made by; empty when it has none."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
