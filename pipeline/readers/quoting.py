"""Whether quotes in a file that is cut at tabs are text, as IANA's TSV has them, or enclose cells.

Tatoeba and OPUS write quotes as they are spoken; Excel and pandas enclose what holds a tab, a line
end or a quote. Both are told by their lines: an enclosed cell that goes on over lines leaves one of
them too short and with a quote; an enclosed quote is doubled; a spoken one goes on behind its end.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TextIO

from pipeline.source import HEAD_BYTES, SourceFile

TAB = "\t"

_BLOCK = 1 << 20
_OPENS = re.compile(r'(?:\A|[\t\r\n])"')
_CELL = r'(?:"[^"\t]*+"|(?!")[^\t]*+)'
_ENCLOSED = re.compile(rf"{_CELL}(?:\t{_CELL})*+")
_ENCLOSED_SHARE = 20
"""One line in so many must break the rules of enclosed cells: below, it is a fault of its own."""


def of_head(head: bytes, codec: str) -> bool:
    """Whether quotes are text by the first lines of a file."""
    text = head.decode(codec, "ignore")
    if len(head) == HEAD_BYTES:
        text = text[: text.rfind("\n") + 1]
    return _are_text(io.StringIO(text, newline=""))


def of_file(file: SourceFile, codec: str, limit: int) -> bool:
    """Whether quotes are text by all lines of a file, none looked at beyond `limit` characters."""
    with io.TextIOWrapper(file.open(), encoding=codec, newline="") as stream:
        if not _any_opens(stream):
            return False
    with io.TextIOWrapper(file.open(), encoding=codec, newline="") as stream:
        return _are_text(iter(lambda: stream.readline(limit + 1), ""))


def _any_opens(stream: TextIO) -> bool:
    """Whether any cell begins with a quote: where none does there is nothing to tell."""
    last = "\n"
    while text := stream.read(_BLOCK):
        seen = last + text
        if any(f'{before}"' in seen for before in "\t\r\n"):
            return True
        last = text[-1]
    return False


def _are_text(lines: Iterable[str]) -> bool:
    """Whether more lines are right without enclosed cells than with them."""
    width = spoken = enclosed = whole = 0
    for each in lines:
        line = each.rstrip("\r\n")
        tabs = line.count(TAB)
        if not width:
            if line and (not tabs or _OPENS.search(line)):
                return False  # who encloses all cells does so in the header
            width = tabs
        elif '"' not in line:
            continue
        elif tabs != width or '""' in line:
            enclosed += 1
        elif _OPENS.search(line):
            right = _ENCLOSED.fullmatch(line) is not None
            whole, spoken = whole + right, spoken + (not right)
    return spoken > enclosed and spoken * _ENCLOSED_SHARE >= whole
