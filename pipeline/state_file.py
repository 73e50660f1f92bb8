"""`state.json`: the files of a state in S3, and the objects that it leaves to be removed."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import StorageError
from pipeline.pins import NAME as PINNED
from pipeline.publish import as_json
from pipeline.resume import FROM_SOURCES

NAME, FORMAT = "state.json", 1
PATH = re.compile(rf"{PINNED}\.(json|arrow)|{FROM_SOURCES}/[0-9][-.\w]{{0,150}}", re.ASCII)
"""The files that a state may list: nothing else is written on this machine."""

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """A file of a state."""

    path: str  # below the work folder, or the folder of a run in it
    bytes: int
    sha256: str  # hex


@dataclass(frozen=True)
class StateFile:
    """The content of `state.json`."""

    output: str  # where the runs that it belongs to are published
    run: str  # the last of them
    made_of: str  # digest of what its first pass depends on, except the sources; code included
    files: tuple[Kept, ...]
    gone: tuple[str, ...] = ()  # SHA-256 of objects that an earlier state listed; to be removed

    def as_json(self) -> bytes:
        """The bytes of the file; the same state always gives the same bytes."""
        return as_json({"format": FORMAT} | asdict(self))


def read_state(data: bytes) -> StateFile:
    """A state from its bytes, which anybody may have written. Raises StorageError if invalid."""
    try:
        content: dict[str, Any] = json.loads(data)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        files = tuple(_kept(entry) for entry in content["files"])
        if len({file.path for file in files}) < len(files):
            raise ValueError("lists a file twice")
        output, run, made_of = (_text(content[name]) for name in ("output", "run", "made_of"))
        return StateFile(
            output, run, made_of, files, tuple(_digest(sha256) for sha256 in content["gone"])
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{NAME} is damaged: {error}") from error


def _kept(entry: dict[str, Any]) -> Kept:
    path, size = _text(entry["path"]), entry["bytes"]
    if not PATH.fullmatch(path):
        raise ValueError(f"lists {path}")
    if type(size) is not int or size < 0:
        raise ValueError(f"{path}: its size is {size}")
    return Kept(path, size, _digest(entry["sha256"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a text")
    return value


def _digest(value: Any) -> str:
    if not SHA256.fullmatch(_text(value)):
        raise ValueError(f"{value:.40} is not a SHA-256")
    return str(value)
