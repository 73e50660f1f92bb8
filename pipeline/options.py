"""How a run is run, whatever it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How to run: none of it changes a byte of the output."""

    output: str  # folder or s3:// prefix
    workers: int
    memory: int | None = None  # bytes
    work: Path | None = None  # where work files go; beside a local output if None
    full: bool = False  # do all anew, whatever earlier runs have left
    since: str | None = None  # run that delta targets go on from; the latest if None
    state: str | None = None  # s3:// prefix that keeps what the next run takes over
