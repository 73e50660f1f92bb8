"""Code pages of Rich Text: by a font's character set, by number, and how to decode their bytes."""

from __future__ import annotations

import codecs
from functools import cache

from pipeline.readers.symbol_fonts import sign

ANSI = "cp1252"
"""The code page of a document or a font that names none."""

DEFAULT = 1
"""The character set of a font that has none of its own: the document's code page applies."""

SYMBOLS = 2
"""The character set of symbol fonts; the font's name says which (see `rtf_symbols`)."""

CHARSETS = {0: ANSI, 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030",
            136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255",
            178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
            254: "cp437", 256: "mac_roman"}  # fmt: skip

_NAMES = {"cp936": "gb18030", "cp950": "big5", "cp65001": "utf-8", "cp10000": "mac_roman"}


def by_number(number: int | None, otherwise: str) -> str:
    """The codec of a code page's number, as in `\\ansicpg`; `otherwise` if it is unknown."""
    name = f"cp{number}"
    try:
        return codecs.lookup(_NAMES.get(name, name)).name
    except LookupError:
        return otherwise


def decoded(data: bytes | bytearray, codec: str) -> str:
    """Decode bytes in a code page or a symbol font; raises UnicodeDecodeError."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        if codec.startswith("cp125") or codec == "cp874":
            return codecs.charmap_decode(data, "strict", _as_the_web(codec))[0]
        raise
    except LookupError:
        return "".join(sign(codec, byte) for byte in data)


@cache
def _as_the_web(codec: str) -> str:
    """The character for each byte of a Windows code page; U+FFFE stands for none.

    As in browsers and Windows, a byte from 80 to 9F without a character becomes the control
    character of that number. Nothing is lost: word processors show nothing there, and the stage
    `clean` removes control characters.
    """
    known = bytes(range(256)).decode(codec, "replace")
    return "".join(
        char if char != "\ufffd" else chr(byte) if 0x80 <= byte < 0xA0 else "\ufffe"
        for byte, char in enumerate(known)
    )
