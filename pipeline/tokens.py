"""How many tokens a text costs, without the tokenizers of Bedrock's models, which are not public.

There are two numbers. The *estimate* is what o200k and Llama 3 give. The *bound* is the worst of
five public tokenizers (cl100k, o200k, Claude 2, Llama 3, Tekken) plus 10 %, so that a text that
fits by the bound fits. Both are sums of a weight for each character, so the weight of a text is the
sum of the weights of its parts. Dense random letters (base64) can cost a tenth more than the bound.

Source of the weights: characters per token measured on 1,000-character snippets of prose,
technical English, code and nine more languages; scripts not named here cost a token or more a byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import polars as pl

from pipeline.kernels import statistics

UNIT = 1000
"""Weights are in thousandths of a token: whole numbers add up the same in any order."""

TURN_OVERHEAD = 6
"""Tokens for the role and the marks around one turn; Llama 3's template uses five."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Thousandths of a token for one character of each class."""

    plain: int  # small Latin letters and blanks
    extra_byte: int  # for each byte of a character after its first, if its script is not named
    ascii_classes: dict[str, int]
    scripts: dict[str, int]


CAPITAL_OR_MARK = r"[\x00-\x08\x0b-\x1f!-/:-`{-\x7f]"  # ASCII; few texts have control characters
DIGIT_OR_NEWLINE = r"[0-9\n]"
NOT_PLAIN = r"[\x00-\x08\x0a-\x1f!-`{-\x7f]"  # ASCII except small letters, space and tab

COMBINING = r"[\u0300-\u036F]"
GREEK = r"[\u0370-\u03FF]"
CYRILLIC = r"[\u0400-\u052F]"
SEMITIC = r"[\u0590-\u06FF\u0750-\u077F]"  # Hebrew, Arabic
DEVANAGARI = r"[\u0900-\u097F]"
SOUTH_ASIAN = r"[\u0980-\u0E7F]"  # Bengali to Sinhala, Thai
CHINESE_JAPANESE = r"[\u3000-\u30FF\u3400-\u9FFF\uF900-\uFAFF\uFF00-\uFFEF]"
HANGUL = r"[\u1100-\u11FF\u3130-\u318F\uAC00-\uD7AF]"

BYTES = {COMBINING: 2, GREEK: 2, CYRILLIC: 2, SEMITIC: 2}  # in UTF-8; the other scripts take 3
ANY_SCRIPT = r"[\u0300-\u052F\u0590-\u06FF\u0750-\u077F\u0900-\u0E7F\u1100-\u11FF\u3000-\uFFEF]"

ESTIMATE = Weights(
    plain=155,
    extra_byte=300,
    ascii_classes={CAPITAL_OR_MARK: 800, DIGIT_OR_NEWLINE: 500},
    scripts={
        COMBINING: 2500,
        GREEK: 450,
        CYRILLIC: 230,
        SEMITIC: 360,
        DEVANAGARI: 460,
        SOUTH_ASIAN: 450,
        CHINESE_JAPANESE: 800,
        HANGUL: 690,
    },
)
BOUND = Weights(
    plain=250,
    extra_byte=1500,
    ascii_classes={NOT_PLAIN: 1000},
    scripts={
        COMBINING: 4000,
        GREEK: 1100,
        CYRILLIC: 600,
        SEMITIC: 1180,
        DEVANAGARI: 1550,
        SOUTH_ASIAN: 2000,
        CHINESE_JAPANESE: 1320,
        HANGUL: 1650,
    },
)


def weigh(column: pl.Expr, weights: Weights) -> pl.Expr:
    """The weight of each text in thousandths of a token (Int64); null stays null.

    Each character is looked at once if the kernels are compiled (2.5 GB/s); otherwise expressions
    are used (0.1 GB/s), which also make the table that the kernel looks into.
    """
    if not statistics.COMPILED:
        return weigh_by_expressions(column, weights)
    look_up = partial(_looked_up, weights=weights)
    return column.map_batches(look_up, return_dtype=pl.Int64, is_elementwise=True)


def _looked_up(texts: pl.Series, weights: Weights) -> pl.Series:
    sums = statistics.weights(texts, *table_of(weights))
    assert sums is not None, "the kernels are compiled"
    return sums


@lru_cache(maxsize=2)
def table_of(weights: Weights) -> tuple[bytes, int]:
    """The weight of every character up to U+FFFF, 4 bytes each, and that of any above."""
    characters = [chr(code) if not 0xD800 <= code < 0xE000 else "" for code in range(0x10000)]
    alone = pl.DataFrame({"text": [*characters, chr(0x10000)]})
    *table, above = alone.select(weigh_by_expressions(pl.col("text"), weights)).to_series()
    return struct.pack(f"={len(table)}i", *table), above


def weigh_by_expressions(column: pl.Expr, weights: Weights) -> pl.Expr:
    """`weigh` without a kernel.

    Every character counts as plain at first and is then corrected by class, so that no pass counts
    the most frequent ones. Only texts with a named script need the passes over scripts.
    """
    chars = column.str.len_chars().cast(pl.Int64)
    extra_bytes = column.str.len_bytes().cast(pl.Int64) - chars
    total = chars * weights.plain + extra_bytes * weights.extra_byte
    for pattern, weight in weights.ascii_classes.items():
        total += _count(column, pattern) * (weight - weights.plain)
    return total + _script_correction(column, weights)


def _script_correction(column: pl.Expr, weights: Weights) -> pl.Expr:
    """How much more, or less, characters of the named scripts cost than was counted by bytes."""
    not_ascii = pl.when(column.str.len_bytes() != column.str.len_chars()).then(column)
    foreign = pl.when(not_ascii.str.contains(ANY_SCRIPT)).then(column)
    correction: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for pattern, weight in weights.scripts.items():
        counted = weights.plain + weights.extra_byte * (BYTES.get(pattern, 3) - 1)
        correction += _count(pl.field("foreign"), pattern) * (weight - counted)
    # The struct holds `foreign`, which otherwise would be computed once for each script.
    scripts = pl.struct(foreign=foreign).struct.with_fields(correction=correction)
    corrected = scripts.struct.field("correction").fill_null(0)
    return pl.when(column.is_not_null()).then(corrected)


def token_estimate(column: pl.Expr) -> pl.Expr:
    """Tokens that a text probably costs (Int64): what o200k or Llama 3 would count."""
    return whole_tokens(weigh(column, ESTIMATE))


def token_bound(column: pl.Expr) -> pl.Expr:
    """The most tokens that a text can cost (Int64): the worst public tokenizer plus 10 %."""
    return whole_tokens(weigh(column, BOUND))


def token_bounds(texts: pl.Series) -> pl.Series:
    """`token_bound` of each text, for code that has a series."""
    name = texts.name
    return texts.to_frame().select(token_bound(pl.col(name)).alias(name)).to_series()


def message_tokens(count: Callable[[pl.Expr], pl.Expr] = token_bound) -> pl.Expr:
    """Tokens of `system` and all turns of `messages` (Int64), with the overhead of each turn.

    Null where a record has no `messages`.
    """
    turns = pl.col("messages").list.eval(
        count(pl.element().struct.field("text")).fill_null(0) + TURN_OVERHEAD
    )
    system = count(pl.col("system")) + TURN_OVERHEAD
    return turns.list.sum() + system.fill_null(0)


def whole_tokens(weight: pl.Expr) -> pl.Expr:
    """A weight in whole tokens, rounded up."""
    return (weight + (UNIT - 1)) // UNIT


def _count(column: pl.Expr, pattern: str) -> pl.Expr:
    return column.str.count_matches(pattern).cast(pl.Int64)
