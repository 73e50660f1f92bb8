"""Text that was decoded with the wrong character set, repaired by ftfy a line at a time.

Two characters can be both such a fault and good text: `Ã”` is `Ô` misread, and the end of a quoted
“MAÇÃ”. ftfy always takes them for a fault. Here they are left as they are where the text around
them says so.
"""

from __future__ import annotations

import re

C1 = frozenset(map(chr, range(0x80, 0xA0)))

_CLOSING = "\u00a0«»“”‘’–—…™©®°·"
"""What stands behind a capital letter in good text, and is the second byte of a misread one."""

_PAIR = re.compile(rf"[ÃÂ][{_CLOSING}]|×[\u00a0-\u00bf]")

_HEBREW = re.compile(r"×[^\x00-\x7f]")

_VIETNAMESE = re.compile("[ƠơƯưẠ-ỹ]")
"""Letters that no misread byte gives: the line around them was decoded as it should be."""

_OPENING = {"”": "“", "’": "‘"}


def line_without_mojibake(line: str) -> str:
    """The line with its encoding repaired, if that removes characters, as true repairs do.

    A C1 control may also turn into the one character of Windows-1252 that was meant.
    """
    good = [match.span() for match in _PAIR.finditer(line) if _is_good(line, match.start())]
    if not good:
        return _repaired(line)
    pieces: list[str] = []
    done = 0
    for start, end in good:
        pieces += _repaired(line[done:start]), line[start:end]
        done = end
    return "".join((*pieces, _repaired(line[done:])))


def _repaired(text: str) -> str:
    from ftfy import fix_encoding

    fixed = fix_encoding(text)
    return fixed if len(fixed) < len(text) or not C1.isdisjoint(text) else text


def _is_good(line: str, at: int) -> bool:
    """Whether the pair at this place is more likely what was meant than a misread letter."""
    lead, follower = line[at], line[at + 1]
    if lead == "×":  # misread Hebrew has one of them in each letter
        return len(_HEBREW.findall(line)) < 2
    if _VIETNAMESE.search(line):
        return True
    before, after = line[max(0, at - 2) : at], line[at + 2 : at + 3]
    if not before[-1:].isupper():  # misread letters mostly stand behind small ones: `voilÃ\xa0`
        return False
    if follower in _OPENING:
        return line.count(_OPENING[follower], 0, at) > line.count(follower, 0, at)
    # As a misread letter it would be a small one between capitals: `MÃ\xa0SỐ` is not `MàSỐ`.
    is_small = f"{lead}{follower}".encode("cp1252", "ignore").decode("utf-8", "ignore").islower()
    return is_small and ((before.isupper() and len(before) > 1) or after.isupper())
