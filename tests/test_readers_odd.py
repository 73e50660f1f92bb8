"""Odd rows and odd archives: told with a reason, and what stands beside them is read."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import pkgutil
import zipfile
from pathlib import Path
from typing import Any

import documents_made as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents_made import paragraph, run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers import put, read

from pipeline import readers
from pipeline.readers import beside, blocks, json_object, reader_of
from pipeline.readers.conventions import header, records
from pipeline.readers.rows import UnreadableError
from pipeline.source import SourceFile

TEA = made.docx(paragraph(run("Tea.")))
SQUAD = {"context": "c", "question": "q", "answers": {"text": ["a", "b"], "answer_start": [0, 1]}}


ASKED, ANSWER = [{"role": "user", "content": "p"}], [{"role": "assistant", "content": "good"}]


def told(folder: Path, name: str, data: bytes | str) -> list[tuple[str, str]]:
    """Each row's locator, and its reason, text or last turn."""
    file = put(folder, name, data)
    rows = read(reader_of(file), file)
    return [(row["locator"], row["reason"] or row["text"] or said(row)) for row in rows]


def said(row: dict[str, Any]) -> str:
    return " / ".join(turn["text"] for turn in row["messages"])


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"data": [{"paragraphs": "x"}]}, "read.bad_nesting"),
        ({"data": [{"paragraphs": 5}, 7]}, "read.bad_nesting"),
        ({"paragraphs": [{"context": "c", "qas": "x"}]}, "read.bad_nesting"),
        ({"context": "c", "qas": [{"question": "q", "answers": 5}]}, "read.bad_nesting"),
        ({"context": "c", "qas": [{"question": "q", "answers": "word"}]}, "read.bad_nesting"),
        ({"context": "c", "qas": [{"question": "q", "answers": {"x": 1}}]}, "read.bad_nesting"),
        ({"context": "c", "qas": [{"question": "q", "answers": [None]}]}, "read.no_answer"),
        ({"dialogue": "aı: hi"}, "hi"),
        ({"dialogue": "ſystem: tea\nuſer: hi"}, "hi"),
        ({"prompt": "p", "completion": "c", "turns": 2}, "p / c"),
        ({"prompt": "p", "completion": "c", "messages": []}, "p / c"),
        ({"question": "q", "answer": "a", "Chat": "x"}, "q / a"),
        ({"turns": 2}, "read.bad_messages"),
        ({"prompt": "p", "turns": [{"role": "user", "content": "u"}]}, "u"),
        ({"context": "c", "question": "q", "answer": "a"}, "q\n\nc / a"),
        ({"question": "q", "context": " ", "answer": "a"}, "q / a"),
        ({"question": "q", "context": {"title": "c"}, "answer": "a"}, "read.not_text"),
        ({"prompt": "p", "input": "i", "output": "o"}, "p\n\ni / o"),
        ({"context": "c", "response": "r"}, "c / r"),
        ({"prompt": "p", "chosen": "good", "rejected": "bad"}, "p / good"),
        ({"Prompt": "p", "Chosen": "good"}, "p / good"),
        ({"prompt": "p", "chosen": 7}, "read.not_text"),
        ({"prompt": "p", "chosen": None}, "p"),
        ({"prompt": "p", "chosen": []}, "p"),
        ({"prompt": "p", "chosen": ANSWER, "rejected": ANSWER}, "p / good"),
        ({"prompt": ASKED, "chosen": ANSWER, "rejected": ANSWER}, "p / good"),
        ({"prompt": ASKED, "chosen": "good"}, "p / good"),
        ({"prompt": ASKED, "context": "c", "completion": ANSWER}, "p\n\nc / good"),
        ({"prompt": "x", "chosen": ASKED + ANSWER}, "p / good"),
        ({"prompt": "p", "chosen": "Human: p\nAssistant: good"}, "p / good"),
        ({"prompt": "Human:  p", "chosen": "\n\nHuman: p\n\nAssistant: good"}, "p / good"),
        (
            {"prompt": "x", "chosen": "Human: p\nAssistant: good"},
            "x / Human: p\nAssistant: good",
        ),
        *(
            ({"prompt": "p", "chosen": answer}, f"p / {answer}")
            for answer in (
                "Step 1: boil p\nStep 2: steep",
                "Pros: p\nCons: slow",
                "Answer: p",
                "Assistant: p\nHuman: q",
                "Q: p",
                "User: pp\nAssistant: q",
            )
        ),
        ({"prompt": "p", "response": "r", "chosen": "good"}, "p / r"),
    ],
)
def test_odd_rows_are_told_and_neighbours_kept(
    row: dict[str, Any], outcome: str, tmp_path: Path
) -> None:
    """What has a convention's keys and not its shape is rejected, or another convention's."""
    lines = [{"text": "before"}, row, {"text": "after"}]
    found = told(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert [one for _, one in found][:2] == ["before", outcome]
    assert found[-1] == ("line=3", "after")


SPOKEN = "Ann: hi\nBob: yo"


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"dialogue": SPOKEN, "summary": "s", "topic": "t"}, f"{SPOKEN} / s"),
        ({"Transcript": SPOKEN, "Summary ": "s"}, f"{SPOKEN} / s"),
        ({"instruction": "i", "dialogue": SPOKEN, "output": "o"}, f"i\n\n{SPOKEN} / o"),
        ({"instruction": "i", "dialogue": SPOKEN, "summary": "s"}, f"i\n\n{SPOKEN} / s"),
        ({"instruction": "i", "input": "", "dialogue": "d", "output": "o"}, "i\n\nd / o"),
        ({"instruction": "i", "input": "c", "dialogue": "d", "output": "o"},
         "read.unknown_columns"),
        ({"question": "q", "answer": "a", "conversation": SPOKEN}, f"q\n\n{SPOKEN} / a"),
        ({"question": "hi", "answer": "yo", "conversation": SPOKEN}, "hi / yo"),
        ({"instruction": "i", "dialogue": SPOKEN, "output": None}, "hi / yo"),
        ({"dialogue": SPOKEN, "summary": None}, "hi / yo"),
        ({"dialogue": SPOKEN, "summary": ""}, f"{SPOKEN} / "),
        ({"dialogue": ["hi", "yo"], "summary": "s"}, "hi / yo"),
        ({"conversation": json.dumps(ASKED + ANSWER), "summary": "s"}, "p / good"),
        ({"messages": ASKED + ANSWER, "summary": "s"}, "p / good"),
    ],
)  # fmt: skip
def test_what_is_said_about_a_dialogue(row: dict[str, Any], outcome: str, tmp_path: Path) -> None:
    """A summary or a pair beside a text of turns is about it; the text is the passage."""
    assert told(tmp_path, "a.jsonl", json.dumps(row)) == [("line=1", outcome)]
    if all(isinstance(value, str) for value in row.values()):
        table = io.StringIO()
        csv.writer(table).writerows([row.keys(), row.values()])
        assert told(tmp_path, "a.csv", table.getvalue()) == [("row=1", outcome)]


