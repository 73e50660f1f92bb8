"""Archives and compressed files (.zip, .tar, .gz, .bz2, .xz, .zst): each member by its own reader.

A member goes to the reader that its name and its first bytes ask for, with that reader's default
settings; the locator is `member=NAME`, then what the reader says: `member=faq/tea.csv,row=3`. A
compressed file is one member and needs no name: `tea.jsonl.gz` has locators `line=N`.

Members are streams: nothing is unpacked to the disk and no name is used as a path, so `../` in a
name is harmless, and is refused all the same. Links, devices and other members that are no files
are rejected, and so are archives inside archives but one: a compressed tar or member.

Reasons, for an archive: `read.empty_file`, `read.damaged` and `read.inflated` (see
`pipeline.readers.members`), `read.too_many_members` (value: members), `read.encrypted`,
`read.unsupported_archive` (value: the kind), `read.no_members`. For a member: these, those of its
reader, `read.bad_file_name` (value: the name), `read.not_a_file` (value: what it is),
`read.duplicate_member` (value: the name), `read.nested_archive` (value: the kind),
`read.image_in_archive`.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, BinaryIO, ClassVar
from urllib.parse import quote_from_bytes

from pydantic import Field

from pipeline.readers import members
from pipeline.readers.members import FAULTS, Member
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import MadeFrame, Row, UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import SourceFile

REASONS = {
    **members.REASONS,
    "read.empty_file": "the file holds nothing, or only white space",
    "read.too_many_members": "the archive has more members than this reader takes; unpack it",
    "read.encrypted": "the file needs a password; save it without one",
    "read.unsupported_archive": "no reader unpacks this kind of archive; unpack it yourself",
    "read.no_members": "the archive holds no file",
    "read.bad_file_name": "a file name leads out of its folder, or is a URL",
    "read.not_a_file": "the member is a link, a device or another thing that holds no text",
    "read.duplicate_member": "the archive holds a member of this name before; that one was read",
    "read.nested_archive": "an archive inside an archive is not unpacked; unpack it yourself",
    "read.image_in_archive": "an image needs a place of its own to be named by; unpack it",
}

MAX_MEMBERS = 100_000

_STREAMS: dict[str, Callable[[SourceFile], BinaryIO]] = {
    "gzip": members.open_gzip,
    "bzip2": members.open_bzip2,
    "xz": members.open_xz,
    "zstd": members.open_zstd,
}
_SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".tgz": "gzip"}
_UNSUPPORTED = {
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x1f\x9d": "compress",
    b"\x04\x22M\x18": "lz4",
}
_NAMED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".lz4", ".z")


@dataclass(frozen=True)
class Found:
    """A member as the archive lists it, or why it cannot be read."""

    name: str
    packed: int  # bytes in the archive that it is unpacked from
    opener: Callable[[], BinaryIO] | UnreadableError


class ArchiveReader(PerFileReader):
    """Archives and compressed files: what their members give, each by its own reader."""

    name: ClassVar[str] = "archive"

    max_members: int = Field(
        default=MAX_MEMBERS, gt=0, description="archives with more members are rejected"
    )

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """By the first bytes, or by name (.zip, .tar, .gz, .bz2, .xz, .zst)."""
        return _kind(head) is not None or file.uri.lower().endswith(_NAMED)

    def rows(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        """The rows of all members, in the archive's order."""
        if file.size == 0:
            raise UnreadableError("read.empty_file", 0)
        kind = _kind(file.head())
        if kind in _STREAMS:
            yield from self._compressed(file, kind)
        elif kind == "zip":
            yield from self._members(file, self._zip(file))
        elif kind == "tar":
            yield from self._members(file, self._tar(file, file.size))
        else:
            unknown = "its first bytes are of no archive"
            raise UnreadableError("read.unsupported_archive", kind or unknown)

    def _compressed(self, file: SourceFile, kind: str) -> Iterator[Row | MadeFrame]:
        """A compressed file is its one member, or a tar of members."""
        name = re.sub(r"\.(gz|bz2|xz|zst)$", "", file.uri, flags=re.I)
        name = re.sub(r"\.tgz$", ".tar", name, flags=re.I)
        member = members.checked(file, name, file.size, partial(_STREAMS[kind], file))
        inner = _kind(member.head())
        if inner == "tar":
            yield from self._members(file, self._tar(member, member.size))
        else:
            _refuse_nested(inner, member)
            yield from _read(file, member, "")

    def _members(self, file: SourceFile, listed: Iterator[Found]) -> Iterator[Row | MadeFrame]:
        seen: dict[str, int] = {}
        for number, found in enumerate(listed, 1):
            seen[found.name] = seen.get(found.name, 0) + 1
            twice = seen[found.name]
            place = f"member={found.name}" + (f"#{twice}" if twice > 1 else "")
            try:
                if number > self.max_members:
                    raise UnreadableError("read.too_many_members", None, self.max_members)
                yield from self._member(file, found, place, twice)
            except UnreadableError as fault:
                yield fault.row(file, place)
                if number > self.max_members:
                    return
        if not seen:
            raise UnreadableError("read.no_members")

    def _member(
        self, file: SourceFile, found: Found, place: str, twice: int
    ) -> Iterator[Row | MadeFrame]:
        if isinstance(found.opener, UnreadableError):
            raise found.opener
        if _leads_out(found.name):
            raise UnreadableError("read.bad_file_name", found.name)
        if twice > 1:
            raise UnreadableError("read.duplicate_member", found.name)
        member = members.checked(file, found.name, found.packed, found.opener)
        kind = _kind(member.head())
        if kind is not None and kind in _STREAMS:
            name = re.sub(r"\.(gz|bz2|xz|zst)$", "", member.uri, flags=re.I)
            opener = partial(_STREAMS[kind], member)
            member = members.checked(member, name, found.packed, opener)
            kind = _kind(member.head())
        _refuse_nested(kind, member)
        yield from _read(file, member, place)

    def _zip(self, file: SourceFile) -> Iterator[Found]:
        """The members of a zip file; no two may share bytes, as in bombs they do."""
        with file.open() as stream:
            try:
                archive = zipfile.ZipFile(stream)
            except FAULTS as error:
                raise UnreadableError("read.damaged", error) from error
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > self.max_members:
                raise UnreadableError("read.too_many_members", len(infos), self.max_members)
            if _overlaps(infos):
                raise UnreadableError("read.damaged", "its members overlap, as those of a bomb")
            for info in infos:
                yield Found(_shown(info.filename), info.compress_size, _zip_opener(archive, info))

    def _tar(self, file: SourceFile, size: int) -> Iterator[Found]:
        """The members of a tar file, as it is read."""
        with file.open() as stream, file.open() as again:
            try:
                with tarfile.open(fileobj=stream, mode="r:") as archive:
                    for info in archive:
                        if not info.isdir():
                            yield Found(
                                _shown(info.name), info.size, _tar_opener(again, info, size)
                            )
                    _refuse_broken_end(again, archive.offset)
            except (tarfile.TarError, *FAULTS) as error:
                raise UnreadableError("read.damaged", error) from error


