r"""Rich Text (.rtf): what is shown, without its formatting.

A tokenizer over the bytes with a stack of groups: control words that are text (`\par`, `\tab`,
`\emdash`), characters of the code page (`\'e9`) and of Unicode (`\u7879`), tables' cells and
rows. Groups that hold no text (fonts, styles, pictures, `\*` destinations) are left out, and so
are hidden text, headers, footers and deletions of tracked changes.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.damaged` (value: what is
wrong), `read.too_deep` (threshold: groups), `read.no_text`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field

from pipeline.readers import encoding
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
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
    b"bkmkstart bkmkend template author operator upr falt panose".split()
)
_CHARSETS = {0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030",
             136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255",
             178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250"}  # fmt: skip


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
            kind = encoding.signature(data) or "it does not start with {\\rtf"
            raise UnreadableError("read.damaged", kind)
        text = _Document().text(data)
        if not text.strip():
            raise UnreadableError("read.no_text")
        yield {"source": file.uri, "locator": "", "text": text}


@dataclass(frozen=True)
class _Group:
    """What a group inherits: whether it shows, its code page, bytes that stand for one `\\u`."""

    shown: bool = True
    codec: str = "cp1252"
    skip: int = 1


class _Document:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.waiting = bytearray()  # bytes of the code page: a character may have two
        self.high = 0  # the first half of a surrogate pair
        self.to_skip = 0
        self.fonts: dict[int, str] = {}
        self.font = -1

    def text(self, data: bytes) -> str:
        groups: list[_Group] = []
        group = _Group()
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
            return replace(group, shown=False)
        if symbol in b"\\{}":
            self._bytes(group, symbol)
        else:
            self._say(group, "\n" if symbol in b"\r\n" else _TEXT.get(symbol, ""))
        return group

    def _word(self, group: _Group, word: bytes, number: int | None, starts: bool) -> _Group:
        if word == b"u" and number is not None:
            self._unicode(group, number & 0xFFFF)
        elif word == b"bin":
            raise UnreadableError("read.damaged", "binary data, which no word processor writes")
        elif word == b"uc":
            return replace(group, skip=max(0, min(number if number is not None else 1, 8)))
        elif word == b"ansicpg":
            return replace(group, codec=_codec(f"cp{number}", group.codec))
        elif word == b"f" and number is not None:
            self._settle(group)
            self.font = number
            return replace(group, codec=self.fonts.get(number, group.codec))
        elif word == b"fcharset":
            self.fonts[self.font] = _CHARSETS.get(number or 0, "cp1252")
        elif word in (b"v", b"deleted"):
            return replace(group, shown=number == 0)
        elif starts and word in _SILENT:
            return replace(group, shown=False)
        elif word in _TEXT:
            self._say(group, _TEXT[word])
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
        if group.shown:
            self.waiting += data[passed:]

    def _say(self, group: _Group, text: str) -> None:
        self._settle(group)
        self.to_skip = 0
        if group.shown:
            self.told.append(text)

    def _settle(self, group: _Group) -> None:
        if self.waiting:
            try:
                self.told.append(self.waiting.decode(group.codec))
            except UnicodeDecodeError as error:
                raise UnreadableError("read.damaged", f"not {group.codec}: {error}") from error
            self.waiting = bytearray()


def _codec(name: str, otherwise: str) -> str:
    name = {"cp936": "gb18030", "cp950": "big5", "cp65001": "utf-8", "cp10000": "mac_roman"}.get(
        name, name
    )
    try:
        return codecs.lookup(name).name
    except LookupError:
        return otherwise


def _tidy(text: str) -> str:
    lines = (line.strip().removesuffix("|").rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
