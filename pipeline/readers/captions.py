"""Captions of a folder of images, from the files beside them.

`metadata.jsonl`, `.csv` or `.parquet` (Hugging Face's imagefolder), or a `captions` of the same
kinds, names files below its own folder in `file_name` or `image`; their captions stand in
`caption`, `text`, or the column the recipe names, as a string or a list of strings. An image that
no metadata names takes the text of `NAME.txt` and `NAME.caption` (kohya, img2dataset), or of
`NAME.jpg.txt`, blank outer lines left out.

A name means the file that is spelled like it, or else the only one that is the same text in
Unicode's normal form C: macOS takes letters with accents apart, most editors do not.

Reasons: those of `jsonl`, `csv` and `parquet` for a row of metadata, `read.missing_column` (value:
`file_name`, or the recipe's column and those that are there), `read.bad_file_name` (value: the
name), `read.no_caption`, `read.not_text` (value: the column and its type), and those of
`pipeline.readers.encoding` for a caption file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from pipeline.readers import delimited, encoding, jsonl, parquet
from pipeline.readers.rows import Located, UnreadableError, sibling
from pipeline.readers.turns import json_type
from pipeline.source import SourceFile

METADATA_NAMES = tuple(
    f"{name}.{kind}" for name in ("metadata", "captions") for kind in ("jsonl", "csv", "parquet")
)
CAPTION_EXTENSIONS = (".txt", ".caption")
FILE_COLUMNS = ("file_name", "image")
CAPTION_COLUMNS = ("caption", "text")

_FOOTER_BYTES = 65_536

_MAX_CAPTION_BYTES = 1_000_000

Caption = str | UnreadableError
"""A caption, or why there is none."""


def is_metadata(uri: str) -> bool:
    """Whether the file has the name of a metadata file."""
    return uri.rpartition("/")[2] in METADATA_NAMES


def describes_images(file: SourceFile, head: bytes) -> bool:
    """Whether a file is metadata by its name and by a column that names files."""
    if not is_metadata(file.uri):
        return False
    if file.uri.endswith(".jsonl"):
        return re.search(rb'"(file_name|image)"\s*:', head) is not None
    if file.uri.endswith(".csv"):
        return _names_files(head.split(b"\n", 1)[0])
    with file.open() as stream:  # a Parquet file names its columns at its end
        stream.seek(max(0, file.size - _FOOTER_BYTES))
        return _names_files(stream.read())


def _names_files(columns: bytes) -> bool:
    return any(column.encode() in columns for column in FILE_COLUMNS)


def is_caption_name(uri: str) -> bool:
    """Whether the file's name is one of a caption file's; Windows does not tell .TXT from .txt."""
    return uri.lower().endswith(CAPTION_EXTENSIONS)


def composed(uri: str) -> str:
    """The URI in Unicode's normal form C, in which names are the same that look the same."""
    return unicodedata.normalize("NFC", uri)


def stem(uri: str) -> str:
    """The URI without its last extension: what an image and its caption file share.

    >>> stem("photos/img.v2.jpg")
    'photos/img.v2'
    """
    return re.sub(r"\.[^./]*$", "", uri)


def rows(metadata: SourceFile) -> Iterator[Located]:
    """Yield the rows of a metadata file, each with its locator."""
    if metadata.uri.endswith(".jsonl"):
        return jsonl.objects(metadata)
    if metadata.uri.endswith(".parquet"):
        return parquet.objects(metadata)
    return _csv_rows(metadata)


def _csv_rows(metadata: SourceFile) -> Iterator[Located]:
    try:
        codec = delimited.file_encoding(metadata, None)
    except UnreadableError as fault:
        yield "", fault
        return
    yield from delimited.objects(metadata, codec)


def named_image(metadata: SourceFile, row: dict[str, object]) -> str:
    """The URI of the image that a row is about; raises `UnreadableError`."""
    name = file_named(row)
    if name is None:
        raise UnreadableError("read.missing_column", FILE_COLUMNS[0])
    if not isinstance(name, str):
        raise UnreadableError("read.not_text", f"file_name: {json_type(name)}")
    return sibling(metadata.uri, name.replace("\\", "/"))  # as Windows writes it


def file_named(row: dict[str, object]) -> object:
    """What a row has as the name of its file, None where there is nothing."""
    return next((row[name] for name in FILE_COLUMNS if row.get(name) is not None), None)


def captions_of(row: dict[str, object], column: str | None) -> list[Caption]:
    """The captions in a row, or the reason why there is none; never empty."""
    if column and column not in row:
        there = ", ".join(name for name in row if name not in FILE_COLUMNS)
        return [UnreadableError("read.missing_column", f"{column}; there is {there or 'none'}")]
    names = (column,) if column else CAPTION_COLUMNS
    value = next((row[name] for name in names if row.get(name) is not None), None)
    values = value if isinstance(value, list) and value else [value]
    return [_caption(each) for each in values]


def _caption(value: object) -> Caption:
    if isinstance(value, str):
        return value if value.strip() else UnreadableError("read.no_caption")
    if value is None or value == []:
        return UnreadableError("read.no_caption")
    return UnreadableError("read.not_text", f"caption: {json_type(value)}")


def read_caption(file: SourceFile) -> Caption:
    """The text of a caption file, or why it cannot be read."""
    try:
        text, _ = encoding.read_document(file, _MAX_CAPTION_BYTES, None)
    except UnreadableError as fault:
        return UnreadableError("read.no_caption") if fault.reason == "read.empty_file" else fault
    return text.strip()


def folders_of(uri: str) -> Iterator[str]:
    """Yield the folders that contain a file, from the nearest up to "".

    >>> list(folders_of("a/b/1.png"))
    ['a/b', 'a', '']
    """
    while uri:
        uri = uri.rpartition("/")[0]
        yield uri
