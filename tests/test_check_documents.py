"""`--fix` on files that are no lines: arrays, objects over several lines, lines without end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_check_repair import fixed

from pipeline.check import check_files
from pipeline.checks import chunks
from pipeline.checks.documents import find_document, objects_of

FORM = "prompt_completion"
RECORDS = [{"prompt": f'q "{n}" }}] {{', "completion": "a\\n\\\\ [" * (n + 1)} for n in range(8)]
PRETTY = [json.dumps(record, indent=2) for record in RECORDS]

DOCUMENTS = {
    "array": json.dumps(RECORDS, indent=2),
    "array, a record a line": "[" + ",\n".join(map(json.dumps, RECORDS)) + "]",
    "array between brackets": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "array with a comma at its end": json.dumps(RECORDS, indent=1)[:-1] + ",]",
    "objects": "\n".join(PRETTY),
    "objects with commas": ",\r\n".join(PRETTY).replace("\n", "\r\n"),
    "after blank lines": "\ufeff\n \n" + "\n\n".join(PRETTY),
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_a_document_becomes_a_line_for_each_object(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every value is there, whatever is read at once, and the check takes the file."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", size)
    made, repair = fixed(tmp_path, DOCUMENTS[name].encode(), format_name=FORM)
    assert [json.loads(line) for line in made.decode().splitlines()] == RECORDS
    assert (repair.unread, repair.changes[0].detail) == (0, "8 records, a line each")
    assert check_files([tmp_path / "fixed.jsonl"], format_name=FORM).ok


BROKEN = {
    "an array that ends early": json.dumps(RECORDS, indent=2)[:-20],
    "an array without its end": json.dumps(RECORDS, indent=2)[:-1],
    "an array of lists": json.dumps([[1], [2]], indent=2),
    "a text behind the array": json.dumps(RECORDS, indent=2) + "\nx",
    "two arrays": (json.dumps(RECORDS, indent=2) + "\n") * 2,
    "a comment": PRETTY[0].replace("\n", " // why\n", 1),
    "crossed brackets": '{\n"a": [1, 2}\n]\n',
    "an object that stays open": '{\n"prompt": "a",\n' + "\n".join(map(json.dumps, RECORDS)),
    "broken lines whose brackets pair": '{"a":[{\n{"prompt":"a"}\n{"prompt":"b"}\n}]}',
    "a text over two lines": '{\n"prompt": "a\nb", "completion": "c"}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_document_that_is_not_whole_is_not_touched(name: str, tmp_path: Path) -> None:
    """No bracket goes, no line is joined; the lines that cannot be read are counted."""
    data = BROKEN[name].encode().rstrip(b"\n") + b"\n"
    made, repair = fixed(tmp_path, data, format_name=FORM)
    assert (made, repair.counts) == (data, {})
    assert repair.unread
    assert repair.first_unread


def test_an_array_on_an_endless_line_is_read_as_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as an array, and each of its objects gets its line."""
    monkeypatch.setattr(chunks, "MAX_LINE_BYTES", 300_000)
    records = [{"prompt": "q" * 500, "completion": str(n)} for n in range(2000)]
    made, repair = fixed(tmp_path, json.dumps(records).encode(), format_name=FORM)
    assert [json.loads(line) for line in made.splitlines()] == records
    assert repair.counts == {"json-array": 1}
    found = check_files([tmp_path / "train.jsonl"], format_name=FORM)
    assert found.counts == {"json-array": 1}


def test_an_endless_line_is_copied_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, whatever stands before and behind it; it is told as unread."""
    monkeypatch.setattr(chunks, "MAX_LINE_BYTES", 300_000)
    line = json.dumps({"prompt": "q" * 900_000, "completion": "a"}).encode()
    good = json.dumps(RECORDS[1]).encode()
    for lines in ([good, line, good], [line, good], [good, line], [line]):
        data = b"\n".join(lines) + b"\n"
        made, repair = fixed(tmp_path, data, format_name=FORM)
        assert made == data
        assert repair.unread == 1
        assert repair.first_unread
        assert repair.first_unread.rule == "endless-line"


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('{"a":1}{"b":2}', 2),
        ('{"a":1} {"b":"}{"}, {"c":[{}]} ', 3),
        ('[{"a":1},{"b":2}]', 2),
        ('{"a":1}', 1),
        ("[]", 0),
    ],
)
def test_objects_on_one_line(line: str, count: int) -> None:
    """In an array or one after another."""
    found = objects_of(line.encode())
    assert found is not None
    assert len(found) == count


@pytest.mark.parametrize("line", ["", "1", "[1]", "[[{}]]", '{"a":1} x', '{"a":1}]', "[{}", '"a"'])
def test_what_is_not_objects_alone(line: str) -> None:
    """Nothing is guessed."""
    assert objects_of(line.encode()) is None


def test_several_objects_on_a_line_get_lines_of_their_own(tmp_path: Path) -> None:
    """Each with its own text; the line's number is told."""
    data = "".join(map(json.dumps, RECORDS[:3])).encode()
    made, repair = fixed(tmp_path, b'{"prompt":"a","completion":"b"}\n' + data, format_name=FORM)
    assert [json.loads(line) for line in made.splitlines()[1:]] == RECORDS[:3]
    assert [(c.line, c.rule) for c in repair.changes] == [(2, "two-objects")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    objects=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), min_size=1),
    indent=st.integers(0, 3),
    size=st.integers(1, 60),
    whole=st.booleans(),
    ascii_only=st.booleans(),
)
@example(objects=[{}, {"a": 1}], indent=0, size=1, whole=False, ascii_only=True)
@example(objects=[{"a": "\u2028"}], indent=1, size=1, whole=True, ascii_only=False)
def test_no_datum_is_lost(
    objects: list[Any], indent: int, size: int, whole: bool, ascii_only: bool, tmp_path: Path
) -> None:
    """Whatever the objects hold, and however the file is indented and read."""
    options: Any = {"indent": indent, "ensure_ascii": ascii_only}
    several = "\n".join(json.dumps(one, **options) for one in objects)
    text = json.dumps(objects, **options) if whole else several
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_BYTES", size)
        made, _ = fixed(tmp_path, text.encode(), format_name=FORM)
        if whole:
            assert find_document(tmp_path / "train.jsonl")
    assert [json.loads(line) for line in made.decode().split("\n")[:-1]] == objects
