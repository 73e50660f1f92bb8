"""Texts that a kernel has made, as Polars takes them: without pyarrow, slow to import."""

from __future__ import annotations

from typing import Any


class Capsules:
    """A column, as the Arrow C data interface hands it over: taken once, not copied.

    For pyarrow's own columns as well: to be given one as it is, Polars imports `pyarrow.compute`,
    which takes 0.08 s.
    """

    def __init__(self, both: Any) -> None:
        self._both = both

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        """The schema's capsule and the array's, whatever schema is asked for."""
        return self._both
