"""Archives and compressed files (.zip, .tar, .gz, .bz2, .xz, .zst): each member by its own reader.

A member is read by the reader that claims it by its name and first bytes, with default settings.
Its locator is `member=NAME`, followed by the reader's own locator: `member=faq/tea.csv,row=3`. A
compressed file is one member and needs no name: `tea.jsonl.gz` has locators `line=N`.

Members are streams: nothing is unpacked to the disk and no name is used as a path, so `../` in a
name is harmless, but refused all the same. Links, devices and other members that are not files are
rejected, and so are archives inside archives, except a compressed tar or a compressed member.

Reasons, for an archive: `read.empty_file`, `read.damaged` and `read.inflated` (see
`pipeline.readers.members`), `read.too_many_members` (value: members), `read.encrypted`,
`read.unsupported_archive` (value: the kind), `read.no_members`. For a member: these, those of its
reader, `read.bad_file_name` (value: the name), `read.not_a_file` (value: what it is),
`read.duplicate_member` (value: the name), `read.nested_archive` (value: the kind),
`read.image_in_archive`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from pipeline.readers import members
from pipeline.readers.archive_lists import ArchiveEntry, tar_members, zip_members
from pipeline.readers.compressed import STREAMS, unpacked
from pipeline.readers.members import Member
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import MadeFrame, Row, UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import SourceFile

REASONS = {
    **members.REASONS,
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_many_members": "the archive has more members than this reader accepts; unpack it",
    "read.encrypted": "the file needs a password; save it without one",
    "read.unsupported_archive": "no reader unpacks this kind of archive; unpack it yourself",
    "read.no_members": "the archive contains no files",
    "read.bad_file_name": "a file name points outside its own folder, or is a URL",
    "read.not_a_file": "the member is a link, a device or something else that holds no text",
    "read.duplicate_member": "an earlier member has the same name; only that one was read",
    "read.nested_archive": "an archive inside an archive is not unpacked; unpack it yourself",
    "read.image_in_archive": "an image must be a file of its own, so that records can name it; "
    "unpack the archive",
}

MAX_MEMBERS = 100_000

_UNSUPPORTED = {
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x1f\x9d": "compress",
    b"\x04\x22M\x18": "lz4",
}
_NAMED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".lz4", ".z")


class ArchiveReader(PerFileReader):
    """Archives and compressed files: the records of their members, each read by its own reader."""

    name: ClassVar[str] = "archive"

    max_members: int = Field(
        default=MAX_MEMBERS, gt=0, description="archives with more members are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by their first bytes, or by name (.zip, .tar, .gz, .bz2, .xz, .zst)."""
        return _kind(head) is not None or file.uri.lower().endswith(_NAMED)

    def rows(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        """Yield the rows of all members, in the archive's order."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        kind = _kind(file.head())
        if kind in STREAMS:
            yield from self._compressed(file, kind)
        elif kind == "zip":
            yield from self._members(file, zip_members(file, self.max_members))
        elif kind == "tar":
            yield from self._members(file, tar_members(file, file.size))
        else:
            unknown = "its first bytes are not those of an archive"
            raise UnreadableError("read.unsupported_archive", kind or unknown)

    def _compressed(self, file: SourceFile, kind: str) -> Iterator[Row | MadeFrame]:
        """Yield the rows of a compressed file: one member, or a tar of members."""
        member = unpacked(file, kind, file.size)
        inner = _kind(member.head())
        if inner == "tar":
            yield from self._members(file, tar_members(member, member.size))
        else:
            _refuse_nested(inner, member)
            yield from _read(file, member, "")

    def _members(
        self, file: SourceFile, listed: Iterator[ArchiveEntry]
    ) -> Iterator[Row | MadeFrame]:
        times: dict[str, int] = {}  # by name: how often it has been listed
        for number, entry in enumerate(listed, 1):
            times[entry.name] = times.get(entry.name, 0) + 1
            nth = times[entry.name]
            place = f"member={entry.name}" + (f"#{nth}" if nth > 1 else "")
            try:
                if number > self.max_members:
                    raise UnreadableError("read.too_many_members", None, self.max_members)
                yield from self._member(file, entry, place, nth)
            except UnreadableError as fault:
                yield fault.row(file, place)
                if number > self.max_members:
                    return
        if not times:
            raise UnreadableError("read.no_members")

    def _member(
        self, file: SourceFile, entry: ArchiveEntry, place: str, nth: int
    ) -> Iterator[Row | MadeFrame]:
        if isinstance(entry.opener, UnreadableError):
            raise entry.opener
        if _leads_out(entry.name):
            raise UnreadableError("read.bad_file_name", entry.name)
        if nth > 1:
            raise UnreadableError("read.duplicate_member", entry.name)
        member = members.checked(file, entry.name, entry.packed, entry.opener)
        kind = _kind(member.head())
        if kind is not None and kind in STREAMS:
            member = unpacked(member, kind, entry.packed)
            kind = _kind(member.head())
        _refuse_nested(kind, member)
        yield from _read(file, member, place)


def _read(file: SourceFile, member: Member, place: str) -> Iterator[Row | MadeFrame]:
    """Yield the member's rows as rows of the archive `file`; `place` begins their locators."""
    from pipeline.readers import reader_of

    reader = reader_of(member)
    if not isinstance(reader, PerFileReader):
        raise UnreadableError("read.image_in_archive")
    for row in reader.rows(member):
        if not isinstance(row, dict):
            yield row.inside(file.uri, place)
            continue
        inner = row.get("locator") or ""
        origin: dict[str, Any] = {"source": file.uri}
        origin["locator"] = ",".join(part for part in (place, inner) if part)
        yield {**row, **origin}


def _kind(head: bytes) -> str | None:
    """The kind of archive that starts with these bytes; None for anything else."""
    if head.startswith(tuple(_UNSUPPORTED)):
        return next(kind for magic, kind in _UNSUPPORTED.items() if head.startswith(magic))
    known = signature(head)
    return known if known in (*STREAMS, "zip", "tar") else None


def _refuse_nested(kind: str | None, member: Member) -> None:
    """Raise UnreadableError for an archive, unless another reader claims it (a Word document)."""
    from pipeline.readers import reader_of

    if kind and not (kind == "zip" and reader_of(member).name != ArchiveReader.name):
        raise UnreadableError("read.nested_archive", kind)


def _leads_out(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    absolute = name.startswith(("/", "\\")) or name[1:2] == ":"
    return absolute or ".." in parts or "\0" in name or not name.strip()
