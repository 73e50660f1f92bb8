"""Which reader takes a file; the reasons they give; hostile files of every kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import readers
from pipeline.readers import READERS, REASONS, assign
from pipeline.record import SCHEMA
from pipeline.source import Reader, SourceFile

HOSTILE = Path(__file__).parents[2] / "shared" / "hostile"
SOURCES = sorted(Path(readers.__file__).parent.glob("*.py"))

PNG = b"\x89PNG\r\n\x1a\n"


def put(folder: Path, name: str, data: bytes | str) -> SourceFile:
    """A file with these bytes, as ingestion pins it."""
    raw = data.encode() if isinstance(data, str) else data
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return SourceFile(name, path, len(raw), hashlib.sha256(raw).hexdigest())


def read(reader: Reader, *files: SourceFile) -> list[dict[str, Any]]:
    """All rows of the files, in order, each with its reason in `reason`; the frames are checked."""
    frames = [frame for unit in reader.units(files) for frame in reader.read(unit)]
    assert all(frame.schema == SCHEMA for frame in frames)
    rows = pl.concat(frames).to_dicts() if frames else []
    assert len({row["id"] for row in rows}) == len(rows)
    return [row | {"reason": (row["rejected"] or {}).get("reason")} for row in rows]


def names(found: Sequence[tuple[Reader, Sequence[SourceFile]]]) -> dict[str, list[str]]:
    return {reader.name: [file.uri for file in files] for reader, files in found}


def test_files_are_told_by_name_and_first_bytes(tmp_path: Path) -> None:
    """Each file goes to the first reader that knows it, text takes the rest, order is kept."""
    files = [
        put(tmp_path, "z.txt", "plain"),
        put(tmp_path, "page.HTM", "<p>x"),
        put(tmp_path, "unnamed-page", "<!-- c --><!DOCTYPE html><p>x"),
        put(tmp_path, "rows.jsonl", "{}"),
        put(tmp_path, "rows.log", '{"text": "x"}\n{"text": "y"}\n'),
        put(tmp_path, "table.tsv", "a\tb"),
        put(tmp_path, "notes.md", "# x"),
        put(tmp_path, "picture.bin", PNG),
        put(tmp_path, "archive.gz", b"\x1f\x8b\x08"),
    ]
    assert names(assign(files, None)) == {
        "images": ["picture.bin"],
        "archive": ["archive.gz"],
        "html": ["page.HTM", "unnamed-page"],
        "jsonl": ["rows.jsonl", "rows.log"],
        "csv": ["table.tsv"],
        "markdown": ["notes.md"],
        "text": ["z.txt"],
    }


def test_captions_go_with_their_images(tmp_path: Path) -> None:
    """Metadata above images and texts named as an image are the image reader's; others are not."""
    files = [
        put(tmp_path, "photos/1.png", PNG),
        put(tmp_path, "photos/1.txt", "one"),
        put(tmp_path, "photos/2.txt", "no picture of this name"),
        put(tmp_path, "metadata.csv", "file_name,text\nphotos/1.png,one\n"),
        put(tmp_path, "other/metadata.jsonl", '{"file_name": "1.png"}'),
        put(tmp_path, "photos/metadata.jsonl", '{"text": "of something else"}'),
        put(tmp_path, "other/1.txt", "in another folder"),
    ]
    found = names(assign(files, None))
    assert found["images"] == ["photos/1.png", "photos/1.txt", "metadata.csv"]
    assert found["text"] == ["photos/2.txt", "other/1.txt"]
    assert found["jsonl"] == ["other/metadata.jsonl", "photos/metadata.jsonl"]


def test_a_named_reader_takes_all(tmp_path: Path) -> None:
    """The recipe's word counts more than the file's name."""
    reader = READERS["text"]()
    files = [put(tmp_path, "a.html", "<p>x"), put(tmp_path, "b.jsonl", "{}")]
    assert assign(files, reader) == [(reader, files)]
    assert assign([], reader) == assign([], None) == []


def test_each_head_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Detection opens a file once, whichever reader takes it in the end."""
    seen: list[str] = []
    head = SourceFile.head
    monkeypatch.setattr(SourceFile, "head", lambda file: seen.append(file.uri) or head(file))
    files = [put(tmp_path, name, "x") for name in ("a.txt", "b.png", "metadata.csv", "c.md")]
    assign(files, None)
    assert seen == ["a.txt", "b.png", "metadata.csv", "c.md"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_reason_is_explained(path: Path) -> None:
    """A reason in the code has its line in REASONS and a word in the module's docstring."""
    _, docstring, code = path.read_text().split('"""', 2)
    given = set(re.findall(r'Error\(\s*"(read\.\w+)"', code))
    assert given <= REASONS.keys()
    assert {reason for reason in given if f"`{reason}`" not in docstring} == set()


def test_no_reason_is_idle() -> None:
    """Every reason explained is given somewhere."""
    given = "".join(path.read_text() for path in SOURCES)
    assert all(given.count(f'"{reason}"') > 1 for reason in REASONS)


@pytest.mark.parametrize("kind", ["text*", "html*", "json*", "csv*", "img*", "unicode*"])
@pytest.mark.parametrize("forced", [None, *READERS])
def test_hostile_files_are_read_or_rejected(kind: str, forced: str | None) -> None:
    """No file raises, each gives at least one row, each reason is a known one; any reader."""
    folders = sorted(HOSTILE.glob(kind))
    if not folders:
        pytest.skip("no collection of hostile files beside the checkout")
    for folder in folders:
        files = [hostile(path) for path in sorted(folder.iterdir()) if path.is_file()]
        for reader, own in assign(files, READERS[forced]() if forced else None):
            rows = read(reader, *own)
            units = reader.units(own)
            assert {file.uri for unit in units for file in unit.files} <= {
                r["source"] for r in rows
            }
            assert {row["reason"] for row in rows} - {None} <= REASONS.keys()


def hostile(path: Path) -> SourceFile:
    data = path.read_bytes()
    uri = path.relative_to(HOSTILE).as_posix()
    return SourceFile(uri, path, len(data), hashlib.sha256(data).hexdigest())
