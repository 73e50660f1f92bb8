"""What e-mail means by the charsets that it names, and how to read header bytes without a charset.

As on the web, `iso-8859-1` means Windows-1252 and `gb2312` means GB 18030: senders have always
written the larger set under the smaller one's name. Charsets that the web does not know, such as
`cp850` or `utf-7`, mean Python's codec of that name. Python's codecs that are not charsets, such as
`unicode_escape`, are ignored.
"""

from __future__ import annotations

import codecs
import re
from email.message import EmailMessage
from functools import lru_cache

from pipeline.readers import encoding, html, seven_bits

_NO_CHARSETS = ("charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?=(?:\*[\w-]{1,20})?\?[bBqQ]\?[^?]*\?=)")
_UNKNOWN = "unknown-8bit"  # what the standard library calls it


@lru_cache(maxsize=256)
def codecs_of(charset: str) -> tuple[str, ...]:
    """The codecs to try for a charset, best first; empty if it is not the name of a charset."""
    try:
        named = codecs.lookup(charset).name
    except (LookupError, ValueError):
        named = ""
    # The web reads ASCII as Windows-1252 too; e-mail that names ASCII is as often in UTF-8.
    meant = None if named == "ascii" else html.codec_of(charset)
    return tuple(
        dict.fromkeys(codec for codec in (meant, named) if codec and codec not in _NO_CHARSETS)
    )


def decoded(data: bytes, charset: str) -> str | None:
    """The text of bytes in a charset; None if it is unknown or the bytes do not decode.

    Bytes that switch to Japanese or Chinese are decoded so, whatever the charset says. Raises
    `UnreadableError` if such bytes are damaged.
    """
    if seven_bits.may_switch(data) and seven_bits.codec_of(data):
        text, codec = encoding.decode(data, nul=True)
        if codec != "utf-8":
            return text
    for codec in codecs_of(charset):
        try:
            return data.decode(codec)
        except (LookupError, UnicodeError):
            continue
    return None


def with_meant_charsets(value: str) -> str:
    """The header with the charsets of its encoded words replaced by the codecs they mean."""
    if "=?" not in value:
        return value
    return _WORD.sub(lambda word: "=?" + (*codecs_of(word[1]), _UNKNOWN)[0], value)


def raw_header(message: EmailMessage, name: str) -> str | None:
    """A header as it was written; None if there is none. Raises `UnreadableError`.

    Bytes without a charset of their own are in ISO-2022-JP, which can be recognised, or most often
    in the charset of the text. The library would replace them with U+FFFD.
    """
    wanted = name.lower()
    value = next((raw for key, raw in message.raw_items() if key.lower() == wanted), None)
    if value is None or (value.isascii() and "\x1b" not in value):
        return value
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:  # not raw bytes: the value has been decoded already
        return str(value)
    return encoding.decode(data, None, _hint(message))[0]


def _hint(message: EmailMessage) -> str | None:
    named = (codec for name in message.get_charsets() if name for codec in codecs_of(name)[:1])
    return next((codec for codec in named if not codec.startswith(("ascii", "utf"))), None)
