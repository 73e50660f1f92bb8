"""A task of an earlier run taken over whole: its files under this run's name, nothing made anew.

That is so where a task's source units are just those of an earlier one: all tasks before the first
new source, so most of them where each night's sources come after the others by name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.failpoints import step
from pipeline.reuse import Known
from pipeline.shards import digest_file, read_frame, write_bytes, write_frame

UNITS = ".units.arrow"


def take_over(
    known: Known, keys: Sequence[str], marker: Path, made_from: str
) -> dict[str, Any] | None:
    """Make an earlier task's result that of the task whose `marker` this is; returns it.

    `keys` are the task's units. None where no one task has made just these, in this order. The
    earlier files have been held against their digests when they were found.
    """
    tasks = known.rows["task"].unique()
    if tasks.len() != 1:
        return None
    earlier = Path(tasks.item())
    units = read_frame(earlier.with_suffix(UNITS))
    if units["key"].unique(maintain_order=True).to_list() != list(keys):
        return None
    told: dict[str, Any] = json.loads(earlier.read_bytes())
    files = {
        _renamed(name, earlier, marker): digest
        for name, digest in told["files"].items()
        if not name.endswith(UNITS)
    }
    for name in told["files"]:
        if not name.endswith(UNITS):
            _link(earlier.with_name(name), marker.with_name(_renamed(name, earlier, marker)))
    own = marker.with_suffix(UNITS)
    parts = pl.Series([_renamed(name, earlier, marker) for name in units["part"]], dtype=pl.String)
    write_frame(own, units.with_columns(part=parts))
    told |= {
        "made_from": made_from,
        "files": files | {own.name: digest_file(own)},
        "parts": [_renamed(name, earlier, marker) for name in told["parts"]],
        "cpu": {},
    }
    write_bytes(marker, json.dumps(told, sort_keys=True).encode())
    return told


def _renamed(name: str, earlier: Path, marker: Path) -> str:
    """The name of a task's part or file as one of this task."""
    return marker.stem + name.removeprefix(earlier.stem)


def _link(source: Path, place: Path) -> None:
    """The same file by another name: none is ever written to. A copy where that is not possible."""
    step("link shard")
    place.unlink(missing_ok=True)
    try:
        os.link(source, place)
    except OSError:
        unfinished = place.with_name(place.name + ".part")
        shutil.copyfile(source, unfinished)
        unfinished.replace(place)
