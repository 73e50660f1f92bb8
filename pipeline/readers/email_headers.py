"""The headers of a message as the standard library parses them, in a fraction of its time.

The library takes a header apart into a tree each time that it is asked for, which is more than half
of what a short message takes. Here one that it would give back as it is stays as it is, and those
that many messages have alike, such as types with charsets, are parsed once.
"""

from __future__ import annotations

import re
from email import policy, utils
from functools import lru_cache
from typing import Any

from pipeline.readers.email_charsets import with_meant_charsets

_KEPT = 1_000  # characters, and as many headers
_ATOM = r"[A-Za-z0-9]+"
_DOTTED = rf"{_ATOM}(?:[.+_-]{_ATOM})*"
_ADDRESS = rf"<{_DOTTED}@{_ATOM}(?:[.-]{_ATOM})*>"
_SAME = {
    "subject": re.compile(r"(?!.*=\?)[!-~]+(?: [!-~]+)*"),
    "from": re.compile(rf"{_ATOM}(?: {_ATOM})* {_ADDRESS}"),
    "message-id": re.compile(_ADDRESS),
}
"""Of each header values that the library gives back as they are: no quotes, codes or comments."""

_DATE = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")


def header(name: str, value: str) -> Any:
    """A header's value, whose `str` is that of the library's; those with parameters have them.

    What the library would decode otherwise than mail means it is put right first.
    """
    kind = name.lower()
    same = _SAME.get(kind)
    if same is not None and same.fullmatch(value):
        return value
    if kind == "date" and _DATE.fullmatch(value):
        try:
            return utils.format_datetime(utils.parsedate_to_datetime(value))
        except ValueError:  # 31 February: the library knows what to say
            pass
    value = with_meant_charsets(value)
    return _parsed_once(name, value) if len(value) <= _KEPT else _parsed(name, value)


_parsed = policy.default.header_factory
_parsed_once = lru_cache(maxsize=_KEPT)(_parsed)

POLICY = policy.default.clone(header_factory=header)
"""The library's default policy, with headers from here."""
