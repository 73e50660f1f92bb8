"""A file's lines without the faults that have one right answer; every change is told.

What has no one right answer (half a text, a missing key, a key twice) stays as it is, for `check`
to tell. A line that is not changed keeps its bytes; one that is changed keeps its numbers as they
were written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.checks import literals
from pipeline.checks.byte_rules import BOM, SEPARATORS
from pipeline.checks.chunks import CHUNK_BYTES, Chunk, read_chunks
from pipeline.checks.documents import find_document, objects, objects_of
from pipeline.checks.record_repair import Tell, mend_record
from pipeline.checks.standard import Standard
from pipeline.checks.strict_json import (
    diagnosis,
    duplicate_key,
    is_too_deep,
    parse,
    without_commas,
)

KEPT = 1000
"""Number of changes listed; all are counted."""

_ORDER = [
    "schemaVersion", "recordId", "id", "system", "toolConfig", "messages", "role", "content",
    "prompt", "completion", "image-ref", "caption",
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What was done to one line of the original."""

    line: int
    rule: str  # the rule whose fault it repairs
    detail: str


@dataclass
class Repair:
    """All changes, and the number of lines that could not be parsed and are unchanged."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    unread: int = 0
    first_unread: Change | None = None  # line and rule of the first of them
    newline_added: bool = False  # behind the last line

    def add(self, line: int, rule: str, detail: str) -> None:
        """Record one change."""
        self.counts[rule] += 1
        if len(self.changes) < KEPT:
            self.changes.append(Change(line, rule, detail))

    def leave(self, line: int, rule: str, detail: str) -> None:
        """Tell of a line that stays as it was, for it cannot be read."""
        self.unread += 1
        rule = "broken-json" if rule == "pretty-printed" else rule  # it is none of a document
        self.first_unread = self.first_unread or Change(line, rule, detail)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "counts": dict(sorted(self.counts.items())),
            "changes": [vars(change) for change in self.changes],
            "unread": self.unread,
            "first_unread": vars(self.first_unread) if self.first_unread else None,
            "newline_added": self.newline_added,
        }


def mended_file(path: Path, standard: Standard, repair: Repair) -> Iterator[bytes]:
    """The bytes of the mended file, in pieces; what is done is added to `repair` on the way.

    A line over 64 MiB is given as it stands. Raises OSError when the file cannot be read.
    """
    ends_in_newline = standard.format != "image_caption"
    separator = b""
    for piece, begins in _pieces(path, standard, repair):
        if begins:
            yield separator
            separator = b"\n"
        yield piece
    if separator and ends_in_newline:
        yield b"\n"


def _pieces(path: Path, standard: Standard, repair: Repair) -> Iterator[tuple[bytes, bool]]:
    """Lines, and parts of those that are too long to hold; whether a line begins with each."""
    document = find_document(path)
    if document is not None:
        repair.add(1, document.rule, f"{document.objects} records, a line each")
        yield from ((line, True) for line in _repaired_document(path, standard, repair))
        return
    chunk = None
    for chunk in read_chunks(path):
        if chunk.span is not None:
            repair.leave(chunk.start, "endless-line", "longer than 64 MiB")
            yield b"", True
            yield from ((part, False) for part in _original(path, chunk.span))
            continue
        for line in _repaired_chunk(chunk, standard, repair):
            yield line, True
    if chunk is not None and standard.format == "image_caption" and chunk.ends:
        repair.add(chunk.start + len(chunk.lines) - 1, "final-newline", "removed")
    elif chunk is not None and standard.format != "image_caption":
        repair.newline_added = not chunk.ends


def _repaired_document(path: Path, standard: Standard, repair: Repair) -> Iterator[bytes]:
    """The records of a file that is one array, or objects over several lines."""
    with path.open("rb") as file:
        if file.read(len(BOM)) == BOM:
            repair.add(1, "byte-order-mark", "removed")
    for number, item in objects(path):
        yield from _repaired_line(
            _repaired_separators(item, number, repair), number, standard, repair
        )


def _original(path: Path, span: tuple[int, int]) -> Iterator[bytes]:
    """The bytes of a file from one place to another, in blocks."""
    begin, end = span
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end and (block := file.read(min(CHUNK_BYTES, end - begin))):
            begin += len(block)
            yield block


def _repaired_chunk(chunk: Chunk, standard: Standard, repair: Repair) -> Iterator[bytes]:
    for number, line in enumerate(chunk.lines, chunk.start):
        plain = _repaired_bytes(line, number, repair)
        if not plain.strip():
            repair.add(number, "blank-line", "removed")
            continue
        yield from _repaired_line(plain, number, standard, repair)


def _repaired_bytes(line: bytes, number: int, repair: Repair) -> bytes:
    if line.startswith(BOM):
        repair.add(number, "byte-order-mark", "removed")
        line = line.removeprefix(BOM)
    if line.endswith(b"\r"):
        repair.add(number, "carriage-return", "removed")
        line = line.removesuffix(b"\r")
    return _repaired_separators(line, number, repair)


def _repaired_separators(line: bytes, number: int, repair: Repair) -> bytes:
    for mark, name in SEPARATORS.items():
        if mark in line:
            repair.add(number, "line-separator", f"{name} written as an escape")
            line = line.replace(mark, f"\\u{name[2:].lower()}".encode())
    return line


def _repaired_line(line: bytes, number: int, standard: Standard, repair: Repair) -> Iterator[bytes]:
    """The line's records, one each; the line itself where it cannot be read."""
    text = without_commas(line)
    parsed = parse([text])
    is_one = parsed is not None and not isinstance(parsed[0], list)
    several = None if is_one else objects_of(text)
    values = parse(several) if several is not None else parsed
    if values is None:
        repair.leave(number, *diagnosis(line))
        yield line
        return
    if text is not line:
        repair.add(number, "trailing-comma", "removed")
    if several is not None:
        rule = "two-objects" if parsed is None else "json-array"
        repair.add(number, rule, f"{len(several)} records, a line each")
    for one, value in zip(several or [text], values, strict=True):
        yield _repaired_record(one, value, number, standard, repair)


def _repaired_record(
    text: bytes, value: Any, number: int, standard: Standard, repair: Repair
) -> bytes:
    """The text of one record, mended; the same text where nothing is to be mended."""
    if not isinstance(value, dict) or duplicate_key(text) is not None or is_too_deep(value):
        return text
    if not _changes(value, standard):
        return text
    record = literals.read(text)
    mend_record(record, standard, lambda rule, detail: repair.add(number, rule, detail))
    return _written(record)


def _changes(record: dict[str, Any], standard: Standard) -> bool:
    """Whether there is something to mend in a record; it is mended on the way."""
    told: list[str] = []
    tell: Tell = lambda rule, _: told.append(rule)  # noqa: E731
    mend_record(record, standard, tell)
    return bool(told)


def _written(record: dict[str, Any]) -> bytes:
    """The record as a compact line, keys in the order of AWS's examples."""
    place = {key: at for at, key in enumerate(_ORDER)}
    ordered = dict(sorted(record.items(), key=lambda item: place.get(item[0], len(place))))
    text = literals.written(ordered)
    for code in (0x85, 0x2028, 0x2029):
        text = text.replace(chr(code), f"\\u{code:04x}")
    return text.encode()
