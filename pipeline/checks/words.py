"""Reserved words, which a model's own prompt uses: a job fails if a text contains one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from pipeline.bedrock.card import ReservedWords
from pipeline.checks.places import texts
from pipeline.kernels import holds_any

_ESCAPED_ASCII = r"\\u00[0-7]"
"""An escape, by which a character of a word may be written."""

_ESCAPES = [rf"\u00{digit}" for digit in range(8)]
"""The texts that `_ESCAPED_ASCII` matches."""

_KELVIN = "\u212a"
"""The only non-ASCII character whose lower case is ASCII: lower() turns `<unK>` into `<unk>`."""


class WordSearch:
    """Finds reserved words in records, even inside other words, as AWS's validators do."""

    def __init__(self, reserved: ReservedWords) -> None:
        self.words = reserved.words
        self.case_sensitive = reserved.case_sensitive
        spelled = [json.dumps(word)[1:-1] for word in self.words]
        flags = "" if self.case_sensitive else "(?i)"
        escaped = "|".join([*map(re.escape, spelled), _ESCAPED_ASCII])
        self._pattern = f"(?-u:{flags}{escaped})|{_KELVIN}"
        self._signs = [sign.encode().lower() for sign in (*spelled, *_ESCAPES, _KELVIN)]

    def may_be_in(self, data: bytes) -> bool:
        """Whether a chunk may contain a word, or an escape that hides one; False is certain.

        The kernel scans gigabytes of bytes per second; a regex of all words manages only one.
        """
        return holds_any(data, self._signs)

    def candidates(self, lines: Sequence[bytes]) -> list[int]:
        """The indices of lines that may contain a word."""
        decoded = pl.Series([line.decode(errors="replace") for line in lines], dtype=pl.String)
        return list(decoded.str.contains(self._pattern).arg_true())

    def faults(self, value: Any, format_name: str) -> Iterator[tuple[str, str]]:
        """(word, place of its first occurrence) for each word that a record contains."""
        reported: set[str] = set()
        for place, _, text in texts(value, format_name):
            searched = text if self.case_sensitive else text.lower()
            for word in self.words:
                wanted = word if self.case_sensitive else word.lower()
                if wanted in searched and word not in reported:
                    reported.add(word)
                    yield word, place


def rewritten(text: str, reserved: ReservedWords, add: Callable[[str], None]) -> str:
    """The text without reserved words: `System:` as `System -`, `<image>` as `(image)`.

    `add` is called with each change as `old -> new`. Rewriting one word never makes another.
    """
    flags = re.NOFLAG if reserved.case_sensitive else re.IGNORECASE
    pattern = re.compile("|".join(map(re.escape, reserved.words)), flags)

    def replacement(match: re.Match[str]) -> str:
        word = match[0]
        new = f"{word[:-1]} -" if word.endswith(":") else f"({word[1:-1]})"
        add(f"{word.strip()} -> {new.strip()}")
        return new

    return pattern.sub(replacement, text)
