"""One prompt and one completion: `{"prompt": …, "completion": …}` (Titan Text, Cohere, Llama)."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl

from pipeline.stage import Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.lines import (
    SYSTEM,
    answered_faults,
    as_json,
    filled,
    one_exchange_faults,
    text_only_faults,
    text_only_losses,
    turn_text,
    with_lines,
)


class PromptCompletion(Settings):
    """Two turns as a prompt and its completion.

    The format has no place for a system prompt: `prepend` puts it before the prompt, with an empty
    line between them; `reject` rejects such records.
    """

    format: ClassVar[str] = "prompt_completion"
    schema: ClassVar[str] = "prompt_completion.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: Literal["prepend", "reject"] = "prepend"

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        rejects_system = filled(SYSTEM).is_not_null() & pl.lit(self.system == "reject")
        marked = reject(
            records,
            **text_only_faults(),
            **answered_faults(),
            **one_exchange_faults(),
            system_not_allowed=rejects_system,
        )
        prompt = pl.concat_str(filled(SYSTEM), turn_text(0), separator="\n\n", ignore_nulls=True)
        return with_lines(marked, as_json(prompt=prompt, completion=turn_text(1)))

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        return {"system_joined_to_prompt": filled(SYSTEM).is_not_null(), **text_only_losses()}
