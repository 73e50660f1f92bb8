"""How a run is executed, whatever its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How to run; nothing here changes a byte of the output."""

    output: str  # folder or s3:// prefix
    workers: int
    memory: int | None = None  # bytes
    work: Path | None = None  # the folder for work files; None: beside a local output
    full: bool = False  # compute everything again, whatever earlier runs have left
    since: str | None = None  # the run that delta targets continue; None: the latest
    state: str | None = None  # s3:// prefix with the work files that the next run reuses
