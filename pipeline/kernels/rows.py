"""Finds where the rows of delimited text begin, so that several processes can read one file.

Uses the compiled extension if it was built, else plain Python with the same results.
"""

from __future__ import annotations

from types import ModuleType

from pipeline.kernels.plain_rows import LOST, QUOTED, ROW, ROW_CR, State

__all__ = ["LOST", "QUOTED", "ROW", "ROW_CR", "START", "State", "scan_rows"]

_kernel: ModuleType
try:
    from pipeline.kernels import _native as _kernel
except ImportError:  # not built, or built for another machine
    from pipeline.kernels import plain_rows as _kernel

START: State = (ROW, 0, 0, 0, 0)
"""The state before the first block."""


def scan_rows(block: bytes, delimiter: int, state: State) -> tuple[State, int, int]:
    """(state after a block, offset at which a row may begin, rows that ended before that offset).

    `block` is the next part of a text in UTF-8; the offset is the first one in it, or -1. Quoting
    is strict, after RFC 4180, and a quote opens a cell only at the cell's start. Blank lines are
    not rows; a row with a fault on its first line ends with that line. In mode `LOST` the fault was
    on a later line, and nothing is known about the rows after it.
    """
    scanned: tuple[State, int, int] = _kernel.scan_rows(block, delimiter, state)
    return scanned
