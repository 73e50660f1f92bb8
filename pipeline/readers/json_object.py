"""One JSON object, parsed strictly: UTF-8, no NaN, no lone surrogate, no key twice, 64 deep.

Reasons: `read.bad_json` (value: the parser's words), `read.not_an_object` (value: what it is),
`read.too_deep` (value: depth), `read.duplicate_key` (value: the key).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import orjson

from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import json_type

MAX_DEPTH = 64

_KEY = re.compile(rb'"\s*:')


def parsed(text: bytes) -> dict[str, Any]:
    """The object that stands in `text`; raises `UnreadableError`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableError("read.bad_json", error) from error
    if not isinstance(value, dict):
        raise UnreadableError("read.not_an_object", json_type(value))
    _refuse_shape(text, value)
    return value


def in_text(text: str) -> dict[str, Any] | list[Any] | None:
    """The list or object that a column holds as text, since its table has no columns of lists;
    None where the text is none. Raises `UnreadableError` where it is one and not strict."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        value: dict[str, Any] | list[Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    _refuse_shape(text.encode(), value)
    return value


def _refuse_shape(text: bytes, value: dict[str, Any] | list[Any]) -> None:
    keys, depth = _shape(value)
    if depth > MAX_DEPTH:
        raise UnreadableError("read.too_deep", depth, MAX_DEPTH)
    # A quote before a colon ends a key, or stands in a string: never fewer than there are keys.
    if len(_KEY.findall(text)) != keys and _may_have_lost_a_key(text, value):
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _may_have_lost_a_key(text: bytes, value: dict[str, Any] | list[Any]) -> bool:
    """Whether the value, written again, has fewer quotes than its text. Every text, key or value,
    has its two; a quote in one is written as it was, unless by its number."""
    return text.count(b'"') != orjson.dumps(value).count(b'"') or b"\\u0022" in text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise UnreadableError("read.duplicate_key", next(n for n in found if times[n] > 1))
    return found


def _shape(value: Any) -> tuple[int, int]:
    """How many keys a value has in all, and how deep it is; level by level, so never too deep."""
    keys = depth = 0
    level = [value]
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += len(item)
                below += [each for each in item.values() if type(each) in (dict, list)]
            else:
                below += [each for each in item if type(each) in (dict, list)]
        level = below
    return keys, depth
