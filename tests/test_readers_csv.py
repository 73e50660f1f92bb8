"""CSV: the dialect is found, the header names, and a bad row costs itself."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_readers import put, read

from pipeline.readers.conventions import Columns
from pipeline.readers.csv_table import CsvReader
from pipeline.readers.delimited import find_delimiter


def outcome(tmp_path: Path, data: bytes | str, **more: object) -> list[tuple[str, str | None]]:
    """(locator, reason) of each row."""
    found = read(CsvReader(**more), put(tmp_path, "table.csv", data))
    return [(row["locator"], row["reason"]) for row in found]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_dialects(tmp_path: Path, delimiter: str, newline: str) -> None:
    """Any of the delimiters and line ends; quoted cells hold all of them."""
    cells = [["prompt", "completion"], ["Q, or; what?", 'A "b"\n\tc|d'], ["", ""]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(cells)
    first, second = read(CsvReader(), put(tmp_path, "t.csv", text.getvalue()))
    assert [turn["text"] for turn in first["messages"]] == cells[1]
    assert [turn["text"] for turn in second["messages"]] == ["", ""]
    assert (first["locator"], second["locator"]) == ("row=1", "row=2")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("text\nHello, world\n", ","),
        ("prompt;completion\na, b, c;d\ne, f;g\n", ";"),
        ("a,b;c\n1,2;3\n4,5;6\n", ","),
        ("a;b;c,d\n1;2;3\n4;5;6\n", ";"),
        ("a|b\n1|2\n", "|"),
        ('a\tb\n"x\ty"\tz\n', "\t"),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_evenly(text: str, delimiter: str) -> None:
    """Commas in prose do not outvote the header."""
    assert find_delimiter(text.encode(), "utf-8") == delimiter


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["sep=;\r\n", '"SEP=;"\n', "sep=;\r"])
def test_excels_first_line_names_the_delimiter(tmp_path: Path, first: str, codec: str) -> None:
    """It is no row; commas that would cut more evenly are text. The recipe's own counts before."""
    data = (first + "prompt;completion\r\na,b;c\r\n").encode(codec)
    [row] = read(CsvReader(), put(tmp_path, "t.csv", data))
    assert row["locator"] == "row=1"
    assert [turn["text"] for turn in row["messages"]] == ["a,b", "c"]
    file = put(tmp_path, "u.csv", "sep=;\nprompt,completion\na;b,c\n")
    [row] = read(CsvReader(delimiter=","), file)
    assert [turn["text"] for turn in row["messages"]] == ["a;b", "c"]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    """They are not counted, before the header, between rows, or at the end."""
    assert outcome(tmp_path, "\ntext\n\na\n\nb\n\n") == [("row=1", None), ("row=2", None)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("only", "read.ragged_row"),
        ("a,b,c", "read.ragged_row"),
        ('"a" b,c', "read.bad_quoting"),
        ('"' + "x" * 200 + '",c', "read.row_too_long"),
        ("x" * 200 + ",c", "read.row_too_long"),
    ],
)
def test_a_bad_row_costs_itself(tmp_path: Path, bad: str, reason: str) -> None:
    """It is rejected with its number; the rows around it are read."""
    data = f"prompt,completion\nQ,A\n{bad}\nQ,A\n"
    expected = [("row=1", None), ("row=2", reason), ("row=3", None)]
    assert outcome(tmp_path, data, max_row_chars=100) == expected


def test_evidence(tmp_path: Path) -> None:
    """A ragged row says how many cells it has and should have."""
    rejected = read(CsvReader(), put(tmp_path, "t.csv", "text,b\nx\n"))[0]["rejected"]
    assert (rejected["value"], rejected["threshold"]) == ("1", "2")


def test_an_unclosed_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    """The row it stands in is rejected, the lines it ran over are read again as rows."""
    data = 'prompt,completion\nQ,A\nQ,"A\n' + "Q,A\n" * 50
    found = outcome(tmp_path, data)
    assert found[1] == ("row=2", "read.unclosed_quote")
    assert len(found) == 52 and [reason for _, reason in found].count(None) == 51
    limited = outcome(tmp_path, data, max_row_chars=40)
    assert limited[1] == ("row=2", "read.row_too_long") and len(limited) == 52


