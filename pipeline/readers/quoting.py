"""Whether quotes in a tab-delimited file are text, as in IANA's TSV, or enclose cells.

Tatoeba and OPUS write quotes as part of the text; Excel and pandas enclose a cell that holds a tab,
a line end or a quote. The lines show which: an enclosed cell of several lines leaves a line that is
too short and has a quote; a quote inside an enclosed cell is doubled; in text, more text follows a
closing quote.
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
"""At least one line in this many must break the rules of enclosed cells; if fewer do, those lines
are faulty."""


def of_head(head: bytes, codec: str) -> bool:
    """Whether quotes are text, judging by the first lines of a file."""
    text = head.decode(codec, "ignore")
    if len(head) == HEAD_BYTES:
        text = text[: text.rfind("\n") + 1]
    return _are_text(io.StringIO(text, newline=""))


def of_file(file: SourceFile, codec: str, limit: int) -> bool:
    """Whether quotes are text, judging by all lines of a file, cut after `limit` characters."""
    with io.TextIOWrapper(file.open(), encoding=codec, newline="") as stream:
        if not _any_opens(stream):
            return False
    with io.TextIOWrapper(file.open(), encoding=codec, newline="") as stream:
        return _are_text(iter(lambda: stream.readline(limit + 1), ""))


def _any_opens(stream: TextIO) -> bool:
    """Whether any cell begins with a quote; if none does, there is nothing to decide."""
    last = "\n"
    while text := stream.read(_BLOCK):
        window = last + text
        if any(f'{before}"' in window for before in "\t\r\n"):
            return True
        last = text[-1]
    return False


def _are_text(lines: Iterable[str]) -> bool:
    """Whether more lines show quotes as text than show enclosed cells."""
    width = spoken = enclosed = whole = 0
    for each in lines:
        line = each.rstrip("\r\n")
        tabs = line.count(TAB)
        if not width:
            if line and (not tabs or _OPENS.search(line)):
                return False  # a program that encloses all cells does so in the header
            width = tabs
        elif '"' not in line:
            continue
        elif tabs != width or '""' in line:
            enclosed += 1
        elif _OPENS.search(line):
            right = _ENCLOSED.fullmatch(line) is not None
            whole, spoken = whole + right, spoken + (not right)
    return spoken > enclosed and spoken * _ENCLOSED_SHARE >= whole
