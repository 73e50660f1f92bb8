"""Videos and documents made byte by byte: no more than their headers, which is what is read."""

from __future__ import annotations

import struct


def box(name: bytes, body: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    return struct.pack(">I", 8 + len(body)) + name + body


def mp4(seconds: float, brand: bytes = b"isom", version: int = 0, scale: int = 600) -> bytes:
    """Index behind the data, as cameras write it; `brand` b"qt  " is QuickTime."""
    ticks = round(seconds * scale)
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, scale, ticks)
    header = box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))
    index = box(b"moov", header + box(b"trak", bytes(50)))
    return box(b"ftyp", brand + bytes(4) + b"isom") + box(b"mdat", bytes(300)) + index


def element(name: int, body: bytes, unknown_size: bool = False) -> bytes:
    """An EBML element; its size in eight bytes."""
    size = b"\x01" + b"\xff" * 7 if unknown_size else ((1 << 56) | len(body)).to_bytes(8)
    return name.to_bytes((name.bit_length() + 7) // 8) + size + body


def mkv(seconds: float | None, kind: bytes = b"matroska", live: bool = False) -> bytes:
    """Matroska or WebM; a `live` one has a segment of unknown size."""
    info = element(0x2AD7B1, (1_000_000).to_bytes(3))
    if seconds is not None:
        info += element(0x4489, struct.pack(">d", seconds * 1000))
    head = element(0x1A45DFA3, element(0x4282, kind))
    body = element(0xEC, bytes(40)) + element(0x1549A966, info) + element(0x1F43B675, bytes(99))
    return head + element(0x18538067, body, unknown_size=live)


PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
