"""Symbol fonts, whose letters are signs: the Unicode characters that look the same.

For Wingdings, only the marks of lists and forms: texts do not need the other pictures.
"""

from __future__ import annotations

_PRIVATE = 0xF000  # where Windows puts the codes of fonts that have their own order
_PICTURES = ("wingdings", "webdings")

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
_SYMBOL_HIGH = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"
    "◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
_NO_SIGN = "\0"  # the apple, which Unicode does not have
_WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹", 0x6C: "●", 0x6D: "❍", 0x6E: "■",
    0x6F: "□", 0x70: "□", 0x71: "❑", 0x72: "❒", 0x73: "⬧", 0x74: "⧫", 0x75: "◆", 0x76: "❖",
    0x77: "⬥", 0x9E: "·", 0x9F: "•", 0xA1: "○", 0xA4: "◉", 0xA7: "▪", 0xA8: "□", 0xAB: "★",
    0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨",
    0xF1: "⇧", 0xF2: "⇩", 0xF3: "⬄", 0xFB: "✗", 0xFC: "✔", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_WINGDINGS_2 = {
    0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x95: "•", 0x96: "●",
    0x98: "●", 0xA2: "■", 0xA3: "□",
}  # fmt: skip
_NUMBERS = dict(enumerate("⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿", 0x80))
FONTS: dict[str, dict[int, str]] = {
    "symbol": {
        first + at: sign
        for first, signs in ((0x20, _SYMBOL), (0xA0, _SYMBOL_HIGH))
        for at, sign in enumerate(signs)
        if sign != _NO_SIGN
    },
    "wingdings": _WINGDINGS | _NUMBERS,
    "wingdings 2": _WINGDINGS_2,
}
"""By a font's name in lower case: the character for each byte."""


def sign(font: str, number: int) -> str:
    """The character that a font shows for a number; "" if it shows no readable character.

    In a symbol font, the number is a byte, or that byte's place in Unicode's private area, where
    Windows puts it. A picture without a known character gives "", because its number would be read
    as a letter. All other numbers, and all numbers in other fonts, are those of Unicode characters.

    >>> sign("Symbol", 0xF061), sign("Wingdings", 0xFC), sign("Wingdings", 0x41), sign("Arial", 177)
    ('α', '✔', '', '±')
    """
    place = number - _PRIVATE if _PRIVATE <= number <= _PRIVATE + 0xFF else number
    name = font.strip().lower()
    if place <= 0xFF and (name in FONTS or name.startswith(_PICTURES)):
        return FONTS.get(name, {}).get(place, "")
    return chr(place) if 0 < place < 0x110000 and chr(place).isprintable() else ""


def sign_at(font: str, code: str) -> str:
    """The same as `sign` for a code in hexadecimal; "" if it is not hexadecimal."""
    try:
        return sign(font, int(code, 16))
    except ValueError:
        return ""
