"""Finds the model cards and JSON Schemas, in the installed package or in a checkout."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def schema_path(name: str) -> Path:
    """The file or folder `name` (`converse.schema.json`, `models`) in schemas/.

    A wheel has the folder as package `pipeline.schemas`; a checkout has it beside `pipeline/`.
    Raises FileNotFoundError if it is in neither.
    """
    if find_spec("pipeline.schemas") is not None:
        folder = Path(str(resources.files("pipeline.schemas")))
    else:
        folder = Path(__file__).resolve().parent.parent / "schemas"
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(path)
    return path


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of that name (`converse.schema.json`); it is shared, so do not change it."""
    schema: dict[str, Any] = json.loads(schema_path(name).read_bytes())
    return schema
