"""The stages: `STAGES`, those that a recipe may name, and `REASONS`, why they reject records.

All stages are imported only when one of these names is first used, so that a worker imports no
more than the stages it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.stages.registry import REASONS, STAGES

__all__ = ["REASONS", "STAGES"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.stages import registry

    return getattr(registry, name)
