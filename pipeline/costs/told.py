"""An estimate as text for the terminal."""

from __future__ import annotations

from pipeline.bedrock.card import Price
from pipeline.costs.advice import VERDICTS
from pipeline.costs.break_even import BreakEven
from pipeline.costs.estimate import ITEMS, Estimate


def told_estimate(made: Estimate) -> str:
    """The estimate as lines of text: data, costs, prices, break-even, advice, notes."""
    tokens = made.tokens
    likely = f"about {tokens.estimate:,}, " if tokens.estimate is not None else ""
    lines = [
        f"{made.model} {made.customization}, epochs: {made.epochs}",
        f"  data: {tokens.records:,} records, {likely}at most {tokens.bound:,} tokens",
        f"  training: {_format_training(made)}",
    ]
    for item, price in made.prices.items():
        lines.append(f"  {item}: {_format_price(item, price)}")
    lines += [_format_break_even(hosting) for hosting in made.break_even]
    if made.advice:
        lines.append(f"  advice: {made.advice.verdict}: {VERDICTS[made.advice.verdict]}")
        lines += [f"    {reason}" for reason in made.advice.because]
    return "\n".join([*lines, *(f"  note: {note}" for note in made.notes)])


def _format_training(made: Estimate) -> str:
    usd = made.training.usd
    if usd is None:
        return f"unknown ({ITEMS[made.training.item]})"
    if not made.bounded:
        return f"${usd:,.4f} for the prompts alone"
    if made.customization == "DISTILLATION":
        return f"at most ${usd:,.4f}, with the longest answers of the teacher"
    if made.training_likely_usd is None or made.training.item != "train_per_1k_tokens":
        return f"${usd:,.4f}"
    return f"about ${made.training_likely_usd:,.4f}, at most ${usd:,.4f}"


def _format_price(item: str, price: Price | None) -> str:
    if price is None:
        return f"the price is not known; give --price {item}=USD ({ITEMS[item]})"
    when = ", ".join(part for part in (price.date, price.confidence, price.source) if part)
    return f"${price.usd:.8f}".rstrip("0").rstrip(".") + f" ({when})"


def _format_break_even(way: BreakEven) -> str:
    calls = way.calls_a_month
    pays = f"pays off from {calls:,} calls a month" if calls is not None else "never pays off"
    paid = "training is not paid back"
    if way.months is not None:
        paid = f"training is paid back in {way.months:.1f} months"
    return (
        f"  {way.hosting}: ${way.fixed_usd_a_month:,.2f} a month, {pays}; "
        f"at the given calls: {paid}"
    )
