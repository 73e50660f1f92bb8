"""Whether and where a text contains a quote, exactly except for white space and NFC."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

BLANKS = re.compile(r"\s+")


def plain(text: str) -> str:
    """The text in NFC, with each run of white space as one space and none at the ends."""
    return BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()


@dataclass(frozen=True)
class Passage:
    """A text to find quotes in; places are in characters of the unchanged `text`."""

    text: str

    @cached_property
    def _plain(self) -> tuple[str, list[int], list[int]]:
        """(the text as `plain` gives it; start and end in `text` of each of its characters)."""
        letters: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for start, end, piece in _composed(self.text):
            for letter in piece:
                blank = letter.isspace()
                if blank and (not letters or letters[-1] == " "):
                    continue
                letters.append(" " if blank else letter)
                starts.append(start)
                ends.append(end)
        return "".join(letters).rstrip(" "), starts, ends

    def find(self, quote: str) -> tuple[int, int] | None:
        """Start and end (not included) of the quote's first occurrence, or None."""
        wanted = plain(quote)
        text, starts, ends = self._plain
        at = text.find(wanted) if wanted else -1
        return None if at < 0 else (starts[at], ends[at + len(wanted) - 1])

    def common(self, quote: str) -> int:
        """The length of the longest beginning of the quote that the text contains."""
        wanted, text = plain(quote), self._plain[0]
        low, high = 0, len(wanted)
        while low < high:  # if the text contains a beginning, it contains every shorter one
            middle = (low + high + 1) // 2
            low, high = (middle, high) if wanted[:middle] in text else (low, middle - 1)
        return low


def _composed(text: str) -> Iterator[tuple[int, int, str]]:
    """The text in NFC, cut only where that does not change it: (start, end, composed piece)."""
    if unicodedata.is_normalized("NFC", text):
        yield from ((at, at + 1, letter) for at, letter in enumerate(text))
        return
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or _parts(text[start:at], text[at]):
            yield start, at, unicodedata.normalize("NFC", text[start:at])
            start = at


def _parts(before: str, letter: str) -> bool:
    """Whether NFC never combines a letter with the text before it, whatever follows."""
    if unicodedata.combining(letter):
        return False
    alone = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", letter)
    return unicodedata.normalize("NFC", before + letter) == alone