PAIR = {"prompt": "p", "completion": "c"}
UNLEARNED = "read.undesirable_answer"


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (PAIR | {"label": False}, UNLEARNED),
        (PAIR | {"label": True}, "p / c"),
        ({"messages": ASKED + ANSWER, "label": False}, UNLEARNED),
        ({"conversations": ASKED + ANSWER, "kto_tag": False}, UNLEARNED),
        ({"prompt": ASKED, "completion": ANSWER, "label": False}, UNLEARNED),
        (PAIR | {" Label": "False"}, UNLEARNED),
        (PAIR | {"label": "true"}, "p / c"),
        (PAIR | {"label": "false alarm"}, "p / c"),
        ({"prompt": "p", "completion": "False", "label": "False"}, "p / False"),
        (PAIR | {"label": 0}, "p / c"),
        (PAIR | {"label": None}, "p / c"),
        ({"text": "t", "label": False}, "t"),
        ({"prompt": "p", "label": False}, "p"),
        ({"messages": [*ASKED, ANSWER[0] | {"weight": 0}]}, "read.weight_zero"),
        ({"messages": [*ASKED, ANSWER[0] | {"weight": 0}, *ASKED, *ANSWER]}, "read.weight_zero"),
        ({"messages": [ASKED[0] | {"weight": 0}, ANSWER[0] | {"weight": 1}]}, "p / good"),
        (
            {"messages": [*ASKED, ANSWER[0] | {"weight": 0, "reasoning_content": "r"}]},
            "read.weight_zero",
        ),
    ],
)
def test_what_is_not_to_be_learned_is_told(
    row: dict[str, Any], outcome: str, tmp_path: Path
) -> None:
    """KTO's bad answers and OpenAI's turns without weight become no examples, in tables neither."""
    lines = "".join(json.dumps({**row, "id": n}) + "\n" for n in range(2_000))
    assert {one for _, one in told(tmp_path, "a.jsonl", lines)} == {outcome}
    assert told(tmp_path, "a.parquet", parquet([row])) == [("row=1", outcome)]
    if all(isinstance(value, str) for value in row.values()):
        table = io.StringIO()
        csv.writer(table).writerows([row.keys(), row.values()])
        assert told(tmp_path, "a.csv", table.getvalue()) == [("row=1", outcome)]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Human: riddle?\n\nAssistant: Sure:\nQuestion: keys?\nAnswer: piano\n\nHuman: Thanks!",
         ["riddle?", "Sure:\nQuestion: keys?\nAnswer: piano", "Thanks!"]),
        ("Human: mend\nA: 1\nB: 2\n\nAssistant: Done.\n\nSystem: ok",
         ["mend\nA: 1\nB: 2", "Done.\n\nSystem: ok"]),
        ("user: play\nASSISTANT: Customer: Hi\nAgent: Yes?\nBot: x\nUser: ok",
         ["play", "Customer: Hi\nAgent: Yes?\nBot: x", "ok"]),
        ("Q: a?\nA: b\nUser: who asks\nQ: b?\nA: c", ["a?", "b\nUser: who asks", "b?", "c"]),
        ("User: a?\nAnswer: b", ["a?", "b"]),
        ("AI: hello\nUser: a\nAI: b", ["hello", "a", "b"]),
        ("Customer: a\nBot: b\nAgent: c\nUser: d", ["a", "b", "c\nUser: d"]),
        ("System: s\nUser: a\nAssistant: b\nSystem: c", ["a", "b\nSystem: c"]),
    ],
)  # fmt: skip
def test_marks_inside_a_turn_are_text(text: str, outcome: list[str], tmp_path: Path) -> None:
    """Only the names of who speaks first on either side count; customers are handed on."""
    found = told(tmp_path, "a.jsonl", json.dumps({"chosen": text}))
    assert found == [("line=1", " / ".join(outcome))]


