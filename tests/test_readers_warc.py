"""Web archives that are cut off: what stands before is read, of what is cut nothing is kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from test_readers import put, read

from pipeline.readers.warc import WarcReader

PAGE = b"<p>" + b"Tea leaves. " * 20
SENT = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PACKED = gzip.compress(PAGE, mtime=0)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)


def record(kind: bytes, content: bytes) -> bytes:
    of = b"text/plain" if kind == b"conversion" else b"application/http; msgtype=" + kind
    head = b"WARC/1.0\r\nWARC-Type: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (kind, of, len(content)) + content + b"\r\n\r\n"


def told(folder: Path, data: bytes) -> list[str | None]:
    """The reasons, None for what is kept."""
    rows = read(WarcReader(), put(folder, "a.warc", data))
    assert all(row["reason"] or row["text"].count("Tea") == 20 for row in rows)
    return [row["reason"] for row in rows]


WHOLE = record(b"response", SENT + b"\r\n" + PAGE)


@pytest.mark.parametrize(
    "last",
    [
        WHOLE,
        record(b"response", SENT + b"Content-Encoding: gzip\r\n\r\n" + PACKED),
        record(b"response", SENT + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED),
        record(b"conversion", b"Tea leaves. " * 20),
    ],
)
def test_a_page_that_is_cut_off_is_told(tmp_path: Path, last: bytes) -> None:
    """In its headers, in the server's, in the middle, and before its last byte."""
    content = last.index(b"\r\n\r\n") + 4
    assert told(tmp_path, WHOLE + last) == told(tmp_path, last + WHOLE[:-4]) == [None, None]
    for end in (20, 40, content - 4, content, content + 20, content + 50, len(last) - 14):
        kept, *cut = told(tmp_path, WHOLE + last[:end])
        assert kept is None and set(cut) == {"read.damaged"}, end  # a chunk's parser tells it again
    assert set(told(tmp_path, last[:-14])) == {"read.damaged"}


def test_other_records_that_are_cut_off_are_told(tmp_path: Path) -> None:
    """They are no pages, but what came after them is lost."""
    other = record(b"request", b"GET / HTTP/1.1\r\nHost: tea.example\r\n\r\n")
    assert told(tmp_path, WHOLE + other * 2) == [None, "read.other_records"]
    for end in (40, other.index(b"GET"), len(other) - 20):
        cut = [None, "read.damaged", "read.other_records"]
        assert told(tmp_path, WHOLE + other + other[:end]) == cut, end
