"""The lines of a chunk that are JSON, and a quick way to validate them by their outlines.

Lines of one data set differ in their texts but are otherwise alike, so a chunk has only a few
outlines (`kernels.json_text`). These are parsed and validated instead of the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from pipeline.checks.standard import SCHEMAS
from pipeline.checks.strict_json import may_have_duplicates, parse
from pipeline.kernels import json_text
from pipeline.outlined import KEEP, outline_validator

FEW = 2
"""With fewer lines per outline than this, outlines only cost time."""


@dataclass
class Records:
    """Lines that are JSON, with their line numbers and parsed values."""

    numbers: list[int]
    lines: list[bytes]
    values: list[Any]
    data: bytes  # the lines, joined
    outlined: bool = False  # whether the values come from outlines: long strings are `x`

    def add(self, number: int, line: bytes, value: Any) -> None:
        """Add one line."""
        self.numbers.append(number)
        self.lines.append(line)
        self.values.append(value)

    def value(self, index: int) -> Any:
        """The value of one line with its complete strings, even if `outlined`."""
        return orjson.loads(self.lines[index]) if self.outlined else self.values[index]


def outline_values(data: bytes, format_name: str) -> list[Any] | None:
    """The value of each line's outline, or None if the lines themselves must be examined.

    That is the case if a line may not be JSON, may have a key twice, is nested too deep, is not
    valid or has a block other than text, or if most lines have an outline of their own.
    """
    validator = outline_validator(SCHEMAS[format_name])
    if validator is None or not json_text.COMPILED:
        return None
    outlines = json_text.strict_outlines(data, KEEP)
    if outlines is None:
        return None
    different = list(dict.fromkeys(outlines))
    values = parse(different) if FEW * len(different) <= len(outlines) else None
    if values is None or may_have_duplicates(b"\n".join(different), values):
        return None
    if not validator.is_valid(values):
        return None
    by_outline = dict(zip(different, values, strict=True))
    return [by_outline[outline] for outline in outlines]
