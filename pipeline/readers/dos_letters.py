"""Letters of DOS code pages, whose bytes in Windows are signs that never occur inside words.

`é` in the code pages 437 and 850 is a low quotation mark in Windows, so that French reads
`th‚ … la crŠme`. Both detectors may accept that, although no word contains such a sign.
"""

from __future__ import annotations

import re

CODEC = "cp850"

_OF_WINDOWS = ("cp1250", "cp1252", "cp1254", "cp1257", "iso8859")
_IN_WORDS = re.compile(rb"(?<=[a-z])[\x80-\xff](?=[a-z])")
# Quotes, daggers, ‰, ‹, Š, Œ and lone accents; not the dashes, dots and apostrophes between words.
_SIGNS = bytes((0x82, 0x83, 0x84, *range(0x86, 0x8D), 0x93, 0x94))
_PORTUGUESE = b"\x84o"  # "ão" in the Portuguese code page
_FEWEST = 4
_SHARE = 0.1  # of all that is not ASCII


def speak_against(sample: bytes, encoding: str) -> bool:
    """Whether signs inside words show that a text is not in `encoding`, a western Windows one."""
    if not encoding.startswith(_OF_WINDOWS):
        return False
    inside = b"".join(_IN_WORDS.findall(sample))
    signs = len(inside) - len(inside.translate(None, _SIGNS))
    high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    return signs >= _FEWEST and signs >= _SHARE * high


def are_all(sample: bytes) -> bool:
    """Whether all bytes that are not ASCII mean the same in both DOS code pages, and are small
    letters inside words: in a Macintosh encoding they would be capitals there."""
    high = sample.translate(None, bytes(range(128)))
    inside = b"".join(_IN_WORDS.findall(sample)).decode(CODEC)
    alike = high.decode(CODEC) == high.decode("cp437") and _PORTUGUESE not in sample
    return alike and all(char.islower() for char in inside)
