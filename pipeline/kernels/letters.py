"""Which characters make up words, and their lower case: frozen, so that hashes never change.

By LETTERS, a word is a run of ASCII letters and digits and of all non-ASCII characters except
spaces and controls: a typographic quote belongs to the word that it is next to, an emoji is a word.
Most tools do it this way, and so do the known pairs that we are measured with. UNICODE_LETTERS is
the finer rule, by which the punctuation of all scripts separates words (categories C, P, S and Z).
In both, a character of a script written without spaces is a word of its own, so that five of them
make a gram, and between such characters all punctuation separates words: a copy with different
commas is still a copy. Above U+FFFF the rule is coarse: U+20000 to U+DFFFF (Chinese characters)
are words of their own, everything from U+E0000 on separates words, the rest are letters. Lower
case maps one letter to one letter, for ASCII and the ranges of CASES; other letters do not change.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

ALONE = 1 << 31
"""In an entry of LETTERS: the character is a word of its own."""

MARK = 1 << 30
"""In an entry of LETTERS: the character separates words after a character that is a word of its
own, even with other punctuation or spaces between, and directly before one; else it is a letter."""

INVISIBLE = "80-A0 AD 61C 1680 180E 2000-200F 2028-202F 205F-206F 3000 D800-DFFF FEFF FFF9-FFFB"
"""Non-ASCII spaces, controls, direction marks and surrogates, in hex."""

SEPARATORS = (
    "80-A9 AB-B1 B4 B6-B8 BB BF D7 F7 2C2-2C5 2D2-2DF 2E5-2EB 2ED 2EF-2FF 375 37E 384-385 387 3F6 "
    "482 55A-55F 589-58F 5BE 5C0 5C3 5C6 5F3-60F 61B-61F 66A-66D 6D4 6DD-6DE 6E9 6FD-6FE 700-70F "
    "7F6-7F9 7FE-7FF 830-83E 85E 888 890-891 8E2 964-965 970 9F2-9F3 9FA-9FB 9FD A76 AF0-AF1 B70 "
    "BF3-BFA C77 C7F C84 D4F D79 DF4 E3F E4F E5A-E5B F01-F17 F1A-F1F F34 F36 F38 F3A-F3D F85 "
    "FBE-FC5 FC7-FDA 104A-104F 109E-109F 10FB 1360-1368 1390-1399 1400 166D-166E 1680 169B-169C "
    "16EB-16ED 1735-1736 17D4-17D6 17D8-17DB 1800-180A 180E 1940-1945 19DE-19FF 1A1E-1A1F "
    "1AA0-1AA6 1AA8-1AAD 1B5A-1B6A 1B74-1B7E 1BFC-1BFF 1C3B-1C3F 1C7E-1C7F 1CC0-1CC7 1CD3 1FBD "
    "1FBF-1FC1 1FCD-1FCF 1FDD-1FDF 1FED-1FEF 1FFD-206F 207A-207E 208A-208E 20A0-20C0 2100-2101 "
    "2103-2106 2108-2109 2114 2116-2118 211E-2123 2125 2127 2129 212E 213A-213B 2140-2144 "
    "214A-214D 214F 218A-244A 249C-24E9 2500-2775 2794-2BFF 2CE5-2CEA 2CF9-2CFC 2CFE-2CFF 2D70 "
    "2E00-2E2E 2E30-3004 3008-3020 3030 3036-3037 303D-303F 309B-309C 30A0 30FB 3190-3191 "
    "3196-319F 31C0-31E3 3200-321E 322A-3247 3250 3260-327F 328A-32B0 32C0-33FF 4DC0-4DFF "
    "A490-A4C6 A4FE-A4FF A60D-A60F A673 A67E A6F2-A716 A720-A721 A789-A78A A828-A82B A836-A839 "
    "A874-A877 A8CE-A8CF A8F8-A8FA A8FC A92E-A92F A95F A9C1-A9CD A9DE-A9DF AA5C-AA5F AA77-AA79 "
    "AADE-AADF AAF0-AAF1 AB5B AB6A-AB6B ABEB D800-F8FF FB29 FBB2-FBC2 FD3E-FD4F FDCF FDFC-FDFF "
    "FE10-FE19 FE30-FE6B FEFF-FF0F FF1A-FF20 FF3B-FF40 FF5B-FF65 FFE0-FFFD"
)
"""Non-ASCII characters that separate words: categories C, P, S and Z of Unicode 14, in hex.

