"""Each format's reader on a small document: the text, the locator, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path

import documents_made as made
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents_made import paragraph, run
from test_readers import put, read

from pipeline.readers import READERS, reader_of

Told = tuple[str, str]
"""A row's locator, and its text; for a rejected row its reason."""


def parquet(columns: dict[str, list[str]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


WORD = (
    paragraph(run("Tea"), "Heading1")
    + paragraph(
        run("Steep ")
        + f'<w:ins w:id="1">{run("three")}</w:ins>'
        + '<w:del w:id="2"><w:r><w:delText>four</w:delText></w:r></w:del>'
        + run(" minutes.")
    )
    + f"<w:tbl><w:tr><w:tc>{paragraph(run('x'))}</w:tc><w:tc>{paragraph(run('y'))}</w:tc>"
    "</w:tr></w:tbl>"
)
OEB = (
    '<!DOCTYPE package\n PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN"'
    ' "http://openebook.org/dtds/oeb-1.2/oebpkg12.dtd">'
)
ENTITY = '<!DOCTYPE package [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
HIDDEN = '<!DOCTYPE package SYSTEM ">" [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LINES = b'{"text":"a"}\n{bad\n{"text":"c"}\n'
EML = (
    b"From: a@example.org\r\nSubject: =?utf-8?q?Tr=C3=A0?=\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nBa ph\xc3\xbat.\r\n"
)
MBOX = b"".join(
    b"From x Thu Jan  1 00:00:00 2020\nSubject: %s\n\nBody of %s.\n\n" % (name, name)
    for name in (b"one", b"two")
)
SRT = (
    b"1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>\nthere.\n\n"
    b"2\n00:00:03,000 --> 00:00:04,500\nBye.\n"
)
WET = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://example.org/\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nA page.\r\n\r\n"
)
MEMBERS: dict[str, str | bytes] = {
    "faq/tea.jsonl": '{"text": "Steep."}\n',
    "notes.md": "# Notes",
    "../../evil.txt": "evil",
    "inner.zip": made.zipped({"x.txt": "x"}),
    "picture.png": b"\x89PNG\r\n\x1a\n",
}

CASES: list[tuple[str, bytes, list[Told]]] = [
    (
        "a.docx",
        made.docx(WORD),
        [("", "# Tea\n\nSteep three minutes.\n\n| x | y |\n| --- | --- |")],
    ),
    (
        "a.odt",
        made.odt('<t:h t:outline-level="2">Trà</t:h><t:p>Ba<t:s/>phút.</t:p>'),
        [("", "## Trà\n\nBa phút.")],
    ),
    ("a.pptx", made.pptx("One", "Two"), [("slides=1-2", "One\n\nTwo")]),
    (
        "a.xlsx",
        made.xlsx(("x", "y"), ("1", "2")),
        [("sheet=Tea", "| x | y |\n| --- | --- |\n| 1 | 2 |")],
    ),
    ("a.epub", made.epub("First.", "Second."), [("", "First.\n\nSecond.")]),
    ("oeb.epub", made.epub("First.", doctype=OEB), [("", "First.")]),
    ("own.epub", made.epub("x", doctype=OEB[:-1] + " []>"), [("", "read.xml_entities")]),
    ("entity.epub", made.epub("x", doctype=OEB + ENTITY), [("", "read.xml_entities")]),
    ("hidden.epub", made.epub("x", doctype=HIDDEN), [("", "read.xml_entities")]),
    (
        "a.rtf",
        rb"{\rtf1\ansi\ansicpg1252 Caf\'e9 \u7879?\par Two{\*\x hidden}}",
        [("", "Café ệ\nTwo")],
    ),
    (
        "a.pdf",
        made.pdf("First page.", "Second page."),
        [("pages=1-2", "First page.\n\nSecond page.")],
    ),
    ("scan.pdf", made.pdf("", ""), [("", "read.no_text_layer")]),
    ("cut.pdf", made.pdf("First page.")[:60], [("", "read.damaged")]),
    ("a.eml", EML, [("", "Subject: Trà\nFrom: a@example.org\n\nBa phút.")]),
    (
        "a.mbox",
        MBOX,
        [
            ("message=1", "Subject: one\n\nBody of one."),
            ("message=2", "Subject: two\n\nBody of two."),
        ],
    ),
    (
        "empty.mbox",
        b"From x\nFrom y\n",
        [("message=1", "read.no_message"), ("message=2", "read.no_message")],
    ),
    ("a.srt", SRT, [("", "Hello there.\nBye.")]),
    ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Lan>Hello.\n", [("", "Lan: Hello.")]),
    ("a.warc", WET, [("record=1,url=http://example.org/", "A page.")]),
    ("a.json", b'[\n {"text": "a"},\n {"text": "b"}\n]', [("item=1", "a"), ("item=2", "b")]),
    ("a.parquet", parquet({"text": ["a", "b"]}), [("row=1", "a"), ("row=2", "b")]),
    (
        "a.jsonl.gz",
        gzip.compress(LINES),
        [("line=1", "a"), ("line=2", "read.bad_json"), ("line=3", "c")],
    ),
    ("two.txt.gz", gzip.compress(b"one ") + gzip.compress(b"two"), [("", "one two")]),
    ("a.txt.bz2", bz2.compress(b"packed"), [("", "packed")]),
    ("a.txt.xz", lzma.compress(b"packed"), [("", "packed")]),
    ("a.txt.zst", zstd(b"packed"), [("", "packed")]),
    (
        "a.zip",
        made.zipped(MEMBERS),
        [
            ("member=faq/tea.jsonl,line=1", "Steep."),
            ("member=notes.md", "# Notes"),
            ("member=../../evil.txt", "read.bad_file_name"),
            ("member=inner.zip", "read.nested_archive"),
            ("member=picture.png", "read.image_in_archive"),
        ],
    ),
    (
        "a.tar",
        made.tarred({"one.txt": b"one", "two/b.txt": b"two"}, link="/etc/passwd"),
        [
            ("member=one.txt", "one"),
            ("member=two/b.txt", "two"),
            ("member=link.txt", "read.not_a_file"),
        ],
    ),
    ("cut.jsonl.gz", gzip.compress(LINES * 1000)[:-9], [("", "read.damaged")]),
    ("tail.txt.gz", gzip.compress(b"text") + b"garbage!", [("", "read.damaged")]),
    ("bomb.txt.gz", gzip.compress(bytes(30 << 20)), [("", "read.inflated")]),
    ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), [("", "read.unsupported_archive")]),
    (
        "entities.docx",
        made.zipped(
            {
                "[Content_Types].xml": "<Types/>",
                "word/document.xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
                f'<w:document xmlns:w="{made.W}"><w:body>&e;</w:body></w:document>',
            }
        ),
        [("", "read.xml_entities")],
    ),
    ("cut.docx", made.docx(WORD)[:-30], [("", "read.damaged")]),
]