CALLED = [
    {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "1", "name": "f"}},
    {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}},
]
SAID = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "ab"}}


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([{"type": "content_block_start", "content_block": {"type": "text"}}, SAID], "q / ab"),
        ([CALLED[0], SAID], "read.unknown_body"),
        ([SAID, CALLED[1]], "read.unknown_body"),
        ([{"choices": [{"delta": {"tool_calls": [{"id": "1"}]}}]}, SAID], "read.unknown_body"),
        ([{"completion": "a"}, {"completion": "b", "stop_reason": "stop_sequence"}], "q / ab"),
        ([{"choices": [{"delta": {"content": said}}]} for said in "ab"], "q / ab"),
        ([{"choices": [{"index": at, "delta": {"content": "a"}}]} for at in (0, 1)], "q / a"),
        ([{"outputs": [{"text": said, "stop_reason": None}]} for said in "ab"], "q / ab"),
    ],
)
def test_the_streams_of_all_providers(
    events: list[dict[str, Any]], outcome: str, tmp_path: Path
) -> None:
    """Their texts are put together; one that calls a tool is not, whoever's it is."""
    call = {"modelInput": {"prompt": "q"}, "modelOutput": events}
    assert told(tmp_path, "a.jsonl", json.dumps(call)) == [("line=1", outcome)]


def test_one_odd_question_costs_no_other(tmp_path: Path) -> None:
    """In one row too: the others of its list are read."""
    right = {"question": "q", "answers": [{"text": "a"}]}
    row = {"data": [{"paragraphs": [7, {"context": "c", "qas": [5, right]}]}, "x"]}
    assert told(tmp_path, "a.jsonl", json.dumps(row)) == [
        ("line=1 question=1", "read.bad_nesting"),
        ("line=1 question=2", "read.bad_nesting"),
        ("line=1 question=3", "c\n\nq / a"),
        ("line=1 question=4", "read.bad_nesting"),
    ]


