"""JSON read and written with its numbers as they stand: 1.50 stays 1.50, whatever a float holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number by its own digits."""

    text: str

    def __repr__(self) -> str:
        return self.text


def read(text: bytes) -> Any:
    """The value of JSON in UTF-8; each of its numbers is a `Number`.

    Raises ValueError for what is no JSON, RecursionError for what is nested too deep.
    """
    return json.loads(text, parse_int=Number, parse_float=Number)


def written(value: Any) -> str:
    """A value that `read` has given, as compact JSON. Raises RecursionError as `read` does."""
    if isinstance(value, dict):
        return (
            "{" + ",".join([f"{_text(key)}:{written(held)}" for key, held in value.items()]) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join([written(item) for item in value]) + "]"
    return value.text if isinstance(value, Number) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
