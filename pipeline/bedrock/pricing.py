"""What a training job costs, as far as a price is known.

Prices change and the public page is rendered in the browser, so every price has its date and
confidence, and a caller may override any of them. The teacher's inference in a distillation,
storage and hosting are not counted. Whether validation tokens and failed jobs are billed is not
documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bedrock.card import Card, Plan, Price


@dataclass(frozen=True)
class Cost:
    """A cost in US dollars (None if no price is known), with the price behind it."""

    usd: float | None
    item: str  # what the price is for, such as `train_per_1k_tokens`
    price: float | None = None
    source: str | None = None
    date: str | None = None
    confidence: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values, as in report and manifest."""
        return asdict(self)


def training_cost(
    card: Card,
    plan: Plan,
    tokens: int,
    epochs: int,
    prices_override: Mapping[str, float] | None = None,
    images: int | None = None,
) -> Cost:
    """What training on `tokens` for `epochs` costs, in US dollars.

    Image models bill `images`, which is stepCount * batchSize, and not tokens. Reinforcement
    fine-tuning bills hours, which cannot be predicted: its `usd` is None. `prices_override` maps an
    item to dollars and overrides the card.
    """
    item, amount = _billed(plan, tokens, epochs, images)
    price = find_price(card, item, prices_override)
    if price is None:
        return Cost(None, item)
    usd = None if amount is None else amount * price.usd
    return Cost(usd, item, price.usd, price.source, price.date, price.confidence)


def find_price(
    card: Card, item: str, prices_override: Mapping[str, float] | None = None
) -> Price | None:
    """The price of an item: the caller's own, else the card's, else None."""
    if prices_override and item in prices_override:
        own = prices_override[item]
        return Price(item=item, usd=own, source="your own price", date="", confidence="user")
    return next((price for price in card.prices if price.item == item), None)


def _billed(plan: Plan, tokens: int, epochs: int, images: int | None) -> tuple[str, float | None]:
    """The billed item, and how many units of it; None if not known."""
    if "image_caption" in plan.formats:
        return "train_per_image", images
    if plan.customization == "REINFORCEMENT_FINE_TUNING":
        return "train_hour", None
    return "train_per_1k_tokens", tokens / 1000 * epochs
