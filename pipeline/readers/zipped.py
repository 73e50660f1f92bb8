"""Office documents, which are zip files of XML, opened with limits.

A member larger than the limits is never read, whatever its header says; XML with a document type is
refused before it is parsed, so no entity is ever expanded and nothing is fetched.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.damaged` (value: what is wrong),
`read.encrypted`, `read.inflated` (value: bytes, threshold: bytes), `read.xml_entities`,
`read.too_deep` (threshold: levels).
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.readers.rows import UnreadableError
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from lxml.etree import _Element

REASONS = {
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_large": "the file is larger than the reader accepts; split it or raise `max_bytes`",
    "read.damaged": "the file is damaged or not in the format that its name claims; save it again",
    "read.inflated": "the file unpacks to far more bytes than real data would; unpack it yourself",
    "read.encrypted": "the file needs a password; save it without one",
    "read.xml_entities": "XML in the file declares a document type, which office programs never do",
    "read.too_deep": "it is nested more deeply than any real data or document",
}

MAX_PART_BYTES = 100_000_000
MAX_RATIO = 200
_FREE_BYTES = 16 << 20  # this much may be unpacked from any number of bytes
_MAX_MEMBERS = 20_000
_MOST_NAMES = 4_096
_DEPTH = 256  # libxml2's own, without huge_tree
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
_LOCAL = struct.Struct("<6x2H8xI4x2H")  # a member's local header: APPNOTE.TXT, 4.3.7
_SIZES_FOLLOW = 8  # the flag of a member whose sizes come after its data
_LONGEST_DESCRIPTOR = 24
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    KeyError,
    RuntimeError,
)


def is_office(head: bytes, part: str) -> bool:
    """Whether `head` starts a zip file and the part is among the members that begin in it."""
    return head.startswith(b"PK\3\4") and part in _member_names(head)


def _member_names(head: bytes) -> Iterator[str]:
    """Yield the names of the members whose headers are in `head`, going from each to the next.

    So the content of a member, such as another zip file, is not taken for members.
    """
    at = 0
    while len(head) >= at + _LOCAL.size and head.startswith(b"PK\3\4", at):
        flags, method, packed, name_size, extra_size = _LOCAL.unpack_from(head, at)
        name_at = at + _LOCAL.size
        yield head[name_at : name_at + name_size].decode("utf-8", "replace").lstrip("/")
        data_at = name_at + name_size + extra_size
        at = data_at + packed
        if flags & _SIZES_FOLLOW:
            end = _deflated_end(head, data_at) if method == zipfile.ZIP_DEFLATED else -1
            at = head.find(b"PK\3\4", end, end + _LONGEST_DESCRIPTOR + 4) if end >= 0 else -1
            if at < 0:
                return


def _deflated_end(head: bytes, start: int) -> int:
    """The offset where deflated data ends; -1 if that is not in `head`."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    data = head[start:]
    try:
        while data and not unpack.eof:
            unpack.decompress(data, 1 << 20)
            data = unpack.unconsumed_tail
    except zlib.error:
        return -1
    return len(head) - len(unpack.unused_data) if unpack.eof else -1


