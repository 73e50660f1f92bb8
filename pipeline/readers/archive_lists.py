"""List the members of a zip or tar file one by one, without unpacking any.

Reasons, for an archive: `read.damaged` (value: what is wrong), `read.too_many_members` (value:
members). For a member: `read.damaged`, `read.encrypted`, `read.not_a_file` (value: what it is).
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO
from urllib.parse import quote_from_bytes

from pipeline.readers.members import FAULTS, Part
from pipeline.readers.rows import UnreadableError
from pipeline.source import SourceFile


@dataclass(frozen=True)
class ArchiveEntry:
    """A member as the archive lists it; `opener` says why if it cannot be read."""

    name: str
    packed: int  # bytes in the archive that it is unpacked from
    opener: Callable[[], BinaryIO] | UnreadableError


def zip_members(file: SourceFile, most: int) -> Iterator[ArchiveEntry]:
    """Yield the members of a zip file.

    Raises UnreadableError if there are more than `most`, or if two share bytes, as in zip bombs.
    """
    with file.open() as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except FAULTS as error:
            raise UnreadableError("read.damaged", error) from error
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > most:
            raise UnreadableError("read.too_many_members", len(infos), most)
        if _overlaps(infos):
            raise UnreadableError("read.damaged", "its members overlap, as in a zip bomb")
        for info in infos:
            yield ArchiveEntry(
                _shown(info.filename), info.compress_size, _zip_opener(archive, info)
            )


def tar_members(file: SourceFile, size: int) -> Iterator[ArchiveEntry]:
    """Yield the members of a tar file of `size` bytes while reading it; raises UnreadableError."""
    with file.open() as stream, file.open() as again:
        try:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for info in archive:
                    if not info.isdir():
                        yield ArchiveEntry(
                            _shown(info.name), info.size, _tar_opener(again, info, size)
                        )
                _refuse_broken_end(again, archive.offset)
        except (tarfile.TarError, *FAULTS) as error:
            raise UnreadableError("read.damaged", error) from error


def _refuse_broken_end(stream: BinaryIO, offset: int) -> None:
    """Raise UnreadableError if a tar file's list of members stops anywhere but at its end.

    The library takes a damaged header for the end. The real end is a block of zeros, or no block.
    """
    stream.seek(offset)
    block = stream.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise UnreadableError("read.damaged", f"no valid member header at byte {offset}")


def _shown(name: str) -> str:
    """A member's name, with bytes that no text or terminal can show percent-encoded."""
    raw = name.encode("utf-8", "surrogateescape")
    if raw.isascii() and name.isprintable():
        return name
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe="/ ")
    return "".join(c if c.isprintable() else quote_from_bytes(c.encode()) for c in whole)


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
    return lambda: Part(stream, info.offset_data, info.size)  # type: ignore[return-value]
