"""`redact`: personal data out of the text, a mark in its place."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.stage import Settings
from pipeline.stages.texts import rewrite

LOCAL = r"[\p{Latin}0-9_%+-](?:[\p{Latin}0-9._%+'-]*[\p{Latin}0-9_%+-])?"
EMAIL = LOCAL + r"@(?:[\p{Latin}0-9][\p{Latin}0-9-]*\.)+\p{Latin}{2,}"

COUNTRY = r"\+[1-9][0-9]{0,2}"
INTERNATIONAL = (
    r"\+[1-9][0-9]{8,14}",  # +84912345678
    COUNTRY + r"(?:[ .-]?\(0\))?(?:[ .-]|[ .-]?\()[0-9]{2,4}\)?[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,4}"
    r"(?:[ .-]?[0-9]{2,4})?",  # +84 912 345 678, +44 (0)20 7946 0958, +1 (415) 555-2671
    COUNTRY + r"(?:[ .-]|[ .-]?\()[0-9]{2,5}\)?[ ./-]?[0-9]{6,8}",  # +49 30 1234567
    COUNTRY + r"[ .-]?[0-9]{1,2}(?:[ .-][0-9]{2}){4}",  # +33 1 23 45 67 89
)
VIETNAMESE = (
    r"0[35789][0-9]{8}",  # 0912345678
    r"0[35789][0-9]{2}(?:[ .-][0-9]{3}){2}",  # 0912 345 678
    r"0[35789][0-9][ .-][0-9]{3}[ .-][0-9]{4}",  # 091 234 5678
    r"0[35789][0-9]{2}(?:[ .-][0-9]{2}){3}",  # 0912 34 56 78
    r"\(?02[0-9]{1,2}\)?[ .-]?[0-9]{3,4}[ .-]?[0-9]{4}",  # (024) 3825 1234
)
NORTH_AMERICAN = (  # not three numbers with blanks between them: those are columns of a table
    r"(?:1[ .-])?\([2-9][0-9]{2}\)[ .-]?[2-9][0-9]{2}[ .-][0-9]{4}",  # (415) 555-2671
    r"(?:1[.-])?[2-9][0-9]{2}[.-][2-9][0-9]{2}[.-][0-9]{4}",  # 415-555-2671
    r"(?:1[ .-])?[2-9][0-9]{2} [2-9][0-9]{2}-[0-9]{4}",  # 415 555-2671
)
PHONE = "|".join((*INTERNATIONAL, *VIETNAMESE, *NORTH_AMERICAN))
PHONE_LIKE = r"[0-9][0-9() ./-]{5,}[0-9]{2}"
"""What every phone number holds; looking for it is fast."""

OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"

BEFORE = r"(^|[^\p{L}\p{M}\p{N}_+.#/=$€£¥-])"
AFTER = r"($|[^\p{L}\p{M}\p{N}_/.:-]|[.:-](?:$|[^\p{L}\p{M}\p{N}_]))"
"""A number stands alone: not in a longer number, a word, a version, a date or a path."""


class Redact(Settings):
    """Puts `[EMAIL]` and `[PHONE]` in the place of e-mail addresses and phone numbers.

    Phone numbers are the international form (+84 …), Vietnamese and North American ones, with at
    least nine digits and nothing that makes them part of a longer number, a date or a version.
    `kinds: [email, phone, ipv4]` also puts `[IP]` for dotted quads, private addresses and
    section numbers like 1.14.4.14 among them. Names and addresses are not found: this takes the
    obvious out, it does not make a text anonymous. Works on text, system prompt and every turn.
    """

    name: ClassVar[str] = "redact"
    reasons: ClassVar[dict[str, str]] = {}

    kinds: list[Literal["email", "phone", "ipv4"]] = Field(
        ["email", "phone"], min_length=1, description="what to redact"
    )

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with marks in the place of what was found; none is rejected."""
        return rewrite(records, self._redacted)

    def _redacted(self, texts: pl.Series) -> pl.Series:
        if "email" in self.kinds:
            texts = _replaced(texts, "@", EMAIL, "[EMAIL]")
        if "phone" in self.kinds:
            texts = _replaced(texts, PHONE_LIKE, f"{BEFORE}(?:{PHONE}){AFTER}", "${1}[PHONE]${2}")
        if "ipv4" in self.kinds:
            texts = _replaced(texts, IPV4, f"{BEFORE}{IPV4}{AFTER}", "${1}[IP]${2}")
        return texts


def _replaced(texts: pl.Series, gate: str, pattern: str, mark: str) -> pl.Series:
    """The texts with each match replaced, until none is left.

    Two numbers with one blank between them share it as their boundary, so that one sweep finds
    only the first.
    """
    hits = texts.str.contains(gate).arg_true()
    if hits.is_empty():
        return texts
    before = texts.gather(hits)
    after = before.str.replace_all(pattern, mark)
    moved = (before != after).arg_true()
    if moved.is_empty():
        return texts
    settled = after.scatter(moved, _replaced(after.gather(moved), gate, pattern, mark))
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(hits, settled)
