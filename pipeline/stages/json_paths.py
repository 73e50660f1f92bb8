"""JSON paths in `extra` that a recipe names, checked by the library that will evaluate them."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from pydantic import AfterValidator


def _known(path: str) -> str:
    """The path itself. Raises ValueError for an invalid one, which else would fail mid-run."""
    try:
        pl.select(pl.lit("{}").str.json_path_match(path))
    except pl.exceptions.ComputeError:
        raise ValueError(f"{path} is not a JSON path; write it as $.metadata.key") from None
    return path


def _known_if_path(name: str) -> str:
    return _known(name) if name.startswith("$") else name


JsonPath = Annotated[str, AfterValidator(_known)]
"""A setting that is a JSON path."""

IF_PATH = AfterValidator(_known_if_path)
"""For a setting that is either a JSON path or the name of a part of the record."""