https://www.unicode.org/Public/14.0.0/ucd/extracted/DerivedGeneralCategory.txt
"""

WITHOUT_SPACES = (
    "E01-EFF 1000-109F 1780-17FF 1950-19FF 3005-3007 3021-3029 3041-312F 31A0-31BF 31F0-31FF "
    "3400-4DBF 4E00-9FFF F900-FAFF FF66-FF9F"
)
"""Thai, Lao, Myanmar, Khmer, Tai; kana, bopomofo, Chinese characters; not Hangul, in hex."""

CASES = (
    (0xC0, 0xD6, 1, 32), (0xD8, 0xDE, 1, 32),  # Latin-1
    (0x100, 0x12E, 2, 1), (0x132, 0x136, 2, 1), (0x139, 0x147, 2, 1), (0x14A, 0x176, 2, 1),
    (0x178, 0x178, 1, -121), (0x179, 0x17D, 2, 1),  # Latin Extended-A
    (0x1A0, 0x1A4, 2, 1), (0x1AF, 0x1AF, 1, 1), (0x1CD, 0x1DB, 2, 1), (0x1DE, 0x1EE, 2, 1),
    (0x1F8, 0x21E, 2, 1), (0x222, 0x232, 2, 1),  # Latin Extended-B, with Vietnamese
    (0x386, 0x386, 1, 38), (0x388, 0x38A, 1, 37), (0x38C, 0x38C, 1, 64), (0x38E, 0x38F, 1, 63),
    (0x391, 0x3A1, 1, 32), (0x3A3, 0x3AB, 1, 32),  # Greek
    (0x400, 0x40F, 1, 80), (0x410, 0x42F, 1, 32), (0x460, 0x480, 2, 1), (0x48A, 0x4BE, 2, 1),
    (0x4C0, 0x4C0, 1, 15), (0x4C1, 0x4CD, 2, 1), (0x4D0, 0x52E, 2, 1),  # Cyrillic
    (0x531, 0x556, 1, 48),  # Armenian
    (0x1E00, 0x1E94, 2, 1), (0x1EA0, 0x1EFE, 2, 1),  # Latin Extended Additional
    (0xFF21, 0xFF3A, 1, 32),  # full width
)  # fmt: skip
"""Non-ASCII capitals: first, last, step, and the distance to the small letter."""


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    """The first and last code point of each range, from text such as `80-A0 AD`."""
    for border in (part.split("-") for part in text.split()):
        yield int(border[0], 16), int(border[-1], 16)


def _table(separators: str, marks: str) -> bytes:
    """4 bytes for each code point up to U+FFFF: 0, or its lower case with ALONE, MARK or neither.

    A character that is both a separator and a mark is a separator. Each range is set in one step,
    because every process makes the tables and a loop over the code points took 25 ms.
    """
    table = array("I", range(0x10000))
    for flag, named in ((ALONE, WITHOUT_SPACES), (MARK, marks)):
        for first, last in _ranges(named):
            table[first : last + 1] = array("I", range(flag + first, flag + last + 1))
    for first, last in _ranges("0-2F 3A-40 5B-60 7B-7F " + separators):
        table[first : last + 1] = array("I", bytes(4 * (last + 1 - first)))
    for first, last, step, distance in ((0x41, 0x5A, 1, 32), *CASES):
        small = array("I", range(first + distance, last + distance + 1, step))
        table[first : last + 1 : step] = small
    return table.tobytes()


LETTERS = _table(INVISIBLE, SEPARATORS)
UNICODE_LETTERS = _table(SEPARATORS, "")
