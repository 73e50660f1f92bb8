"""The kinds of values that `redact` knows, and the marks that replace them."""

from __future__ import annotations

import re
from typing import Literal, get_args

FormKind = Literal[
    "email", "phone", "iban", "card", "national_id", "url_credentials", "secret", "ipv4", "ipv6"
]
"""Kinds of values that are recognised by their form."""

NameKind = Literal["person", "place", "organization"]
"""Kinds of values that only a model of the language finds."""

Kind = Literal[FormKind, NameKind]

FORM_KINDS: tuple[FormKind, ...] = get_args(FormKind)
NAME_KINDS: tuple[NameKind, ...] = get_args(NameKind)

_WORDS = {"url_credentials": "CREDENTIALS", "ipv4": "IP", "ipv6": "IP"}
"""The word in the brackets for kinds where it is not the kind's own name."""

STAND_IN_BYTES = 6
"""48 bits: among a million values, two share a stand-in with a probability of 0.002."""


def mark(kind: str, stand_in: str = "") -> str:
    """The mark that replaces a value, with its stand-in (hex) if it has one.

    >>> mark("ipv4"), mark("person", "5f2c91d07a44")
    ('[IP]', '[PERSON_5f2c91d07a44]')
    """
    return f"[{_WORDS.get(kind, kind.upper())}{'_' if stand_in else ''}{stand_in}]"


_ANY = sorted({mark(kind)[1:-1] for kind in (*FORM_KINDS, *NAME_KINDS)})
MARKS = re.compile(rf"\[(?:{'|'.join(_ANY)})(?:_[0-9a-f]{{{2 * STAND_IN_BYTES}}})?\]")
"""A mark of any kind, written by this or an earlier pass."""