KEYS = st.sampled_from(
    ["data", "paragraphs", "qas", "context", "question", "answers", "answer", "text", "instances",
     "instruction", "title", "comments", "is_accepted", "accepted_answer_id", "dialogue",
     "messages",
     "role", "content", "prompt", "completion", "turns", "modelInput", "modelOutput", "tools",
     "schemaType", "input", "output", "toolUse", "toolResult", "document", "image", "source",
     "system", "tool_calls", "function", "images", "type", "is_impossible", "options", "choices",
     "answerKey", "label", "questions", "stem", "history", "query", "tools", "name", "arguments",
     "parameters", "summary", "chosen"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "AI: y\nUser: z", "[{"])
    | st.sampled_from(["ModelInvocationLog", "user", "tool", "tool_use"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=1500, database=None)
@given(row=st.dictionaries(KEYS, VALUES, min_size=1, max_size=6))
def test_no_row_raises(row: dict[str, Any]) -> None:
    """Keys of all conventions with values of any shape: at least one record or reason each."""
    found = list(records(row, None, SourceFile("a", Path("a"), 0, ""), "line=1"))
    assert found
    assert all(one["locator"].startswith("line=1") for one in found)


MANY = [f"n{number}" for number in range(100_000)]
"""So many that a look at all of them for each of them would take minutes."""


def test_many_names_are_each_looked_at_once() -> None:
    """Of keys, columns and tools the last name is found to be there twice, or is looked up."""
    twice = [*MANY, MANY[-1]]
    line = "{" + ",".join(f'"{name}":1' for name in twice) + "}"
    tools = {"tools": [{"function": {"name": name}} for name in twice]}
    for read_it in (
        lambda: json_object.parsed(line.encode()),
        lambda: header(["text", *twice], None),
        lambda: beside.tools(tools, "tools"),
    ):
        with pytest.raises(UnreadableError) as raised:
            read_it()
        assert raised.value.value == MANY[-1]
    calls = [{"toolUse": {"toolUseId": name, "name": name, "input": {}}} for name in MANY]
    said = [{"role": "user", "content": "?"}, {"role": "assistant", "content": calls}]
    assert blocks.conversation(said, None, MANY)["messages"]


def test_tables_have_the_conventions_of_lines(tmp_path: Path) -> None:
    """A nested row in a JSON array, in Parquet and in JSON Lines gives the same records."""
    expected = ["c\n\nq / a"]
    for name, data in {
        "a.jsonl": json.dumps(SQUAD).encode(),
        "a.json": b"[\n" + json.dumps(SQUAD).encode() + b"]",
        "a.parquet": parquet([SQUAD]),
    }.items():
        assert [one for _, one in told(tmp_path, name, data)] == expected
    nested = {"paragraphs": [{"context": "c", "qas": [SQUAD, SQUAD | {"answers": None}]}]}
    assert told(tmp_path, "b.parquet", parquet([nested])) == [
        ("row=1 question=1", "c\n\nq / a"),
        ("row=1 question=2", "read.no_answer"),
    ]
    two = pa.table([["a"], ["b"]], names=["text", "text"])
    out = io.BytesIO()
    with pa.ipc.new_file(out, two.schema) as writer:
        writer.write_table(two)
    assert told(tmp_path, "two.arrow", out.getvalue()) == [("", "read.duplicate_header")]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("xlam", "a.csv"),
        ("xlam", "a.parquet"),
        ("history", "a.parquet"),
        ("choices", "a.parquet"),
        ("choices", "a.json"),
    ],
)
def test_tables_have_the_shapes_of_lines(shape: str, name: str, tmp_path: Path) -> None:
    """The first row of each file, as a table has it."""
    path = Path(__file__).parent / "conventions" / f"{shape}.jsonl"
    line = path.read_text(encoding="utf-8").partition("\n")[0]
    row = json.loads(line)
    cells = io.StringIO()
    csv.writer(cells).writerows([row.keys(), row.values()])
    data: dict[str, bytes | str]
    data = {"a.csv": cells.getvalue(), "a.parquet": parquet([row]), "a.json": f"[\n{line}]"}
    [(_, expected)] = told(tmp_path, "a.jsonl", line)
    assert [one for _, one in told(tmp_path, name, data[name])] == [expected]