def test_quotes_that_go_wrong_on_each_line_are_given_up(tmp_path: Path) -> None:
    """Lines are not read again for ever: the rest of such a file is one rejected row."""
    data = "text,b\n" + 'x"y,"a\n' * 20_000
    start = time.process_time()
    found = read(CsvReader(max_row_chars=10_000), put(tmp_path, "t.csv", data))
    assert time.process_time() - start < 20
    assert found[-1]["rejected"]["value"] == "the rest of the file"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "read.empty_file"),
        (b"\n \n"[:1], "read.empty_file"),
        (b"text,b\n", "read.no_rows"),
        (b"text,b,text\n1,2,3\n", "read.duplicate_header"),
        (b'"text,b\n1,2\n', "read.unclosed_quote"),
        (b"a,b\n1,2\n3,4\n", "read.unknown_columns"),
        (b"text\na\0b\n", "read.binary"),
        (b"\x1f\x8b\x08", "read.binary"),
        (b"text\n\xff\x81\x8d\x90\n", "read.bad_encoding"),
    ],
)
def test_files_without_rows(tmp_path: Path, data: bytes, reason: str) -> None:
    """One row for the file, without a locator."""
    assert outcome(tmp_path, data) == [("", reason)]


def test_columns_that_the_recipe_names(tmp_path: Path) -> None:
    """They are looked for once, in the header."""
    columns = Columns(prompt="q", completion="a")
    assert outcome(tmp_path, "q,a\n1,2\n", columns=columns) == [("row=1", None)]
    assert outcome(tmp_path, "q,b\n1,2\n3,4\n", columns=columns) == [("", "read.missing_column")]


def test_a_passage_stands_under_its_question(tmp_path: Path) -> None:
    """As in lines: a table's header names it, and the recipe's own columns count before it."""
    file = put(tmp_path, "t.csv", "context,question,answer\nc,q,a\n")
    own = Columns(prompt="question", completion="answer")
    for columns, prompt in ((None, "q\n\nc"), (own, "q")):
        [row] = read(CsvReader(columns=columns), file)
        assert [turn["text"] for turn in row["messages"]] == [prompt, "a"]


def test_header_names_are_forgiving(tmp_path: Path) -> None:
    """Outer spaces, capitals, a byte order mark and unnamed columns are no faults."""
    data = b"\xef\xbb\xbf Question ,ANSWER,,\nQ,A,1,2\n"
    row = read(CsvReader(), put(tmp_path, "t.csv", data))[0]
    assert [turn["text"] for turn in row["messages"]] == ["Q", "A"]


def test_other_encodings(tmp_path: Path) -> None:
    """The encoding is found or declared, and noted with each row."""
    data = "prompt,completion\ncafé,crème brûlée\n".encode("cp1252")
    row = read(CsvReader(encoding="cp1252"), put(tmp_path, "t.csv", data))[0]
    assert row["messages"][1]["text"] == "crème brûlée"
    assert row["extra"] == '{"encoding":"cp1252"}'
    wide = "prompt;completion\nTrà;sen\n".encode("utf-16")
    row = read(CsvReader(), put(tmp_path, "t.csv", wide))[0]
    assert row["messages"][0]["text"] == "Trà"


def test_long_cells(tmp_path: Path) -> None:
    """A cell may be longer than the csv module's own limit of 131,072 characters."""
    row = read(CsvReader(), put(tmp_path, "t.csv", "text\n" + "x" * 500_000))[0]
    assert len(row["text"]) == 500_000


