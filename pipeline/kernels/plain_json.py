"""`json_text.h` in Python: outlines of lines, and the texts of many objects alike."""

from __future__ import annotations

import re

import orjson

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(?=([ \t\r\n]*:)?)', re.DOTALL)
_INK = re.compile(rb"(?:\\u.{0,4}|\\.|[^\\\x21-\x7e])*+[\x21-\x7e]", re.DOTALL)
_SPACE = rb"[ \t\r\n]*"
_NUMBER = rb"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,14})?(?![0-9.eE])"
_SCALAR = rb'(?:"(?:[^"\\\x00-\x1f]|\\.)*"|true|false|null|' + _NUMBER + rb")"
_TEXT = rb'("(?:[^"\\\x00-\x1f]|\\.)*")'


def outline(line: bytes, keep: int) -> bytes:
    """The outline of one line, as in `json_text.outlines`."""

    return _STRING.sub(lambda string: b'"x"' if _is_long(string, keep) else string[0], line)


def _is_long(string: re.Match[bytes], keep: int) -> bool:
    return len(string[1]) > keep and string[2] is None and bool(_INK.match(string[1]))


def strict_outlines(block: bytes, keep: int) -> bytes | None:
    """As `json_text.strict_outlines`, but joined by newlines."""

    def short(string: re.Match[bytes]) -> bytes:
        if not _is_long(string, keep):
            return string[0]
        orjson.loads(string[0])  # raises if it is not JSON
        return b'"x"'

    try:
        return b"\n".join(_STRING.sub(short, line) for line in block.split(b"\n"))
    except orjson.JSONDecodeError:
        return None


def texts(
    block: bytes, names: tuple[bytes, ...], wanted: tuple[int, ...]
) -> tuple[list[str], ...] | None:
    """As `json_text.texts`, but as lists."""
    pattern = _like(names, wanted)
    found: tuple[list[str], ...] = tuple([] for _ in wanted)
    for line in block.removesuffix(b"\n").split(b"\n") if block else []:
        match = pattern.fullmatch(line)
        if match is None:
            return None
        try:
            orjson.loads(line)
            for number, column in enumerate(found, 1):
                column.append(orjson.loads(match[number]))
        except orjson.JSONDecodeError:
            return None
    return found


def _like(names: tuple[bytes, ...], wanted: tuple[int, ...]) -> re.Pattern[bytes]:
    values = (_TEXT if number in wanted else _SCALAR for number in range(len(names)))
    pairs = [
        rb'"%b"%b:%b%b' % (re.escape(name), _SPACE, _SPACE, value)
        for name, value in zip(names, values, strict=True)
    ]
    between = rb"%b,%b" % (_SPACE, _SPACE)
    return re.compile(
        rb"%b\{%b%b%b\}%b" % (_SPACE, _SPACE, between.join(pairs), _SPACE, _SPACE), re.DOTALL
    )