def test_a_loose_name_in_a_table_is_told_by_each_row(tmp_path: Path) -> None:
    """`turns` may be a number beside a pair; a transcript beside a pair is a conversation."""
    csv = "question,answer,turns\nq,a,2\nr,b,User: hi\n"
    assert told(tmp_path, "a.csv", csv) == [("row=1", "q / a"), ("row=2", "hi")]
    rows = [{"prompt": "p", "completion": "c", "turns": 2}]
    assert told(tmp_path, "a.parquet", parquet(rows)) == [("row=1", "p / c")]


def test_members_are_read_from_their_end(tmp_path: Path) -> None:
    """Zip files and Parquet in archives, packed or not."""
    table = parquet([{"text": "a"}, {"text": "b"}])
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.parquet", table)
        archive.writestr("a.docx", TEA)
    rows = [("row=1", "a"), ("row=2", "b")]
    assert told(tmp_path, "a.parquet.gz", gzip.compress(table)) == rows
    within = [(f"member=a.parquet,{place}", text) for place, text in rows]
    within.append(("member=a.docx", "Tea."))
    assert told(tmp_path, "a.docx.gz", gzip.compress(TEA)) == [("", "Tea.")]
    assert told(tmp_path, "a.gz", gzip.compress(TEA)) == [("", "Tea.")]
    notes = made.zipped({"notes.txt": "Notes."})
    assert told(tmp_path, "b.zip.gz", gzip.compress(notes)) == [("", "read.nested_archive")]
    assert told(tmp_path, "a.zip", stored.getvalue()) == within
    assert told(tmp_path, "b.zip", made.zipped({"a.parquet": table, "a.docx": TEA})) == within
    packed = made.tarred({"a.parquet": table, "a.docx": TEA})
    assert told(tmp_path, "a.tar", packed) == within
    assert told(tmp_path, "a.tar.gz", gzip.compress(packed)) == within


@pytest.mark.parametrize("at", [1024 + 5, 1024 + 150])
def test_a_damaged_header_in_a_tar_is_told(at: int, tmp_path: Path) -> None:
    """What stands before it is read; that something stood after it is said."""
    data = bytearray(made.tarred({"a.txt": b"one", "b.txt": b"two"}))
    data[at] ^= 0x55
    assert told(tmp_path, "a.tar", bytes(data)) == [("member=a.txt", "one"), ("", "read.damaged")]


def test_a_tar_without_its_end_is_whole(tmp_path: Path) -> None:
    """As tar itself says: blocks of zeros may be missing."""
    data = made.tarred({"a.txt": b"one"})[:1024]
    assert told(tmp_path, "a.tar", data) == [("member=a.txt", "one")]


