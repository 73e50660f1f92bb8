"""The report's own words in English and Vietnamese, and its number formats."""

from __future__ import annotations

from typing import Any

from pipeline.report.markup import Markup, el, escaped
from pipeline.report.reasons_vi import REASONS_VI
from pipeline.report.words_contamination import CONTAMINATION
from pipeline.report.words_first import FIRST
from pipeline.report.words_sections import SECTIONS

LANGUAGES = ("en", "vi")

WORDS: dict[str, tuple[str, str]] = FIRST | SECTIONS | CONTAMINATION
"""Every word in both languages (English, Vietnamese), with the same placeholders."""


class Words:
    """The words of one of `LANGUAGES`; ValueError for any other."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: Any) -> str:
        """The word or sentence `key`, its placeholders filled; KeyError if it does not exist."""
        text = WORDS[key][self.index]
        return text.format(**values) if values else text

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number as text: `1,234.5` or, in Vietnamese, `1.234,5`; `–` for None."""
        if value is None:
            return "–"
        text = f"{value:,.{digits}f}"
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def measure(self, value: Any) -> str:
        """Any measured value as text: numbers with separators, up to 4 decimals; `–` for None."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "–" if value is None else str(value)
        whole = float(value).is_integer()
        return self.number(value, 0 if whole else self._digits(value))

    @staticmethod
    def _digits(value: float) -> int:
        """How many decimals the value needs, rounded to four places, without trailing zeros."""
        return len(f"{value:.4f}".rstrip("0").partition(".")[2])

    def per_cent(self, share: float, records: int) -> str:
        """A share (0 to 100) as text: `4.2 %`, or `< 0.1 %` if some records round to 0."""
        less = "< " if records and share < 0.1 else ""
        return f"{less}{self.number(0.1 if less else share, 1)} %"

    def translated(self, name: str) -> str | None:
        """The Vietnamese words for a name; None if there are none, or if the page is in English."""
        return REASONS_VI.get(name) if self.language == "vi" else None

    def meaning(self, name: str, english: str | None) -> Markup:
        """What a reason means; without a translation, it is in English and marked as such."""
        text = self.translated(name) if self.language == "vi" else english
        if text or not english:
            return escaped(text or "")
        return el("span", english, lang="en")

    def size(self, value: int) -> str:
        """A number of bytes in the largest decimal unit in which it is at least 1."""
        number = float(value)
        for unit in ("B", "kB", "MB", "GB"):
            if number < 1000:
                return f"{self.number(number, 0 if unit == 'B' else 1)} {unit}"
            number /= 1000
        return f"{self.number(number, 1)} TB"
