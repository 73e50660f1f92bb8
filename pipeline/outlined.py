"""JSON Schemas held against outlines: a long text is as good as an `x` to most of them.

Lines of training data differ in their texts and are alike in all else. Where a schema asks no more
of a text than whether it is blank, or one of a few short ones, thousands of lines have one outline
(`kernels.json_text`), and what the schema says of that it says of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from pipeline.kernels import json_text
from pipeline.schemas_dir import load_schema

KEEP = 48
"""Bytes of a string that stays in an outline; all that schemas compare strings with are shorter."""

NARROWER = {"converse.schema.json": "converse_text.schema.json"}
"""Schemas of text alone that say less about strings; what one of them takes, the key takes too."""

_BLIND = {"pattern": ("\\S",), "minLength": (0, 1)}
"""Keywords on strings, with the values by which a long text with a letter and `x` are alike."""

_SHAPES = frozenset(
    (
        *("$schema", "$id", "$defs", "$ref", "$comment", "title", "description", "type"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("items", "prefixItems", "minItems", "maxItems", "contains"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    )
)
"""Keywords that look at no string."""


def all_valid(lines: pl.Series, schema: str) -> bool:
    """Whether the schema takes every line of JSON, nulls aside; False where that cannot be told.

    That long strings are JSON is not looked at.
    """
    import orjson

    validator = outline_validator(schema)
    if validator is None:
        return False
    found = set(json_text.outlines(lines, KEEP)) - {b""}
    try:
        return bool(validator.is_valid([orjson.loads(one) for one in found]))
    except orjson.JSONDecodeError:
        return False


@cache
def list_validator(schema: str) -> Any:
    """What holds a list of values against a schema, in one call (`is_valid`): each must be valid,
    and, where there is a schema of text alone, of text alone."""
    import jsonschema_rs

    item = load_schema(NARROWER.get(schema, schema))
    return jsonschema_rs.validator_for({"type": "array", "items": item})


@cache
def outline_validator(schema: str) -> Any | None:
    """The same for values of outlines; None where the schema asks more of strings."""
    item = load_schema(NARROWER.get(schema, schema))
    blind = all(_is_blind(keyword, value) for keyword, value in _keywords(item))
    return list_validator(schema) if blind else None


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """All keywords of a schema and of those in it, with their values."""
    if isinstance(schema, list):
        for one in schema:
            yield from _keywords(one)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            yield keyword, value
            if keyword in ("properties", "$defs"):
                yield from _keywords(list(value.values()))
            elif keyword not in ("const", "enum", "required"):
                yield from _keywords(value)


def _is_blind(keyword: str, value: Any) -> bool:
    """Whether the keyword says the same of a long text that is not blank and of `x`."""
    if keyword in ("const", "enum"):
        options = value if keyword == "enum" else [value]
        return all(_is_short(one) for one in options)
    return keyword in _SHAPES or value in _BLIND.get(keyword, ())


def _is_short(option: Any) -> bool:
    if isinstance(option, str):
        return option != "x" and len(option.encode()) <= KEEP
    return not isinstance(option, list | dict)
