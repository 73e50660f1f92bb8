"""Parquet and Arrow files: a row is a record, with the table's column names.

pyarrow reads them in batches, which are validated to the last offset, because a damaged file can
hold invalid arrays. For the meaning of the columns see `pipeline.readers.conventions`, as for JSON
Lines; columns of types that JSON does not have (bytes, times of day) are ignored unless the recipe
or a convention names them. The locator is `row=N`, counted from 1.

Reasons: `read.empty_file`, `read.damaged` (value: pyarrow's message), `read.no_rows`,
`read.too_many_columns` (value: columns), `read.row_too_long` (value: bytes), `read.bad_encoding`
(value: what is wrong), `read.not_text`, `read.image_in_table` (value: the column),
`read.inflated` (value: bytes, threshold: bytes), and those of `pipeline.readers.conventions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pipeline.readers import conventions
from pipeline.readers.conventions import Columns
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Located, Row, UnreadableError
from pipeline.source import SourceFile

if TYPE_CHECKING:
    import pyarrow as pa

REASONS = {
    **conventions.REASONS,
    "read.empty_file": "the file is empty or holds only white space",
    "read.image_in_table": "a column holds images, which are not taken out of tables: write them "
    "as files beside a metadata.jsonl, or name the columns of text with `columns`",
    "read.damaged": "the file is damaged or not in the format that its name claims; save it again",
    "read.no_rows": "there are no rows, or none below the header",
    "read.inflated": "the file unpacks to far more bytes than real data would; unpack it yourself",
    "read.too_many_columns": "the table has more columns than any set of records needs",
    "read.row_too_long": "the row is longer than this reader accepts, or a quote is never closed",
    "read.bad_encoding": "the bytes are not valid in the declared encoding, or not in UTF-8 and no "
    "other encoding could be identified with confidence; name it with `encoding`",
}

MAX_RATIO = 500  # bytes of rows for each byte of the file
FREE_BYTES = 64 << 20  # a file of any size may give this many
EXTENSIONS = (".parquet", ".arrow", ".feather", ".ipc")
MAX_COLUMNS = 2_000
MAX_ROW_BYTES = 16_000_000
_IMAGE_FIELDS = {"bytes", "path"}  # of Hugging Face's type Image
BATCH_ROWS = 256
"""Batches stay small because a dictionary column can hold a gigabyte in a few bytes per row."""


class ParquetReader(PerFileReader):
    """Parquet and Arrow IPC files, one record for each row."""

    name: ClassVar[str] = "parquet"

    columns: Columns | None = Field(
        default=None, description="which column is what; if omitted, known names are looked for"
    )
    max_row_bytes: int = Field(default=MAX_ROW_BYTES, gt=0, description="longer rows are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.parquet, .arrow, .feather), or by the first bytes."""
        return file.uri.lower().endswith(EXTENSIONS) or head.startswith((b"PAR1", b"ARROW1\0\0"))

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the records of each row of the table."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        layout: Columns | None = None
        chosen: list[str] | None = None
        number = 0
        for batch in _within_ratio(file, _batches(file)):
            if chosen is None:
                layout = self._layout(batch.schema.names)
                if self.columns is None:
                    _refuse_images(batch.schema)
                chosen = _columns(layout, batch.schema)
            for item in _objects(batch, chosen, self.max_row_bytes):
                number += 1
                if isinstance(item, UnreadableError):
                    yield item.row(file, f"row={number}")
                else:
                    yield from conventions.records(item, layout, file, f"row={number}")
        if not number:
            raise UnreadableError("read.no_rows")

    def _layout(self, names: list[str]) -> Columns | None:
        if len(names) > MAX_COLUMNS:
            raise UnreadableError("read.too_many_columns", len(names), MAX_COLUMNS)
        return conventions.header(names, self.columns, flat=False)


def _refuse_images(schema: pa.Schema) -> None:
    """Raise UnreadableError for a column of images: without them a record has another meaning."""
    from pyarrow import types

    for field in schema:
        if types.is_struct(field.type):
            names = {field.type.field(at).name for at in range(field.type.num_fields)}
            if names == _IMAGE_FIELDS:
                raise UnreadableError("read.image_in_table", field.name)


def objects(file: SourceFile) -> Iterator[Located]:
    """Each row of a file as an object with its locator, or the fault of the row or file."""
    number = 0
    try:
        for batch in _within_ratio(file, _batches(file)):
            for found in _objects(batch, _columns(None, batch.schema), MAX_ROW_BYTES):
                number += 1
                yield f"row={number}", found
    except UnreadableError as fault:
        yield "", fault


def _columns(layout: Columns | None, schema: pa.Schema) -> list[str]:
    """The columns that are read; raises UnreadableError if a named one has a type JSON lacks."""
    if layout is None:
        return [name for name in schema.names if _is_json(schema.field(name).type)]
    named = set(layout.metadata or ())
    named |= {each for each in layout.model_dump().values() if isinstance(each, str)}
    names = [name for name in dict.fromkeys(schema.names) if name in named]
    for name in names:
        kind = schema.field(name).type
        if not _is_json(kind):
            raise UnreadableError("read.not_text", f"{name}: {kind}")
    return names


def _is_json(kind: pa.DataType) -> bool:
    """Whether values of this type can be expressed in JSON."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_json(kind.value_type)
    if types.is_struct(kind):
        return all(_is_json(kind.field(at).type) for at in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_json(kind.value_type)
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(texts or numbers or types.is_null(kind))


def _within_ratio(file: SourceFile, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches; raises UnreadableError once they hold far more bytes than the file.

    They may hold `MAX_RATIO` times as many, or `FREE_BYTES` if that is more.
    """
    held = 0
    most = max(FREE_BYTES, MAX_RATIO * file.size)
    for batch in batches:
        held += batch.nbytes
        if held > most:
            raise UnreadableError("read.inflated", held, most)
        yield batch


def _batches(file: SourceFile) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows in batches; raises UnreadableError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open() as stream, pa.PythonFile(stream, mode="r") as source:
            start = bytes(stream.read(6))
            stream.seek(0)
            if start.startswith(b"PAR"):
                table = pq.ParquetFile(source)
                yield from table.iter_batches(BATCH_ROWS, use_threads=False)
                return
            is_file = start == b"ARROW1"
            reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            whole = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
            for batch in whole:
                for at in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(at, BATCH_ROWS)
    except MemoryError:
        raise
    # pyarrow raises ArrowInvalid, OSError, KeyError, TypeError, NotImplementedError, ...
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableError("read.damaged", " ".join(str(error).split())) from error


def _objects(
    batch: pa.RecordBatch, names: list[str], most: int
) -> Iterator[dict[str, Any] | UnreadableError]:
    """Yield each row as an object, or its fault.

    If the batch is damaged or larger than `most` bytes, its rows are checked one by one.
    """
    import pyarrow as pa

    chosen = batch.select([batch.schema.get_field_index(name) for name in names])
    if _is_sound(chosen) and chosen.nbytes <= most:
        yield from chosen.to_pylist()
        return
    for at in range(batch.num_rows):
        row = pa.RecordBatch.from_arrays(
            [column.slice(at, 1) for column in chosen.columns], schema=chosen.schema
        )
        if row.nbytes > most:
            yield UnreadableError("read.row_too_long", row.nbytes, most)
        elif not _is_sound(row):
            yield UnreadableError("read.bad_encoding", "not UTF-8, or a damaged array")
        else:
            yield row.to_pylist()[0]


def _is_sound(batch: pa.RecordBatch) -> bool:
    import pyarrow as pa

    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
