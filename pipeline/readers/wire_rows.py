"""Rows from the sandbox's child as JSON, checked against the record's types.

A document file gives one row or a few. For so few rows JSON is cheaper than Arrow, which needs a
frame in both processes and another library to validate it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Required

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from pipeline.readers.wire import UNIT

if TYPE_CHECKING:
    import polars as pl

_STRICT = ConfigDict(strict=True, extra="forbid")


@with_config(_STRICT)
class _Turn(TypedDict, total=False):
    role: str | None
    text: str | None


@with_config(_STRICT)
class _Rejected(TypedDict, total=False):
    reason: str | None
    value: str | None
    threshold: str | None
    merged_into: str | None


@with_config(_STRICT)
class _Row(TypedDict, total=False):
    """The columns of `pipeline.record.COLUMNS`."""

    id: str | None
    document: str | None
    source: Required[str]
    locator: str | None
    text: str | None
    system: str | None
    messages: list[_Turn] | None
    images: list[str | None] | None
    language: str | None
    tokens: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None
    split: str | None
    extra: str | None
    rejected: _Rejected | None


_Numbered = tuple[Annotated[int, Field(ge=0, lt=2**32)], _Row]


def pack(units: list[int], rows: list[dict[str, Any]]) -> bytes:
    """Encode rows, each with its unit's place in the batch, as JSON."""
    return orjson.dumps(list(zip(units, rows, strict=True)))


def unpack(data: bytes) -> pl.DataFrame:
    """Decode what `pack` made into a frame, with the units' places in the column `unit`.

    Raises ValueError for anything that is not valid rows.
    """
    import polars as pl

    from pipeline.record import frame

    numbered = _adapter().validate_json(data, strict=True)
    units = pl.Series(UNIT, [unit for unit, _ in numbered], dtype=pl.UInt32)
    return frame([row for _, row in numbered]).with_columns(units)


@cache
def _adapter() -> TypeAdapter[list[_Numbered]]:
    return TypeAdapter(list[_Numbered])
