"""A request held against the service model that botocore ships, offline.

Source: botocore data/bedrock/2023-04-20/service-2.json, operation CreateModelCustomizationJob.
botocore itself checks names, types and lower bounds; patterns, enums and upper bounds only the
service does, after the upload.
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
"""The service's patterns are Java's, where these are ASCII."""


def validate_request(request: dict[str, Any]) -> list[str]:
    """Every fault of a CreateModelCustomizationJob request as `path: what`; none if it holds.

    Required and unknown members, types, enums, lengths, ranges, patterns and unions.
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
        yield f"{path or 'request'}: {type(value).__name__} where {shape.type_name} is wanted"
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
    """Python's bool is an int, the API's is not."""
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, TYPES[type_name])


def _structure_faults(value: dict[str, Any], shape: Shape, path: str) -> Iterator[str]:
    dot = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield f"{dot}{name}: missing"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{path}: exactly one of {', '.join(shape.members)} is wanted, not {len(value)}"
    for name, item in value.items():
        if name in shape.members:
            yield from _faults(item, shape.members[name], f"{dot}{name}")
        else:
            yield f"{dot}{name}: no such member (one of: {', '.join(shape.members)})"


def _bound_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Lengths of texts, lists and maps; values of numbers."""
    number = isinstance(value, int | float)
    if number and not isfinite(value):
        yield f"{path}: {value} is not a finite number"
        return
    size, unit = (value, "") if number else (len(value), " long")
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{path}: {size}{unit}, under the least of {least}"
    if most is not None and size > most:
        yield f"{path}: {size}{unit}, over the most of {most}"


def _text_faults(value: str, shape: Shape, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"{path}: {value!r} does not match {pattern}"


def _matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches; by Rust's engine, since some patterns take `re` for ever.

    jobName's `(-*[a-zA-Z0-9\\+\\-\\.])*` is exponential in a row of hyphens where one backtracks.
    """
    if any("\ud800" <= char <= "\udfff" for char in value):
        return False
    ascii_classes = re.sub(r"\\[dws]", lambda found: JAVA_CLASSES[found[0]], pattern)
    return bool(pl.Series([value]).str.contains(rf"\A(?:{ascii_classes})\z").item())
