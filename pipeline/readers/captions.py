"""Captions of a folder of images, from the files beside them.

`metadata.jsonl` or `metadata.csv` (Hugging Face's imagefolder) names files below its own folder in
`file_name`; their captions are in `caption`, `text`, or the column that the recipe names, as a
string or a list of strings. An image that no metadata names takes the text of `NAME.txt` and
`NAME.caption` (kohya, img2dataset), without blank lines at the start and end.

Reasons: those of `jsonl` and `csv` for a row of metadata, `read.missing_column` (value:
`file_name`), `read.bad_file_name` (value: the name), `read.no_caption`, `read.not_text` (value:
the column and its type), and those of `pipeline.readers.encoding` for a caption file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.readers import delimited, encoding, jsonl
from pipeline.readers.rows import Located, UnreadableError, sibling
from pipeline.readers.turns import json_type
from pipeline.source import SourceFile

METADATA_NAMES = ("metadata.jsonl", "metadata.csv")
CAPTION_EXTENSIONS = (".txt", ".caption")
CAPTION_COLUMNS = ("caption", "text")

_MAX_CAPTION_BYTES = 1_000_000

Caption = str | UnreadableError
"""A caption, or why there is none."""


def is_metadata(uri: str) -> bool:
    """Whether the file has the name of a metadata file."""
    return uri.rpartition("/")[2] in METADATA_NAMES


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
    return _csv_rows(metadata)


def _csv_rows(metadata: SourceFile) -> Iterator[Located]:
    try:
        codec = delimited.file_encoding(metadata, None)
    except UnreadableError as fault:
        yield "", fault
        return
    yield from delimited.objects(metadata, codec)


def named_image(metadata: SourceFile, row: dict[str, object]) -> str:
    """The URI of the image that a row of metadata describes; raises `UnreadableError`."""
    name = row.get("file_name")
    if name is None:
        raise UnreadableError("read.missing_column", "file_name")
    if not isinstance(name, str):
        raise UnreadableError("read.not_text", f"file_name: {json_type(name)}")
    return sibling(metadata.uri, name)


def captions_of(row: dict[str, object], column: str | None) -> list[Caption]:
    """The captions in a row of metadata, or the reason why there is none; never empty.

    `column` is the column of captions that the recipe names.
    """
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
