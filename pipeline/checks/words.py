"""Words that a model's own prompt uses: text that holds one fails the job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from pipeline.bedrock.card import ReservedWords
from pipeline.checks.places import texts

_ESCAPED_ASCII = r"\\u00[0-7]"
"""A character of a word may be spelled as an escape."""

_KELVIN = "\u212a"
"""The one character outside ASCII whose lower case is in it: `<unK>` is `<unk>` to lower()."""


class WordSearch:
    """Finds reserved words in records, inside other words too, as AWS's validators do."""

    def __init__(self, reserved: ReservedWords) -> None:
        self.words = reserved.words
        self.case_sensitive = reserved.case_sensitive
        spelled = [re.escape(json.dumps(word)[1:-1]) for word in self.words]
        flags = "" if self.case_sensitive else "(?i)"
        self._spelled = f"(?-u:{flags}{'|'.join(spelled)}|{_ESCAPED_ASCII})|{_KELVIN}"

    def may_be_in(self, text: str) -> bool:
        """Whether a chunk of lines may hold one; False is certain."""
        return bool(pl.Series([text]).str.contains(self._spelled)[0])

    def candidates(self, lines: Sequence[bytes]) -> list[int]:
        """Lines that may hold one, by their index."""
        decoded = pl.Series([line.decode(errors="replace") for line in lines], dtype=pl.String)
        return list(decoded.str.contains(self._spelled).arg_true())

    def faults(self, value: Any, format_name: str) -> Iterator[tuple[str, str]]:
        """Each word that a record holds, and the place of its first."""
        told: set[str] = set()
        for place, _, text in texts(value, format_name):
            searched = text if self.case_sensitive else text.lower()
            for word in self.words:
                wanted = word if self.case_sensitive else word.lower()
                if wanted in searched and word not in told:
                    told.add(word)
                    yield word, place
