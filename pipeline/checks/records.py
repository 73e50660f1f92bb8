"""The lines of a chunk that are JSON; and the quick way to their shapes, by outlines.

Lines of one data set differ in their texts and are alike in all else: a chunk has a few outlines
(`kernels.json_text`), and these are parsed and held against the schema, not the lines.
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
"""Lines to an outline, below which outlines only cost time."""


@dataclass
class Records:
    """Some lines that are JSON, and what they say."""

    numbers: list[int]
    lines: list[bytes]
    values: list[Any]
    data: bytes  # the lines, joined
    outlined: bool = False  # the values are those of outlines: long strings are `x`

    def add(self, number: int, line: bytes, value: Any) -> None:
        """One more line."""
        self.numbers.append(number)
        self.lines.append(line)
        self.values.append(value)

    def value(self, index: int) -> Any:
        """The value of one line, with its strings whole."""
        return orjson.loads(self.lines[index]) if self.outlined else self.values[index]


def outline_values(data: bytes, format_name: str) -> list[Any] | None:
    """The value of each line's outline; None where a look at the lines themselves is needed.

    That is where one may not be JSON, may hold a key twice, is nested too deep, is not valid or
    holds a block other than text, and where most have outlines of their own.
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
    return [by_outline[one] for one in outlines]
