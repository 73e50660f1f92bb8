"""Rules for web pages: C4's and FineWeb's, with their published thresholds.

C4: Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.2, as TensorFlow Datasets'
c4_utils.py implements them; lines are judged, not removed, and the list of bad words is left out.
FineWeb: Penedo et al. 2024, https://arxiv.org/abs/2406.17557, section 3.6.
"""

from __future__ import annotations

import polars as pl
from pydantic import Field

from pipeline.stage import Settings
from pipeline.stages.quality_rules import (
    CHARS,
    IS_STOPLESS,
    IS_UNSPACED,
    WORDS,
    Rule,
    share,
    where,
)


class C4(Settings):
    """Sentences in lines that C4 would keep: three words, a full stop, no cookie notice."""

    min_sentences: int = Field(5, ge=0, description="sentences in lines worth keeping")
    max_curly_lines: int = Field(0, ge=0, description="lines with a { that end like prose")
    max_lorem_lines: int = Field(0, ge=0, description="lines with lorem ipsum")


class FineWeb(Settings):
    """Do the lines read like text: do they end like sentences, are they long and different."""

    min_ended_lines: float = Field(0.12, ge=0, le=1, description="share of lines with a stop")
    max_short_lines: float = Field(0.67, ge=0, le=1, description="share of lines up to 30 chars")
    max_repeated_chars: float = Field(0.01, ge=0, le=1, description="share in repeated lines")
    max_newline_ratio: float = Field(0.3, ge=0, description="newlines for each word")


C4_RULES = (
    Rule("c4_lorem_ipsum", "c4_lorem_lines", pl.col("c4_lorem"), "max_lorem_lines", False,
         "The text contains `lorem ipsum`, which is a placeholder for a text."),
    Rule("c4_curly_bracket", "c4_curly_lines", pl.col("c4_curly"), "max_curly_lines", False,
         "A line of prose contains a {: code among text; leave C4's rules out for code."),
    Rule("c4_too_few_sentences", "c4_sentences", where(~IS_STOPLESS, pl.col("c4_sentences")),
         "min_sentences", True, "Too few sentences in lines of three words that end in a stop."),
)  # fmt: skip

FINEWEB_RULES = (
    Rule("fineweb_few_ended_lines", "fineweb_ended_lines",
         where(~IS_STOPLESS, share(pl.col("ended_lines"), pl.col("full_lines"))),
         "min_ended_lines", True, "Hardly any line ends like a sentence: menus, tables, code."),
    Rule("fineweb_short_lines", "fineweb_short_lines",
         where(~IS_UNSPACED, share(pl.col("short_lines"), pl.col("full_lines"))),
         "max_short_lines", False, "Most lines are short: menus, lists, verse."),
    Rule("fineweb_repeated_chars", "fineweb_repeated_chars",
         share(pl.col("repeated_full_chars"), CHARS - pl.col("newlines")),
         "max_repeated_chars", False, "Lines occur in the text twice."),
    Rule("fineweb_many_newlines", "fineweb_newline_ratio", share(pl.col("newlines"), WORDS),
         "max_newline_ratio", False, "A newline for every few words: a list."),
)  # fmt: skip
