"""`state.json`: which files a state in S3 consists of, and what it leaves to be removed."""

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
"""The files that a state may name: no other is written on this machine."""

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """A file that is kept."""

    path: str  # below the work folder, or that of a run
    bytes: int
    sha256: str  # hex


@dataclass(frozen=True)
class StateFile:
    """What `state.json` says."""

    output: str  # where the runs go that it is of
    run: str  # the last of them
    made_of: str  # digest of all that its first pass depends on beside the sources, code included
    files: tuple[Kept, ...]
    gone: tuple[str, ...] = ()  # SHA-256 of what an earlier state named; to be removed

    def as_json(self) -> bytes:
        """The same for the same state."""
        return as_json({"format": FORMAT} | asdict(self))


def read_state(data: bytes) -> StateFile:
    """A state. Raises StorageError for what is none: anybody may have written it."""
    try:
        told: dict[str, Any] = json.loads(data)
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}")
        files = tuple(_kept(one) for one in told["files"])
        if len({one.path for one in files}) < len(files):
            raise ValueError("names a file twice")
        output, run, made_of = (_text(told[name]) for name in ("output", "run", "made_of"))
        return StateFile(output, run, made_of, files, tuple(_digest(one) for one in told["gone"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{NAME} is damaged: {error}") from error


def _kept(told: dict[str, Any]) -> Kept:
    path, size = _text(told["path"]), told["bytes"]
    if not PATH.fullmatch(path):
        raise ValueError(f"names {path}")
    if type(size) is not int or size < 0:
        raise ValueError(f"{path}: its size is {size}")
    return Kept(path, size, _digest(told["sha256"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _digest(value: Any) -> str:
    if not SHA256.fullmatch(_text(value)):
        raise ValueError(f"{value:.40} is no SHA-256")
    return str(value)
