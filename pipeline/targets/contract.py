"""What a target is: it turns records into lines of one Bedrock format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import polars as pl


@dataclass(frozen=True)
class Place:
    """Where the run's output will be stored, which a line needs to name its images."""

    image_prefix: str  # "s3://bucket/prefix/runs/<digest>/<target>/images/", ends in "/"
    bucket_owner: str | None  # 12 digits, or None when the recipe names no owner


@runtime_checkable
class Target(Protocol):
    """Turns records into lines. A frozen `Settings`; its fields are what a recipe may set.

    `render` returns the records with one more column, `line` (String): the JSON object without
    a newline, keys in the order of AWS's examples, null for rejected rows. A record that the
    format cannot express is rejected with the fault's name (`no_completion`, `too_many_images`);
    nothing is raised. Targets do not check limits of models, which come from their cards.
    """

    format: ClassVar[str]
    schema: ClassVar[str]  # file name in schemas/, e.g. "prompt_completion.schema.json"
    final_newline: ClassVar[bool]  # False where AWS's own samples end without one

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:
        """The records plus `line`."""
        ...

    def losses(self) -> dict[str, pl.Expr]:
        """What a line changes or leaves out: from the loss's name to a Boolean expression."""
        ...
