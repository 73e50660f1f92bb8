"""`quality`: four plain rules that a page of prose or code keeps and junk does not."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from pipeline.stage import Broken, Settings, reject
from pipeline.stages.texts import has_images

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that put no blanks between words; two characters count as a word."""

SYMBOL = r"[\p{S}\p{Co}\p{Cn}#%&*@/\\_{}\[\]•…]"
NO_LETTER = r"[^\p{L}\p{M}\s]"
BLANK = r"\s"


class Quality(Settings):
    """Rejects documents that are too short, or more symbols and digits than language.

    Words are runs between blanks; in scripts without blanks (Chinese, Japanese, Thai, Lao,
    Khmer, Burmese) two characters count as a word. Ratios are shares of the characters that are
    not white space. Applies to documents only: labelled records and captions are short by nature.
    """

    name: ClassVar[str] = "quality"
    reasons: ClassVar[dict[str, str]] = {
        "too_short": "The text has fewer words than `min_words`; lower it if short texts count.",
        "line_too_long": "A line is longer than `max_line_chars`, as in minified code or base64; "
        "raise it if your texts have no line breaks.",
        "too_many_symbols": "More of the text is symbols than `max_symbol_ratio` allows, as in "
        "tables of signs or markup; raise it for code.",
        "too_few_letters": "Fewer of the characters are letters than `min_letter_ratio` asks for, "
        "as in tables of numbers; lower it if you want those.",
    }

    min_words: int = Field(5, ge=0, description="words a document needs")
    max_line_chars: int = Field(10_000, ge=1, description="characters in the longest line")
    max_symbol_ratio: float = Field(0.4, ge=0, le=1, description="share of symbols, e.g. # { | =")
    min_letter_ratio: float = Field(0.25, ge=0, le=1, description="share of letters")

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, documents that break a rule rejected with what was measured."""
        judged = pl.col("rejected").is_null() & pl.col("messages").is_null() & ~has_images()
        measured = records.with_columns(judged=pl.when(judged).then("text")).with_columns(
            words=_words_up_to(self.min_words),
            line_chars=_longest_line_over(self.max_line_chars),
            symbols=pl.col("judged").str.count_matches(SYMBOL),
            others=pl.col("judged").str.count_matches(NO_LETTER),
            solid=pl.col("judged").str.len_chars() - pl.col("judged").str.count_matches(BLANK),
        )
        marked = reject(measured, **self._rules())
        return marked.select(records.columns)

    def _rules(self) -> dict[str, Broken]:
        solid = pl.col("solid").clip(lower_bound=1)
        symbols = (pl.col("symbols") / solid).round(3)
        letters = ((pl.col("solid") - pl.col("others")) / solid).round(3)
        words, line_chars = pl.col("words"), pl.col("line_chars")
        return {
            "too_short": Broken(words < self.min_words, words, self.min_words),
            "line_too_long": Broken(
                line_chars > self.max_line_chars, line_chars, self.max_line_chars
            ),
            "too_many_symbols": Broken(
                symbols > self.max_symbol_ratio, symbols, self.max_symbol_ratio
            ),
            "too_few_letters": Broken(
                letters < self.min_letter_ratio, letters, self.min_letter_ratio
            ),
        }


def _words_up_to(enough: int) -> pl.Expr:
    """The number of words; of long texts the beginning, where it holds enough of them."""
    text = pl.col("judged")
    beginning = _words(text.str.head(16 * enough))
    return (
        pl.when(beginning >= enough)
        .then(beginning)
        .otherwise(_words(pl.when(beginning < enough).then(text)))
    )


def _words(text: pl.Expr) -> pl.Expr:
    unspaced = text.str.count_matches(f"[{UNSPACED}]")
    spaced = text.str.count_matches(rf"[^\s{UNSPACED}]+")
    return spaced + unspaced // 2


def _longest_line_over(limit: int) -> pl.Expr:
    """Characters in the longest line, where the text is long enough to have one over the limit."""
    long = pl.when(pl.col("judged").str.len_chars() > limit).then("judged")
    return long.str.split("\n").list.eval(pl.element().str.len_chars()).list.max()
