"""Settings of readers, stages and targets: typed fields that a recipe sets."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Fields that a recipe sets: immutable, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
