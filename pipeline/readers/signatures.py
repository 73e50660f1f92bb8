"""Identify the kind of a binary file by its first bytes."""

from __future__ import annotations

_SIGNATURES = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "postscript"),  # ASCII, but a program that prints pages
    (b"\x04%!PS", "postscript"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x7fELF", "elf"),
    (b"BZh91AY&SY", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"PAR1\x15", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"SQLite format 3\0", "sqlite"),
)
_MAGICS = tuple(magic for magic, _ in _SIGNATURES)

_BRANDS = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys((b"heic", b"heix", b"mif1"), "heif")


def signature(head: bytes) -> str | None:
    """The kind of binary file that starts with these bytes: gzip, zip, pdf, png, elf …

    None if they match no known kind.
    """
    if head.startswith(_MAGICS):
        return next(kind for magic, kind in _SIGNATURES if head.startswith(magic))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "mp4")
    return "tar" if head[257:262] == b"ustar" else None
