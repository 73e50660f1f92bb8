"""Words that a model's own prompt uses: text that holds one fails the job."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from pipeline.bedrock.card import ReservedWords
from pipeline.checks.byte_rules import as_text
from pipeline.checks.places import texts

_ESCAPED_ASCII = r"\\u00[0-7]"
"""A character of a word may be spelled as an escape."""

_LETTERS_COLON = re.compile("[A-Za-z]+:")
_TAIL = 4
"""Letters of a label that are looked at before its colon."""

_KELVIN = "\u212a"
"""The one character outside ASCII whose lower case is in it: `<unK>` is `<unk>` to lower()."""


class WordSearch:
    """Finds reserved words in records, inside other words too, as AWS's validators do."""

    def __init__(self, reserved: ReservedWords) -> None:
        self.words = reserved.words
        self.case_sensitive = reserved.case_sensitive
        plain = [word for word in self.words if _LETTERS_COLON.fullmatch(word)]
        self._labels = [] if self.case_sensitive else plain
        self._pattern = self._spelled(self.words)
        self._others = self._spelled([word for word in self.words if word not in self._labels])

    def _spelled(self, words: Sequence[str]) -> str:
        """A pattern of the words as they stand in JSON, or of an escape that may hide one."""
        spelled = [re.escape(json.dumps(word)[1:-1]) for word in words]
        flags = "" if self.case_sensitive else "(?i)"
        return f"(?-u:{flags}{'|'.join([*spelled, _ESCAPED_ASCII])})|{_KELVIN}"

    def may_be_in(self, data: bytes) -> bool:
        """Whether a chunk of lines, valid UTF-8, may hold a word; False is certain.

        Labels such as `User:` are found from their colon back: two passes of the text at
        gigabytes a second, where a pattern of all words makes one at a third of that.
        """
        text = as_text(data)
        if text.str.contains(self._others)[0]:
            return True
        if not self._labels:
            return False
        ends = [word.lower()[-_TAIL - 1 :] for word in self._labels]
        last = {letter for end in ends for letter in (end[-2], end[-2].upper())}
        window = f"(?-u:[a-zA-Z]{{0,{_TAIL - 1}}}[{''.join(sorted(last))}]:)"
        tails = " ".join(text.str.extract_all(window)[0]).lower()
        return any(end in tails for end in ends)

    def candidates(self, lines: Sequence[bytes]) -> list[int]:
        """Lines that may hold one, by their index."""
        decoded = pl.Series([line.decode(errors="replace") for line in lines], dtype=pl.String)
        return list(decoded.str.contains(self._pattern).arg_true())

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


def rewritten(text: str, reserved: ReservedWords, tell: Callable[[str], None]) -> str:
    """The text without reserved words: `System:` as `System -`, `<image>` as `(image)`.

    Each change is told as `old -> new`. Rewriting one word never makes another.
    """
    flags = re.NOFLAG if reserved.case_sensitive else re.IGNORECASE
    pattern = re.compile("|".join(map(re.escape, reserved.words)), flags)

    def other(found: re.Match[str]) -> str:
        word = found[0]
        new = f"{word[:-1]} -" if word.endswith(":") else f"({word[1:-1]})"
        tell(f"{word.strip()} -> {new.strip()}")
        return new

    return pattern.sub(other, text)
