"""Model cards: read from schemas/models/ and found by name, id or ARN.

>>> find_card("nova-lite").plan("sft").limits.records_max.value
20000
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import (
    OWN_QUOTA,
    Card,
    Customization,
    Disagreement,
    Limits,
    Number,
    Plan,
    customization,
)
from pipeline.bedrock.own_card import build_card, is_card_file, load_card
from pipeline.errors import RecipeError
from pipeline.schemas_dir import schema_path

__all__ = [
    "Card",
    "Customization",
    "Limits",
    "Number",
    "Plan",
    "base_id",
    "customization",
    "find_card",
    "load_cards",
    "refuse_closed",
    "with_batch_size",
    "with_quota",
]

MODEL_ID = re.compile(
    r"(?:^|/)(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?"  # an inference profile's geography
    r"([a-z0-9-]+\.[a-z0-9][a-z0-9.-]*)"  # provider.model
    r"(?::[0-9]+)?(?::[a-z0-9]+)*(?:/|$)"  # version, context, job
)


@cache
def load_cards() -> dict[str, Card]:
    """All cards by name, sorted; read once. An invalid card is a bug and raises ValidationError."""
    files = sorted(schema_path("models").glob("*.yaml"), key=lambda path: path.stem)
    return {card.name: card for card in map(_read_card, files)}


def _read_card(path: Path) -> Card:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast
    card = yaml.load(path.read_bytes(), loader)  # noqa: S506  (both loaders are safe)
    return build_card(card)


def base_id(name_or_arn: str) -> str | None:
    """Provider and model from any Bedrock id or ARN, without version and context, or None.

    >>> base_id("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k")
    'amazon.nova-lite-v1'
    """
    match = MODEL_ID.search(name_or_arn.lower())
    return match[1] if match else None


def find_card(name_or_id_or_arn: str) -> Card:
    """The card of a model by card name, alias, model id (any suffix) or ARN, or by a card's path.

    Raises RecipeError with the nearest name and the models open for new jobs, or with every fault
    of the user's own card (such as `cards/ours.yaml`).
    """
    if is_card_file(name_or_id_or_arn):
        return load_card(Path(name_or_id_or_arn))
    key = _key(name_or_id_or_arn)
    names = _names()
    if key in names:
        return load_cards()[names[key]]
    close = get_close_matches(key, names, n=1)
    meant = f"; did you mean {names[close[0]]}?" if close else ""
    opened = ", ".join(card.name for card in _open_cards())
    raise RecipeError(
        f"model: no model card for {name_or_id_or_arn!r}{meant} (open for new jobs: {opened})"
    )


def _key(name: str) -> str:
    plain = name.strip().lower()
    return base_id(plain) or plain.replace("_", "-").replace(" ", "-")


@cache
def _names() -> dict[str, str]:
    """The card's name by every key that finds it."""
    return {
        _key(alias): card.name
        for card in load_cards().values()
        for alias in (card.name, card.model_id, *card.aliases)
    }


def _open_cards() -> Iterable[Card]:
    return (card for card in load_cards().values() if card.open_for_new_jobs)


def refuse_closed(card: Card, allow_legacy: bool = False, word: str | None = None) -> None:
    """Raise RecipeError if Bedrock accepts no new job for this model; it names open alternatives.

    `allow_legacy` lets closed models through (for data of existing custom models, or comparisons),
    but not a model that could never be customized. `word` is the customization, if it is known.
    """
    plan = card.plan(word)
    if card.open_for_new_jobs or allow_legacy:
        return
    life = card.lifecycle
    since = f" (end of life {life.eol_date})" if life.eol_date else ""
    raise RecipeError(
        f"model: {card.name} is {life.status}{since} and accepts no new customization job; "
        f"{_alternatives(plan)}; to go on anyway, set allow_legacy: true in the recipe's target "
        "(for `check`: --allow-legacy)"
    )


def _alternatives(plan: Plan) -> str:
    accepting = [
        f"{card.name} ({other.customization})"
        for card in _open_cards()
        for other in card.customizations.values()
        if set(other.formats) & set(plan.formats)
    ]
    formats = ", ".join(plan.formats)
    if accepting:
        return f"open models that accept {formats}: {', '.join(accepting)}"
    conversational = ", ".join(
        card.name for card in _open_cards() if "conversation" in card.formats
    )
    return (
        f"no open model accepts {formats}; open models that accept conversation: {conversational}"
    )


def with_quota(plan: Plan, quota: Mapping[str, int | float]) -> Plan:
    """The plan with limits replaced by an account's own quotas, such as `{"records_max": 50000}`.

    Raises RecipeError with all faults at once: an unknown limit, a value that is not a number, a
    raised limit that AWS does not adjust.
    """
    faults = [fault for key, value in quota.items() if (fault := _quota_fault(plan, key, value))]
    if faults:
        raise RecipeError(*faults)
    limits = {key: _own_limit(getattr(plan.limits, key), value) for key, value in quota.items()}
    return plan.model_copy(update={"limits": plan.limits.model_copy(update=limits)})


def _quota_fault(plan: Plan, key: str, value: Any) -> str | None:
    keys = [name for name in Limits.model_fields if not name.endswith("formats")]
    if key not in keys:
        close = get_close_matches(key, keys, n=1)
        meant = f"; did you mean {close[0]}?" if close else f" (one of: {', '.join(keys)})"
        return f"quota.{key}: no such limit{meant}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"quota.{key}: {value!r} is not a number"
    if not isfinite(value) or value < 0:
        return f"quota.{key}: {value} is not a limit; give a finite number of at least 0"
    limit: Number | None = getattr(plan.limits, key)
    if limit and limit.adjustable is False and value > limit.value:
        return f"quota.{key}: {value} is over {limit.value}, which AWS does not adjust"
    return None


def _own_limit(limit: Number | None, value: int | float) -> Number:
    own = Number(value=value, source=OWN_QUOTA, date="", confidence="user")
    if limit is None:
        return own
    cited = limit.model_dump(include={"value", "source", "date", "confidence"})
    return own.model_copy(update={"counts": limit.counts, "disagrees": Disagreement(**cited)})


def with_batch_size(plan: Plan, batch_size: int) -> Plan:
    """The plan with the token limit that applies at this `batchSize`.

    Raises RecipeError if the batch size is above the last one with a documented limit.
    """
    limit = plan.limits.tokens_max
    if limit is None or not limit.batches:
        return plan
    fitting = [batch.value for batch in limit.batches if batch_size <= batch.up_to]
    if not fitting:
        most = limit.batches[-1].up_to
        raise RecipeError(
            f"job.hyperparameters.batchSize: {batch_size} is over {most}, the greatest for which "
            f"AWS says how many tokens {plan.card} takes; use a smaller one or set quota.tokens_max"
        )
    own = limit.model_copy(update={"value": fitting[0], "batches": ()})
    return plan.model_copy(update={"limits": plan.limits.model_copy(update={"tokens_max": own})})
