"""Gopher's rules: quality, and repetition, with the thresholds of their paper.

Rae et al. 2021, https://arxiv.org/abs/2112.11446, section A1.1. A word is a run between spaces,
as in the paper; a line ends at a newline, a paragraph at two.
"""

from __future__ import annotations

import polars as pl
from pydantic import Field

from pipeline.stage import Settings
from pipeline.stages.quality_rules import (
    CHARS,
    IS_ENGLISH,
    IS_UNSPACED,
    SHORT_WORDS,
    SOLID,
    SYLLABIC,
    WORDS,
    Rule,
    share,
    where,
)


class GopherQuality(Settings):
    """Is the text prose: enough words of usual length, few symbols, bullets and cut lines."""

    min_words: int = Field(50, ge=0, description="words a document needs")
    max_words: int = Field(100_000, ge=0, description="words a document may have")
    min_word_length: float = Field(3, ge=0, description="mean characters of a word, at least")
    max_word_length: float = Field(10, ge=0, description="mean characters of a word, at most")
    max_hash_ratio: float = Field(0.1, ge=0, description="# for each word")
    max_ellipsis_ratio: float = Field(0.1, ge=0, description="… or ... for each word")
    max_bullet_lines: float = Field(0.9, ge=0, le=1, description="share of lines with a bullet")
    max_ellipsis_lines: float = Field(0.3, ge=0, le=1, description="share of lines ending in …")
    min_alpha_words: float = Field(0.8, ge=0, le=1, description="share of words with a letter")
    min_stop_words: int = Field(2, ge=0, description="out of: the be to of and that have with")


class GopherRepetition(Settings):
    """Does the text repeat itself: lines, paragraphs and runs of words, as shares of it."""

    max_repeated_lines: float = Field(0.3, ge=0, le=1, description="share of lines")
    max_repeated_line_chars: float = Field(0.2, ge=0, le=1, description="their characters")
    max_repeated_paragraphs: float = Field(0.3, ge=0, le=1, description="share of paragraphs")
    max_repeated_paragraph_chars: float = Field(0.2, ge=0, le=1, description="their characters")
    max_top_2_gram: float = Field(0.2, ge=0, description="most frequent run of two words")
    max_top_3_gram: float = Field(0.18, ge=0, description="of three words")
    max_top_4_gram: float = Field(0.16, ge=0, description="of four words")
    max_repeated_5_grams: float = Field(0.15, ge=0, le=1, description="runs of five words")
    max_repeated_6_grams: float = Field(0.14, ge=0, le=1, description="of six words")
    max_repeated_7_grams: float = Field(0.13, ge=0, le=1, description="of seven words")
    max_repeated_8_grams: float = Field(0.12, ge=0, le=1, description="of eight words")
    max_repeated_9_grams: float = Field(0.11, ge=0, le=1, description="of nine words")
    max_repeated_10_grams: float = Field(0.1, ge=0, le=1, description="of ten words")


SPACED = ~IS_UNSPACED
LENGTH = (SOLID / WORDS.clip(lower_bound=1)).round(6)
WORD_LENGTH = where(SPACED & ~SHORT_WORDS, LENGTH)
LONG_WORDS = where(SPACED, LENGTH)

QUALITY = (
    Rule("gopher_too_few_words", "gopher_words", WORDS, "min_words", True,
         "The text has fewer words than Gopher's rules ask for."),
    Rule("gopher_too_many_words", "gopher_words", WORDS, "max_words", False,
         "The text has more words than Gopher's rules allow; chunk it first if it is a book."),
    Rule("gopher_short_words", "gopher_word_length", WORD_LENGTH, "min_word_length", True,
         "The words are unusually short on average, as in tables and lists of codes."),
    Rule("gopher_long_words", "gopher_word_length_most", LONG_WORDS, "max_word_length", False,
         "The words are unusually long on average, as in paths, URLs and base64."),
    Rule("gopher_many_hashes", "gopher_hash_ratio", share(pl.col("hashes"), WORDS),
         "max_hash_ratio", False, "There is a # for every few words, as in logs and hashtags."),
    Rule("gopher_many_ellipses", "gopher_ellipsis_ratio", share(pl.col("ellipses"), WORDS),
         "max_ellipsis_ratio", False, "There is an ellipsis for every few words: cut excerpts."),
    Rule("gopher_bullet_lines", "gopher_bullet_lines",
         share(pl.col("bullet_lines"), pl.col("lines")), "max_bullet_lines", False,
         "Nearly all lines begin with a bullet or a dash: a list, not a text."),
    Rule("gopher_ellipsis_lines", "gopher_ellipsis_lines",
         share(pl.col("ellipsis_lines"), pl.col("lines")), "max_ellipsis_lines", False,
         "Many lines end in an ellipsis: cut excerpts."),
    Rule("gopher_few_alpha_words", "gopher_alpha_words",
         where(SPACED, share(pl.col("alpha_words"), pl.col("words"))), "min_alpha_words", True,
         "Many words have no letter: numbers, signs, tables."),
    Rule("gopher_few_stop_words", "gopher_stop_words",
         where(SPACED & IS_ENGLISH, pl.col("stop_words")), "min_stop_words", True,
         "English without its most common words: keywords, names, code."),
)  # fmt: skip


def _repeated(reason: str, measure: str, value: pl.Expr, meaning: str) -> Rule:
    return Rule(reason, measure, value, f"max_{measure}", False, meaning)


WORD_RUNS = SPACED & ~SYLLABIC

REPETITION = (
    _repeated("repeated_paragraphs", "repeated_paragraphs",
              share(pl.col("repeated_paragraphs"), pl.col("paragraphs")),
              "Many paragraphs occur in the text twice."),
    _repeated("repeated_paragraph_chars", "repeated_paragraph_chars",
              share(pl.col("repeated_paragraph_chars"), CHARS),
              "Paragraphs that occur twice make up much of the text."),
    _repeated("repeated_lines", "repeated_lines",
              share(pl.col("repeated_lines"), pl.col("some_lines")),
              "Many lines occur in the text twice."),
    _repeated("repeated_line_chars", "repeated_line_chars",
              share(pl.col("repeated_line_chars"), CHARS),
              "Lines that occur twice make up much of the text."),
    *(_repeated(f"frequent_{n}_gram", f"top_{n}_gram",
                where(WORD_RUNS, share(pl.col(f"top_{n}"), CHARS)),
                f"One run of {n} words makes up much of the text.")
      for n in (2, 3, 4)),
    *(_repeated(f"repeated_{n}_grams", f"repeated_{n}_grams",
                where(WORD_RUNS, share(pl.col(f"repeated_{n}"), CHARS)),
                f"Repeated runs of {n} words make up much of the text.")
      for n in range(5, 11)),
)  # fmt: skip
