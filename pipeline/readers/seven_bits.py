"""Japanese and Chinese in bytes below 80 (hexadecimal), as e-mail was sent: ISO-2022-JP and HZ.

To every other test such text is plain ASCII. It is recognised by its switches to two bytes per
character: `ESC $ B` and the like, and in HZ `~{` … `~}` around pairs that are mostly common
characters (a format string of Lisp, `~{~a~}`, is not HZ).

Python's own ISO-2022-JP fails on ①, ㈱ or Ⅲ, and gives 〜 where all others read ～. Importing this
module registers the codec `iso2022_jp_ms` with Python: the characters of Windows code page 932, as
browsers read ISO-2022-JP.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

JAPANESE = "iso2022_jp_ms"
CHINESE = "hz"

_PYTHONS = "iso2022_jp_ext"  # Python's codec: it encodes, and decodes if errors are to be ignored
_JAPANESE = re.compile(rb"\x1b(?:\$[@B]|\([IJ])")
_SWITCH = re.compile(rb"\x1b(?:\$[@B]|\([BIJ])")
_ASCII, _ROMAN, _KANA, _KANJI = range(4)
_SETS = {b"(B": _ASCII, b"(J": _ROMAN, b"(I": _KANA, b"$@": _KANJI, b"$B": _KANJI}
_BETWEEN = re.compile(rb"([\t\n\r ]+)")  # white space between characters, in every set
_SIGNS = {_KANA: bytes(range(0x21, 0x60)), _KANJI: bytes(range(0x21, 0x7F))}
_IN_ROMAN = str.maketrans("\\~", "¥‾")

_HZ = re.compile(rb"~\{((?:[!-w][!-~])+)~\}")
_FEWEST_PAIRS = 4
_COMMON = bytes(range(0x21, 0x58))  # first bytes of signs and of the first level of GB 2312
_COMMON_SHARE = 0.9


def may_switch(data: bytes) -> bool:
    """Whether bytes are ASCII and contain a possible switch to other characters; a quick test."""
    # A single byte is found ten times as fast as two.
    switched = b"\x1b" in data or (b"~" in data and b"{" in data and b"~{" in data)
    return switched and data.isascii()


def codec_of(data: bytes) -> str | None:
    """The codec that the switches in ASCII bytes indicate, or None; the text may be damaged."""
    if _JAPANESE.search(data):
        return JAPANESE
    firsts = b"".join(pairs[::2] for pairs in _HZ.findall(data))
    common = len(firsts) - len(firsts.translate(None, _COMMON))
    return (
        CHINESE if len(firsts) >= _FEWEST_PAIRS and common >= _COMMON_SHARE * len(firsts) else None
    )


@lru_cache(maxsize=1)
def _kanji() -> list[str]:
    """The characters of the 94 rows of 94; U+FFFD where there is none."""
    rows = ((row // 2 + (0x81 if row < 62 else 0xC1), row % 2) for row in range(94))
    return [
        bytes((lead, 0x9F + cell if odd else 0x40 + cell + (cell > 62))).decode("cp932", "replace")
        for lead, odd in rows
        for cell in range(94)
    ]


def _characters(data: bytes, charset: int) -> str | None:
    """Bytes of one character set as text; None if they are not valid in it."""
    if charset in (_ASCII, _ROMAN):
        if not data.isascii() or b"\x1b" in data:
            return None
        text = data.decode("ascii")
        return text.translate(_IN_ROMAN) if charset == _ROMAN else text
    said = []
    for number, piece in enumerate(_BETWEEN.split(data)):
        if number % 2:
            said.append(piece.decode("ascii"))
        elif piece.translate(None, _SIGNS[charset]) or (charset == _KANJI and len(piece) % 2):
            return None
        elif charset == _KANA:
            said.append(bytes(byte | 0x80 for byte in piece).decode("cp932"))
        else:
            table = _kanji()
            pairs = zip(piece[::2], piece[1::2], strict=True)
            said.append("".join([table[(a - 0x21) * 94 + b - 0x21] for a, b in pairs]))
    text = "".join(said)
    return None if "\ufffd" in text else text


class _Decoder(codecs.BufferedIncrementalDecoder):
    """Decodes text in pieces, strictly."""

    charset = _ASCII

    def _buffer_decode(self, input: Buffer, errors: str, final: bool) -> tuple[str, int]:  # noqa: ARG002
        data = bytes(input)
        said: list[str] = []
        at = 0
        while True:
            switch = _SWITCH.search(data, at)
            end = switch.start() if switch else len(data)
            if not switch and not final:
                end -= _unfinished(data[at:], self.charset)
            text = _characters(data[at:end], self.charset)
            if text is None:
                raise UnicodeDecodeError(JAPANESE, data, at, max(end, at + 1), "not in the set")
            said.append(text)
            if not switch:
                return "".join(said), end
            self.charset = _SETS[switch[0][1:]]
            at = switch.end()

    def reset(self) -> None:
        """Go back to the state at the start of a text."""
        super().reset()
        self.charset = _ASCII

    def getstate(self) -> tuple[bytes, int]:
        """The bytes that are held back, and the character set."""
        return super().getstate()[0], self.charset

    def setstate(self, state: tuple[bytes, int]) -> None:
        """Restore a state that `getstate` returned."""
        super().setstate((state[0], 0))
        self.charset = state[1]


def _unfinished(data: bytes, charset: int) -> int:
    """How many bytes at the end may be the beginning of a switch or of a character."""
    escape = data.rfind(b"\x1b", max(0, len(data) - 2))
    held = len(data) - escape if escape >= 0 else 0
    if charset == _KANJI:
        pairs = _BETWEEN.split(data[: len(data) - held])[-1]
        held += len(pairs) % 2
    return held


def _decode(data: Buffer, errors: str = "strict", /) -> tuple[str, int]:
    whole = bytes(data)
    try:
        return _Decoder().decode(whole, final=True), len(whole)
    except UnicodeDecodeError:
        if errors == "strict":
            raise
        return whole.decode(_PYTHONS, errors), len(whole)


def _known(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "") != JAPANESE.replace("_", ""):
        return None
    writing = codecs.lookup(_PYTHONS)
    return codecs.CodecInfo(
        writing.encode,
        _decode,
        incrementalencoder=writing.incrementalencoder,
        incrementaldecoder=_Decoder,
        name=JAPANESE,
    )


codecs.register(_known)
