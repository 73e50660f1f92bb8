"""Large files in ranges: whoever reads them, the records are those of one reader."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import tree_bytes
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_readers import put

from pipeline import kernels, source
from pipeline.kernels import plain_rows
from pipeline.kernels.rows import LOST, QUOTED, ROW, ROW_CR, START
from pipeline.progress import Lines
from pipeline.readers import delimited, quoting, ranges
from pipeline.readers.columns import Columns
from pipeline.readers.csv_table import CsvReader
from pipeline.readers.jsonl import JsonlReader
from pipeline.readers.per_file import PerFileReader
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare
from pipeline.source import SourceFile, Unit
from pipeline.unit_rows import unit_keys

pytestmark = pytest.mark.usefixtures("warm_gate")

NATIVE = kernels._kernel if kernels.COMPILED else None
compiled = pytest.mark.skipif(NATIVE is None, reason="the package was built without a compiler")
often = settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

BITS = (
    '"', '""', ",", "\n", "\r", "\r\n", "a", "é", " ", "a,b", "\na,b", '"a"', '"a\nb"', '"x"y',
    "\ufeff", '\n"a,\r\nb",c', "\n\n", '\n"', '",', "\nc,d\n", "\u2028", "\x0b",
)  # fmt: skip
ROWS = (
    "a,b\n", "é,b\r\n", '"a,\n1",b\n', '"a ""b""",c\r', "\n", "a\n", "a,b,c\n", '"a"x,b\n',
    "\ufeffa,b\n",
)  # fmt: skip
LINES = (
    '{"text": "tea"}', '{"text": "trà\u2028xanh"}', "{}", "nonsense", "", " ", "\r", "[1]",
    "\ufeff", f'{{"text": "{"x" * 70}"}}', '{"prompt": "a", "completion": "b"}', '{"text": "a"}\r',
)  # fmt: skip
tables = st.one_of(
    st.lists(st.sampled_from(BITS), max_size=40), st.lists(st.sampled_from(ROWS), max_size=40)
).map("".join)


def units_of(reader: PerFileReader, file: SourceFile, step: int) -> list[Unit]:
    """The file in ranges of about so many bytes, which are all of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "RANGE_BYTES", step)
        units = reader.units([file])
    as_reader: Any = reader
    spans = [span for unit in units if (span := unit.files[0].span)]
    if spans:
        assert len(spans) == len(units) == len(set(unit_keys((as_reader, unit) for unit in units)))
        assert spans[0].start in (0, 3)
        assert [span.end for span in spans] == [*(span.start for span in spans[1:]), file.size]
    return units


def most_ranges(reader: PerFileReader, file: SourceFile, *steps: int) -> int:
    """Holds the rows of ranges against those of the whole file; how many ranges there were."""
    (whole,) = reader.units([file])
    told = pl.concat(reader.read(whole)).to_dicts()
    most = 0
    for step in steps:
        units = units_of(reader, file, step)
        parts = [pl.concat(reader.read(unit)).to_dicts() for unit in units]
        assert all(parts)
        assert [row for part in parts for row in part] == told
        most = max(most, len(units))
    return most


@often
@given(lines=st.lists(st.sampled_from(LINES), max_size=30), last=st.booleans(), mark=st.booleans())
@example(lines=['{"text": "tea"}'] * 5 + [""] * 9, last=True, mark=False)
@example(lines=[""] * 30, last=True, mark=True)
def test_lines_in_ranges(tmp_path: Path, lines: list[str], last: bool, mark: bool) -> None:
    """Bad, blank and long lines at any edge, a mark, no newline at the end."""
    text = "\ufeff" * mark + "\n".join(lines) + "\n" * last
    file = put(tmp_path, "a.jsonl", text)
    most_ranges(JsonlReader(max_line_bytes=60), file, 4, 5, 16, 40)


@often
@given(table=tables, header=st.sampled_from(["text,b\n", '"text","b\n"\r\n', "\ufefftext,b\r"]))
@example(table='a,"b\n' + "a,b\n" * 20 + '"c,d\n', header="text,b\n")
@example(table="a,b\n" * 9 + "\n" * 40, header="text,b\n")
@example(table="\n" * 40 + "a,b", header="text,b\n")
def test_rows_in_ranges(tmp_path: Path, table: str, header: str) -> None:
    """Quoted newlines, quotes in cells, ragged and blank rows at any edge; CR, LF and both."""
    file = put(tmp_path, "a.csv", header + table)
    for reader in (CsvReader(), CsvReader(delimiter=",", max_row_chars=30)):
        most_ranges(reader, file, 4, 7, 16, 40)
    tabs = put(tmp_path, "a.tsv", (header + table).replace(",", "\t"))
    most_ranges(CsvReader(delimiter="\t"), tabs, 7, 40)


def test_what_is_cut(tmp_path: Path) -> None:
    """Most files, bad rows and quoted line ends among them."""
    lines = put(tmp_path, "a.jsonl", '{"text": "tea"}\nnonsense\n' * 50)
    assert most_ranges(JsonlReader(), lines, 100) == 13
    rows = put(tmp_path, "a.csv", "text,b\n" + 'tea,"b\n"\nragged\n"x"y,z\n' * 50)
    assert most_ranges(CsvReader(), rows, 100) == 12


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("wide.jsonl", ('{"text": "tea"}\n' * 50).encode("utf-16")),
        ("binary.jsonl", b"PK\x03\x04" + b'{"text": "tea"}\n' * 50),
        ("document.json", b"[\n" + b'{"text": "tea"},\n' * 50),
        ("one.jsonl", b'{"text": "' + b"tea " * 200 + b'"}'),
        ("blank.jsonl", b"\n" * 500),
        ("wide.csv", ("text\n" + "tea\n" * 100).encode("utf-16")),
        ("latin.csv", ("text\n" + "thé d'été\n" * 50).encode("cp1252")),
        ("named.csv", b"sep=;\ntext;b\n" + b"tea;1\n" * 100),
        ("unknown.csv", b"number\n" + b"1\n" * 100),
        ("twice.csv", b"text,text\n" + b"a,b\n" * 100),
        ("header.csv", b'"text"x,b\n' + b"a,b\n" * 100),
        ("unclosed.csv", b"text,b\n" + b"a,b\n" * 100 + b'a,"b\n'),
        ("late.csv", b"text,b\n" + b'a,"b\n"c\n' * 100),
        ("long.csv", b"text,b\n" + b"a,b\n" * 100 + b"x" * 1_000_001 + b"\n"),
        ("blank.csv", b"text\n" + b"\n" * 500),
    ],
)
def test_what_is_not_cut(tmp_path: Path, name: str, data: bytes) -> None:
    """What is wrong with the whole file is said once, and what goes back is read by one."""
    reader = CsvReader() if name.endswith(".csv") else JsonlReader()
    assert most_ranges(reader, put(tmp_path, name, data), 100) == 1


def test_quotes_between_tabs_in_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are text they hide no line's end, and what the first lines cannot say keeps the
    file whole; so do blanks behind delimiters."""
    head, spoken = "text\tb\n" + "tea\tb\n" * 20, '"tea" she said\tb\n"tea\tb\n'
    early = put(tmp_path, "early.tsv", "text\tb\n" + spoken * 50)
    assert most_ranges(CsvReader(), early, 100) > 9
    enclosed = put(tmp_path, "enclosed.tsv", "text\tb\n" + 'tea\t"b\n"\n' * 50)
    assert most_ranges(CsvReader(), enclosed, 100) > 3
    late = put(tmp_path, "late.tsv", head + spoken * 50)
    assert most_ranges(CsvReader(), late, 100) > 9
    spaced = put(tmp_path, "spaced.csv", "text, b\n" + 'tea, "b\n"\n' * 50)
    assert most_ranges(CsvReader(), spaced, 100) == 1
    for module in (source, quoting, delimited):
        monkeypatch.setattr(module, "HEAD_BYTES", 100)
    assert most_ranges(CsvReader(), late, 100) == 1
    (whole,) = CsvReader().units([late])
    assert '"tea" she said' in pl.concat(CsvReader().read(whole))["text"]


