"""Claude 3 messages: `{"system": …, "messages": [{"role", "content"}]}` with text content."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from pipeline.stage import Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.lines import (
    SYSTEM,
    answered_faults,
    as_json,
    filled,
    joined,
    quoted,
    text_only_faults,
    text_only_losses,
    with_lines,
)


def messages_json() -> pl.Expr:
    """The turns as a JSON list of `{"role", "content"}`, the content as text."""
    turn = pl.element().struct
    message = as_json(role=turn.field("role"), content=turn.field("text"))
    return joined("[", pl.col("messages").list.eval(message).list.join(","), "]")


class Claude3Messages(Settings):
    """Conversations for Claude 3 Haiku. `system` is used if a record has no system prompt."""

    format: ClassVar[str] = "claude3_messages"
    schema: ClassVar[str] = "claude3_messages.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: str | None = None

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        marked = reject(records, **text_only_faults(), **answered_faults())
        system = pl.coalesce(filled(SYSTEM), filled(pl.lit(self.system, dtype=pl.String)))
        head = '"system":' + quoted(system) + ","
        return with_lines(marked, joined("{", head, '"messages":', messages_json(), "}"))

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        filled_in = SYSTEM.is_null() & pl.lit(self.system is not None)
        return {"system_filled_in": filled_in, **text_only_losses()}
