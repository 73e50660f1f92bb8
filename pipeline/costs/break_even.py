"""From how many calls a custom model pays off, compared with longer prompts to the base model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from pipeline.bedrock.card import Card, Price
from pipeline.bedrock.pricing import Cost

BASE, CUSTOM = "base_input_per_1k_tokens", "custom_input_per_1k_tokens"
BASE_OUT, CUSTOM_OUT = "base_output_per_1k_tokens", "custom_output_per_1k_tokens"
PROVISIONED = (
    "provisioned_no_commitment_hour",
    "provisioned_1_month_hour",
    "provisioned_6_month_hour",
)

HOURS_A_MONTH = 730
"""365.25 days of 24 hours divided by 12, rounded as AWS's calculator does."""


@dataclass(frozen=True)
class Calls:
    """How a custom model will be used."""

    a_month: int
    prompt_tokens_saved: int  # per call: tokens that the prompt no longer needs
    prompt_tokens: int | None = None  # per call: tokens that are left of the prompt
    completion_tokens: int | None = None  # per call


@dataclass(frozen=True)
class BreakEven:
    """When a way of hosting pays off, compared with longer prompts to the base model."""

    hosting: str  # `on_demand`, or an item of `PROVISIONED`
    fixed_usd_a_month: float  # storage, plus the model unit if there is one
    saved_usd_a_call: float
    calls_a_month: int | None  # from this number of calls it costs less; None: never
    months: float | None  # until training is paid back at the given calls; None: never

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


def break_even(
    card: Card, prices: Mapping[str, Price | None], training: Cost, calls: Calls
) -> Iterator[BreakEven]:
    """The break-even of each way of hosting whose prices are known.

    Without `completion_tokens` and the prices of output, completions are not counted. If the custom
    model's input price differs from the base model's, calls on demand get no answer without
    `prompt_tokens`. A model unit is billed by the hour, so with one a call saves its whole prompt
    and its completion.
    """
    base, storage = prices[BASE], prices["storage_model_month"]
    if base is None or storage is None:
        return
    saved, left = calls.prompt_tokens_saved, calls.prompt_tokens or 0
    base_usd = _output_usd(prices, BASE_OUT, calls, 0.0)  # a completion of the base model
    ways = {}  # by hosting: dollars a month, and dollars that a call saves
    on_demand = card.deployment is None or card.deployment.on_demand
    if on_demand and not _asks_for_what_is_left(prices, calls):
        dearer = (prices.get(CUSTOM) or base).usd - base.usd
        output_dearer = _output_usd(prices, CUSTOM_OUT, calls, base_usd) - base_usd
        a_call = (saved * base.usd - left * dearer) / 1000 - output_dearer
        ways["on_demand"] = storage.usd, a_call
    for item in PROVISIONED:
        if unit := prices.get(item):
            fixed = storage.usd + HOURS_A_MONTH * unit.usd
            ways[item] = fixed, (saved + left) * base.usd / 1000 + base_usd
    for hosting, (usd, a_call) in ways.items():
        min_calls = ceil(usd / a_call) if a_call > 0 else None
        gain = calls.a_month * a_call - usd
        paid = training.usd / gain if training.usd is not None and gain > 0 else None
        yield BreakEven(hosting, usd, a_call, min_calls, paid)


def _output_usd(
    prices: Mapping[str, Price | None], item: str, calls: Calls, unknown: float
) -> float:
    """Dollars for the completion of a call; `unknown` without its length or without the price."""
    price = prices.get(item)
    if price is None or calls.completion_tokens is None or prices.get(BASE_OUT) is None:
        return unknown
    return calls.completion_tokens * price.usd / 1000


def break_even_notes(prices: Mapping[str, Price | None], calls: Calls) -> Iterator[str]:
    """What the answers assume, and what would have to be given for more answers."""
    yield "a model unit serves a limited rate of calls"
    if calls.completion_tokens is None or prices.get(BASE_OUT) is None:
        yield (
            "completions are not counted: on demand they are assumed to cost the same, and a model "
            "unit, which is billed by the hour, saves them: give --completion-tokens and --price "
            f"{BASE_OUT}=USD"
        )
    elif prices.get(CUSTOM_OUT) is None:
        yield "completions on demand are assumed to cost the same as the base model's"
    if _asks_for_what_is_left(prices, calls):
        yield (
            "the custom model's input price differs from the base model's, so what is left of each "
            "prompt decides when calls on demand pay off: give --prompt-tokens"
        )
    elif calls.prompt_tokens is None:
        yield (
            "only the saved part of each prompt is counted; a model unit, which is billed by the "
            "hour, saves the rest of the prompt too: give --prompt-tokens"
        )


def _asks_for_what_is_left(prices: Mapping[str, Price | None], calls: Calls) -> bool:
    base, custom = prices.get(BASE), prices.get(CUSTOM)
    differ = base is not None and custom is not None and base.usd != custom.usd
    return differ and calls.prompt_tokens is None
