"""Strict JSON, line by line: what is wrong with a line that is not JSON, and duplicate keys.

A clean chunk costs two calls into C. Duplicate keys are found without a parser of our own: every
string, key or value, has two quotes, and an escaped quote counts too, so if the parsed values are
written again with fewer quotes, a key was lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

QUOTE_ESCAPE = b"\\u0022"
"""The only way to write a quote that contains no quote character."""

_BLANK = b" \t\r\x0b\x0c"
_TOKEN = re.compile(rb'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>\s*:)?|[{}\[\]]')
_STRING_OR_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|,(?=\s*[}\]])')
_GAP = re.compile(r"[ \t\r,]*")
_PYTHON = re.compile(rb"^\s*\{\s*'")
_NUMBER = re.compile(rb"[:\[,]\s*-?(NaN|Infinity)\b")
_COMMENT = re.compile(rb"^\s*(//|/\*|#)|[\]}\",]\s*(//|/\*|#)[^\"]*$")


def parse(lines: Sequence[bytes]) -> list[Any] | None:
    """The values of all lines, or None if one is not JSON; duplicate keys are not noticed."""
    try:
        return list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return None


def may_have_duplicates(data: bytes, values: list[Any]) -> bool:
    """Whether an object in the lines of `data` may have a key twice; False is certain.

    `values` are the parsed values of the lines.
    """
    try:
        written = orjson.dumps(values)
    except TypeError:  # orjson reads deeper nesting than it writes
        return True
    if len(written) == len(data) + 2 and written[1:-1] == data.replace(b"\n", b","):
        return False  # the lines are exactly what orjson writes
    return data.count(b'"') != written.count(b'"') or QUOTE_ESCAPE in data


def is_too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than orjson can write; then no schema can validate it."""
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


def duplicate_key(line: bytes) -> str | None:
    """A key that an object of the line has twice, or None; the line must be JSON."""
    objects: list[set[str]] = []
    for token in _TOKEN.finditer(line):
        mark = token[0]
        if mark in b"{[":
            objects.append(set())
        elif mark in b"}]":
            objects.pop()
        elif token["colon"]:
            key = orjson.loads(token["text"])
            if key in objects[-1]:
                return str(key)
            objects[-1].add(key)
    return None


def without_commas(line: bytes) -> bytes:
    """Without commas before a closing bracket, and after the line's object."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return line
    closed = _STRING_OR_COMMA.sub(lambda found: found[0] if found[0] != "," else "", text)
    bare = closed.rstrip()
    if bare.endswith("},"):
        bare = bare[:-1]
    if bare == text.rstrip():
        return line
    return bare.encode()


def diagnosis(line: bytes) -> tuple[str, str]:
    """(rule, detail) that explain why a line is not JSON."""
    if not line.strip(_BLANK):
        return "blank-line", ""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return "not-utf-8", f"byte {error.start + 1} is 0x{line[error.start]:02x}"
    message = _error(line)
    for words, rule in _BY_MESSAGE.items():
        if words in message:
            return rule, message
    if not _fails(without_commas(line)):
        return "trailing-comma", message
    for rule, explains in _BY_LINE.items():
        if explains(line):
            return rule, message
    return "broken-json", message


def _error(line: bytes) -> str:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"{str(error).split(': line ')[0]} (character {error.pos + 1})"
    return ""


def _fails(line: bytes) -> bool:
    return bool(_error(line))


def _has_two_objects(line: bytes) -> bool:
    """Whether a line is two or more JSON values, with nothing but blanks or commas between."""
    text, decode = line.decode().strip(" \t\r,"), json.JSONDecoder().raw_decode
    count, at = 0, 0
    try:
        while at < len(text):
            begin, (_, at) = at, decode(text, at)
            if _fails(text[begin:at].encode()):
                return False
            gap = _GAP.match(text, at)
            count, at = count + 1, gap.end() if gap else at
    except (ValueError, RecursionError):
        return False
    return count > 1


def _begins_document(line: bytes) -> bool:
    """Whether a line begins an object, or an array of objects, that goes on in the next one."""
    bare = line.strip()
    return bare in {b"{", b"["} or (bare.startswith(b"[") and bare.endswith((b",", b"{")))


_BY_LINE: dict[str, Callable[[bytes], object]] = {
    "pretty-printed": _begins_document,
    "two-objects": _has_two_objects,
    "not-a-number": _NUMBER.search,
    "single-quotes": _PYTHON.match,
    "comment": _COMMENT.search,
}
_BY_MESSAGE = {
    "surrogate": "lone-surrogate",
    "trailing comma": "trailing-comma",
    "depth limit": "nested-too-deep",
}
