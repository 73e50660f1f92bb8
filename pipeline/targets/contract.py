"""What a target is: records to lines of one Bedrock format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import polars as pl


@dataclass(frozen=True)
class Place:
    """Where the run will stand: what a line needs to know to name its images."""

    image_prefix: str  # "s3://bucket/prefix/runs/<digest>/<target>/images/", ends in "/"
    bucket_owner: str | None  # 12 digits, or None when the recipe names no owner


@runtime_checkable
class Target(Protocol):
    """Records to lines. A frozen `Settings`; its fields are what a recipe may set.

    `render` returns the records with one more column, `line` (String): the JSON object without
    a newline, keys in the order of AWS's examples, null for rejected rows. What the format cannot
    say is rejected with the fault's name (`no_completion`, `too_many_images`), never raised.
    Limits of a model are not its business: they come from the model card.
    """

    format: ClassVar[str]
    schema: ClassVar[str]  # file name in schemas/, e.g. "prompt_completion.schema.json"
    final_newline: ClassVar[bool]  # False where AWS's own samples end without one

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:
        """The records plus `line`."""
        ...

    def losses(self) -> dict[str, pl.Expr]:
        """What a line says otherwise than its record, or not at all: name to where (Boolean)."""
        ...
