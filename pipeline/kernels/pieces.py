"""The pieces of texts (lines or paragraphs), and the keys that they are compared by.

Uses the compiled extension (`pieces.h`) if it was built, else plain Python with the same results.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import polars as pl

from pipeline.kernels import statistics
from pipeline.kernels.statistics import TABLED, numbers

NUMBER, KEY, REST = "number", "key", "rest"
FIELDS = (NUMBER, KEY, REST)
"""Columns of a piece: its number in the text, and the two halves of its key."""

BYTES = 8 * len(FIELDS)
"""Size of a piece in the result of `keyed`."""

FENCE = re.compile(r"(?:^|\n) {0,3}(?:```|~~~)")
HEADING = re.compile(r" {0,3}#{1,6} [^\n]*\Z")
MASK = 2**64 - 1
BLANK, LETTER = 1, 2  # bits of a character's class


def keyed(texts: pl.Series, newlines: int, least: int) -> pl.Series:
    """The pieces of each text to compare: Binary, `BYTES` for each, which `unpacked` reads.

    Pieces are separated by `newlines` newlines, one or two. A key is the MurmurHash3 (x64, 128
    bits) of the piece with every run of white space as one space. Left out are pieces without a
    letter or with fewer than `least` characters, Markdown headings, table rows and fenced code.
    Null for null.
    """
    if texts.is_empty() or not statistics.COMPILED:
        packed_texts = [
            None if text is None else b"".join(_pieces(text, newlines, least)) for text in texts
        ]
        return pl.Series(texts.name, packed_texts, dtype=pl.Binary)
    ends, pieces = statistics.compiled().pieces(
        texts.__arrow_c_stream__(None), texts.len(), statistics.classes(), newlines, least
    )
    upto = struct.unpack(f"<{texts.len()}q", ends)
    cut = [pieces[start:end] for start, end in zip((0, *upto[:-1]), upto, strict=True)]
    packed = pl.Series(texts.name, cut, dtype=pl.Binary)
    return packed.set(texts.is_null(), None) if texts.null_count() else packed


def unpacked(packed: pl.Series) -> pl.DataFrame:
    """A row for each piece of the `keyed` texts, in order.

    `row` (UInt32, of its text), `number` (UInt32), `key` and `rest` (UInt64).
    """
    counts = packed.bin.size().fill_null(0) // BYTES
    rows = pl.int_range(packed.len(), dtype=pl.UInt32, eager=True).repeat_by(counts).explode()
    flat = numbers(b"".join(packed.drop_nulls())).reinterpret(signed=False)
    columns = [
        flat.gather_every(len(FIELDS), place).alias(name) for place, name in enumerate(FIELDS)
    ]
    frame = pl.DataFrame([rows.drop_nulls().alias("row"), *columns])
    return frame.cast({"row": pl.UInt32, NUMBER: pl.UInt32})


def _pieces(text: str, newlines: int, least: int) -> Iterator[bytes]:
    """The packed pieces of one text, as `pieces.h` makes them."""
    inside = False
    for number, piece in enumerate(text.split("\n" * newlines)):
        fences = len(FENCE.findall(piece))
        if not (fences or inside or _is_structure(piece)):
            line = one_line(piece)
            if any(_class(character) & LETTER for character in line) and len(line) >= least:
                yield struct.pack("<3Q", number, *murmur_128(line.encode()))
        inside ^= fences % 2 == 1


def _is_structure(piece: str) -> bool:
    """Whether a piece is a table row or a heading, of a single line."""
    start = next((at for at, char in enumerate(piece) if not _class(char) & BLANK), len(piece))
    row = piece[start : start + 1] == "|" and "\n" not in piece[start:]
    return row or HEADING.match(piece) is not None


def one_line(text: str) -> str:
    """The text with every run of white space as one space, and none at the ends."""
    spaced = "".join(" " if _class(character) & BLANK else character for character in text)
    return " ".join(filter(None, spaced.split(" ")))


def _class(character: str) -> int:
    """The class of a character as `class_of` of `statistics.h` gives it, also above the table."""
    code = ord(character)
    if code < TABLED:
        return statistics.classes()[code]
    return LETTER if code < 0xE0000 else 0


def murmur_128(data: bytes) -> tuple[int, int]:
    """MurmurHash3_x64_128 with seed 0 (Austin Appleby, public domain)."""
    one = two = 0
    whole = len(data) // 16 * 16
    for low, high in struct.iter_unpack("<2Q", data[:whole]):
        one ^= _first(low)
        one = (_turned(one, 27) + two) * 5 + 0x52DCE729 & MASK
        two ^= _second(high)
        two = (_turned(two, 31) + one) * 5 + 0x38495AB5 & MASK
    low, high = struct.unpack("<2Q", data[whole:].ljust(16, b"\0"))
    one, two = one ^ _first(low) ^ len(data), two ^ _second(high) ^ len(data)
    one = one + two & MASK
    two = two + one & MASK
    one, two = _finished(one), _finished(two)
    one = one + two & MASK
    return one, two + one & MASK


def _first(low: int) -> int:
    return _turned(low * 0x87C37B91114253D5 & MASK, 31) * 0x4CF5AD432745937F & MASK


def _second(high: int) -> int:
    return _turned(high * 0x4CF5AD432745937F & MASK, 33) * 0x87C37B91114253D5 & MASK


def _turned(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & MASK


def _finished(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33