def test_columns_of_a_recipe_hold_for_all_ranges(tmp_path: Path) -> None:
    """A column that is missing is told once, for the file."""
    file = put(tmp_path, "a.csv", "question,answer\n" + "a,b\n" * 100)
    known = Columns(prompt="question", completion="answer")
    assert most_ranges(CsvReader(columns=known), file, 100) > 1
    assert most_ranges(CsvReader(columns=Columns(text="body")), file, 100) == 1


@compiled
@often
@given(table=tables, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_compiled_is_plain(table: str, cuts: list[int]) -> None:
    """For every text in whatever blocks, state after state."""
    assert NATIVE is not None
    data = table.encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    state = START
    for start, end in pairwise(places):
        block = data[start:end]
        found = NATIVE.scan_rows(block, ord(","), state)
        assert found == plain_rows.scan_rows(block, ord(","), state)
        state = found[0]


@often
@given(table=tables)
def test_rows_are_those_that_csv_cuts(table: str) -> None:
    """The scan counts as many as Python's own parser gives, where it does not give up."""
    state, _, _ = plain_rows.scan_rows(table.encode(), ord(","), START)
    mode, _, ended, _, _ = state
    if mode not in (LOST, QUOTED):
        rows = list(delimited.split_rows(io.StringIO(table, newline=""), ",", 1_000))
        assert len(rows) == ended + (mode not in (ROW, ROW_CR))


RECIPE = """
name: ranges
sources: [{path: pairs.jsonl}, {path: table.csv}]
stages: [clean, dedup_exact]
targets: {pairs: {format: prompt_completion}}
split: {validation: 0.2, group_by: record}
"""


def test_a_run_is_the_same_by_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ranges by one, two or four, and by one reader of each file: every published byte."""
    lines = [json.dumps({"prompt": f"How long? {n % 350}", "completion": "x"}) for n in range(400)]
    (tmp_path / "pairs.jsonl").write_text("\n".join([*lines, "nonsense", ""]))
    rows = [f'"Which, {n}?","a\n{n}"' for n in range(300)]
    (tmp_path / "table.csv").write_text("\n".join(["question,answer", *rows, "ragged", ""]))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    recipe = load_recipe(tmp_path / "recipe.yaml")
    published = {}
    for name, step, workers in [("whole", 1 << 24, 1), ("1", 999, 1), ("2", 999, 2), ("4", 999, 4)]:
        monkeypatch.setattr(ranges, "RANGE_BYTES", step)
        monkeypatch.setattr("pipeline.memory.SHARD_MOST", 1 << 24 if name == "whole" else 2_000)
        options = Options(str(tmp_path / name), workers)
        prepare(recipe, tmp_path, options, Lines(io.StringIO(), as_json=False))
        published[name] = tree_bytes(tmp_path / name / "runs")
        work = next((tmp_path / name / ".work").glob("*/pass-00"))
        assert len(list(work.glob("*.kept.arrow"))) > 10 or name == "whole"
    assert published["whole"] == published["1"] == published["2"] == published["4"]