@pytest.mark.parametrize(("name", "data", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_a_small_document_gives(
    name: str, data: bytes, expected: list[Told], tmp_path: Path
) -> None:
    """Found by its name and bytes; every part is a record or has a reason, with its place."""
    file = put(tmp_path, name, data)
    rows = read(reader_of(file), file)
    told = [(row["locator"], (row["reason"] or row["text"] or "").rstrip()) for row in rows]
    assert told == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("reader", "data", "unit"),
    [
        ("pdf", made.pdf("First.", "Second."), "page"),
        ("pptx", made.pptx("First.", "Second."), "slide"),
        ("epub", made.epub("First.", "Second."), "chapter"),
    ],
)
def test_parts_may_be_records(reader: str, data: bytes, unit: str, tmp_path: Path) -> None:
    """One record for each page, slide or chapter, if the recipe says so."""
    kind = READERS[reader].model_validate({"record": unit})  # type: ignore[attr-defined]
    rows = read(kind, put(tmp_path, f"a.{reader}", data))
    assert [(row["locator"], row["text"]) for row in rows] == [
        (f"{unit}=1", "First."),
        (f"{unit}=2", "Second."),
    ]


def test_a_sheet_with_a_known_header_is_rows(tmp_path: Path) -> None:
    """A prompt and its completion are a record, at the row that Excel shows."""
    file = put(tmp_path, "a.xlsx", made.xlsx(("prompt", "completion"), ("How?", "So.")))
    [row] = read(reader_of(file), file)
    assert (row["locator"], row["reason"], row["text"]) == ("sheet=Tea,row=2", None, None)
    assert "How?" in str(row) and "So." in str(row)


@pytest.mark.parametrize("reader", [name for name in READERS if name != "images"])
def test_damaged_documents_never_raise(reader: str, tmp_path: Path) -> None:
    """Every document, cut off or with a byte changed, through every reader but the images'."""
    for name, data, _ in CASES:
        if reader_of(put(tmp_path, name, data)).name != reader:
            continue
        for at in range(0, min(len(data), 1500), max(1, min(len(data), 1500) // 25)):
            for damaged in (data[:at], data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]):
                kind = READERS[reader]()
                assert read(kind, put(tmp_path, name, damaged)), (name, at)


def test_names_without_namespaces_are_right_however_many_there_are() -> None:
    """They are kept for the next element, and a stranger's document cannot make us keep all."""
    from lxml import etree

    from pipeline.readers.zipped import _MOST_NAMES, NAMES, local

    for number in range(2 * _MOST_NAMES):
        assert local(etree.Element(f"{{urn:x{number % 3}}}name{number}")) == f"name{number}"
        assert len(NAMES) <= _MOST_NAMES
