"""Continued pre-training: text without labels, as `{"input": …}` or `{"text": …}`."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from pipeline.stage import Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.lines import (
    TEXT,
    as_json,
    is_blank,
    one_text_losses,
    text_only_faults,
    with_lines,
)


class Pretraining(Settings):
    """The record's text, without the spaces around it, as Bedrock accepts it for Titan Text."""

    format: ClassVar[str] = "pretraining"
    schema: ClassVar[str] = "pretraining_input.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        return _text_lines(records, key="input")

    def losses(self) -> dict[str, pl.Expr]:
        """Records that have more than a text, by kind of loss."""
        return one_text_losses()


class PretrainingText(Settings):
    """The same as `{"text": …}`, as SageMaker accepts it for Nova."""

    format: ClassVar[str] = "pretraining_text"
    schema: ClassVar[str] = "pretraining_text.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        return _text_lines(records, key="text")

    def losses(self) -> dict[str, pl.Expr]:
        """Records that have more than a text, by kind of loss."""
        return one_text_losses()


def _text_lines(records: pl.DataFrame, key: str) -> pl.DataFrame:
    marked = reject(records, **text_only_faults(), no_text=is_blank(TEXT))
    return with_lines(marked, as_json(**{key: TEXT}))
