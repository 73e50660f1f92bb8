r"""Rich Text (.rtf): what is shown, without its formatting.

A tokenizer over the bytes with a stack of groups: control words that are text (`\par`, `\tab`,
`\emdash`), characters of the code page (`\'e9`) and of Unicode (`\u7879`), tables' cells and
rows. Groups that hold no text (fonts, styles, pictures, `\*` destinations but text boxes) are left
out, and so are hidden text, headers, footers and deletions of tracked changes.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.damaged` (value: what is
wrong), `read.too_deep` (threshold: groups), `read.no_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field

from pipeline.readers import encoding, rtf_codes
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import SourceFile

REASONS = {
    "read.empty_file": "the file holds nothing, or only white space",
    "read.too_large": "the file is larger than this reader takes",
    "read.damaged": "the file is damaged or not of the format that its name says; save it again",
    "read.too_deep": "it is nested deeper than any data or document has reason to be",
    "read.no_text": "there is no text in it",
}

MAX_BYTES = 50_000_000
MAX_GROUPS = 1_000

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.S,
)
_TEXT = {
    b"par": "\n",
    b"sect": "\n\n",
    b"page": "\n\n",
    b"line": "\n",
    b"tab": "\t",
    b"cell": " | ",
    b"row": "\n",
    b"nestcell": " | ",
    b"nestrow": "\n",
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"emspace": " ",
    b"enspace": " ",
    b"qmspace": " ",
    b"~": "\xa0",
    b"_": "‑",
    b"-": "",
}
_SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict object objdata header headerl headerr headerf footer "
    b"footerl footerr footerf xe tc rxe txe fldinst themedata colorschememapping datastore "
    b"latentstyles listtable listoverridetable rsidtbl generator pgptbl nonshppict "
    b"bkmkstart bkmkend template author operator upr falt panose shprslt".split()
)
_SHAPES = (b"shpinst", b"do")
_BOXES = (b"shptxt", b"dptxbxtext")
_MEANT = _SILENT.union(
    _TEXT, _SHAPES, _BOXES, b"u bin uc ansicpg deff f fcharset v deleted plain".split()
)
"""All others are about looks, and are most."""


class RtfReader(PerFileReader):
    """Rich Text files (.rtf), one record each."""

    name: ClassVar[str] = "rtf"

    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        r"""By name (.rtf), or when it starts with `{\rtf`."""
        return file.uri.lower().endswith(".rtf") or head.lstrip().startswith(b"{\\rtf")

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """The document."""
        data = encoding.read_bytes(file, self.max_bytes)
        if not data.lstrip().startswith(b"{\\rt"):
            kind = signature(data) or "it does not start with {\\rtf"
            raise UnreadableError("read.damaged", kind)
        text = _Document().text(data)
        if not text.strip():
            raise UnreadableError("read.no_text")
        yield {"source": file.uri, "locator": "", "text": text}


@dataclass(frozen=True)
class _Group:
    """What a group inherits."""

    silent: bool = False  # it holds no text of the document
    hidden: bool = False  # its characters are not shown
    in_shape: bool = False  # a text box within is text though the group is silent
    codec: str = ""  # its font's; "" for that of the document's own font
    skip: int = 1  # bytes that stand for one Unicode character


class _Document:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.waiting = bytearray()  # bytes of the code page: a character may have two
        self.high = 0  # the first half of a surrogate pair
        self.to_skip = 0
        self.fonts: dict[int, str] = {}
        self.font = -1
        self.own_font = 0  # that of text without another one
        self.ansi = rtf_codes.ANSI
        self.groups: list[_Group] = []

    def text(self, data: bytes) -> str:
        groups, group = self.groups, _Group()
        starts = False  # directly after a brace: a destination may come
        for token in _TOKEN.finditer(data):
            word, number, byte, symbol, brace, plain = token.groups(b"")
            if brace == b"{":
                self._settle(group)
                groups.append(group)
                if len(groups) > MAX_GROUPS:
                    raise UnreadableError("read.too_deep", None, MAX_GROUPS)
                starts, self.to_skip = True, 0
                continue
            if brace:
                self._settle(group)
                if not groups:
                    break
                if groups[-1].silent and not group.silent:
                    self._say(group, "\n")  # a text box ends
                group, self.to_skip = groups.pop(), 0
            elif word:
                group = self._word(group, word, int(number) if number else None, starts)
            elif byte:
                self._bytes(group, bytes.fromhex(byte.decode()))
            elif symbol:
                group = self._symbol(group, symbol)
            elif plain:
                self._bytes(group, plain)
            starts = starts and symbol == b"*"
        self._settle(group)
        if groups:
            raise UnreadableError("read.damaged", f"it ends inside {len(groups)} groups")
        return _tidy("".join(self.told))

    def _symbol(self, group: _Group, symbol: bytes) -> _Group:
        if symbol == b"*":
            return replace(group, silent=True, in_shape=False)
        if symbol in b"\\{}":
            self._bytes(group, symbol)
        else:
            self._say(group, "\n" if symbol in b"\r\n" else _TEXT.get(symbol, ""))
        return group

    def _word(self, group: _Group, word: bytes, number: int | None, starts: bool) -> _Group:
        if word not in _MEANT:
            return group
        if word == b"u" and number is not None:
            self._unicode(group, number & 0xFFFF)
        elif word == b"bin":
            raise UnreadableError("read.damaged", "binary data, which no word processor writes")
        elif word == b"uc":
            return replace(group, skip=max(0, min(number if number is not None else 1, 8)))
        elif word == b"ansicpg":
            self.ansi = rtf_codes.by_number(number, self.ansi)
        elif word == b"deff":
            self.own_font = number or 0
        elif word == b"fcharset":
            known = rtf_codes.CHARSETS.get(number or 0, rtf_codes.ANSI)
            self.fonts[self.font] = self.ansi if number == rtf_codes.DEFAULT else known
        elif word in (b"v", b"deleted"):
            return replace(group, hidden=number != 0)
        elif word == b"plain" or (word == b"f" and number is not None):
            return self._font(group, number if word == b"f" else None)
        elif word in _TEXT:
            self._say(group, _TEXT[word])
        elif starts:
            return self._destination(group, word)
        return group

    def _font(self, group: _Group, number: int | None) -> _Group:
        """The group in a font, or without any formatting of its characters."""
        self._settle(group)
        if number is None:
            return replace(group, codec="", hidden=False) if group.codec or group.hidden else group
        self.font = number
        return replace(group, codec=self.fonts.get(number, self.ansi))

    def _destination(self, group: _Group, word: bytes) -> _Group:
        """The group that begins with this word; a shape is silent but for the box of text in it."""
        around = self.groups[-1]
        if word in _SILENT:
            return replace(group, silent=True, in_shape=False)
        if word in _SHAPES:
            return replace(group, silent=True, in_shape=around.in_shape or not around.silent)
        if word in _BOXES and group.silent and group.in_shape:
            group = replace(group, silent=False)
            self._say(group, "\n")
        return group

    def _unicode(self, group: _Group, unit: int) -> None:
        self._settle(group)
        if 0xD800 <= unit < 0xDC00:
            self.high = unit
        elif 0xDC00 <= unit < 0xE000 and self.high:
            self._say(group, chr(0x10000 + ((self.high - 0xD800) << 10) + unit - 0xDC00))
            self.high = 0
        elif not 0xD800 <= unit < 0xE000:
            self._say(group, chr(unit))
        self.to_skip = group.skip

    def _bytes(self, group: _Group, data: bytes) -> None:
        passed = min(self.to_skip, len(data))
        self.to_skip -= passed
        if not (group.silent or group.hidden):
            self.waiting += data[passed:]

    def _say(self, group: _Group, text: str) -> None:
        self._settle(group)
        self.to_skip = 0
        if not (group.silent or group.hidden):
            self.told.append(text)

    def _settle(self, group: _Group) -> None:
        if self.waiting:
            codec = group.codec or self._own_codec()
            try:
                self.told.append(rtf_codes.decoded(self.waiting, codec))
            except UnicodeDecodeError as error:
                raise UnreadableError("read.damaged", f"not {codec}: {error}") from error
            self.waiting = bytearray()

    def _own_codec(self) -> str:
        """That of the document's own font, known once its table of fonts was read.

        A font of the Western character set says no more than the document: its code page counts.
        """
        codec = self.fonts.get(self.own_font, rtf_codes.ANSI)
        return self.ansi if codec == rtf_codes.ANSI else codec


def _tidy(text: str) -> str:
    lines = (line.strip().removesuffix("|").rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
