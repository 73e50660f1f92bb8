"""Rules of quality as data: what is measured, and on which side of a threshold a text fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from pipeline.stage import Broken

DIGITS = 6
"""Shares are rounded to so many digits before the comparison, so the stored value is decisive."""

CHARS, BLANKS = pl.col("chars"), pl.col("blanks")
SOLID = (CHARS - BLANKS).clip(lower_bound=1)
"""Characters that are not white space."""

WORDS = pl.col("runs") + pl.col("unspaced") // 2
"""Runs between spaces; in scripts without spaces two characters count as a word."""

MANY = 0.3
IS_UNSPACED = pl.col("unspaced") / SOLID > MANY
"""Chinese, Japanese, Thai, Lao, Khmer, Burmese: rules about words do not apply to them."""

IS_STOPLESS = pl.col("stopless") / SOLID > MANY
"""Thai, Lao: nothing marks the end of a sentence."""

UNKNOWN = pl.col("language").fill_null("und") == "und"
SYLLABIC = pl.col("language").is_in(["vi"]).fill_null(False)
"""Spaces separate syllables, and runs of syllables repeat more often than runs of words."""

SHORT_WORDS = (
    pl.when(UNKNOWN)
    .then(pl.col("ascii_letters") < pl.col("letters") // 2)
    .otherwise(pl.col("language").is_in(["vi", "ko"]))
)
"""The runs between spaces are short: syllables, or Hangul."""

ENGLISH_LETTERS = 0.98
IS_ENGLISH = (
    pl.when(UNKNOWN)
    .then(pl.col("ascii_letters") >= ENGLISH_LETTERS * pl.col("letters"))
    .otherwise(pl.col("language") == "en")
)
"""By the `language` stage; if that has no answer, whether nearly all letters are ASCII."""


@dataclass(frozen=True)
class Rule:
    """One threshold of one family."""

    reason: str  # the fault
    measure: str  # column of the stage's measures; null where the rule does not apply
    value: pl.Expr  # the measure, from the columns of `kernels.statistics` and `language`
    setting: str  # which field of the family's settings is the threshold
    least: bool  # whether the threshold is the smallest allowed value, not the largest
    meaning: str  # one line: what it means and what to do

    def broken(self, threshold: float) -> Broken:
        """The rule with a threshold, as an expression over the column of its measure."""
        value = pl.col(self.measure)
        where = value < threshold if self.least else value > threshold
        return Broken(where, value, threshold)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """`part` / `whole`, rounded; if `whole` is 0 it counts as 1."""
    return (part / whole.clip(lower_bound=1)).round(DIGITS)


def where(applies: pl.Expr, value: pl.Expr) -> pl.Expr:
    """The value if a rule applies, else null."""
    return pl.when(applies).then(value)


def reasons_of(rules: Iterable[Rule]) -> dict[str, str]:
    """What each reason means."""
    return {rule.reason: rule.meaning for rule in rules}
