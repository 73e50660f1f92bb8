"""JSON Lines a block at a time: the records are those of the reader of single lines."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_readers import put, read

from pipeline.kernels import json_text
from pipeline.readers import jsonl_blocks, ranges
from pipeline.readers.archives import ArchiveReader
from pipeline.readers.columns import Columns
from pipeline.readers.jsonl import JsonlReader
from pipeline.readers.jsonl_blocks import Blocks, Texts
from pipeline.source import Unit

compiled = pytest.mark.skipif(not json_text.COMPILED, reason="the extension is not built")
often = settings(
    derandomize=True,
    deadline=None,
    max_examples=400,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

LINES = (
    *('{"text":"tea"}', '{"text":"a longer text of tea"}', '{"text":"tr\\u00e0 xanh"}'),
    *('{"text": "trà"}', '{"id":1,"text":"tea"}', '{"id":"b","text":"tea"}', '{"text":""}'),
    *('{"text":null}', '{"text":["a"]}', '{"text":"a","text":"b"}', '{"text":"a","images":["x"]}'),
    *('{"prompt":"Q","completion":"A"}', '{"content":"tea"}', '{"messages":"User: a","text":"b"}'),
    *('{"text":"a","answers":[{"body":"b"}]}', '{"text":"a","data":1}'),
    '{"image-ref":"a.png","caption":"b"}',
    *('{"a\\"b":"tea"}', '{"Text ":"tea"}', "{", "", " ", "\r", "[1]", "nonsense", '{"n":1}'),
    *('{"completion":"A","prompt":"trà"}', '{"prompt":"Q","completion":null}'),
    '{"question":"Q","answer":"A","n":1}',
    *('{"instruction":"I","input":"","output":"O"}',),
    '{"prompt":"Q","completion":"A","system":"S"}',
    *('{"text":"' + "long " * 12 + '"}', '{"text":"tea"}\r'),
)  # fmt: skip
COLUMNS = (
    *(None, Columns(text="text"), Columns(text="id"), Columns(prompt="text")),
    *(Columns(prompt="prompt", completion="completion"), Columns(prompt="text", completion="text")),
    Columns(prompt="id", completion="text", metadata=["n"]),
)


def rows_of(reader: JsonlReader, folder: Path, data: str) -> list[dict[str, Any]]:
    return read(reader, put(folder, "d/rows.jsonl", data))


@compiled
@often
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=9),
    ends=st.booleans(),
    block=st.integers(1, 90),
    columns=st.sampled_from(COLUMNS),
    most=st.sampled_from([20, 60, 1_000]),
)
@example(lines=[LINES[0]] * 6 + ["", LINES[0]], ends=True, block=30, columns=None, most=1_000)
@example(lines=[LINES[11]] * 6 + ["", LINES[0]], ends=True, block=80, columns=None, most=1_000)
def test_blocks_change_no_record(
    tmp_path: Path, lines: list[str], ends: bool, block: int, columns: Columns | None, most: int
) -> None:
    """Wherever a block ends, whatever stands between lines that are alike."""
    data = "\n".join(lines) + "\n" * ends
    reader = JsonlReader(columns=columns, max_line_bytes=most)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_text, "COMPILED", False)
        expected = rows_of(reader, tmp_path, data)
        patched.undo()
        patched.setattr(jsonl_blocks, "BLOCK", block)
        patched.setattr(jsonl_blocks, "SMALL", 1)
        assert rows_of(reader, tmp_path, data) == expected


def many(number: int) -> bytes:
    """Lines of a text each, with a number beside it."""
    said = ({"n": n, "text": f"Text {n}: trà, tea, 茶. " * 9} for n in range(number))
    return "".join(json.dumps(one) + "\n" for one in said).encode()


@compiled
def test_lines_that_are_alike_are_read_by_the_block(tmp_path: Path) -> None:
    """Else all of this would be of no use: one line that is not costs its block only."""
    data = many(9_000)
    file = put(tmp_path, "rows.jsonl", data + b'{"n":[1],"text":"odd"}\n' + data)
    found = list(JsonlReader().rows(file))
    blocks = [one for one in found if isinstance(one, Texts)]
    singly = [one for one in found if not isinstance(one, Texts)]
    assert sum(len(one) for one in blocks) + len(singly) == 18_001
    assert 0 < len(singly) < 7_000
    assert any(isinstance(one, dict) and one.get("text") == "odd" for one in singly)


@compiled
def test_ranges_and_members_are_read_by_the_block(tmp_path: Path) -> None:
    """With the lines' own numbers, and the place of a member before them."""
    data = many(5_000)
    expected = [(f"line={n}", json.loads(line)["text"])
                for n, line in enumerate(data.splitlines(), 1)]  # fmt: skip
    file = put(tmp_path, "rows.jsonl", data)
    frames = [
        frame
        for piece in ranges.by_lines(file, 1 << 19)
        for frame in JsonlReader().read(Unit((piece,)))
    ]
    assert len(frames) > 2
    assert pl.concat(frames).select("locator", "text").rows() == expected
    packed = put(tmp_path, "rows.jsonl.gz", gzip.compress(data))
    rows = read(ArchiveReader(), packed)
    assert [row["source"] for row in rows] == ["rows.jsonl.gz"] * 5_000
    assert [(row["locator"], row["text"]) for row in rows] == expected
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_text, "COMPILED", False)
        assert read(ArchiveReader(), packed) == rows


@often
@given(
    data=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"d" * 20]), max_size=12).map(b"".join),
    block=st.integers(1, 20),
    limit=st.integers(1, 30),
    taken=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_a_look_ahead_loses_no_byte(data: bytes, block: int, limit: int, taken: list[bool]) -> None:
    """Lines and blocks together are the stream; a block is whole lines."""
    found, turns = b"", iter(taken)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jsonl_blocks, "BLOCK", block)
        stream = Blocks(io.BytesIO(data))
        while len(found) < len(data):
            ahead = stream.ahead(limit)
            assert ahead == b"" or (ahead.endswith(b"\n") and len(ahead) <= limit)
            assert data.startswith(found + ahead)
            if ahead and next(turns, True):
                stream.passed()
                found += ahead
            else:
                found += stream.readline(limit)
    assert found == data
