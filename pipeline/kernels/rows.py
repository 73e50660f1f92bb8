"""Where the rows of delimited text begin: what lets several processes read one file.

Compiled where the extension is, else plain Python with the same results.
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
    """The state after one more block of a text in UTF-8; the first offset in the block at which a
    row may begin, or -1; and how many rows have ended before it.

    Quoting is strict, after RFC 4180, and a quote opens a cell only where the cell begins. Blank
    lines are no rows; a row with a fault on its first line ends with that line. In mode `LOST` the
    fault was on a later line, and nothing is said of what follows.
    """
    found: tuple[State, int, int] = _kernel.scan_rows(block, delimiter, state)
    return found
