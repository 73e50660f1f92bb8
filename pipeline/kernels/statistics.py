"""Statistics of documents: characters by class, words, lines, repetition; and weights of texts.

Uses the compiled extension if it was built, else plain Python (`plain_statistics`) with the same
results. Polars' regular expressions determine the class of a character, so that both agree with
Polars' expressions.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from functools import lru_cache
from types import ModuleType
from typing import Any

import polars as pl

_kernel: ModuleType | None
try:
    from pipeline.kernels import _measures

    _kernel = _measures
except ImportError:  # not built, or built for another machine
    _kernel = None

COMPILED = _kernel is not None

BLANK = r"\s"
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""Scripts without spaces between words; two characters count as a word."""

SYMBOL = r"[\p{S}\p{Co}\p{Cn}#%&*@/\\_{}\[\]•…]"
NO_LETTER = r"[^\p{L}\p{M}\s]"
TERMINAL = r"[\p{Sentence_Terminal}｡]"
STOPLESS = r"[\p{Thai}\p{Lao}]"
"""Scripts in which nothing marks the end of a sentence."""

CLASSES = (BLANK, r"\p{L}", UNSPACED, SYMBOL, NO_LETTER, TERMINAL, STOPLESS, "[A-Za-z]")
"""The bits of a character's class, the lowest first."""

TABLED = 0x20000
"""Number of code points in the table of classes; above it the rule is coarse (`statistics.h`)."""

STATISTICS = (
    *("blanks", "letters", "unspaced", "symbols", "others", "terminals", "stopless"),
    "ascii_letters",
    "chars",
    "rare",  # characters above the table
    "runs",  # of characters that are neither white space nor unspaced
    "words",  # runs of characters that are not white space
    "alpha_words",  # with a letter
    "stop_words",  # how many of Gopher's eight
    *("hashes", "ellipses", "newlines"),
    *("lines", "longest_line", "bullet_lines", "ellipsis_lines"),
    *("full_lines", "ended_lines", "short_lines", "repeated_full_chars"),  # not blank: FineWeb's
    *("some_lines", "repeated_lines", "repeated_line_chars"),  # not empty: Gopher's
    *("paragraphs", "repeated_paragraphs", "repeated_paragraph_chars"),
    *("top_2", "top_3", "top_4"),  # characters of the most frequent run of so many words
    *("repeated_5", "repeated_6", "repeated_7", "repeated_8", "repeated_9", "repeated_10"),
    *("c4_lines", "c4_sentences", "c4_lorem", "c4_curly"),
)
"""The columns of `statistics`, all whole numbers."""


REPETITION, C4, PROSE, LINES = 1, 2, 4, 8
"""Flags for statistics that cost extra. REPETITION: `paragraphs` to `repeated_10`. C4: `c4_lines`
to `c4_curly`. Any of the four: `alpha_words`, `stop_words`, `ellipses`, and `bullet_lines` to
`some_lines`. LINES: also `repeated_full_chars`, `repeated_lines` and `repeated_line_chars`."""


def statistics(texts: pl.Series, parts: int = REPETITION | C4 | PROSE | LINES) -> pl.DataFrame:
    """The `STATISTICS` of each text (Int64); null for a null text, 0 in parts not asked for."""
    if _kernel is None:
        from pipeline.kernels.plain_statistics import statistics_of

        rows = [None if text is None else statistics_of(text, classes(), parts) for text in texts]
        nothing = (None,) * len(STATISTICS)
        schema = pl.Schema(dict.fromkeys(STATISTICS, pl.Int64()))
        return pl.DataFrame([row or nothing for row in rows], schema=schema, orient="row")
    width = len(STATISTICS)
    counted = _counted(_kernel.statistics, texts, classes(), parts)
    fields = counted.reshape((texts.len(), width)).arr.to_struct(fields=list(STATISTICS))
    columns = fields.struct.unnest()
    if not texts.null_count():
        return columns
    return columns.with_columns(pl.when(texts.is_not_null()).then(pl.all()))


def weights(texts: pl.Series, table: bytes, above: int) -> pl.Series | None:
    """The sum of the weights of each text's characters (Int64); None without the compiled kernel.

    `table` has an Int32 for each code point of the Basic Multilingual Plane; `above` is the weight
    of all other characters.
    """
    if _kernel is None:
        return None
    sums = _counted(_kernel.weights, texts, table, above).alias(texts.name)
    return sums.set(texts.is_null(), None) if texts.null_count() else sums


def _counted(count: Callable[..., bytes], texts: pl.Series, *table: Any) -> pl.Series:
    """The numbers that a kernel counts for each text, one text after the other (Int64)."""
    if texts.is_empty():
        return pl.Series(dtype=pl.Int64)
    return numbers(count(texts.__arrow_c_stream__(None), texts.len(), *table))


def numbers(data: bytes) -> pl.Series:
    """A series (Int64) of 8-byte integers in little-endian order."""
    if not data:
        return pl.Series(dtype=pl.Int64)
    kind = pl.Array(pl.Int64, len(data) // 8)
    return (
        pl.Series([data], dtype=pl.Binary)
        .bin.reinterpret(dtype=kind, endianness="little")
        .explode()
    )


def compiled() -> ModuleType:
    """The compiled extension; call it only if `COMPILED`."""
    assert _kernel is not None
    return _kernel


def classes() -> bytes:
    """The table of `character_classes` for `CLASSES`."""
    return character_classes(CLASSES)


@lru_cache(maxsize=4)
def character_classes(patterns: tuple[str, ...]) -> bytes:
    """A byte for each code point of the table: bit k says whether `patterns[k]` matches it."""
    bits = [
        pl.col("c").str.contains(pattern).cast(pl.UInt8) * (1 << k)
        for k, pattern in enumerate(patterns)
    ]
    table = _characters().select(pl.sum_horizontal(bits).cast(pl.UInt8))
    return bytes(table.to_series().to_list())


def _characters() -> pl.DataFrame:
    """Every character of the table as `c`; "" for surrogates, which are not characters."""
    before, behind = (text.str.split("").explode() for text in _texts())
    surrogates = pl.repeat("", TABLED - before.len() - behind.len(), eager=True)
    return pl.concat([before, surrogates, behind]).alias("c").to_frame()


def matched(pattern: str) -> list[int]:
    """The code points of the table that a pattern of one character matches.

    For a pattern with few matches this takes half as long as testing each character; for one that
    matches most of them, five times as long.
    """
    matches = (text.str.extract_all(pattern).explode().drop_nulls() for text in _texts())
    return [ord(letter) for letters in matches for letter in letters.to_list()]


@lru_cache(maxsize=1)
def _texts() -> list[pl.Series]:
    """The characters of the table before and after the surrogates, each part as one text."""
    spans = range(0xD800), range(0xE000, TABLED)
    codes = (array("I", span).tobytes() for span in spans)
    return [pl.Series([data.decode(f"utf-32-{sys.byteorder[0]}e")]) for data in codes]
