"""The fonts whose letters are signs: what Unicode has for what one sees.

Of Wingdings the marks of lists and forms; the other pictures have no names that a text would need.
"""

from __future__ import annotations

_PRIVATE = 0xF000  # where Windows puts the codes of fonts that have an order of their own
_PICTURES = ("wingdings", "webdings")

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
_SYMBOL_HIGH = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"
    "◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
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
    "symbol": dict(enumerate(_SYMBOL, 0x20)) | dict(enumerate(_SYMBOL_HIGH, 0xA0)),
    "wingdings": _WINGDINGS | _NUMBERS,
    "wingdings 2": _WINGDINGS_2,
}
"""What the bytes of such a font are, by the font's name in small letters."""


def symbol(font: str, code: str) -> str:
    """The sign that a font has at a code in hexadecimal; "" where that is no sign to read.

    A picture of which we know no sign is none: its code would be read as a letter. In any other
    font the code is the character.

    >>> symbol("Symbol", "F061"), symbol("Wingdings", "F0FC"), symbol("Arial", "00B1")
    ('α', '✔', '±')
    """
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    if _PRIVATE <= number <= _PRIVATE + 0xFF:
        number -= _PRIVATE
    name = font.strip().lower()
    known = FONTS.get(name, {}).get(number, "")
    if known or name.startswith(_PICTURES) or not 0 < number < 0x110000:
        return known.strip("\0")
    return chr(number) if chr(number).isprintable() else ""
