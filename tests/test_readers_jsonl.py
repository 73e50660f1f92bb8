"""JSON Lines: each line by itself, strictly, and every line accounted for."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_readers import put, read

from pipeline.readers import rows as rows_module
from pipeline.readers.conventions import Columns
from pipeline.readers.jsonl import JsonlReader

PAIR = b'{"prompt":"Q","completion":"A"}'


def outcome(tmp_path: Path, data: bytes, **more: int) -> list[tuple[str, str | None]]:
    """(locator, reason) of each row."""
    found = read(JsonlReader(**more), put(tmp_path, "rows.jsonl", data))
    return [(row["locator"], row["reason"]) for row in found]


def test_a_line_is_a_record(tmp_path: Path) -> None:
    """Lines come in order with their numbers, whatever ends the last one."""
    data = b"\xef\xbb\xbf" + PAIR + b'\r\n{"text":"caf\\u00e9 \\u2028 \xe2\x80\xa8x\\u0085"}'
    first, second = read(JsonlReader(), put(tmp_path, "d/rows.jsonl", data))
    assert (first["source"], first["locator"]) == ("d/rows.jsonl", "line=1")
    assert [turn["text"] for turn in first["messages"]] == ["Q", "A"]
    assert (second["locator"], second["text"]) == ("line=2", "café \u2028 \u2028x\x85")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "read.bad_json"),
        (PAIR + b"}", "read.bad_json"),
        (b'{"text":NaN}', "read.bad_json"),
        (b'{"text":"\\ud800"}', "read.bad_json"),
        (b'{"text":"\xff"}', "read.bad_json"),
        (b'{"text":"a\0"}', "read.bad_json"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "read.bad_json"),
        (b'{"text":"a","n":' + b"[" * 64 + b"]" * 64 + b"}", "read.too_deep"),
        (b'{"text":"a","text":"b"}', "read.duplicate_key"),
        (b'{"text":"a","\\u0074ext":"b"}', "read.duplicate_key"),
        (b'{"text":"a","n":{"x" :1,"x"\t:2},"c":":"}', "read.duplicate_key"),
        (b'{"text":"a","n":[{"x":1},{"x":1,"x":1}]}', "read.duplicate_key"),
        (b"[1]", "read.not_an_object"),
        (b'"text"', "read.not_an_object"),
        (b"null", "read.not_an_object"),
        (b"", "read.blank_line"),
        (b" \t\r", "read.blank_line"),
        (b'{"n":1}', "read.unknown_columns"),
    ],
)
def test_a_bad_line_costs_itself(tmp_path: Path, line: bytes, reason: str) -> None:
    """It is one rejected row with its number; the lines around it are read."""
    data = PAIR + b"\n" + line + b"\n" + PAIR + b"\n"
    expected = [("line=1", None), ("line=2", reason), ("line=3", None)]
    assert outcome(tmp_path, data) == expected


def test_evidence(tmp_path: Path) -> None:
    """The rejection carries the parser's words, the key, the depth."""
    data = b'{"a":}\n{"b":1,"b":2}\n{"c":' + b"[" * 70 + b"]" * 70 + b"}\n"
    found = [row["rejected"] for row in read(JsonlReader(), put(tmp_path, "x.jsonl", data))]
    assert "column 6" in found[0]["value"]
    assert found[1]["value"] == "b"
    assert (found[2]["value"], found[2]["threshold"]) == ("71", "64")


@pytest.mark.parametrize(
    "line",
    [
        b'{"text":"a \\" : b"}',
        b'{"text":":::"}',
        b'{"text":"\\":\\":"}',
        b'{"text":"a", "n" : {"text":1}}',
        b'{"text":"a","n":1e5,"m":12345678901234567890123}',
    ],
)
def test_what_only_looks_like_a_second_key(tmp_path: Path, line: bytes) -> None:
    """Quotes and colons in strings, and one key in two objects, are no duplicates."""
    assert outcome(tmp_path, line) == [("line=1", None)]


