"""One JSON object, parsed strictly: UTF-8, no NaN, no lone surrogate, no key twice, 64 levels.

Reasons: `read.bad_json` (value: the parser's message), `read.not_an_object` (value: what it is),
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
    """Parse the object in `text`; raises `UnreadableError`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableError("read.bad_json", error) from error
    if not isinstance(value, dict):
        raise UnreadableError("read.not_an_object", json_type(value))
    _refuse_shape(text, value)
    return value


def in_text(text: str) -> dict[str, Any] | list[Any] | None:
    """Parse the list or object that a column holds as text; None if the text is not JSON.

    Tables without columns of lists store lists this way. Raises `UnreadableError` for JSON that
    breaks the rules above.
    """
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
    # A quote before a colon ends a key, or is inside a string: there are never fewer than keys.
    if len(_KEY.findall(text)) != keys and _may_have_lost_a_key(text, value):
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _may_have_lost_a_key(text: bytes, value: dict[str, Any] | list[Any]) -> bool:
    """Whether parsing may have dropped a duplicate key: the value, written again, has another
    number of quotes than its text.

    Every string, key or value, has two quotes. A quote inside one is written as it was, unless the
    text has it as a number (`\\u0022`).
    """
    return text.count(b'"') != orjson.dumps(value).count(b'"') or b"\\u0022" in text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        times = Counter(name for name, _ in pairs)
        raise UnreadableError("read.duplicate_key", next(n for n in unique if times[n] > 1))
    return unique


def _shape(value: Any) -> tuple[int, int]:
    """How many keys a value has in all, and how deep it is.

    It goes level by level, so that a deep value cannot exhaust the stack.
    """
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