SPOKEN = '"Who?" she said\t"Ai?"\n'


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('"I came, he said\tA\nI saw\tB\nI won"\tC\n',
         ['"I came, he said|A', "I saw|B", 'I won"|C']),
        (SPOKEN + '"Who?"\t"Ai?"\nragged\n', ['"Who?" she said|"Ai?"', '"Who?"|"Ai?"',
                                             "read.ragged_row"]),
        (SPOKEN + "\r\n" + SPOKEN, ['"Who?" she said|"Ai?"'] * 2),
        ('"Who?"\t"Ai?"\n', ["Who?|Ai?"]),
        ('a\t"b\nc"\nd\te\n', ["a|b\nc", "d|e"]),
        ('"a\n\nb"\tc\n', ["a\n\nb|c"]),
        ('"a\tb"\tc\n', ["a\tb|c"]),
        ('"a ""b"" c"\td\n"x" y\tz\n', ['a "b" c|d', "read.bad_quoting"]),
        ('"a, b"\tc\n' * 30 + '"x" y\tz\n', [*["a, b|c"] * 30, "read.bad_quoting"]),
        ('say "hi"\tb\n', ['say "hi"|b']),
    ],
)  # fmt: skip
def test_quotes_between_tabs(tmp_path: Path, body: str, rows: list[str]) -> None:
    """Spoken ones are text, as Tatoeba has them; those of Excel and pandas enclose cells."""
    for codec in ("utf-8", "utf-8-sig", "utf-16"):
        file = put(tmp_path, "t.tsv", f"question\tanswer\n{body}".encode(codec))
        found = read(CsvReader(), file)
        assert [row["reason"] or "|".join(texts(row)) for row in found] == rows


def texts(row: dict[str, Any]) -> list[str]:
    return [turn["text"] for turn in row["messages"]]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ('question, answer\nHi?, "Hello"\nWho, "a, ""b"""\n', ["Hi?|Hello", 'Who|a, "b"']),
        ('"question", "answer"\n"Hi?",  Hello \n', ["Hi?|Hello "]),
        ('question,answer\nHi?, "Hello"\n', ['Hi?| "Hello"']),
        ("question, answer,id\nHi?, Hello,1\n", ["Hi?| Hello"]),
    ],
)
def test_blanks_behind_all_delimiters(tmp_path: Path, data: str, rows: list[str]) -> None:
    """Where the header has them they are no part of a cell, and a quote behind one encloses."""
    found = read(CsvReader(), put(tmp_path, "t.csv", data))
    assert ["|".join(texts(row)) for row in found] == rows


CELLS = st.text(alphabet=st.sampled_from("ab \"',;\t|\n\rà茶="), max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=10))
def test_what_is_written_is_read(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    """Any table that the csv module writes comes back cell by cell."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("prompt", "completion"), *cells])
    rows = read(CsvReader(delimiter=","), put(tmp_path, "t.csv", text.getvalue()))
    assert [tuple(turn["text"] for turn in row["messages"]) for row in rows] == cells


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=10))
def test_what_excel_and_pandas_write_is_read(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    """Between tabs too, where only some cells are enclosed and none holds a tab."""
    cells = [(one.replace("\t", ""), two.replace("\t", "")) for one, two in cells]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t").writerows([("prompt", "completion"), *cells])
    rows = read(CsvReader(delimiter="\t"), put(tmp_path, "t.tsv", text.getvalue()))
    assert [tuple(turn["text"] for turn in row["messages"]) for row in rows] == cells


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from('ab",\n\r;x '), max_size=60))
def test_any_table_is_accounted_for(tmp_path: Path, body: str) -> None:
    """Rows are numbered without a gap; lines with no quote in the file are rows or blank."""
    found = outcome(tmp_path, "text,b\n" + body, delimiter=",")
    locators = [locator for locator, _ in found]
    assert locators in ([""], [f"row={n}" for n in range(1, len(found) + 1)])
    if '"' not in body:
        lines = [line for line in body.replace("\r", "\n").split("\n") if line]
        assert len(found) == max(1, len(lines))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80))
def test_any_bytes_give_rows(tmp_path: Path, data: bytes) -> None:
    """Nothing raises, and there is always a row."""
    assert outcome(tmp_path, data)
    assert outcome(tmp_path, b"text,b\n" + data)
