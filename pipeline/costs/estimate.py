"""The `estimate` command: what training, storing and calling a model of this data costs.

No price is made up: each is the card's, with its date and confidence, or the caller's own. If one
is missing, the answer says which, and how to give it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from pipeline.bedrock.card import Card, Plan, Price
from pipeline.bedrock.pricing import Cost, find_price, training_cost
from pipeline.costs.break_even import (
    BASE,
    BASE_OUT,
    PROVISIONED,
    BreakEven,
    Calls,
    break_even,
    break_even_notes,
)
from pipeline.errors import RecipeError
from pipeline.faults import did_you_mean

if TYPE_CHECKING:
    from pipeline.costs.advice import Advice

ITEMS = {
    "train_per_1k_tokens": "training, per 1,000 tokens and epoch",
    "train_per_image": "training an image model, per image of each step",
    "train_hour": "reinforcement fine-tuning, per hour",
    "storage_model_month": "storing a custom model, per month",
    "provisioned_no_commitment_hour": "a model unit without commitment, per hour",
    "provisioned_1_month_hour": "a model unit with a commitment of one month, per hour",
    "provisioned_6_month_hour": "a model unit with a commitment of six months, per hour",
    "custom_input_per_1k_tokens": "on-demand calls of the custom model, per 1,000 input tokens",
    "custom_output_per_1k_tokens": "on-demand calls of the custom model, per 1,000 output tokens",
    "base_input_per_1k_tokens": "calls of the model that it replaces, per 1,000 input tokens",
    "base_output_per_1k_tokens": "calls of the model that it replaces, per 1,000 output tokens",
}
"""Every item that `--price` can set, with its meaning."""


@dataclass(frozen=True)
class Tokens:
    """What there is to train on."""

    records: int
    bound: int  # upper bound, by the least favourable public tokenizer
    estimate: int | None  # probable number; None if only the bound is known
    images: int = 0


@dataclass(frozen=True)
class Estimate:
    """Costs in US dollars; None if a price is missing."""

    model: str
    customization: str
    epochs: int
    tokens: Tokens
    training: Cost  # computed from the upper bound of tokens
    training_likely_usd: float | None  # computed from the estimate of tokens
    prices: dict[str, Price | None]
    break_even: list[BreakEven] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    advice: Advice | None = None  # only for a run; based on the runs before it
    bounded: bool = True  # whether `training` is an upper bound

    @property
    def missing(self) -> list[str]:
        """The items without a price."""
        return [item for item, price in self.prices.items() if price is None]

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        prices = {
            item: price.model_dump(mode="json", exclude_none=True) if price else None
            for item, price in self.prices.items()
        }
        return {
            "model": self.model,
            "customization": self.customization,
            "epochs": self.epochs,
            "tokens": asdict(self.tokens),
            "training": self.training.as_json()
            | {"likely_usd": self.training_likely_usd, "upper_bound": self.bounded},
            "prices": prices,
            "missing": self.missing,
            "break_even": [hosting.as_json() for hosting in self.break_even],
            "notes": self.notes,
            "advice": self.advice.as_json() if self.advice else None,
        }


@dataclass(frozen=True)
class Question:
    """A model, its training data, and the training settings."""

    card: Card
    plan: Plan
    tokens: Tokens
    epochs: int
    epochs_known: bool = True  # given by caller or run, or the card's documented default
    steps: int | None = None  # image models: stepCount
    batch_size: int | None = None  # image models
    answer_tokens: int | None = None  # distillation: the most that an answer of the teacher has

    @property
    def distilled(self) -> bool:
        """Whether answers that a teacher has still to write are trained on too."""
        return self.plan.customization == "DISTILLATION"


def estimate(
    question: Question, own: Mapping[str, float] | None = None, calls: Calls | None = None
) -> Estimate:
    """What training, storage and hosting cost, and from how many calls a custom model pays off.

    `own` maps items of `ITEMS` to dollars and overrides the card. Raises RecipeError for an
    unknown item or a price that is not an amount.
    """
    own = own or {}
    _refuse_unknown(own)
    card, plan, tokens = question.card, question.plan, question.tokens
    billed = _images(question)
    most = tokens.bound
    if question.distilled:
        most += tokens.records * (question.answer_tokens or 0)
    training = training_cost(card, plan, most, question.epochs, own, billed)
    likely = None
    if tokens.estimate is not None and not question.distilled:
        likely_cost = training_cost(card, plan, tokens.estimate, question.epochs, own, billed)
        likely = likely_cost.usd
    items = list(_items(question, training, calls, own))
    prices = {item: find_price(card, item, own) for item in items}
    pays = list(break_even(card, prices, training, calls)) if calls else []
    return Estimate(
        model=card.name,
        customization=plan.customization,
        epochs=question.epochs,
        tokens=tokens,
        training=training,
        training_likely_usd=likely,
        prices=prices,
        break_even=pays,
        notes=[*_notes(question, training, prices, calls), *_unused(own, items)],
        bounded=not question.distilled or question.answer_tokens is not None,
    )


def _unused(own: Mapping[str, float], items: Sequence[str]) -> Iterator[str]:
    """Prices that the caller gave and nothing here needs."""
    for item in own:
        if item not in items:
            yield f"the price of {item} is not used: nothing in this estimate is billed by it"


def _refuse_unknown(own: Mapping[str, float]) -> None:
    faults = [
        f"--price {item}: no such item{did_you_mean(item, ITEMS)} (one of: {', '.join(ITEMS)})"
        for item in own
        if item not in ITEMS
    ]
    faults += [
        f"--price {item}={usd}: is not an amount of dollars"
        for item, usd in own.items()
        if not isfinite(usd) or usd < 0
    ]
    if faults:
        raise RecipeError(*faults)


def _images(question: Question) -> int | None:
    """The number of images that an image model bills: those of all steps; None if not known."""
    if question.steps is None or question.batch_size is None:
        return None
    return question.steps * question.batch_size


def _items(
    question: Question, training: Cost, calls: Calls | None, own: Mapping[str, float]
) -> Iterator[str]:
    """The items that a full answer needs, by how the model can be hosted."""
    yield training.item
    yield "storage_model_month"
    hosting = question.card.deployment
    if hosting is None or hosting.on_demand:
        yield from ("custom_input_per_1k_tokens", "custom_output_per_1k_tokens")
    if hosting is None or hosting.provisioned:
        yield PROVISIONED[0]
        known = {price.item for price in question.card.prices} | set(own)
        yield from (item for item in PROVISIONED[1:] if item in known)
    if calls:
        yield BASE
        if calls.completion_tokens is not None or BASE_OUT in own:
            yield BASE_OUT


def _notes(
    question: Question, training: Cost, prices: Mapping[str, Price | None], calls: Calls | None
) -> Iterator[str]:
    if training.item == "train_hour":
        yield "how many hours reinforcement fine-tuning takes cannot be predicted"
    if training.item == "train_per_image" and _images(question) is None:
        if "stepCount" in question.plan.hyperparameters:
            yield "image models bill stepCount × batchSize images: give --steps"
        else:
            yield f"how many images {question.card.name} bills is not documented"
    elif not question.epochs_known:
        yield f"no default of epochs is documented; {question.epochs} is assumed: give --epochs"
    if question.distilled and question.answer_tokens is None:
        yield (
            "the teacher's answers are training data too, and their length is not known: set "
            "job.max_response_length for an upper bound"
        )
    if question.distilled:
        yield "the teacher's answers are billed as its own calls and are not counted here"
    if question.tokens.images and training.item != "train_per_image":
        note = f"{question.tokens.images} images are in the data; their tokens are not counted"
        yield f"{note}, because no document says how many an image costs in training"
    if calls:
        yield from break_even_notes(prices, calls)
    yield "whether AWS bills validation tokens and failed jobs is not documented"
