"""`redact`: personal data out of the text, a mark in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.stage import Settings
from pipeline.stages.texts import rewrite

LOCAL = r"[\p{Latin}0-9_%+-](?:[\p{Latin}0-9._%+'-]*[\p{Latin}0-9_%+-])?"
EMAIL = LOCAL + r"@(?:[\p{Latin}0-9][\p{Latin}0-9-]*\.)+\p{Latin}{2,}"

COUNTRY = r"\+[1-9][0-9]{0,2}"
APART = r"(?:[ .-]?\(0\)[ .-]?|[ .-]|[ .-]?\()"  # what parts a country's code from the number
INTERNATIONAL = (
    r"\+[1-9][0-9]{8,14}",  # +84912345678
    COUNTRY + APART + r"[0-9]{2,4}\)?[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,4}(?:[ .-]?[0-9]{2,4})?",
    COUNTRY + APART + r"[0-9]{2,5}\)?[ ./-]?[0-9]{6,8}",  # +49 30 1234567
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
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"

BEFORE = r"(?<![\w+.#/=$€£¥-])"
AFTER = r"(?![\w/]|[.:-]\w)"
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
            texts = _settled(texts, "@", lambda text: text.str.replace_all(EMAIL, "[EMAIL]"))
        if "phone" in self.kinds:
            texts = _settled(texts, PHONE, _standing_alone(PHONE, "[PHONE]"))
        if "ipv4" in self.kinds:
            texts = _settled(texts, IPV4, _standing_alone(IPV4, "[IP]"))
        return texts


def _standing_alone(pattern: str, mark: str) -> Callable[[pl.Expr], pl.Expr]:
    """Puts the mark in the place of what matches and stands alone.

    Polars' regex cannot look around, Python's can; it stays linear in the length of the text, for
    these patterns repeat nothing without end.
    """
    alone = re.compile(f"{BEFORE}(?:{pattern}){AFTER}")
    return lambda text: text.map_elements(lambda one: alone.sub(mark, one), return_dtype=pl.String)


def _settled(texts: pl.Series, gate: str, change: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """The texts, those in which the gate occurs changed until there is nothing more to change."""
    hits = texts.str.contains(gate).arg_true()
    if hits.is_empty():
        return texts
    before = texts.gather(hits)
    after = before.to_frame("text").select(change(pl.col("text"))).to_series()
    moved = (before != after).arg_true()
    if moved.is_empty():
        return texts
    # `scatter` writes into the series it is called on.
    settled = after.clone().scatter(moved, _settled(after.gather(moved), gate, change))
    return texts.clone().scatter(hits, settled)
