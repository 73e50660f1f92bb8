"""Prompts for distillation, in the Converse shape: the teacher writes the answers."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from pipeline.stage import Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.converse import SCHEMA_VERSION, messages_json, system_json
from pipeline.targets.lines import (
    SYSTEM,
    joined,
    one_exchange_faults,
    prompt_faults,
    text_only_faults,
    text_only_losses,
    with_lines,
)
from pipeline.targets.prompts import as_prompts


class Distillation(Settings):
    """One prompt per record; its answer is dropped, or kept as the teacher's if asked for.

    More than one exchange is rejected: AWS's documents allow it for Nova, but AWS's own validator
    accepts two messages at most.
    """

    format: ClassVar[str] = "distillation"
    schema: ClassVar[str] = "distillation.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: str | None = None
    keep_completion: bool = False

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        marked = reject(
            records,
            **text_only_faults(),
            **prompt_faults(),
            **one_exchange_faults(),
        )
        prompts = marked if self.keep_completion else as_prompts(marked)
        line = joined("{", SCHEMA_VERSION, system_json(self.system), messages_json(), "}")
        return with_lines(prompts, line).with_columns(records["messages"])

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        answered = pl.col("messages").list.len() > 1
        return {
            "system_filled_in": SYSTEM.is_null() & pl.lit(self.system is not None),
            "answer_left_to_teacher": answered & pl.lit(not self.keep_completion),
            **text_only_losses(),
        }
