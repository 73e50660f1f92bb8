r"""The text of a Rich Text document: a tokenizer over the bytes with a stack of groups.

Reasons: `read.damaged` (value: what is wrong), `read.too_deep` (threshold: groups).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.readers import rtf_codes, rtf_symbols
from pipeline.readers import rtf_words as words
from pipeline.readers.rows import UnreadableError
from pipeline.readers.symbol_fonts import FONTS

REASONS = {
    "read.damaged": "the file is damaged or not in the format that its name claims; save it again",
    "read.too_deep": "it is nested more deeply than any real data or document",
}

MAX_GROUPS = 1_000

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.S,
)
_FIELD_BYTES = 200


def text_of(data: bytes) -> str:
    """The text that a document shows, with its notes at the end; raises `UnreadableError`."""
    return _Document().text(data)


@dataclass(frozen=True)
class _Group:
    """The state of a group, which inner groups inherit."""

    silent: bool = False  # it holds no text of the document
    hidden: bool = False  # its characters are not shown
    in_shape: bool = False  # a text box inside it is text although the group is silent
    inline: bool = False  # it is what an object shows, in the middle of a line
    codec: str = ""  # of its font; "" for the codec of the document's own font
    skip: int = 1  # how many bytes follow a Unicode character to stand in for it
    note: int = 0  # the number of the note that it is in; 0 for none
    field: bool = False  # it is the instruction of a field


class _Document:
    def __init__(self) -> None:
        self.pieces: list[str] = []  # the text so far, or that of the open note
        self.around: list[list[str]] = []  # the pieces outside each open note
        self.notes: list[str] = []
        self.field = bytearray()  # the instruction of the current field
        self.is_symbol = False  # the current field is a symbol that has been added already
        self.waiting = bytearray()  # bytes of the code page: a character may have two
        self.high = 0  # the first half of a surrogate pair
        self.to_skip = 0
        self.fonts: dict[int, str] = {}
        self.font = -1
        self.is_unnamed = False  # the current font is a symbol font whose name follows
        self.own_font = 0  # the font of text that names no other
        self.ansi = rtf_codes.ANSI
        self.groups: list[_Group] = []

    def text(self, data: bytes) -> str:
        groups, group = self.groups, _Group()
        starts = False  # directly after a brace: a destination may follow
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
                self._end(group, groups[-1])
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
        notes = (f"[^{n}]: {text}" for n, text in enumerate(self.notes, 1))
        return "\n\n".join([_tidy("".join(self.pieces)), *notes]).strip()

    def _end(self, group: _Group, around: _Group) -> None:
        """End a group; for a text box, a note or the instruction of a field, add its text."""
        if around.silent and not (group.silent or group.inline):
            self._say(group, "\n")
        if group.note != around.note:
            self.notes[group.note - 1] = " ".join(_tidy("".join(self.pieces)).split())
            self.pieces = self.around.pop()
        if group.field and not around.field:
            symbol = rtf_symbols.of_field(self.field.decode("latin-1"))
            self.is_symbol = symbol != ""
            self._say(around, symbol)

    def _symbol(self, group: _Group, symbol: bytes) -> _Group:
        if symbol == b"*":
            return replace(group, silent=True, in_shape=False)
        if symbol in b"\\{}":
            self._bytes(group, symbol)
        elif symbol in b"\r\n":
            self._say(group, "\n")
        else:
            self._character(group, words.CHARACTERS.get(symbol, ""))
        return group

    def _word(self, group: _Group, word: bytes, number: int | None, starts: bool) -> _Group:
        if word not in words.MEANT:
            return group
        if word == b"u" and number is not None:
            self._unicode(group, number & 0xFFFF)
        elif word == b"bin":
            raise UnreadableError("read.damaged", "binary data, which no word processor writes")
        elif word == b"uc":
            return replace(group, skip=max(0, min(number if number is not None else 1, 8)))
        elif word == b"ansicpg":
            self.ansi = rtf_codes.by_number(number, self.ansi)
        elif word in words.CODE_PAGES:
            self.ansi = words.CODE_PAGES[word]
        elif word == b"deff":
            self.own_font = number or 0
        elif word == b"fcharset":
            known = rtf_codes.CHARSETS.get(number or 0, rtf_codes.ANSI)
            self.fonts[self.font] = self.ansi if number == rtf_codes.DEFAULT else known
            self.is_unnamed = number == rtf_codes.SYMBOLS
        elif word in (b"v", b"deleted"):
            return replace(group, hidden=number != 0)
        elif word == b"plain" or (word == b"f" and number is not None):
            return self._font(group, number if word == b"f" else None)
        elif word in words.TEXT:
            self._say(group, words.TEXT[word])
        elif word in words.CHARACTERS:
            self._character(group, words.CHARACTERS[word])
        elif starts:
            return self._destination(group, word)
        return group

    def _font(self, group: _Group, number: int | None) -> _Group:
        """The group with a font, or, without a number, with no character formatting."""
        self._settle(group)
        if number is None:
            return replace(group, codec="", hidden=False) if group.codec or group.hidden else group
        self.font, self.is_unnamed = number, False
        return replace(group, codec=self.fonts.get(number, self.ansi))

    def _destination(self, group: _Group, word: bytes) -> _Group:
        """The group that begins with this word; a shape is silent except for a text box in it."""
        around = self.groups[-1]
        if word == b"footnote":
            return self._note(around)
        if word in words.FIELDS:
            return self._of_field(group, word)
        if word in words.SILENT:
            return replace(group, silent=True, in_shape=False)
        if word in words.SHAPES:
            return replace(group, silent=True, in_shape=around.in_shape or not around.silent)
        if word in words.BOXES and group.silent and group.in_shape:
            group = replace(group, silent=False, inline=word == b"result")
            self._say(group, "" if group.inline else "\n")
        return group

    def _note(self, around: _Group) -> _Group:
        """The group of a note: its mark goes where it begins, its text to the end."""
        if around.silent or around.hidden:
            return replace(around, silent=True, in_shape=False)
        self.notes.append("")
        self._say(around, f"[^{len(self.notes)}]")
        self.around.append(self.pieces)
        self.pieces = []
        return replace(around, note=len(self.notes))

    def _of_field(self, group: _Group, word: bytes) -> _Group:
        """The group of a field's instruction, which gives text only for a symbol, or its result."""
        if word == b"fldinst":
            self.field = bytearray() if not group.field else self.field
            return replace(group, silent=True, in_shape=False, field=not self.groups[-1].silent)
        known, self.is_symbol = self.is_symbol, False
        return replace(group, silent=True, in_shape=False) if known else group

    def _unicode(self, group: _Group, unit: int) -> None:
        self._settle(group)
        if 0xD800 <= unit < 0xDC00:
            self.high = unit
        elif 0xDC00 <= unit < 0xE000 and self.high:
            self._say(group, chr(0x10000 + ((self.high - 0xD800) << 10) + unit - 0xDC00))
            self.high = 0
        elif not 0xD800 <= unit < 0xE000:
            self._say(group, rtf_symbols.shown(unit, group.codec) if unit > 0xFF else chr(unit))
        self.to_skip = group.skip

    def _bytes(self, group: _Group, data: bytes) -> None:
        passed = min(self.to_skip, len(data))
        self.to_skip -= passed
        if not (group.silent or group.hidden):
            self.waiting += data[passed:]
        elif group.field and len(self.field) < _FIELD_BYTES:
            self.field += data
        elif self.is_unnamed and (name := data.decode("latin-1").strip(" ;").lower()) in FONTS:
            self.fonts[self.font] = name

    def _character(self, group: _Group, text: str) -> None:
        """Add the character of a control word or symbol, unless it stands in for a Unicode one."""
        if self.to_skip:
            self._settle(group)
            self.to_skip -= 1
        else:
            self._say(group, text)

    def _say(self, group: _Group, text: str) -> None:
        self._settle(group)
        self.to_skip = 0
        if not (group.silent or group.hidden):
            self.pieces.append(text)

    def _settle(self, group: _Group) -> None:
        if self.waiting:
            codec = group.codec or self._own_codec()
            try:
                self.pieces.append(rtf_codes.decoded(self.waiting, codec))
            except UnicodeDecodeError as error:
                raise UnreadableError("read.damaged", f"not {codec}: {error}") from error
            self.waiting = bytearray()

    def _own_codec(self) -> str:
        """The codec of the document's own font, known once its font table has been read.

        For a font of the Western character set, the document's code page applies.
        """
        codec = self.fonts.get(self.own_font, rtf_codes.ANSI)
        return self.ansi if codec == rtf_codes.ANSI else codec


def _tidy(text: str) -> str:
    lines = (line.strip().removesuffix("|").rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