def _refuse_broken_end(stream: BinaryIO, offset: int) -> None:
    """Raises UnreadableError where a tar file's list of members stops at what is no end.

    The library takes a damaged header for the end; the end is a block of zeros, or no block.
    """
    stream.seek(offset)
    block = stream.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise UnreadableError("read.damaged", f"no member's header at byte {offset}")


def _read(file: SourceFile, member: Member, place: str) -> Iterator[Row | MadeFrame]:
    """The member's rows, as rows of the archive."""
    from pipeline.readers import reader_of

    reader = reader_of(member)
    if not isinstance(reader, PerFileReader):
        raise UnreadableError("read.image_in_archive")
    for row in reader.rows(member):
        if not isinstance(row, dict):
            yield row.inside(file.uri, place)
            continue
        inner = row.get("locator") or ""
        own: dict[str, Any] = {"source": file.uri}
        own["locator"] = ",".join(part for part in (place, inner) if part)
        yield {**row, **own}


def _kind(head: bytes) -> str | None:
    """The kind of archive that starts so, None for what is none."""
    if head.startswith(tuple(_UNSUPPORTED)):
        return next(kind for magic, kind in _UNSUPPORTED.items() if head.startswith(magic))
    known = signature(head)
    return known if known in (*_STREAMS, "zip", "tar") else None


def _refuse_nested(kind: str | None, member: Member) -> None:
    """Raises UnreadableError for an archive, unless another reader claims it: a Word document."""
    from pipeline.readers import reader_of

    if kind and not (kind == "zip" and reader_of(member).name != ArchiveReader.name):
        raise UnreadableError("read.nested_archive", kind)


def _shown(name: str) -> str:
    """A member's name without what no text or terminal can hold, percent-encoded instead."""
    raw = name.encode("utf-8", "surrogateescape")
    if raw.isascii() and name.isprintable():
        return name
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe="/ ")
    return "".join(c if c.isprintable() else quote_from_bytes(c.encode()) for c in whole)


def _leads_out(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    absolute = name.startswith(("/", "\\")) or name[1:2] == ":"
    return absolute or ".." in parts or "\0" in name or not name.strip()


def _overlaps(infos: list[zipfile.ZipInfo]) -> bool:
    places = sorted((info.header_offset, info.compress_size) for info in infos)
    return any(at + size > after for (at, size), (after, _) in pairwise(places))


def _zip_opener(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo
) -> Callable[[], BinaryIO] | UnreadableError:
    if info.flag_bits & 1:
        return UnreadableError("read.encrypted")
    if info.create_system == 3 and (info.external_attr >> 28) not in (0, 8):
        return UnreadableError(
            "read.not_a_file", "link" if info.external_attr >> 28 == 10 else None
        )
    return lambda: archive.open(info)  # type: ignore[return-value]


def _tar_opener(
    stream: BinaryIO, info: tarfile.TarInfo, size: int
) -> Callable[[], BinaryIO] | UnreadableError:
    if not info.isreg():
        kinds = {tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "link", tarfile.FIFOTYPE: "pipe"}
        return UnreadableError("read.not_a_file", kinds.get(info.type, "device"))
    if info.sparse or info.offset_data + info.size > size:
        return UnreadableError("read.damaged", "the member is longer than the archive")
    return lambda: members.Part(stream, info.offset_data, info.size)  # type: ignore[return-value]
