"""Shards on disk: Arrow files of records, and the marker that shows that a task is finished.

A marker names its files with their digests: a file is not trusted just because it exists.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import xxhash

from pipeline.failpoints import step


@contextmanager
def whole_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its final name only when it is complete.

    `what` names the file for tests that stop a run at each step.
    """
    unfinished = path.with_name(path.name + ".part")
    step(f"write {what}")
    with unfinished.open("wb") as file:
        yield file
    step(f"rename {what}")
    unfinished.replace(path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, completely or not at all."""
    with whole_file(path, "file") as file:
        file.write(data)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as an Arrow IPC file, completely or not at all."""
    with whole_file(path, "shard") as file:
        frame.write_ipc(file, compression="uncompressed")


def read_frame(path: Path) -> pl.DataFrame:
    """Read the frame of an Arrow IPC file into memory."""
    with path.open("rb") as file:
        return pl.read_ipc(file)


def digest_file(path: Path) -> str:
    """xxh3-128 of a work file, hex: detects torn files, but is no defence against an attacker."""
    state = xxhash.xxh3_128()
    block = bytearray(1 << 18)  # reused, and small enough for the processor's cache
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            state.update(memoryview(block)[:size])
    return state.hexdigest()


def sketch_kind(label: str) -> str:
    """The kind of the files with a corpus stage's sketches (see `pipeline.made`)."""
    return f"sketch.{label}"


def sketch_path(shard: Path, label: str) -> Path:
    """The file with a corpus stage's sketches of a shard's records."""
    return shard.with_name(shard.name.replace(".kept.", f".{sketch_kind(label)}."))


def votes_path(shard: Path, label: str) -> Path:
    """The file with a corpus stage's votes on a shard's records."""
    return shard.with_name(shard.name.replace(".kept.", f".votes.{label}."))


def evidence_path(shard: Path) -> Path:
    """The file with the evidence about a shard's candidates."""
    return shard.with_name(shard.name.replace(".kept.arrow", ".evidence.bin"))


FILES, IMAGES = "files", "images"
"""The keys in a marker for the files of a task that later runs may reuse, and for those that they
may not."""


def digests(files: Iterable[Path]) -> dict[str, str]:
    """The digest of each file by its name, as a marker lists them."""
    return {file.name: digest_file(file) for file in files}


def write_marker(
    path: Path, made_from: str, files: Iterable[Path], content: dict[str, Any]
) -> dict[str, Any]:
    """Write the marker of a task, after all its files; returns it.

    It has `made_from` (the digest of what the task was made from), the files' digests and
    `content`.
    """
    marker = {"made_from": made_from, FILES: digests(files), **content}
    write_bytes(path, json.dumps(marker, sort_keys=True).encode())
    return marker


def read_marker(
    path: Path, names: Iterable[str] = (FILES,), **wanted: str
) -> dict[str, Any] | None:
    """The marker of a finished task, or None if the task must be run again.

    That is so when an entry differs from `wanted`, or when a file that the marker lists under
    `names` is missing or damaged.
    """
    try:
        marker: dict[str, Any] = json.loads(path.read_bytes())
        if any(marker.get(name) != value for name, value in wanted.items()):
            return None
        listed = [entry for name in names for entry in marker[name].items()]
        whole = all(digest_file(path.with_name(name)) == digest for name, digest in listed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return marker if whole else None


def gather(frames: Iterable[pl.DataFrame], most_bytes: int) -> Iterator[pl.DataFrame]:
    """Combine frames into frames of about `most_bytes`, cut only between incoming frames."""
    waiting: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        waiting.append(frame)
        size += int(frame.estimated_size())
        if size >= most_bytes:
            yield pl.concat(waiting)
            waiting, size = [], 0
    if waiting:
        yield pl.concat(waiting)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, because it may hold rejected texts."""
    path.mkdir(parents=True, exist_ok=True)
    os.chmod(path, 0o700)  # noqa: PTH101 - an existing folder too
    return path


LEAVING = ".part"
"""Ends the name of a folder that is being removed."""


def discard_folder(path: Path) -> None:
    """Remove a folder of work, if it is there; what a link leads to stays.

    It gets another name first, by which the next run knows what a kill has left of it.
    """
    if path.is_symlink() or not path.is_dir():
        return
    leaving = path if path.name.endswith(LEAVING) else path.with_name(path.name + LEAVING)
    if leaving != path:
        shutil.rmtree(leaving, ignore_errors=True)
        path.rename(leaving)
    shutil.rmtree(leaving)
