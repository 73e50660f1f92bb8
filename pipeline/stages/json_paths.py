"""JSON paths in `extra` that a recipe names: held against the library that will follow them."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from pydantic import AfterValidator


def _known(path: str) -> str:
    """The path. Raises ValueError for one that would end a run only once records come to it."""
    try:
        pl.select(pl.lit("{}").str.json_path_match(path))
    except pl.exceptions.ComputeError:
        raise ValueError(f"{path} is no JSON path") from None
    return path


def _known_if_path(name: str) -> str:
    return _known(name) if name.startswith("$") else name


JsonPath = Annotated[str, AfterValidator(_known)]
"""A setting that is one."""

IF_PATH = AfterValidator(_known_if_path)
"""For a setting that may be one, or the name of a part of the record."""
