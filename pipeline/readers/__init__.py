"""The readers: `READERS` by name, every reason they give, and which reader takes which file.

The names are imported on first use: a sandbox's child process imports only the one reader that it
runs, and so starts in a third less time.
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
