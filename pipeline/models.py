"""The `models` command: the model cards as a table or JSON."""

from __future__ import annotations

import io
from typing import Any

from pipeline.bedrock.cards import Card, Plan, load_cards
from pipeline.bedrock.live import Drift
from pipeline.publish import as_json

FILE_WIDTH = 140
"""Characters in a line when the table goes to a file or a pipe."""


def models_json(changed: list[Drift] | None = None) -> str:
    """All cards in full, as JSON; with `changed`, also how Bedrock differs from them today."""
    cards = {name: card.model_dump(mode="json") for name, card in load_cards().items()}
    if changed is None:
        return as_json(cards).decode()
    return as_json(
        {"cards": cards, "drift": [difference.as_json() for difference in changed]}
    ).decode()


def models_text() -> str:
    """A table with a row for each model and customization; models open for new jobs come first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("model", "state", "customization", "formats", "records", "tokens", "Regions"):
        table.add_column(heading, overflow="fold")
    for card in sorted(load_cards().values(), key=lambda card: not card.open_for_new_jobs):
        for plan in card.customizations.values():
            table.add_row(*_row(card, plan), style=None if card.open_for_new_jobs else "dim")
    table_text, out = io.StringIO(), Console()
    width = out.width if out.is_terminal else FILE_WIDTH
    Console(file=table_text, force_terminal=out.is_terminal, width=width).print(table)
    return table_text.getvalue()


def _row(card: Card, plan: Plan) -> tuple[str, ...]:
    least, most = plan.limits.records_min, plan.limits.records_max
    records = f"{_number(least)}-{_number(most)}" if least else f"≤{_number(most)}" if most else ""
    state = "open" if card.open_for_new_jobs else card.lifecycle.status
    formats = ", ".join(plan.formats)
    tokens = _number(plan.limits.tokens_max)
    return (
        card.name, state, plan.customization, formats, records, tokens, ", ".join(card.regions)
    )  # fmt: skip


def _number(limit: Any) -> str:
    return f"{limit.value:,}" if limit else ""
