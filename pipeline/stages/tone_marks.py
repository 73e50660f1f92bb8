"""Where Vietnamese writes the tone of an open `oa`, `oe`, `uy`: hòa, khỏe, thủy or hoà, khoẻ, thuỷ.

Both styles are in use, and a model that sees both learns two words for one. Only whole Vietnamese
syllables are rewritten, and only in texts with a letter that no other language has: the Italian
`cioè` and `Noè` stay, and so do addresses and paths. After q the u is not a vowel of its own:
everybody writes `quý`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import polars as pl

Style = Literal["hòa", "hoà"]

TONES = "\u0300\u0301\u0303\u0309\u0323"
VIETNAMESE = r"[ăđơưĂĐƠƯ\u1EA0-\u1EF9]"
INITIAL = r"(?:ngh|ch|gh|gi|kh|ng|nh|ph|th|tr|[bcdđghklmnprstvx])?"

_FIRST = {  # the first vowels that carry a mark, by their plain letter
    "o": "".join(unicodedata.normalize("NFC", f"o{tone}") for tone in TONES),
    "u": "".join(unicodedata.normalize("NFC", f"u{tone}") for tone in TONES),
}
_SECOND = {
    letter: "".join(unicodedata.normalize("NFC", f"{letter}{tone}") for tone in TONES)
    for letter in "aey"
}
_ON_FIRST = f"[{_FIRST['o']}][ae]|[{_FIRST['u']}]y"
_ON_SECOND = f"o[{_SECOND['a']}{_SECOND['e']}]|u[{_SECOND['y']}]"
_OTHER = {"hòa": _ON_SECOND, "hoà": _ON_FIRST}
"""The pairs of vowels that each style writes differently."""

_SYLLABLES = {
    style: re.compile(rf"(?<!\w)({INITIAL})({pair})(?!\w)", re.IGNORECASE)
    for style, pair in _OTHER.items()
}
GATES = {style: rf"(?i)(?:{pair})(?:\P{{L}}|\z)" for style, pair in _OTHER.items()}
"""Polars regexes by style, matching texts that may contain a syllable in the other style."""

VOWELS = {
    "hòa": (r"(?i)[ou]", rf"(?i)[{''.join(_SECOND.values())}]"),
    "hoà": (rf"(?i)[{''.join(_FIRST.values())}]", r"(?i)[aey]"),
}
"""The characters that come first and second in the pairs of a gate."""


_ADDRESS = re.compile(r"://|@\w|\\\w|^[~.]{0,2}/|\w/\w+[/.]\w|\w\.[a-z]{2,}(?!\w)")
_BLANK = re.compile(r"\s")
_NEAR = 200  # characters on either side of a syllable to search for an address


def in_style(text: pl.Expr, style: Style) -> pl.Expr:
    """The texts, given in NFC, with every Vietnamese syllable in one style."""
    vietnamese = text.str.contains(VIETNAMESE)
    written = (
        pl.when(vietnamese)
        .then(text)
        .map_elements(lambda value: _SYLLABLES[style].sub(_moved, value), return_dtype=pl.String)
    )
    return pl.coalesce(written, text)


def _moved(syllable: re.Match[str]) -> str:
    """The syllable with its mark on the other vowel; unchanged in an address or a path."""
    if _in_address(syllable):
        return syllable[0]
    initial, pair = syllable.groups()
    letters = unicodedata.normalize("NFD", pair)
    mark = next(letter for letter in letters if letter in TONES)
    first, second = (letter for letter in letters if letter not in TONES)
    moved = f"{first}{second}{mark}" if letters[1] == mark else f"{first}{mark}{second}"
    return initial + unicodedata.normalize("NFC", moved)


def _in_address(syllable: re.Match[str]) -> bool:
    text, start, end = syllable.string, syllable.start(), syllable.end()
    before = _BLANK.split(text[max(0, start - _NEAR) : start])[-1]
    behind = _BLANK.split(text[end : end + _NEAR], maxsplit=1)[0]
    return _ADDRESS.search(before + syllable[0] + behind) is not None
