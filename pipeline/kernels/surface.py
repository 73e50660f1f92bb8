"""Scans texts for anything that cleaning would change, and puts texts on one line.

Without the compiled extension every text is marked as if it had everything, and white space is
replaced by a regular expression: the same results, more slowly.
"""

from __future__ import annotations

from array import array
from functools import lru_cache

import polars as pl

from pipeline.kernels import statistics
from pipeline.kernels.arrow_made import Capsules
from pipeline.kernels.statistics import numbers

BLANK_AT_END, EMPTY_LINES, PAIR = 0x20, 0x40, 0x100
"""Marks: a space or tab before a newline; three newlines; a lead directly before its follower, for
the first pair. Each further pair has the next higher bit."""

ANYTHING = -1
"""The marks of a text that has not been scanned: all of them."""

RUNS = r"[^\S ]\s*|  \s*| [^\S ]\s*"
"""White space other than a single space."""

LEADS, FOLLOWERS = 8, 12
"""The first bits for leads and for followers in an entry of the table (`surface.h`)."""


def marks(
    texts: pl.Series, characters: tuple[str, ...], pairs: tuple[tuple[str, str], ...]
) -> pl.Series:
    """What each text may contain, as bits (Int64); a text certainly lacks anything not marked.

    Bit k is for `characters[k]`, `PAIR << k` for `pairs[k]`, and there are `BLANK_AT_END` and
    `EMPTY_LINES`. `characters` are up to four patterns, each of one character other than printable
    ASCII, tab and newline. `pairs` are up to four pairs of patterns of one character, at least one
    of them of that kind.
    """
    if not statistics.COMPILED:
        return pl.repeat(ANYTHING, texts.len(), dtype=pl.Int64, eager=True)
    if texts.is_empty():
        return pl.Series(dtype=pl.Int64)
    stream = texts.__arrow_c_stream__(None)
    return numbers(statistics.compiled().marks(stream, texts.len(), _table(characters, pairs)))


@lru_cache(maxsize=8)
def _table(characters: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> bytes:
    """Two bytes for each code point: its marks, and the pairs in which it is lead or follower."""
    bits = dict(enumerate(characters))
    for kind, (lead, follower) in enumerate(pairs):
        bits |= {LEADS + kind: lead, FOLLOWERS + kind: follower}
    table = array("H", bytes(2 * statistics.TABLED))
    for bit, pattern in bits.items():
        for code in statistics.matched(pattern):
            table[code] |= 1 << bit
    return table.tobytes()


def one_line(texts: pl.Series) -> pl.Series:
    """Each text with every run of white space as one space, and none at its ends."""
    if not statistics.COMPILED or texts.is_empty():
        return texts.str.replace_all(RUNS, " ").str.strip_chars()
    room = int(texts.str.len_bytes().sum())
    stream = texts.__arrow_c_stream__(None)
    made = statistics.compiled().one_line(stream, texts.len(), room, statistics.classes())
    lines = pl.Series(Capsules(made)).alias(texts.name)
    return lines.set(texts.is_null(), None) if texts.null_count() else lines
