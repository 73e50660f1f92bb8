"""The customizable models that Bedrock lists today, compared with the model cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bedrock.cards import Card, base_id, load_cards
from pipeline.bedrock.client import asking, aws_client

TYPES = ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION")
"""What ListFoundationModels accepts as byCustomizationType; reinforcement is not among it."""


RIGHT_TO_LIST = "the caller needs bedrock:ListFoundationModels"


@dataclass(frozen=True)
class Drift:
    """One difference between a model card and Bedrock's own list."""

    model: str
    what: str

    def as_json(self) -> dict[str, str]:
        """All fields as plain JSON values."""
        return asdict(self)


def live_models(region: str, endpoint_url: str | None = None) -> dict[str, dict[str, Any]]:
    """`customizations` and `status` by base id, from ListFoundationModels of one Region.

    Raises StorageError when Bedrock cannot be reached.
    """
    client = aws_client("bedrock", region, endpoint_url)
    models: dict[str, dict[str, Any]] = {}
    for kind in TYPES:
        with asking("ListFoundationModels", RIGHT_TO_LIST):
            summaries = client.list_foundation_models(byCustomizationType=kind)["modelSummaries"]
            listed = [(summary["modelId"], summary) for summary in summaries]
        for model_id, summary in listed:
            name = base_id(model_id) or model_id
            model = models.setdefault(name, {"customizations": set(), "status": "ACTIVE"})
            model["customizations"].add(kind)
            if summary.get("modelLifecycle", {}).get("status") == "LEGACY":
                model["status"] = "LEGACY"  # of several ids of one model, the worst counts
    return models


def drift(live: dict[str, dict[str, Any]], region: str) -> list[Drift]:
    """The differences between the cards of a Region and Bedrock's list, by model."""
    cards = {
        base_id(card.model_id) or card.model_id: card
        for card in load_cards().values()
        if region in card.regions
    }
    differences = [
        Drift(name, "Bedrock lists it, but no card does") for name in sorted(live.keys() - cards)
    ]
    for name, card in sorted(cards.items()):
        listed = live.get(name, {"customizations": set(), "status": ""})
        differences += [Drift(card.name, what) for what in _differences(card, listed)]
    return differences


def _differences(card: Card, listed: dict[str, Any]) -> Iterator[str]:
    offered = set(card.customizations) & set(TYPES)
    if card.open_for_new_jobs:
        for kind in sorted(offered - listed["customizations"]):
            yield f"the card offers {kind}, but Bedrock does not list it"
    for kind in sorted(listed["customizations"] - offered):
        yield f"Bedrock lists {kind}, but the card does not offer it"
    if listed["status"] == "LEGACY" and card.open_for_new_jobs:
        yield "Bedrock says LEGACY, but the card says active"
