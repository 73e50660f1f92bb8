"""From how many calls on a custom model pays, against the longer prompt on the base model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from pipeline.bedrock.card import Card, Price
from pipeline.bedrock.pricing import Cost

BASE, CUSTOM = "base_input_per_1k_tokens", "custom_input_per_1k_tokens"
PROVISIONED = (
    "provisioned_no_commitment_hour",
    "provisioned_1_month_hour",
    "provisioned_6_month_hour",
)

HOURS_A_MONTH = 730
"""365.25 days of 24 hours in 12 parts, rounded as AWS's calculator does."""


@dataclass(frozen=True)
class Calls:
    """The use that a custom model is to have."""

    a_month: int
    prompt_tokens_saved: int  # of each call: what the prompt need no longer say
    prompt_tokens: int | None = None  # of each call: what is left of it


@dataclass(frozen=True)
class BreakEven:
    """When a way of hosting pays, against the longer prompt on the base model."""

    hosting: str  # on_demand, or the provisioned item
    fixed_usd_a_month: float  # storage, and the model unit
    saved_usd_a_call: float
    calls_a_month: int | None  # from which it costs less; None: never
    months: float | None  # until training is paid back at the calls that were given; None: never

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def break_even(
    card: Card, prices: Mapping[str, Price | None], training: Cost, calls: Calls
) -> Iterator[BreakEven]:
    """For each way of hosting whose prices are known.

    Completions are taken to cost the same. Where the custom model's input has another price than
    the base model's, no answer is given for calls on demand without `prompt_tokens`. A model unit
    is billed by the hour, so that there a call saves its whole prompt.
    """
    base, storage = prices[BASE], prices["storage_model_month"]
    if base is None or storage is None:
        return
    saved, left = calls.prompt_tokens_saved, calls.prompt_tokens or 0
    ways = {}  # by hosting: dollars a month, and those that a call saves
    on_demand = card.deployment is None or card.deployment.on_demand
    if on_demand and not _asks_for_what_is_left(prices, calls):
        dearer = (prices.get(CUSTOM) or base).usd - base.usd
        ways["on_demand"] = storage.usd, (saved * base.usd - left * dearer) / 1000
    for item in PROVISIONED:
        if unit := prices.get(item):
            fixed = storage.usd + HOURS_A_MONTH * unit.usd
            ways[item] = fixed, (saved + left) * base.usd / 1000
    for hosting, (usd, a_call) in ways.items():
        least = ceil(usd / a_call) if a_call > 0 else None
        gain = calls.a_month * a_call - usd
        paid = training.usd / gain if training.usd is not None and gain > 0 else None
        yield BreakEven(hosting, usd, a_call, least, paid)


def break_even_notes(prices: Mapping[str, Price | None], calls: Calls) -> Iterator[str]:
    """What the answers take for granted, and what it would take to give more."""
    yield (
        "break-even takes completions to cost the same; a model unit serves a limited rate of calls"
    )
    if _asks_for_what_is_left(prices, calls):
        yield (
            "the custom model's input has another price than the base model's, so that what is "
            "left of each prompt decides when calls on demand pay: give --prompt-tokens"
        )
    elif calls.prompt_tokens is None:
        yield (
            "of each call only what is saved of the prompt is counted; a model unit, billed by "
            "the hour, saves what is left of it too: give --prompt-tokens"
        )


def _asks_for_what_is_left(prices: Mapping[str, Price | None], calls: Calls) -> bool:
    base, custom = prices.get(BASE), prices.get(CUSTOM)
    differ = base is not None and custom is not None and base.usd != custom.usd
    return differ and calls.prompt_tokens is None
