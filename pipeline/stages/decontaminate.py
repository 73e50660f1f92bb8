"""`decontaminate`: keeps items of evaluation sets out of the training data.

The search is in modules that need numpy. They are imported late, so that only runs with evaluation
sets pay for that import.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl
from pydantic import Field, PrivateAttr, computed_field, model_validator

from pipeline.references import References
from pipeline.stage import Broken, Observed, Settings, reject

if TYPE_CHECKING:
    from pipeline.stages.evaluation_tables import Index


class Decontaminate(Settings):
    """Rejects records that contain what an evaluation set of the recipe asks.

    Letter case, punctuation and layout do not count. A record is rejected if it contains a whole
    item, a run of `words` words of it, or at least `share` of the item's runs of `share_words`
    words. A character of Chinese or Japanese counts as half a word, one of Thai, Lao, Khmer or
    Myanmar as a quarter: a run of 13 words is 26 or 52 of their characters. An item with fewer
    words than a run is searched for as a whole: as any prompt, system prompt or document, or as a
    line of one. Runs found in a fifth of a set's items (but at least three), or in 100 of them,
    belong to a template and are not searched for. The texts and the user's turns of items are
    searched for in all texts and turns of records.
    """

    name: ClassVar[str] = "decontaminate"
    reasons: ClassVar[dict[str, str]] = {
        "contaminated_exact": "The record contains an item of an evaluation set, character by "
        "character; contamination.parquet and `why` show which one and where.",
        "contaminated_normalised": "The record contains an item of an evaluation set; only letter "
        "case, punctuation and layout differ.",
        "contaminated_run": "The record shares a long run of words with an item of an evaluation "
        "set; the value is its length in words (of a script without spaces, characters as parts of "
        "a word).",
        "contaminated_share": "The record contains much of an item of an evaluation set in pieces; "
        "the value is the share of the item's runs of words that it contains.",
    }

    words: int = Field(13, ge=5, le=100, description="words in a row that are a leak")
    share: float = Field(
        0.7, gt=0, le=1, description="share of an item's runs of `share_words` words that is a leak"
    )
    share_words: int = Field(8, ge=5, le=100, description="words in a run whose share is measured")
    completions: bool = Field(
        False, description="also search for the answers of items, not only for their prompts"
    )

    _references: References | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _runs_fit(self) -> Self:
        if self.words < self.share_words:
            raise ValueError("words must not be less than share_words")
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def evaluation_sets(self) -> str | None:
        """A digest of the sets, so that records checked against other sets are checked again."""
        return None if self._references is None else self._references.digest

    def prepared(self, items: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The tables to look records up in, by name; `sets` has the counts for each set."""
        from pipeline.stages.evaluation_index import index_of

        return index_of(items, self.completions, self.share_words)

    def against(self, references: References) -> Self:
        """A copy of the stage that looks records up in the tables of `references`."""
        copy = self.model_copy()
        copy._references = references
        return copy

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records; those that contain what an evaluation set asks are rejected."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, plus `matches`: what each rejected record shares with which item."""
        if self._references is None:
            return Observed(records)
        from pipeline.stages.evaluation_matches import Measure, matches

        measure = Measure(self.words, self.share_words, self.share)
        found = matches(records, _index(self._references), measure)
        if found.is_empty():
            return Observed(records)
        return Observed(self._rejected(records, found), matches=found)

    def _rejected(self, records: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        kind = pl.col("_kind")
        plainest = pl.Enum(["exact", "normalised", "run", "share"])
        best = found.sort(
            pl.col("kind").cast(plainest), -pl.col("share"), -pl.col("words"), "set"
        ).unique("id", keep="first", maintain_order=True)
        match = best.select("id", _kind="kind", _share="share", _words="words")
        joined = records.join(match, on="id", how="left", maintain_order="left")
        share, words = (_short(pl.col(name).round(3)) for name in ("_share", "_words"))
        return reject(
            joined,
            contaminated_exact=Broken(kind == "exact", value=share),
            contaminated_normalised=Broken(kind == "normalised", value=share),
            contaminated_run=Broken(kind == "run", value=words, threshold=self.words),
            contaminated_share=Broken(kind == "share", value=share, threshold=self.share),
        ).drop("_kind", "_share", "_words")


def _short(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.strip_suffix(".0")


@lru_cache(maxsize=2)
def _index(references: References) -> Index:
    """The tables, opened once in each process."""
    from pipeline.stages.evaluation_tables import Index

    return Index(references)
