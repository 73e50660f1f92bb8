"""The readers: `READERS` by name, every reason they give, and which of them takes which file.

They are imported when one of these names is first asked for: a sandbox's child starts with the
one reader that it is to run, in a third less time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.readers.registry import READERS, REASONS, assign, reader_of

__all__ = ["READERS", "REASONS", "assign", "reader_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.readers import registry

    return getattr(registry, name)
