"""What Bedrock says today of the models that can be customized, beside what our cards say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bedrock.cards import Card, base_id, load_cards
from pipeline.bedrock.client import asking, aws_client

TYPES = ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION")
"""What ListFoundationModels takes as byCustomizationType; reinforcement is not among them."""


@dataclass(frozen=True)
class Drift:
    """One difference between a model card and Bedrock's own list."""

    model: str
    what: str

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


def live_models(region: str, endpoint_url: str | None = None) -> dict[str, dict[str, Any]]:
    """Base id to `customizations` and `status`, from ListFoundationModels of one Region.

    Raises StorageError when Bedrock cannot be reached.
    """
    client = aws_client("bedrock", region, endpoint_url)
    found: dict[str, dict[str, Any]] = {}
    for kind in TYPES:
        with asking("ListFoundationModels"):
            listed = client.list_foundation_models(byCustomizationType=kind)["modelSummaries"]
        for summary in listed:
            name = base_id(summary["modelId"]) or summary["modelId"]
            told = found.setdefault(name, {"customizations": set(), "status": "ACTIVE"})
            told["customizations"].add(kind)
            told["status"] = summary.get("modelLifecycle", {}).get("status", told["status"])
    return found


def drift(live: dict[str, dict[str, Any]], region: str) -> list[Drift]:
    """Where the cards of a Region and Bedrock differ, by model."""
    cards = {
        base_id(card.model_id) or card.model_id: card
        for card in load_cards().values()
        if region in card.regions
    }
    found = [Drift(name, "Bedrock lists it, no card does") for name in sorted(live.keys() - cards)]
    for name, card in sorted(cards.items()):
        there = live.get(name, {"customizations": set(), "status": ""})
        found += [Drift(card.name, what) for what in _differences(card, there)]
    return found


def _differences(card: Card, there: dict[str, Any]) -> Iterator[str]:
    offered = set(card.customizations) & set(TYPES)
    if card.open_for_new_jobs:
        for kind in sorted(offered - there["customizations"]):
            yield f"the card offers {kind}, Bedrock does not list it"
    for kind in sorted(there["customizations"] - offered):
        yield f"Bedrock lists {kind}, the card does not"
    if there["status"] == "LEGACY" and card.open_for_new_jobs:
        yield "Bedrock says LEGACY, the card says active"
