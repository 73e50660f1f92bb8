"""Checks lines against JSON Schemas by their outlines, in which a long text is just an `x`.

Lines of training data differ in their texts and are alike in everything else. If a schema requires
of a text only that it is not blank, or that it is one of a few short ones, thousands of lines share
one outline (`kernels.json_text`), and what the schema says of the outline holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from pipeline.kernels import json_text
from pipeline.schemas_dir import load_schema

KEEP = 48
"""Bytes of a string up to which it stays in an outline; schemas compare with shorter ones only."""

NARROWER = {"converse.schema.json": "converse_text.schema.json"}
"""For some schemas, one for text alone that requires less of strings; what it accepts, the schema
itself accepts too."""

_BLIND = {"pattern": ("\\S",), "minLength": (0, 1)}
"""Keywords on strings, with values for which `x` and a long text with a letter are equivalent."""

_SHAPES = frozenset(
    (
        *("$schema", "$id", "$defs", "$ref", "$comment", "title", "description", "type"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("items", "prefixItems", "minItems", "maxItems", "contains"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    )
)
"""Keywords that do not look at strings."""


def all_valid(lines: pl.Series, schema: str) -> bool:
    """Whether the schema accepts every JSON line (nulls aside); False if outlines cannot show it.

    Whether long strings are valid JSON is not checked.
    """
    import orjson

    validator = outline_validator(schema)
    if validator is None:
        return False
    outlines = set(json_text.outlines(lines, KEEP)) - {b""}
    try:
        return bool(validator.is_valid([orjson.loads(outline) for outline in outlines]))
    except orjson.JSONDecodeError:
        return False


@cache
def list_validator(schema: str) -> Any:
    """A validator that checks a list of values in one call (`is_valid`): each must be valid, and,
    if the schema has one for text alone, must have text alone."""
    import jsonschema_rs

    item = load_schema(NARROWER.get(schema, schema))
    return jsonschema_rs.validator_for({"type": "array", "items": item})


@cache
def outline_validator(schema: str) -> Any | None:
    """The same validator, for values of outlines; None if the schema requires more of strings."""
    item = load_schema(NARROWER.get(schema, schema))
    blind = all(_is_blind(keyword, value) for keyword, value in _keywords(item))
    return list_validator(schema) if blind else None


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield all keywords of a schema, and of the schemas in it, with their values."""
    if isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            yield keyword, value
            if keyword in ("properties", "$defs"):
                yield from _keywords(list(value.values()))
            elif keyword not in ("const", "enum", "required"):
                yield from _keywords(value)


def _is_blind(keyword: str, value: Any) -> bool:
    """Whether the keyword makes no difference between `x` and a long text that is not blank."""
    if keyword in ("const", "enum"):
        options = value if keyword == "enum" else [value]
        return all(_is_short(option) for option in options)
    return keyword in _SHAPES or value in _BLIND.get(keyword, ())


def _is_short(option: Any) -> bool:
    if isinstance(option, str):
        return option != "x" and len(option.encode()) <= KEEP
    return not isinstance(option, list | dict)
