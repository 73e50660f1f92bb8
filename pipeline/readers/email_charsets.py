"""What mail means by the charsets that it names, and bytes in headers that name none.

As on the web `iso-8859-1` is Windows-1252 and `gb2312` is GB 18030: senders have always written
the larger set under the smaller one's name. What the web does not know, such as `cp850` or `utf-7`,
is Python's codec; its codecs that are no charsets, such as `unicode_escape`, are nothing.
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
    """The codecs to try for a charset, best first; none where it is no charset's name."""
    try:
        named = codecs.lookup(charset).name
    except (LookupError, ValueError):
        named = ""
    # The web takes ASCII for Windows-1252 too; mail that says so is as often in UTF-8.
    meant = None if named == "ascii" else html.codec_of(charset)
    return tuple(dict.fromkeys(one for one in (meant, named) if one and one not in _NO_CHARSETS))


def decoded(data: bytes, charset: str) -> str | None:
    """The text of bytes in a charset, None where it is not known or they are not in it.

    Bytes that switch to Japanese or Chinese do whatever the charset says. Raises `UnreadableError`
    where such are damaged.
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
    """A header whose encoded words name the codecs that are meant."""
    if "=?" not in value:
        return value
    return _WORD.sub(lambda word: "=?" + (*codecs_of(word[1]), _UNKNOWN)[0], value)


def raw_header(message: EmailMessage, name: str) -> str | None:
    """A header as it was written, None where there is none; raises `UnreadableError`.

    Bytes in no charset of their own are in ISO-2022-JP, which shows, or most often in that of the
    text. The library would put U+FFFD for them.
    """
    wanted = name.lower()
    value = next((raw for key, raw in message.raw_items() if key.lower() == wanted), None)
    if value is None or (value.isascii() and "\x1b" not in value):
        return value
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:  # no bytes: it was decoded
        return str(value)
    return encoding.decode(data, None, _hint(message))[0]


def _hint(message: EmailMessage) -> str | None:
    named = (codec for name in message.get_charsets() if name for codec in codecs_of(name)[:1])
    return next((codec for codec in named if not codec.startswith(("ascii", "utf"))), None)
