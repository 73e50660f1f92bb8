"""Image files without what they say beside their pixels: EXIF, XMP, comments, what stands behind.

Nothing is decoded: the parts of a file that a decoder needs are copied, byte for byte. A position
or a name may stand in any other part, so what is not known is left out (a motion photo's video
behind the picture, a thumbnail of the uncropped picture, the texts of an editor).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
"""A JPEG's next marker and the fill bytes before it; those of restarts belong to the scan."""

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_DECODED = {*range(0xC0, 0xD0), _SOS, 0xDB, 0xDC, 0xDD}  # frames, tables, scans, line counts
_JFIF = b"\xff\xe0\x00\x10"
_JFIF_FIELDS = slice(2, 14)  # without the size of the thumbnail that may follow

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP"),
    *(b"sBIT", b"bKGD", b"pHYs"),
}
_WEBP_CHUNKS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP"}
_WEBP_METADATA = 0x08 | 0x04  # the flags of EXIF and of XMP

_GIF_CONTROL, _GIF_EXTENSION, _GIF_IMAGE, _GIF_END = b"\xf9", b"\x21", b"\x2c", b"\x3b"


def without_metadata(data: bytes, kind: str) -> bytes | None:
    """The file's own bytes without its metadata, or None where they cannot be told apart.

    `kind` is `jpeg`, `png`, `webp` or `gif`; the file holds one still picture. A file that has
    none comes back as it is.
    """
    cut: dict[str, Callable[[bytes], Iterator[bytes]]] = {
        "jpeg": _jpeg,
        "png": _png,
        "webp": _webp,
        "gif": _gif,
    }
    try:
        return b"".join(cut[kind](data))
    except _UnknownError:
        return None


class _UnknownError(Exception):
    """The bytes do not have the structure of their format."""


def _part(data: bytes, start: int, size: int) -> bytes:
    """That many bytes; raises `_UnknownError` where there are fewer."""
    part = data[start : start + size]
    if len(part) < size:
        raise _UnknownError
    return part


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield _part(data, 0, 2)
    at, scans = 2, False
    while marker := (_MARKER.search if scans else _MARKER.match)(data, at):
        if scans:
            yield data[at : marker.start()]
        at, scans, name = marker.end(), False, marker[1][0]
        if name == _EOI:
            yield b"\xff\xd9"
            return
        if name in (_SOI, _TEM):  # no length follows
            continue
        segment = _part(data, at, max(2, int.from_bytes(data[at : at + 2])))
        at, scans = at + len(segment), name == _SOS
        yield _kept_segment(name, segment)
    raise _UnknownError


def _kept_segment(name: int, segment: bytes) -> bytes:
    """A segment of a JPEG with its marker, empty if no decoder needs it."""
    if name == 0xE0 and segment[2:7] == b"JFIF\0":
        return _JFIF + segment[_JFIF_FIELDS].ljust(12, b"\0") + b"\0\0"
    is_profile = name == 0xE2 and segment[2:14] == b"ICC_PROFILE\0"
    is_adobe = name == 0xEE and segment[2:7] == b"Adobe"
    kept = name in _DECODED or is_profile or is_adobe
    return b"\xff" + bytes([name]) + segment if kept else b""


def _png(data: bytes) -> Iterator[bytes]:
    yield _part(data, 0, len(_PNG))
    at, name = len(_PNG), b""
    while name != b"IEND":
        name = _part(data, at + 4, 4)
        chunk = _part(data, at, 12 + int.from_bytes(data[at : at + 4]))
        at += len(chunk)
        if name in _PNG_CHUNKS:
            yield chunk


def _webp(data: bytes) -> Iterator[bytes]:
    kept = b""
    for name, content in _webp_chunks(data):
        if name == b"VP8X":
            content = bytes([content[0] & ~_WEBP_METADATA]) + content[1:]
        if name in _WEBP_CHUNKS:
            padding = b"\0" * (len(content) % 2)
            kept += name + len(content).to_bytes(4, "little") + content + padding
    yield b"RIFF" + (4 + len(kept)).to_bytes(4, "little") + b"WEBP" + kept


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk; raises `_UnknownError` where one is cut off."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise _UnknownError
    end, at = min(len(data), 8 + int.from_bytes(data[4:8], "little")), 12
    while at < end:
        name = _part(data, at, 4)
        content = _part(data, at + 8, int.from_bytes(_part(data, at + 4, 4), "little"))
        at += 8 + len(content) + len(content) % 2
        yield name, content


def is_lossless_webp(data: bytes) -> bool:
    """Whether the first picture of a WebP file is stored without losses."""
    try:
        return any(
            b"VP8L" in (name, name == b"ANMF" and content[16:20])
            for name, content in _webp_chunks(data)
        )
    except _UnknownError:
        return False


def _gif(data: bytes) -> Iterator[bytes]:
    """One frame; the control block before it says what is transparent."""
    screen = _part(data, 0, 13)
    yield screen + _part(data, 13, _gif_colours(screen[10]))
    at = 13 + _gif_colours(screen[10])
    while (block := _part(data, at, 1)) == _GIF_EXTENSION:
        end = _gif_end(data, at + 2)
        if data[at + 1 : at + 2] == _GIF_CONTROL:
            yield data[at:end]
        at = end
    if block != _GIF_IMAGE:
        raise _UnknownError
    descriptor = _part(data, at, 10)
    pixels = at + 10 + _gif_colours(descriptor[9])
    yield data[at : _gif_end(data, pixels + 1)] + _GIF_END


def _gif_colours(flags: int) -> int:
    """Bytes of a colour table by the flags that announce it."""
    return 3 << (flags % 8 + 1) if flags & 0x80 else 0


def _gif_end(data: bytes, at: int) -> int:
    """Where a chain of blocks, each with its size before it, has ended."""
    while size := _part(data, at, 1)[0]:
        at += 1 + size
    return at + 1