class Parts:
    """The parts of an open document by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = {name.lstrip("/"): name for name in archive.namelist()}
        self._spelled: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def read(self, name: str) -> bytes:
        """A part's bytes; raises UnreadableError if missing, encrypted, damaged or too large."""
        if name not in self.names:
            raise UnreadableError("read.damaged", f"no part {name}")
        info = self.archive.getinfo(self.names[name])
        if info.flag_bits & 1:
            raise UnreadableError("read.encrypted")
        most = min(MAX_PART_BYTES, max(_FREE_BYTES, MAX_RATIO * info.compress_size))
        with _faults_as_unreadable(), self.archive.open(info) as part:
            data = part.read(most + 1)
        if len(data) > most:
            raise UnreadableError("read.inflated", info.file_size, most)
        return data

    def xml(self, name: str) -> _Element:
        """The root of an XML part; raises UnreadableError if it is not XML."""
        return parse_xml(self.read(name))

    def relations(self, name: str) -> dict[str, str]:
        """By id: the targets of a part's relations inside the document, without external ones."""
        return {relation_id: target for relation_id, _, target in self._relations(name)}

    def related(self, name: str, kind: str) -> list[str]:
        """The existing targets of a part's relations of one kind, such as `sharedStrings`.

        Only the kind is certain: programs give their parts different names and places.
        """
        links = self._relations(name)
        return [target for _, uri, target in links if uri.endswith("/" + kind) and target in self]

    def _relations(self, name: str) -> Iterator[tuple[str, str, str]]:
        folder, _, file_name = name.rpartition("/")
        rels = f"{folder}/_rels/{file_name}.rels" if folder else f"_rels/{file_name}.rels"
        if rels not in self:
            return
        for relation in self.xml(rels):
            relation_id, target = relation.get("Id"), relation.get("Target", "")
            if relation_id and relation.get("TargetMode") != "External":
                spelled = self._as_spelled(joined(folder, target))
                yield relation_id, relation.get("Type", ""), spelled

    def _as_spelled(self, name: str) -> str:
        """A part's name as the file spells it: Office ignores upper and lower case."""
        if name in self.names:
            return name
        self._spelled = self._spelled or {each.lower(): each for each in self.names}
        return self._spelled.get(name.lower(), name)


def joined(folder: str, target: str) -> str:
    """The name of a part, from a target that is absolute or relative to a folder."""
    steps: list[str] = [] if target.startswith("/") else [s for s in folder.split("/") if s]
    for step in target.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@contextmanager
def _faults_as_unreadable() -> Iterator[None]:
    """Turn what the zip library raises for bad bytes into an UnreadableError."""
    try:
        yield
    except _FAULTS as error:
        raise UnreadableError("read.damaged", f"{type(error).__name__}: {error}") from error


@contextmanager
def opened(file: SourceFile, max_bytes: int) -> Iterator[Parts]:
    """Open a document and give its parts; raises UnreadableError."""
    if file.size == 0:
        raise UnreadableError("read.empty_file", 0)
    if file.size > max_bytes:
        raise UnreadableError("read.too_large", file.size, max_bytes)
    with file.open() as stream:
        if stream.read(8) == _OLE:  # what Office makes of a document with a password
            raise UnreadableError("read.encrypted", "or older than Office 2007")
        with _faults_as_unreadable():
            archive = zipfile.ZipFile(stream)
        with archive:
            if len(archive.filelist) > _MAX_MEMBERS:
                raise UnreadableError("read.too_large", len(archive.filelist), _MAX_MEMBERS)
            yield Parts(archive)


def has_document_type(data: bytes) -> bool:
    """Whether XML, in an encoding that extends ASCII or in UTF-16, declares a document type.

    Such a type could declare entities.
    """
    plain = data.replace(b"\0", b"") if b"\0" in data else data
    return b"<!" in plain and _DOCTYPE.search(plain) is not None


def parse_xml(data: bytes) -> _Element:
    """The root element of XML; raises UnreadableError. Nothing is expanded or fetched."""
    from lxml import etree

    if has_document_type(data):
        raise UnreadableError("read.xml_entities")
    try:
        root: _Element = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        if "depth" in str(error):
            raise UnreadableError("read.too_deep", None, _DEPTH) from error
        raise UnreadableError("read.damaged", f"XML: {error}") from error
    return root


@cache
def _parser() -> Any:
    """One parser for all parts: making one takes as long as parsing a slide."""
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip


class _Names(dict[Any, str]):
    """Names without namespaces, each computed once: a document has millions of elements."""

    def __missing__(self, tag: Any) -> str:
        if len(self) >= _MOST_NAMES:  # an untrusted document may have a new one for each element
            self.clear()
        name = self[tag] = str(tag).rpartition("}")[2]
        return name


NAMES = _Names()
"""By an element's tag: its name without namespace. The same as `local`, without a function call."""


def local(element: _Element) -> str:
    """An element's name without its namespace, which differs in strict and transitional files."""
    return NAMES[element.tag]


def attribute(element: _Element, name: str) -> str | None:
    """The value of an attribute by its name without namespace; None if it is missing."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None
