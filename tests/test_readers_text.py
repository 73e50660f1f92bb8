"""Plain text: what is read, in which encoding, and what is refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from test_readers import put, read

from pipeline.readers.encoding import decode
from pipeline.readers.rows import UnreadableError
from pipeline.readers.text import TextReader
from pipeline.record import SCHEMA
from pipeline.source import Unit

FRENCH = "Où est la bibliothèque? Le café est très bon à côté de l'église. Ça va être génial."
TURKISH = "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl sahibidirler."
JAPANESE = "日本語の文章です。これは文字コードの検出を試すためのテキストです。"
RUSSIAN = "Привет, как дела? Это обычный текст на русском языке, написанный для проверки."
VIETNAMESE = b"prompt,completion\nTi\xea\xecng Vi\xea\xf2t,a\n"


def test_a_file_is_one_record(tmp_path: Path) -> None:
    """The text is kept byte for byte, the mark goes, and UTF-8 is not worth a note."""
    row = read(TextReader(), put(tmp_path, "a/x.txt", b"\xef\xbb\xbf Tr\xc3\xa0 sen\r\n\n"))[0]
    assert (row["source"], row["locator"], row["text"]) == ("a/x.txt", "", " Trà sen\r\n\n")
    assert row["extra"] is None and row["rejected"] is None and row["document"] == row["id"]


@pytest.mark.parametrize(
    ("data", "reason", "value"),
    [
        (b"", "read.empty_file", "0"),
        (b" \n\t\r\n", "read.empty_file", "5"),
        (b"\xef\xbb\xbf\n", "read.empty_file", "4"),
        (b"\x1f\x8b\x08\0", "read.binary", "gzip"),
        (b"%PDF-1.7\n", "read.binary", "pdf"),
        (b"PK\x03\x04", "read.binary", "zip"),
        (b"\x7fELF\x02", "read.binary", "elf"),
        (b"%!PS-Adobe-3.0\n%%Pages: 1\n(Hel)-3(lo) show\n", "read.binary", "postscript"),
        (b"RIFF\0\0\0\0WEBP", "read.binary", "webp"),
        (b"text with a\0NUL", "read.binary", "unknown"),
        (b"\x01\x02\x03 words", "read.binary", "unknown"),
        (b"xin ch\xc3\xa0o, tr\xc3 sen", "read.bad_encoding", "utf-8, but not at byte 13"),
        (b"\xff\xfea\0b", "read.bad_encoding", "utf-16"),
        (bytes(range(128, 256)) * 4, "read.bad_encoding", None),
    ],
)
def test_what_is_not_text_is_rejected(
    tmp_path: Path, data: bytes, reason: str, value: str | None
) -> None:
    """Each fault has its reason and says what was seen."""
    row = read(TextReader(), put(tmp_path, "x", data))[0]
    assert row["reason"] == reason and row["text"] is None
    assert value is None or row["rejected"]["value"] == value


ODD: list[bytes] = [
    b"plain text",
    "Trà sen".encode(),
    "\u00a0\u3000".encode(),  # blank, and in no ASCII blank
    b"\x1c\x1d",  # blank to Python
    b" \n\t" * 40 + b"late",
    "\u2003late".encode(),
    b"\x7flate",
    b"\xef\xbb\xbfmarked",
    "wide".encode("utf-16"),
    "wide without a mark".encode("utf-16-le"),
    (FRENCH * 3).encode("cp1252"),
    b"cut in a letter \xc3",
    b"over long \xc0\xaf",
    b"surrogate \xed\xa0\x80",
    b"text with a\0NUL",
    b"",
    b"\n\n",
    b"%PDF-1.7\n",
    b"\x01\x02\x03 words",
    b"too large" * 20_000,
]


@given(
    st.lists(st.sampled_from(ODD), max_size=30),
    st.integers(1, 400),
    st.sampled_from([None, "utf-8", "cp1252"]),
)
@example(ODD, 1_000_000, None)
@settings(max_examples=60, deadline=None)
def test_together_they_are_what_they_are_alone(
    texts: list[bytes], most: int, encoding: str | None
) -> None:
    """Whatever else is in a frame, and however many frames there are."""
    reader = TextReader(encoding=encoding, max_bytes=100_000)
    with tempfile.TemporaryDirectory() as folder:
        files = [put(Path(folder), f"{n}.txt", data) for n, data in enumerate(texts)]
        alone = [reader.read(Unit((file,))) for file in files]
        one = pl.concat([pl.DataFrame(schema=SCHEMA), *(f for own in alone for f in own)])
        numbered = [(7 + n, Unit((file,))) for n, file in enumerate(files)]
        frames = list(reader.read_together(numbered, most))
        together = pl.concat([one.clear().with_columns(unit=pl.lit(0, pl.UInt32)), *frames])
    assert_frame_equal(together.drop("unit"), one)
    assert together["unit"].to_list() == [7 + n for n in range(len(files))]
    if encoding is None:
        sizes = iter([len(data) for data in texts])
        assert all(sum([next(sizes) for _ in range(one.height)][:-1]) < most for one in frames)


def test_a_large_file_is_not_opened(tmp_path: Path) -> None:
    """The limit is on bytes, and is said."""
    file = put(tmp_path, "x", "12345")
    rejected = read(TextReader(max_bytes=4), file)[0]["rejected"]
    assert (rejected["value"], rejected["threshold"]) == ("5", "4")
    assert read(TextReader(max_bytes=5), file)[0]["text"] == "12345"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (FRENCH, "cp1252"),
        (TURKISH, "cp1254"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN * 20, "koi8-r"),
        ("这是一个用于测试编码检测的中文文本。我们希望检测器能够正确识别它。", "gb18030"),
    ],
)
def test_legacy_encodings_are_told(tmp_path: Path, text: str, codec: str) -> None:
    """Text in a national encoding comes out right, and the record says which it was."""
    row = read(TextReader(), put(tmp_path, "x.txt", text.encode(codec)))[0]
    assert row["text"] == text
    assert text.encode(json.loads(row["extra"])["encoding"]) == text.encode(codec)


SWEDISH = "Grönt te är gott på kvällen, också för små barn. "
QUOTED = "He said—“no”—and…went. It’s a “word”—then—more…and so “on”. "


@pytest.mark.parametrize(
    ("text", "codec", "read_as"),
    [
        (FRENCH, "cp850", "cp850"),
        (FRENCH, "cp437", "cp850"),
        (SWEDISH, "cp850", "cp850"),
        (SWEDISH, "cp1252", "cp1252"),
        (QUOTED, "cp1252", "cp1250"),
        (SWEDISH, "mac_roman", None),
        ("O chá não é fermentado. As folhas são secas e então prensadas. ", "cp860", None),
    ],
)
def test_letters_of_dos_are_no_quotation_marks(
    tmp_path: Path, text: str, codec: str, read_as: str | None
) -> None:
    """They are read where they are sure; at least they are not read as signs within words."""
    row = read(TextReader(), put(tmp_path, "x.txt", (text * 4).encode(codec)))[0]
    assert row["text"] == (text * 4 if read_as else None)
    assert row["reason"] == (None if read_as else "read.bad_encoding")
    assert read_as is None or json.loads(row["extra"]) == {"encoding": read_as}


def test_far_from_the_start(tmp_path: Path) -> None:
    """The sample is taken where UTF-8 fails, not at the start."""
    data = b"plain words only\n" * 20_000 + FRENCH.encode("cp1252") + b"\nplain\n" * 20_000
    row = read(TextReader(), put(tmp_path, "x.txt", data))[0]
    assert FRENCH in row["text"] and json.loads(row["extra"]) == {"encoding": "cp1252"}


def test_vietnamese_code_page(tmp_path: Path) -> None:
    """Windows-1258 writes tones as combining marks; they stay so until text is cleaned."""
    row = read(TextReader(), put(tmp_path, "x.txt", VIETNAMESE))[0]
    assert "Tiếng Vi" in row["text"].replace("ê\u0301", "ế")
    assert json.loads(row["extra"]) == {"encoding": "cp1258"}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_wide_encodings(tmp_path: Path, codec: str, mark: str) -> None:
    """UTF-16 and UTF-32 are told by their mark or their NULs; the mark is no text."""
    text = "Trà sen Tây Hồ được ướp từ hoa sen tươi.\n" * 3
    row = read(TextReader(), put(tmp_path, "x.txt", (mark + text).encode(codec)))[0]
    assert row["text"] == text


def test_little_evidence(tmp_path: Path) -> None:
    """With a byte or two to tell by, it is Windows-1252 or none."""
    text = "It’s a “quoted” text in plain English words that goes on for a while."
    quoted = read(TextReader(), put(tmp_path, "x.txt", text.encode("cp1252")))[0]
    assert quoted["text"] == text
    damaged = read(TextReader(), put(tmp_path, "y.txt", b"It is te\x98a and m\x81ore."))[0]
    assert damaged["reason"] == "read.bad_encoding"


def test_a_declared_encoding_is_binding(tmp_path: Path) -> None:
    """It is used without doubt, or the file is rejected; an unknown one is a recipe fault."""
    file = put(tmp_path, "x.txt", "café".encode("cp1252"))
    assert read(TextReader(encoding="latin-1"), file)[0]["text"] == "café"
    assert read(TextReader(encoding="ascii"), file)[0]["reason"] == "read.bad_encoding"
    for unknown in ("utf-9", "base64", "rot13", "undefined"):
        with pytest.raises(ValidationError, match="no such encoding"):
            TextReader(encoding=unknown)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    """What is decoded encodes back to the same bytes: nothing was replaced in silence."""
    try:
        text, codec = decode(data)
    except UnreadableError:
        return
    assert "\ufffd" not in text or "\ufffd".encode() in data or codec.startswith("utf")
    bare = data.removeprefix(b"\xef\xbb\xbf") if codec == "utf-8-sig" else data
    if codec in ("utf-8", "utf-8-sig"):
        assert text.encode() == bare
    assert text == data.decode(codec)
