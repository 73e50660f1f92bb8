"""The tables of evaluation sets, opened to look records up in them, and the schema of a match."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.kernels import WORD_RULES, gram_rows
from pipeline.kernels.passages import Grams, KeyTable
from pipeline.references import References
from pipeline.stages.evaluation_index import SCRIPTS

AT_ONCE = 1 << 19  # characters
LONGER = 2  # a text is compared with whole parts up to this times the longest part's length
KINDS = ("exact", "normalised", "run", "share")
"""How a record matches an item, the clearest kind first."""

PLACED = pl.Schema(
    {
        "id": pl.String(),
        "part": pl.UInt32(),
        "kind": pl.String(),
        "share": pl.Float64(),
        **{
            name: pl.Int64() for name in ("words", "turn", "start", "end", "item_start", "item_end")
        },
    }
)


class Index:
    """The tables of `index_of`, opened."""

    def __init__(self, references: References) -> None:
        self.parts = references.frame("parts")
        self.whole = references.frame("whole")
        self.whole_keys = KeyTable(self.whole["key"].to_numpy())
        texts = self.parts["text"].gather(self.whole["part"])
        self.longest = LONGER * max(texts.str.len_chars().to_list(), default=0)
        self.whole_starts = KeyTable(np.unique(first_grams(texts)))
        self.runs: dict[int, tuple[pl.DataFrame, KeyTable, KeyTable]] = {}
        for script in SCRIPTS:
            if references.has(f"runs{script}"):
                rows, grams = references.frame(f"runs{script}"), references.frame(f"grams{script}")
                keys, hashes = (KeyTable(table["key"].to_numpy()) for table in (rows, grams))
                self.runs[script] = (rows, keys, hashes)


def grams_of(texts: pl.Series) -> pl.Series:
    """The five-word hashes of each text in order (Binary), with words as in `passages`."""
    return gram_rows(texts, WORD_RULES["unicode"])


def first_grams(texts: pl.Series) -> Grams:
    """The hash of each text's first five words, or of all if it has fewer; 0 without words."""
    first = grams_of(texts).bin.slice(0, 4)
    first = first.set(first.bin.size() == 0, bytes(4))
    return first.bin.reinterpret(dtype=pl.UInt32, endianness="little").to_numpy()


def kind_of(exact: bool) -> str:
    """The kind of match of a whole item: `exact` or `normalised`."""
    return KINDS[0] if exact else KINDS[1]
