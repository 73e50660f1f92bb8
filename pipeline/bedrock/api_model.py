"""Offline validation of a request against the service model that botocore ships.

Source: botocore data/bedrock/2023-04-20/service-2.json, operation CreateModelCustomizationJob.
botocore itself checks names, types and lower bounds; only the service checks patterns, enums and
upper bounds, after the upload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from botocore.model import Shape

TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "float": (int, float),
    "boolean": (bool,),
}

JAVA_CLASSES = {r"\d": "[0-9]", r"\w": "[a-zA-Z0-9_]", r"\s": r"[ \t\n\x0B\f\r]"}
"""The service's patterns use Java's syntax, in which these classes are ASCII only."""


def validate_request(request: dict[str, Any]) -> list[str]:
    """Every fault of a CreateModelCustomizationJob request as `path: what`; none if it is valid.

    Checks required and unknown members, types, enums, lengths, ranges, patterns and unions.
    """
    return list(_faults(request, _request_shape(), ""))


@cache
def _request_shape() -> Shape:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
    return model.operation_model("CreateModelCustomizationJob").input_shape


def _faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not _is_a(value, shape.type_name):
        yield f"{path or 'request'}: must be {shape.type_name}, not {type(value).__name__}"
        return
    yield from _bound_faults(value, shape, path)
    if shape.type_name == "structure":
        yield from _structure_faults(value, shape, path)
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _faults(key, shape.key, f"{path}[{key!r}] (the key)")
            yield from _faults(item, shape.value, f"{path}[{key!r}]")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _faults(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "string":
        yield from _text_faults(value, shape, path)


def _is_a(value: Any, type_name: str) -> bool:
    """Whether a value has an API type; unlike in Python, a boolean is not an integer there."""
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, TYPES[type_name])


def _structure_faults(value: dict[str, Any], shape: Shape, path: str) -> Iterator[str]:
    dot = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield f"{dot}{name}: missing"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{path}: must have exactly one of {', '.join(shape.members)}, not {len(value)}"
    for name, item in value.items():
        if name in shape.members:
            yield from _faults(item, shape.members[name], f"{dot}{name}")
        else:
            yield f"{dot}{name}: no such member (one of: {', '.join(shape.members)})"


def _bound_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Faults in the lengths of texts, lists and maps, and in the values of numbers."""
    number = isinstance(value, int | float)
    if number and not isfinite(value):
        yield f"{path}: {value} is not a finite number"
        return
    size, unit = (value, "") if number else (len(value), " long")
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    if minimum is not None and size < minimum:
        yield f"{path}: {size}{unit}, below the minimum of {minimum}"
    if maximum is not None and size > maximum:
        yield f"{path}: {size}{unit}, above the maximum of {maximum}"


def _text_faults(value: str, shape: Shape, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"{path}: {value!r} does not match {pattern}"


def _matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches, by Rust's engine: with some patterns `re` takes forever.

    jobName's `(-*[a-zA-Z0-9\\+\\-\\.])*` takes exponential time on a row of hyphens if the engine
    backtracks.
    """
    if any("\ud800" <= char <= "\udfff" for char in value):
        return False
    ascii_classes = re.sub(r"\\[dws]", lambda match: JAVA_CLASSES[match[0]], pattern)
    return bool(pl.Series([value]).str.contains(rf"\A(?:{ascii_classes})\z").item())
