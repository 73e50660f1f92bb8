"""Loops that Polars has no expression for: word 5-grams, MinHash band keys, shared grams, words.

Compiled if the package was built with a C compiler (setup.py), else plain Python and numpy with
the same results. Texts are passed as UTF-8 bytes and never decoded to `str`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from hashlib import blake2b
from types import ModuleType
from typing import TYPE_CHECKING

from pipeline.kernels.letters import LETTERS, UNICODE_LETTERS

if TYPE_CHECKING:
    import polars as pl

WORD_RULES = {"ascii": LETTERS, "unicode": UNICODE_LETTERS}
"""Tables of letters, by which punctuation separates words: ASCII's, or that of all scripts."""

_kernel: ModuleType
try:
    from pipeline.kernels import _native

    _kernel, COMPILED = _native, True
except ImportError:  # not built, or built for another machine
    from pipeline.kernels import plain

    _kernel, COMPILED = plain, False

MOST_ROWS = 128
"""Permutations of MinHash: the largest allowed product of bands and rows."""


def _permutations() -> bytes:
    """128 odd factors and 128 masks of 4 bytes each: a gram x becomes (x ^ mask) * factor."""
    drawn = b"".join(blake2b(bytes([n]), digest_size=64).digest() for n in range(16))
    numbers = struct.unpack("<256I", drawn)
    return array("I", [*(n | 1 for n in numbers[:MOST_ROWS]), *numbers[MOST_ROWS:]]).tobytes()


PERMUTATIONS = _permutations()


def describe() -> str:
    """Which kernels are in use, in words for a log line."""
    if COMPILED:
        return f"compiled kernels ({_kernel.instruction_set()})"
    return "plain kernels (numpy): the package was built without its compiled extension"


def band_keys(texts: pl.Series, bands: int, rows: int, letters: bytes = LETTERS) -> pl.Series:
    """For each text an array of `bands` UInt64: two texts share a key if `rows` minima agree.

    Texts whose 5-grams have Jaccard similarity s share a key with probability
    1-(1-s^rows)^bands. Null for null and for a text without words; `letters` is a table of
    `WORD_RULES`. Raises ValueError for more than 128 rows in all.
    """
    import polars as pl

    if not 0 < bands * rows <= MOST_ROWS:
        raise ValueError(f"{bands} bands of {rows} rows: at most {MOST_ROWS} rows in all")
    keys = _kernel.band_keys(_utf8(texts), letters, PERMUTATIONS, bands, rows)
    made = pl.Series(texts.name, keys, dtype=pl.Binary)
    return made.bin.reinterpret(dtype=pl.Array(pl.UInt64, bands), endianness="little")


def gram_sets(texts: pl.Series, letters: bytes = LETTERS) -> pl.Series:
    """For each text the set of its 5-gram hashes: Binary, 4 bytes each, ascending; null for null.

    Two texts of 10,000 words have 0.02 hashes in common by chance.
    """
    import polars as pl

    return pl.Series(texts.name, _kernel.gram_sets(_utf8(texts), letters), dtype=pl.Binary)


def gram_rows(texts: pl.Series, letters: bytes = LETTERS) -> pl.Series:
    """As `gram_sets`, but with all grams of a text in order, including repeats.

    A text of n words has n - 4 grams if n is five or more; a shorter one has one of all its words.
    """
    import polars as pl

    return pl.Series(texts.name, _kernel.gram_rows(_utf8(texts), letters), dtype=pl.Binary)


def jaccard(sets: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    """Jaccard similarity of pairs of gram sets; Float64, 0 for two empty sets.

    `pairs` has two UInt32 columns of indices into `sets`. Raises IndexError for an index outside.
    """
    import polars as pl

    left, right = (pairs[name].to_list() for name in pairs.columns)
    flat = array("I", bytes(8 * pairs.height))
    flat[::2], flat[1::2] = array("I", left), array("I", right)
    counts = _kernel.shared_counts(sets.to_list(), _little(flat))
    shared = pl.Series("jaccard", struct.unpack(f"<{pairs.height}I", counts), dtype=pl.UInt32)
    sizes = set_sizes(sets)
    either = sizes.gather(pairs.to_series(0)) + sizes.gather(pairs.to_series(1)) - shared
    return (shared / either).fill_nan(0).alias("jaccard")


def set_sizes(sets: pl.Series) -> pl.Series:
    """The number of grams in each set."""
    import polars as pl

    return sets.bin.size().cast(pl.UInt32) // 4


def holds_any(text: bytes, words: Sequence[bytes]) -> bool:
    """Whether a text contains one of the words anywhere, ignoring the case of ASCII letters.

    The words are given in lower case. Raises ValueError for an empty word.
    """
    found: bool = _kernel.holds_any(text, words)
    return found


def _utf8(texts: pl.Series) -> list[bytes | None]:
    """Copies of the texts as bytes: at 1.7 GB/s faster than one joined buffer or Arrow."""
    import polars as pl

    return texts.cast(pl.Binary).to_list()


def _little(numbers: array[int]) -> bytes:
    """The numbers as little-endian bytes."""
    return struct.pack(f"<{len(numbers)}I", *numbers)
