"""The fonts whose letters are symbols, and the field that names one of them.

In the fonts Symbol and Wingdings an `a` is shown as what is no letter a; Unicode has what it is.
"""

from __future__ import annotations

import re

_SYMBOL = {
    0x20: " !∀#∃%&∋()∗+,−./0123456789:;<=>?",
    0x40: "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_",
    0x60: "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵",
    0xC0: "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓",
    0xE0: "◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪",
    0xF1: "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
}
_WINGDINGS = {
    0x4A: "☺😐☹", 0x6C: "●❍■□", 0x71: "❑❒", 0x74: "⧫◆❖", 0x80: "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿",
    0x9F: "•", 0xA7: "▪□", 0xAB: "★", 0xD8: "➢", 0xDF: "←→↑↓", 0xE8: "➔", 0xEF: "⇦⇨⇧⇩",
    0xFB: "✗✔☒☑",
}  # fmt: skip
"""The marks of lists and forms; the pictures of the others have no names that a text would need."""

FONTS = {
    name: {first + n: char for first, chars in table.items() for n, char in enumerate(chars)}
    for name, table in (("symbol", _SYMBOL), ("wingdings", _WINGDINGS))
}
"""What the bytes of such a font are, as far as Unicode has it, by the font's name."""

_PRIVATE = 0xF000  # where Word keeps the bytes of such fonts in Unicode
_FIELD = re.compile(r"\s*SYMBOL\s+(0x[0-9a-f]{1,6}|\d{1,7})\b(.{0,100})", re.I | re.S)
_FONT = re.compile(r"\\f\s*\"?([\w ]+)")


def shown(number: int, font: str) -> str:
    """The character of a font by its number, as a byte or as Word keeps that in Unicode."""
    is_byte = number <= 0xFF or number & ~0xFF == _PRIVATE
    known = FONTS.get(font, {}).get(number & 0xFF) if is_byte else None
    return known or chr(number)


def of_field(instruction: str) -> str:
    """The character of a field `SYMBOL 97 \\f "Symbol"`, "" for another field."""
    found = _FIELD.match(instruction)
    if found is None:
        return ""
    number, switches = int(found[1], 0 if found[1][1:2] in "xX" else 10), found[2]
    font = _FONT.search(switches)
    name = font[1].strip().lower() if font else ""
    if number < 0x100 and name not in FONTS and "\\u" not in switches:
        return bytes([number]).decode("cp1252", "replace")
    is_character = number <= 0x10FFFF and not 0xD800 <= number < 0xE000
    return shown(number, name) if is_character else ""
