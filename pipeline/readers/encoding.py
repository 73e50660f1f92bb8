"""Find the encoding of a text file: a well-founded answer or none, never U+FFFD.

These are tried in order: a byte order mark; the encoding that the recipe declares; the NUL pattern
of UTF-16 and UTF-32; the switches of ISO-2022-JP and HZ (`pipeline.readers.seven_bits`); strict
UTF-8; the encoding that the document itself names; two detectors that agree. Only an encoding in
which every byte of the file decodes is accepted.

`charset_normalizer` alone is often confident and wrong: French in Latin-1 came out as Hungarian in
`mac_latin2` with a coherence of 54 %, Turkish as Croatian. So uchardet (in resiliparse) must name
a web encoding that gives the same text as one of charset_normalizer's candidates. On 30 samples in
15 encodings, this got 29 right and refused one; it refuses random bytes. If fewer than four bytes
are not ASCII, there is little evidence, and only Windows-1252 is accepted. Of the DOS encodings,
western letters are recognised (`pipeline.readers.dos_letters`), if charset_normalizer agrees.

Reasons: `read.empty_file`, `read.too_large`, `read.binary` (value: the kind, from the first
bytes), `read.bad_encoding` (value: what was tried).
"""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO

from pipeline.readers import dos_letters, seven_bits
from pipeline.readers.rows import UnreadableError
from pipeline.readers.signatures import signature
from pipeline.source import HEAD_BYTES, SourceFile

REASONS = {
    "read.empty_file": "the file is empty or holds only white space",
    "read.too_large": "the file is larger than the reader accepts; split it or raise `max_bytes`",
    "read.binary": "the file is not text; its first bytes identify what it is",
    "read.bad_encoding": "the bytes are not valid in the declared encoding, or not in UTF-8 and no "
    "other encoding could be identified with confidence; name it with `encoding`",
}

_PIECE = 1 << 20

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Tab, line feed, form feed, return, escape (ISO-2022) and backspace (man pages) are text.
_CONTROLS = bytes(set(range(1, 32)) - {8, 9, 10, 12, 13, 27})
_HIGH = bytes(range(128, 256))
_MOST_CONTROLS = 0.05

# uchardet's names for encodings that the web decodes as the larger Windows or national code page
# (WHATWG Encoding Standard, section 4.2).
_LARGER = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "euc-kr": "cp949",
    "tis-620": "cp874",
    "iso2022_jp": seven_bits.JAPANESE,
}

# uchardet's names, after `larger`, of the encodings that browsers read: no DOS or Macintosh ones.
_WEB = (
    {"big5", "gb18030", "euc_jp", "koi8-r"}
    | {f"cp{number}" for number in (874, 932, 949, *range(1250, 1259))}
    | {f"iso8859-{number}" for number in range(2, 17)}
)
_FEW = 4


def decode(
    data: bytes, declared: str | None = None, hint: str | None = None, nul: bool = False
) -> tuple[str, str]:
    """Decode a whole document: its text and its codec; raises `UnreadableError`.

    See `find_encoding` for `declared`, `hint` and `nul`.
    """
    if not declared and is_plain(data) and (nul or b"\0" not in data):
        try:  # most documents are UTF-8: this decodes once, with the result of `find_encoding`
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            if not (text.isascii() and seven_bits.may_switch(data)):
                return text, "utf-8"
    encoding = find_encoding(io.BytesIO(data), declared, hint, nul)
    return data.decode(encoding), encoding


def is_plain(data: bytes) -> bool:
    """Whether the start of the bytes gives no sign that they are anything but UTF-8."""
    head = data[:HEAD_BYTES]
    return not (signature(head) or _marked(head) or _wide(head) or _controls(head))


def read_document(file: SourceFile, max_bytes: int, declared: str | None) -> tuple[str, str]:
    """Read a file of at most `max_bytes`: its text and its codec; raises `UnreadableError`."""
    text, encoding = decode(read_bytes(file, max_bytes), declared)
    if not text or text.isspace():
        raise UnreadableError("read.empty_file", file.size)
    return text, encoding


def read_bytes(file: SourceFile, max_bytes: int) -> bytes:
    """Read all bytes of a file; raises `UnreadableError` if it is empty or too large."""
    if file.size == 0:
        raise UnreadableError("read.empty_file", 0)
    if file.size > max_bytes:
        raise UnreadableError("read.too_large", file.size, max_bytes)
    with file.open() as stream:
        return stream.read()


def find_encoding(
    stream: BinaryIO, declared: str | None = None, hint: str | None = None, nul: bool = False
) -> str:
    """Find a codec in which the whole stream decodes strictly; the stream must be at its start.

    `declared` is binding; `hint` is the encoding that the document names for itself, and is tried
    after UTF-8; with `nul`, NUL characters count as text. Raises `UnreadableError`.
    """
    head = stream.read(HEAD_BYTES)
    if kind := signature(head):
        raise UnreadableError("read.binary", kind)
    certain = _marked(head) or _declared(declared) or _wide(head)
    if certain:
        if _first_fault(stream, certain) is not None:
            raise UnreadableError("read.bad_encoding", certain)
        return certain
    switched = _refuse_binary(stream, head, nul)
    at = _first_fault(stream, "utf-8")
    if at is None:
        return _switched(stream, switched) if switched else "utf-8"
    if hint and _first_fault(stream, hint) is None:
        return hint
    return _detected(stream, at)


