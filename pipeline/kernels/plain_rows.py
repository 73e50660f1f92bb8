"""`rows.h` in Python: where the rows of delimited text begin, block after block."""

from __future__ import annotations

import re
from functools import lru_cache

ROW, ROW_CR, CELL, UNQUOTED, QUOTED, QUOTE, FAULTY, LOST = range(8)
"""Modes: before a row; after a CR that ended a row; before a cell; in an unquoted cell; in a quoted
cell; after a quote in a quoted cell; in the rest of a faulty row; in a row with a fault on a line
after its first."""

State = tuple[int, int, int, int, int]
"""(mode, whether the current row is past its first line, rows, bytes of the current row, bytes of
the longest row)."""

_QUOTE, _CR, _LF = b'"\r\n'
_LINE_END = re.compile(rb"[\r\n]")


@lru_cache(maxsize=8)
def _rest(delimiter: int) -> re.Pattern[bytes]:
    """A pattern for the rest of an unquoted cell and all cells up to a quoted one or a line end."""
    cut = re.escape(bytes([delimiter]))
    cell = rb"[^%b\r\n]*+" % cut
    return re.compile(rb'%b(?:%b(?:[^%b\r\n"]%b)?+(?!"))*+' % (cell, cut, cut, cell))


def scan_rows(block: bytes, delimiter: int, state: State) -> tuple[State, int, int]:
    """As `rows.scan_rows`."""
    mode, later, rows, size, longest = state
    cut, cut_rows, at = -1, 0, 0
    while at < len(block) and mode != LOST:
        byte, start = block[at], at
        if mode == ROW_CR:
            mode = ROW
            if byte == _LF:
                at += 1
                continue
        if mode == ROW:
            if cut < 0:
                cut, cut_rows = at, rows
            if byte in (_CR, _LF):
                mode, at = ROW_CR if byte == _CR else ROW, at + 1
                continue
            mode = CELL
        if mode == QUOTED:
            end = block.find(b'"', at)
            later |= bool(_LINE_END.search(block, at, len(block) if end < 0 else end))
            at, mode = (len(block), QUOTED) if end < 0 else (end + 1, QUOTE)
        elif mode == FAULTY and byte not in (_CR, _LF):
            line_end = _LINE_END.search(block, at)
            at = line_end.start() if line_end else len(block)
        elif byte in (_CR, _LF):
            mode, at = ROW_CR if byte == _CR else ROW, at + 1
            rows, longest, size, later = rows + 1, max(longest, size + 1), 0, 0
            continue
        elif byte == _QUOTE and mode in (CELL, QUOTE):
            mode, at = QUOTED, at + 1
        elif mode == QUOTE and byte != delimiter:
            mode, at = LOST if later else FAULTY, at + 1
        elif byte == delimiter:
            mode, at = CELL, at + 1
        else:
            rest = _rest(delimiter).match(block, at)
            assert rest is not None
            at = rest.end()
            mode = CELL if block[at - 1] == delimiter else UNQUOTED
        size += at - start
    return (mode, later, rows, size, longest), cut, cut_rows
