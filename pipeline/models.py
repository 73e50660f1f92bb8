"""The `models` command: the model cards as a table or JSON."""

from __future__ import annotations

import io
from typing import Any

from pipeline.bedrock.cards import Card, Plan, load_cards
from pipeline.bedrock.live import Drift
from pipeline.publish import as_json

FILE_WIDTH = 140
"""Characters a line when the table goes to a file or a pipe."""


def models_json(changed: list[Drift] | None = None) -> str:
    """Every card, whole; with `changed`, also where Bedrock says otherwise today."""
    cards = {name: card.model_dump(mode="json") for name, card in load_cards().items()}
    if changed is None:
        return as_json(cards).decode()
    return as_json({"cards": cards, "drift": [one.as_json() for one in changed]}).decode()


def models_text() -> str:
    """A row for each model and customization; open ones first."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("model", "state", "customization", "formats", "records", "tokens", "Regions"):
        table.add_column(heading, overflow="fold")
    for card in sorted(load_cards().values(), key=lambda card: not card.open_for_new_jobs):
        for plan in card.customizations.values():
            table.add_row(*_row(card, plan), style=None if card.open_for_new_jobs else "dim")
    told, out = io.StringIO(), Console()
    width = out.width if out.is_terminal else FILE_WIDTH
    Console(file=told, force_terminal=out.is_terminal, width=width).print(table)
    return told.getvalue()


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
