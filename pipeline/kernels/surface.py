"""The surface of texts: what each may hold that cleaning would change; all of it in one line.

Compiled where the extension is. Without it every text may hold anything, and white space is put in
order by a regular expression: the same results, more slowly.
"""

from __future__ import annotations

from array import array
from functools import lru_cache

import polars as pl

from pipeline.kernels import statistics
from pipeline.kernels.arrow_made import Capsules
from pipeline.kernels.statistics import numbers

BLANK_AT_END, EMPTY_LINES, PAIR = 0x20, 0x40, 0x100
"""A blank or tab before a newline; three newlines; a lead before its follower, of the first pair,
with a bit of its own for each of the next ones."""

ANYTHING = -1
"""The marks of a text that nobody has looked at."""

RUNS = r"[^\S ]\s*|  \s*| [^\S ]\s*"
"""White space that is not just one blank."""

LEADS, FOLLOWERS = 8, 12
"""The first bit of a table's entry for each (`surface.h`)."""


def marks(
    texts: pl.Series, characters: tuple[str, ...], pairs: tuple[tuple[str, str], ...]
) -> pl.Series:
    """What each text may hold, as bits (Int64): a bit for each of `characters`, `PAIR << k` for
    `pairs[k]`, `BLANK_AT_END`, `EMPTY_LINES`. What is not marked is not there.

    `characters` are at most four patterns of one character that is no printable ASCII, tab or
    newline; `pairs` at most four of two patterns of one character, one of them such a pattern.
    """
    if not statistics.COMPILED:
        return pl.repeat(ANYTHING, texts.len(), dtype=pl.Int64, eager=True)
    if texts.is_empty():
        return pl.Series(dtype=pl.Int64)
    stream = texts.__arrow_c_stream__(None)
    return numbers(statistics.compiled().marks(stream, texts.len(), _table(characters, pairs)))


@lru_cache(maxsize=8)
def _table(characters: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> bytes:
    """Two bytes for each code point: its marks, of which pairs it is a lead or a follower."""
    bits = dict(enumerate(characters))
    for kind, (lead, follower) in enumerate(pairs):
        bits |= {LEADS + kind: lead, FOLLOWERS + kind: follower}
    table = array("H", bytes(2 * statistics.TABLED))
    for bit, pattern in bits.items():
        for code in statistics.matched(pattern):
            table[code] |= 1 << bit
    return table.tobytes()


def one_line(texts: pl.Series) -> pl.Series:
    """Each text with every run of white space as one blank, and none at its ends."""
    if not statistics.COMPILED or texts.is_empty():
        return texts.str.replace_all(RUNS, " ").str.strip_chars()
    room = int(texts.str.len_bytes().sum())
    stream = texts.__arrow_c_stream__(None)
    made = statistics.compiled().one_line(stream, texts.len(), room, statistics.classes())
    found = pl.Series(Capsules(made)).alias(texts.name)
    return found.set(texts.is_null(), None) if texts.null_count() else found
