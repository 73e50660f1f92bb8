"""Turns without their last answer, for formats where a model writes it."""

from __future__ import annotations

import polars as pl

from pipeline.targets.lines import role_letters


def as_prompts(records: pl.DataFrame) -> pl.DataFrame:
    """The records with `messages` cut before the last answer, if they end in one."""
    turns = pl.col("messages")
    answered = role_letters().str.ends_with("a")
    cut = pl.when(answered).then(turns.list.head(turns.list.len() - 1)).otherwise(turns)
    return records.with_columns(messages=cut)
