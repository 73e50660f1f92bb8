"""Japanese and Chinese that look like ASCII: told by their switches, read as browsers do."""

from __future__ import annotations

import codecs
import io
import json
import random
import time
from pathlib import Path

import pytest
from test_readers import put, read

from pipeline.readers import reader_of
from pipeline.readers.seven_bits import JAPANESE, codec_of, may_switch

TOKYO = "東京の天気は晴れです。〜①㈱Ⅲ"
KANJI = (
    b"\x1b$B"
    + bytes(byte & 0x7F for byte in "東京の天気は晴れです。".encode("euc_jp"))
    + b"!A-!-j-7\x1b(B"
)
CHINESE = "今天天气很好，我们去公园散步。"
HZ = CHINESE.encode("hz")
LISP = b'(format t "~{~a~^, ~}" l) ; ~{word~} ~{leaf tea~}\n' * 9


def told(folder: Path, name: str, data: bytes) -> tuple[str | None, str | None]:
    """The text of a file's one record, or its reason, and the encoding that is told."""
    file = put(folder, name, data)
    [row] = read(reader_of(file), file)
    return row["reason"] or row["text"].strip(), json.loads(row["extra"] or "{}").get("encoding")


@pytest.mark.parametrize(
    ("name", "data", "text", "codec"),
    [
        ("a.txt", KANJI + b"\n", TOKYO.replace("〜", "～"), JAPANESE),
        ("a.txt", b"Tea. " * 400_000 + KANJI + b".", None, JAPANESE),
        ("a.txt", b"\x1b(I1\x1b(J\\~\x1b$@K\\\n\x1b(B.", "ｱ¥‾本\n.", JAPANESE),
        ("a.txt", b"\x1b$(D0!\x1b$BK\\\x1b(B", "丂本", "iso2022_jp_2"),
        ("a.txt", KANJI[:-4], "read.bad_encoding", None),
        ("a.txt", b"\x1b$B!!\x1b(B caf\xc3\xa9", "\x1b$B!!\x1b(B café", None),
        ("a.txt", b"\x1b[31mred\x1b(B\x1b[m", "\x1b[31mred\x1b(B\x1b[m", None),
        ("a.md", b"# " + KANJI, "# " + TOKYO.replace("〜", "～"), JAPANESE),
        ("a.html", b"<meta charset=iso-2022-jp><p>" + KANJI, TOKYO.replace("〜", "～"), JAPANESE),
        ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\n" + KANJI, None, JAPANESE),
        ("a.txt", HZ, CHINESE, "hz"),
        ("a.txt", b"Tea~~\n" + HZ, "Tea~\n" + CHINESE, "hz"),
        ("a.txt", LISP, LISP.decode().strip(), None),
        ("a.txt", HZ + b" ~x", (HZ + b" ~x").decode(), None),
    ],
)
def test_switches_are_followed(
    tmp_path: Path, name: str, data: bytes, text: str | None, codec: str | None
) -> None:
    """Row 13 too, wherever they stand; colours of a terminal and formats of Lisp are none."""
    found, named = told(tmp_path, name, data)
    assert named == codec
    assert found == text if text else "東京の天気" in str(found)


def test_a_table_is_read_in_pieces(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv", b"text,n\n" + b"%s,1\n" % KANJI * 30_000)
    rows = read(reader_of(file), file)
    assert len(rows) == 30_000 and all("天気は晴れです。～①㈱Ⅲ" in row["text"] for row in rows)


@pytest.mark.parametrize("charset", ["iso-2022-jp", "us-ascii", "utf-8", "x-unknown", None])
def test_mail_in_japanese(tmp_path: Path, charset: str | None) -> None:
    """Whatever it names, in the text and in a header that is not encoded or is."""
    kind = f"Content-Type: text/plain; charset={charset}\n".encode() if charset else b""
    word = b" =?ISO-2022-JP?Q?=1B$B-!-7=1B(B?="
    mail = b"Subject: %s\nFrom:%s <a@b.c>\n%s\n%s\n" % (KANJI, word, kind, KANJI)
    said = TOKYO.replace("〜", "～")
    assert told(tmp_path, "a.eml", mail)[0] == f"Subject: {said}\nFrom: ①Ⅲ <a@b.c>\n\n{said}"


def in_pieces(data: bytes, lot: random.Random) -> str | None:
    """The text of bytes decoded a few at a time, None where they are refused."""
    decoder = codecs.getincrementaldecoder(JAPANESE)()
    try:
        said = ""
        while data:
            size = lot.randint(1, 4)
            said, data = said + decoder.decode(data[:size]), data[size:]
        return said + decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None


def whole(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


PIECES = (b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b(I", b"$B", b"F|", b"K\\", b"\n", b"a", b"\x1b")


def test_pieces_are_decoded_as_the_whole_and_as_python_does() -> None:
    """What Python decodes too it decodes alike: an `ESC` that switches nothing it lets pass."""
    lot = random.Random(3)
    both = 0
    for _ in range(3_000):
        data = b"".join(lot.choices(PIECES, k=lot.randint(0, 9)))
        text = whole(data, JAPANESE)
        assert in_pieces(data, lot) == text, data
        known = whole(data, "iso2022_jp_ext")
        both += text is not None and text == known
        assert text is None or known is None or text == known, data
    assert both > 500


def test_every_character_is_that_of_python_or_of_windows() -> None:
    differ = {}
    for cell in range(94 * 94):
        data = b"\x1b$B" + bytes((0x21 + cell // 94, 0x21 + cell % 94))
        text, known = whole(data, JAPANESE), whole(data, "iso2022_jp")
        if known and text != known:
            differ[known] = text
    assert differ == dict(zip("〜‖−¢£¬", "～∥－￠￡￢", strict=True))
    assert whole(b"\x1b$B-!-\x3e-j", JAPANESE) == "①Ⅹ㈱"


def test_it_is_a_codec_like_others() -> None:
    """It writes, resets, and passes over faults if it is told to."""
    assert codecs.lookup("iso2022-jp-ms").name == JAPANESE
    assert "茶".encode(JAPANESE).decode(JAPANESE) == "茶"
    assert b"\x1b$B!!\x1b(B\x80a".decode(JAPANESE, "ignore") == "\u3000a"
    stream = io.TextIOWrapper(io.BytesIO(KANJI + b"\nTea."), JAPANESE)
    assert stream.readline().startswith("東京")
    place = stream.tell()
    assert stream.read() == "Tea." and stream.seek(place) == place and stream.read() == "Tea."


@pytest.mark.parametrize("piece", [b"~{", b"~{!!", b"\x1b$B\x1b(B", b"\x1b$B ", b"\x1b", b"~{!~{!"])
def test_many_switches_take_no_time(piece: bytes) -> None:
    """Twice as many take twice as long, not four times."""
    data = piece * (1_000_000 // len(piece))
    started = time.process_time()
    assert may_switch(data)
    codec = codec_of(data)
    assert codec is None or whole(data, codec) != "x"
    assert time.process_time() - started < 3
