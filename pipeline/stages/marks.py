"""The kinds of values that `redact` knows, and the marks that it puts in their place."""

from __future__ import annotations

import re
from typing import Literal, get_args

FormKind = Literal[
    "email", "phone", "iban", "card", "national_id", "url_credentials", "secret", "ipv4", "ipv6"
]
"""What has a form of its own."""

NameKind = Literal["person", "place", "organization"]
"""What only a model that knows the language finds."""

Kind = Literal[FormKind, NameKind]

FORM_KINDS: tuple[FormKind, ...] = get_args(FormKind)
NAME_KINDS: tuple[NameKind, ...] = get_args(NameKind)

_WORDS = {"url_credentials": "CREDENTIALS", "ipv4": "IP", "ipv6": "IP"}
"""What stands in the brackets, where it is not the kind itself."""

STAND_IN_BYTES = 6
"""48 bits: among a million values two share a stand-in with a chance of 0.002."""


def mark(kind: str, stand_in: str = "") -> str:
    """What stands in a value's place, with its stand-in (hex) if it has one.

    >>> mark("ipv4"), mark("person", "5f2c91d07a44")
    ('[IP]', '[PERSON_5f2c91d07a44]')
    """
    return f"[{_WORDS.get(kind, kind.upper())}{'_' if stand_in else ''}{stand_in}]"


_ANY = sorted({mark(kind)[1:-1] for kind in (*FORM_KINDS, *NAME_KINDS)})
MARKS = re.compile(rf"\[(?:{'|'.join(_ANY)})(?:_[0-9a-f]{{{2 * STAND_IN_BYTES}}})?\]")
"""A mark of any kind, as this or an earlier pass has put it there."""