def _declared(encoding: str | None) -> str | None:
    return None if encoding is None else codecs.lookup(encoding).name


def _marked(head: bytes) -> str | None:
    return next((codec for mark, codec in _MARKS if head.startswith(mark)), None)


def _wide(head: bytes) -> str | None:
    """The codec of UTF-16 or UTF-32 without a byte order mark; None for other text.

    Such text has NUL bytes at fixed places, and hardly any elsewhere.
    """
    length = len(head) // 4
    if length < 4 or b"\0" not in head:
        return None
    nuls = [head[place::4].count(0) for place in range(4)]
    if length <= nuls[3] and length * 0.9 <= nuls[2] and nuls[0] == 0:
        return "utf-32-le"
    if length <= nuls[0] and length * 0.9 <= nuls[1] and nuls[3] == 0:
        return "utf-32-be"
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    if odd > 0.4 * 2 * length and even <= 0.01 * 2 * length:
        return "utf-16-le"
    if even > 0.4 * 2 * length and odd <= 0.01 * 2 * length:
        return "utf-16-be"
    return None


def _refuse_binary(stream: BinaryIO, head: bytes, nul: bool) -> str | None:
    """Refuse binary data with an `UnreadableError`.

    Returns the codec of seven-bit text that switches character sets; None for other text.
    """
    if _controls(head):
        raise UnreadableError("read.binary", "unknown")
    stream.seek(0)
    switched = None
    while piece := stream.read(_PIECE):
        if not nul and b"\0" in piece:
            raise UnreadableError("read.binary", "unknown")
        if not switched and seven_bits.may_switch(piece):
            switched = seven_bits.codec_of(piece)
    return switched


def _switched(stream: BinaryIO, codec: str) -> str:
    """The codec of valid UTF-8 that seems to switch to `codec`: one it decodes in, or UTF-8."""
    tried = (codec, "iso2022_jp_2") if codec == seven_bits.JAPANESE else (codec,)
    valid = next((name for name in tried if _first_fault(stream, name) is None), "utf-8")
    if valid == "utf-8" and codec == seven_bits.JAPANESE and _first_fault(stream, "ascii") is None:
        raise UnreadableError("read.bad_encoding", codec)
    return valid


def _controls(head: bytes) -> bool:
    """Whether there are more control characters than in any text."""
    return len(head) - len(head.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(head)


def _first_fault(stream: BinaryIO, encoding: str) -> int | None:
    """The offset of the first byte that does not decode, or None when all of them do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    done = 0
    while True:
        piece = stream.read(_PIECE)
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            # `error.object` starts with the bytes that the decoder kept from earlier pieces.
            return done + len(piece) - len(error.object) + error.start
        except UnicodeError:  # "UTF-16 stream does not start with BOM" and the like
            return done
        if not piece:
            return None
        done += len(piece)


def _detected(stream: BinaryIO, at: int) -> str:
    from resiliparse.parse.encoding import detect_encoding

    sample = _sample(stream, at)
    if _mostly_utf8(sample):
        raise UnreadableError("read.bad_encoding", f"utf-8, but not at byte {at}")
    detected = detect_encoding(sample, html5_compatible=False)
    encoding = larger(detected) if detected else ""
    if dos_letters.speak_against(sample, encoding):
        encoding = dos_letters.CODEC if dos_letters.are_all(sample) else ""
    if encoding not in (*_WEB, dos_letters.CODEC) or not _plausible(sample, encoding):
        fault = f"not utf-8 at byte {at}, and no other encoding is certain"
        raise UnreadableError("read.bad_encoding", fault)
    if _first_fault(stream, encoding) is not None:
        raise UnreadableError("read.bad_encoding", encoding)
    return encoding


def larger(name: str) -> str:
    """The codec that the web uses for this name: `cp1252` for Latin-1, `gb18030` for GBK."""
    return _LARGER.get(name, name)


def _sample(stream: BinaryIO, at: int) -> bytes:
    """The bytes around the first one that is not UTF-8, at offset `at`; whole lines if possible."""
    start = max(0, at - HEAD_BYTES // 2)
    stream.seek(start)
    sample = stream.read(HEAD_BYTES)
    first = sample.find(b"\n", 0, at - start) + 1 if start else 0
    last = sample.rfind(b"\n", at - start) + 1 if len(sample) == HEAD_BYTES else 0
    return sample[first : last or None]


def _mostly_utf8(sample: bytes) -> bool:
    """Whether at least half of the bytes that are not ASCII are valid UTF-8.

    A few damaged bytes in UTF-8 are no reason to read all the others as something else.
    """
    valid = sample.decode("utf-8", "ignore").encode().translate(None, bytes(range(128)))
    return 2 * len(valid) >= _high_bytes(sample)


def _high_bytes(sample: bytes) -> int:
    return len(sample) - len(sample.translate(None, _HIGH))


def _plausible(sample: bytes, encoding: str) -> bool:
    from charset_normalizer import from_bytes

    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    if _high_bytes(sample) < _FEW and text != sample.decode("cp1252", "replace"):
        return False
    return any(str(match) == text for match in from_bytes(sample))
