"""What readers, stages and targets are set by: typed fields that a recipe gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Fields that a recipe sets: frozen, strict about names, so that a slip is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")
