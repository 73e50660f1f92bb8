"""`quality`: rules for text worth keeping: four plain ones, Gopher's, C4's and FineWeb's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.kernels import statistics
from pipeline.kernels.statistics import BLANK, NO_LETTER, SYMBOL, UNSPACED
from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages import quality_gopher as gopher
from pipeline.stages import quality_web as web
from pipeline.stages.quality_rules import WORDS, Rule, reasons_of
from pipeline.stages.texts import has_images

SHARE = pl.col("solid").clip(lower_bound=1)
PLAIN = (
    Rule("too_short", "words", pl.col("plain_words"), "min_words", True,
         "The text has fewer words than `min_words`; lower it to keep short texts."),
    Rule("line_too_long", "line_chars", pl.col("plain_line_chars"), "max_line_chars", False,
         "A line is longer than `max_line_chars`, as in minified code or base64; "
         "raise it if your texts have no line breaks."),
    Rule("too_many_symbols", "symbol_ratio", (pl.col("plain_symbols") / SHARE).round(3),
         "max_symbol_ratio", False,
         "The share of symbols is above `max_symbol_ratio`, as in "
         "tables of signs or markup; raise it for code."),
    Rule("too_few_letters", "letter_ratio",
         ((pl.col("solid") - pl.col("plain_others")) / SHARE).round(3), "min_letter_ratio", True,
         "The share of letters is below `min_letter_ratio`, "
         "as in tables of numbers; lower it if you want those."),
)  # fmt: skip

FAMILIES = {
    "plain": PLAIN,
    "gopher_quality": gopher.QUALITY,
    "gopher_repetition": gopher.REPETITION,
    "c4": web.C4_RULES,
    "fineweb": web.FINEWEB_RULES,
}
PARTS = {
    "gopher_quality": statistics.PROSE,
    "gopher_repetition": statistics.REPETITION | statistics.LINES,
    "c4": statistics.C4,
    "fineweb": statistics.PROSE | statistics.LINES,
}
"""Flags for what the kernel counts only if a family of rules needs it."""

Family = Literal["plain", "gopher_quality", "gopher_repetition", "c4", "fineweb"]


class Quality(Settings):
    """Rejects documents that are too short, or consist of symbols and digits more than language.

    Words are runs between spaces; in scripts without spaces (Chinese, Japanese, Thai, Lao,
    Khmer, Burmese) two characters count as a word. Ratios are shares of the characters that are
    not white space. Applies to documents only: labelled records and captions are short by nature.

    `rules` names the families of rules to apply, in order: `plain`, the four thresholds listed
    beside it, and `gopher_quality`, `gopher_repetition`, `c4` and `fineweb`, as published, with
    settings of their own. Rules about words do not apply to scripts without spaces, rules about
    word length and runs of words do not apply to Vietnamese and Korean, English stop words only
    to English, and full stops at line ends not to Thai and Lao. The measures are stored with the
    run: `why` shows them, and `why --what-if quality.min_words=30` shows what another threshold
    would do.
    """

    name: ClassVar[str] = "quality"
    reasons: ClassVar[dict[str, str]] = {
        reason: meaning
        for family in FAMILIES.values()
        for reason, meaning in reasons_of(family).items()
    }

    rules: tuple[Family, ...] = Field(("plain",), description="the families of rules, in order")
    min_words: int = Field(5, ge=0, description="words a document needs")
    max_line_chars: int = Field(10_000, ge=1, description="characters in the longest line")
    max_symbol_ratio: float = Field(0.4, ge=0, le=1, description="share of symbols, e.g. # { | =")
    min_letter_ratio: float = Field(0.25, ge=0, le=1, description="share of letters")
    gopher_quality: gopher.GopherQuality = gopher.GopherQuality()
    gopher_repetition: gopher.GopherRepetition = gopher.GopherRepetition()
    c4: web.C4 = web.C4()
    fineweb: web.FineWeb = web.FineWeb()

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records; documents that break a rule are rejected with the measured value."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, plus the measures of every document that was judged."""
        judged = pl.col("rejected").is_null() & pl.col("messages").is_null() & ~has_images()
        judged &= pl.col("text").is_not_null()
        texts = records.select("id", "language", judged=pl.when(judged).then("text"))
        measures = self._measured(texts)
        marked = reject(
            pl.concat([records, measures.drop("id")], how="horizontal"), **self.broken()
        )
        of_judged = measures.filter(texts["judged"].is_not_null())
        return Observed(marked.select(records.columns), measures=of_judged)

    def broken(self) -> dict[str, Broken]:
        """Each rule by its reason, as expressions over the columns of the measures."""
        return {rule.reason: rule.broken(limit) for rule, limit in self.thresholds()}

    def thresholds(self) -> Iterator[tuple[Rule, float]]:
        """The rules to apply, in order, each with its threshold."""
        for family in self.rules:
            settings: Any = self if family == "plain" else getattr(self, family)
            for rule in FAMILIES[family]:
                yield rule, getattr(settings, rule.setting)

    def _measured(self, texts: pl.DataFrame) -> pl.DataFrame:
        """`id` and the measure of every rule; null for texts that are not judged."""
        counted = texts
        if statistics.COMPILED or set(self.rules) != {"plain"}:
            parts = reduce(or_, (PARTS[family] for family in self.rules if family in PARTS), 0)
            counts = statistics.statistics(texts["judged"], parts)
            counted = pl.concat([texts, counts], how="horizontal")
        if "plain" in self.rules:
            counted = counted.with_columns(_plain_counts(compiled=statistics.COMPILED))
        values = {rule.measure: rule.value for rule, _ in self.thresholds()}
        judged = pl.col("judged").is_not_null()
        return counted.select("id", *(pl.when(judged).then(v).alias(n) for n, v in values.items()))


def _plain_counts(*, compiled: bool) -> list[pl.Expr]:
    """The counts of the plain rules, by the kernel, or by expressions for texts it cannot count."""
    judged = pl.col("judged")
    known = {
        "plain_words": WORDS,
        "plain_line_chars": pl.col("longest_line"),
        "plain_symbols": pl.col("symbols"),
        "plain_others": pl.col("others"),
        "solid": pl.col("chars") - pl.col("blanks"),
    }
    text = pl.when(pl.col("rare") > 0).then(judged) if compiled else judged
    counted = {
        "plain_words": _words(text),
        "plain_line_chars": text.str.split("\n").list.eval(pl.element().str.len_chars()).list.max(),
        "plain_symbols": text.str.count_matches(SYMBOL),
        "plain_others": text.str.count_matches(NO_LETTER),
        "solid": text.str.len_chars() - text.str.count_matches(BLANK),
    }
    if not compiled:
        return [value.cast(pl.Int64).alias(name) for name, value in counted.items()]
    return [
        pl.coalesce(value.cast(pl.Int64), known[name]).alias(name)
        for name, value in counted.items()
    ]


def _words(text: pl.Expr) -> pl.Expr:
    unspaced = text.str.count_matches(UNSPACED)
    spaced = text.str.count_matches(rf"[^\s{UNSPACED[1:]}+")
    return spaced + unspaced // 2