@pytest.mark.parametrize("name", ["a", "a.zip"])
def test_an_archive_of_documents_is_no_document(name: str, tmp_path: Path) -> None:
    """A document stored beside notes is a member; a document without a name is one."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.docx", TEA)
        archive.writestr("notes.txt", "Notes.")
    expected = [("member=a.docx", "Tea."), ("member=notes.txt", "Notes.")]
    assert told(tmp_path, name, stored.getvalue()) == expected
    assert told(tmp_path, name, TEA) == [("", "Tea.")]


class _Pipe(io.RawIOBase):
    """Writes without seeking, so that zip files put sizes after their data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def test_a_document_written_as_a_stream_is_one(tmp_path: Path) -> None:
    """Its members' sizes stand after them; its main part is found all the same."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "word/document.xml"):
            archive.writestr(name, zipfile.ZipFile(io.BytesIO(TEA)).read(name))
    assert pipe.data[6] & 8
    assert told(tmp_path, "a", pipe.data) == [("", "Tea.")]


def mail(kind: str, *parts: tuple[str, str]) -> bytes:
    inner = "".join(f"--B\r\nContent-Type: {type}\r\n\r\n{text}\r\n" for type, text in parts)
    head = f"Subject: s\r\nFrom: a@b.c\r\nContent-Type: {kind}; boundary=B\r\n\r\n"
    return (head + inner + "--B--\r\n").encode()


PICTURE = ("text/html", "<html><body><img src='a.png'></body></html>")
PAGE = ("text/html", "<p>From the page.")
DEEP = ("text/html", "<div>" * 6000 + "deep")


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (mail("multipart/alternative", ("text/plain", "Plain."), PICTURE), "Plain."),
        (mail("multipart/alternative", PICTURE, ("text/plain", "Plain.")), "Plain."),
        (mail("multipart/alternative", ("text/plain", "Plain."), DEEP), "Plain."),
        (mail("multipart/alternative", ("text/plain", " "), PAGE), "From the page."),
        (mail("multipart/alternative", ("text/plain", ""), DEEP), "read.html_too_complex"),
        (mail("multipart/alternative", ("text/plain", ""), PICTURE), "read.no_text"),
        (mail("multipart/mixed", PAGE, ("text/plain", "A list.")), "From the page.\n\nA list."),
        (mail("multipart/mixed", *[("text/plain", "x")] * 499), "x" + "\n\nx" * 498),
        (mail("multipart/mixed", *[("text/plain", "x")] * 500), "read.too_many_parts"),
    ],
)
def test_which_part_of_a_message_is_read(data: bytes, outcome: str, tmp_path: Path) -> None:
    """The plain alternative; a page where that says nothing, and parsed only then."""
    [(_, found)] = told(tmp_path, "a.eml", data)
    assert found.removeprefix("Subject: s\nFrom: a@b.c\n\n") == outcome


def test_a_sheet_of_a_header_is_told(tmp_path: Path) -> None:
    """Nothing is lost in silence: a known header without rows, in one sheet of a workbook."""
    header = made.xlsx(("prompt", "completion"))
    assert told(tmp_path, "a.xlsx", header) == [("sheet=Tea", "read.no_rows")]


def test_short_pages_of_a_pdf_keep_their_lines(tmp_path: Path) -> None:
    """A title alone on each page is no running header, nor are titles one paragraph."""
    pages = [f"Chapter {number}" for number in range(1, 5)]
    assert told(tmp_path, "a.pdf", made.pdf(*pages)) == [("pages=1-4", "\n\n".join(pages))]


def test_wide_encodings_of_json_have_their_own_reason(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.json"):
        for codec in ("utf-16", "utf-16-le", "utf-32", "utf-32-be"):
            found = told(tmp_path, name, '{"text": "x"}\n'.encode(codec))
            assert found == [("", "read.wide_encoding")]


OBJECT = b'{"version": "2.0",\n "data": [{"paragraphs": [' + json.dumps(SQUAD).encode() + b"]}]}"
LONG = b'{"text": "' + b"a" * 16_000_000 + b'"}'


@pytest.mark.parametrize(
    ("data", "locators"),
    [
        (OBJECT, ["question=1"]),
        (b'{"text": "a"\n}', [""]),
        (b'{"text": "a", "more": [\n{"b": 1},\n{"b": 2}]}', [""]),
        (LONG + b"\n \n", [""]),
        (LONG + b'\n{"text": "a"}', ["line=1", "line=2"]),
        (LONG[:-9_000_000], ["line=1"]),
        (b'{"text": "a",\n{"text": "a"}\n', ["line=1", "line=2"]),
        (b'{"text": "a",\n{"text": "' + b"a" * 70_000 + b'"}\n', ["line=1", "line=2"]),
        (b'{"text" "a"}\n{"text": "a"}', ["line=1", "line=2"]),
        (b'{"text": "a"}\n7', ["line=1", "line=2"]),
    ],
)
def test_which_json_is_a_document(data: bytes, locators: list[str], tmp_path: Path) -> None:
    """An object over lines, however it is laid out, or on a line too long for JSON Lines; where
    the lines are records it is none."""
    assert [where for where, _ in told(tmp_path, "a.json", data)] == locators


def test_a_reason_has_one_text_in_all_readers() -> None:
    """Whoever gives it: the registry could tell only one of them."""
    texts: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(readers.__path__):
        own = importlib.import_module(f"{readers.__name__}.{module.name}")
        for reason, text in getattr(own, "REASONS", {}).items():
            texts.setdefault(reason, set()).add(text)
    assert {reason: told for reason, told in texts.items() if len(told) > 1} == {}