def test_long_lines_are_skipped(tmp_path: Path) -> None:
    """A line over the limit is rejected with its size; the limit does not count the newline."""
    data = PAIR + b"\n" + b"x" * 3_000_000 + b"\n" + PAIR
    file = put(tmp_path, "rows.jsonl", data)
    first, second, third = read(JsonlReader(max_line_bytes=len(PAIR)), file)
    assert (first["reason"], third["reason"], third["locator"]) == (None, None, "line=3")
    assert second["rejected"]["reason"] == "read.line_too_long"
    assert second["rejected"]["value"] == "3000001"
    assert second["rejected"]["threshold"] == str(len(PAIR))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "read.empty_file"),
        (b"\xef\xbb\xbf", "read.empty_file"),
        (b"\n", "read.empty_file"),
        (b"\x1f\x8b\x08\0\0", "read.binary"),
        ("{}".encode("utf-16"), "read.wide_encoding"),
        ("{}".encode("utf-16-le"), "read.wide_encoding"),
        (b'{\n  "prompt": "Q"\n}\n', "read.not_json_lines"),
        (b'[\n  {"prompt": "Q"},\n  {"prompt": "R"}\n]\n', "read.not_json_lines"),
        (b'[{"prompt": "Q"},\n {"prompt": "R"}]\n', "read.not_json_lines"),
    ],
)
def test_files_that_are_no_lines(tmp_path: Path, data: bytes, reason: str) -> None:
    """One row for the file, without a locator."""
    assert outcome(tmp_path, data) == [("", reason)]


def test_a_broken_first_line_is_not_the_file(tmp_path: Path) -> None:
    """Where the second line is a record, the first is only a bad line."""
    data = b"{\n" + PAIR + b"\n"
    assert outcome(tmp_path, data) == [("line=1", "read.bad_json"), ("line=2", None)]


def test_named_columns(tmp_path: Path) -> None:
    """The recipe's columns hold for each line."""
    reader = JsonlReader(columns=Columns(prompt="q", completion="a"))
    rows = read(reader, put(tmp_path, "x.jsonl", b'{"q":"Q","a":"A"}\n{"prompt":"Q"}\n'))
    assert [row["reason"] for row in rows] == [None, "read.missing_column"]


def test_frames_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is closed by its rows or by its characters, and no row is lost between two."""
    small = put(tmp_path, "small.jsonl", PAIR + b"\n" + (PAIR + b"\n") * 4_500)
    heights = [len(frame) for frame in JsonlReader().read(JsonlReader().units([small])[0])]
    assert heights == [2_000, 2_000, 501]
    monkeypatch.setattr(rows_module, "FRAME_CHARS", 10)
    three = put(tmp_path, "three.jsonl", b'{"text":"123456"}\n' * 3)
    heights = [len(frame) for frame in JsonlReader().read(JsonlReader().units([three])[0])]
    assert heights == [2, 1]


LINES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [PAIR, b"", b" ", b"\r", b"{", b"[", b"[1]", b'{"a":1,"a":2}', b"\xff\xfe", b"\0"]
    ),
    st.dictionaries(st.sampled_from(["text", "prompt", "x"]), st.text(max_size=5)).map(
        orjson.dumps
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=8).map(b"\n".join))
@example(b"\n\n")
@example(b"\xef\xbb\xbf\n{}")
def test_every_line_is_accounted_for(tmp_path: Path, data: bytes) -> None:
    """Any bytes: one row for each line but a blank last one, or one row for the file."""
    found = outcome(tmp_path, data)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if lines and lines[-1].strip() == b"":
        lines.pop()
    if found[0][0] == "":
        assert len(found) == 1 and found[0][1] is not None
        assert lines == [] or found[0][1] != "read.empty_file"
        return
    assert [locator for locator, _ in found] == [f"line={n}" for n in range(1, len(lines) + 1)]
    for line, (_, reason) in zip(lines, found, strict=True):
        if line == PAIR:
            assert reason is None
        if not line.strip():
            assert reason == "read.blank_line"
