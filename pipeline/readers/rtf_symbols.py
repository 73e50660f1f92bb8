"""Rich Text in symbol fonts, whose letters are signs, and the field that names such a sign."""

from __future__ import annotations

import re

from pipeline.readers.symbol_fonts import FONTS, sign

_FIELD = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]{1,6}|\d{1,7})\b(.{0,100})", re.I | re.S)
_FONT = re.compile(r"\\f\s*\"?([\w ]+)")


def shown(number: int, font: str) -> str:
    """The character with this number in a symbol font, or in Unicode for any other font."""
    return sign(font, number) if font in FONTS else chr(number)


def of_field(instruction: str) -> str:
    """The character of a field such as `SYMBOL 97 \\f "Symbol"`; "" for any other field."""
    match = _FIELD.match(instruction)
    if match is None:
        return ""
    number, switches = int(match[1], 0 if match[1][1:2] in "xX" else 10), match[2]
    font = _FONT.search(switches)
    name = font[1].strip().lower() if font else ""
    if number < 0x100 and name not in FONTS and "\\u" not in switches:
        return bytes([number]).decode("cp1252", "replace")
    is_character = number <= 0x10FFFF and not 0xD800 <= number < 0xE000
    return shown(number, name) if is_character else ""
