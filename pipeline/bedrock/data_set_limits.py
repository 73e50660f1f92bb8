"""A model card's limits on the whole data set: records, bytes, kinds of media."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.bedrock.card import OWN_QUOTA, Number, Plan


@dataclass(frozen=True)
class Fault:
    """A limit that the data set breaks; `message` names the remedy."""

    rule: str
    value: int | str
    threshold: int | str
    message: str
    source: str

    @property
    def fact(self) -> str:
        """The message without its remedy, which speaks of a recipe."""
        return self.message.partition(": ")[0]


REMEDIES = {
    "too_few_records": "add records, or loosen the stages that set them aside (see the report)",
    "too_many_records": "set `overflow: select` or `parts`, or your account's quota.records_max",
    "too_many_train_records": "set `overflow: select` or `parts`",
    "too_few_validation_records": "raise split.validation, or set it to 0",
    "too_many_validation_records": "lower split.validation",
    "train_file_too_heavy": "set `overflow: select` or `parts`",
    "validation_file_too_heavy": "lower split.validation",
}


def data_set_faults(
    counts: Mapping[str, int], plan: Plan, media: Collection[str] = ()
) -> list[Fault]:
    """Limits of the plan that the whole data set breaks; a missing count breaks none.

    `counts` has `train`, `validation` (records), `train_bytes`, `validation_bytes`; `media` says
    which of image, video and document are in the data. A validation set that the service ignores
    does not count.
    """
    faults = [*_validation_faults(counts, plan), *_media_faults(media, plan)]
    for rule, value, limit in _measured(counts, plan):
        if limit is None or value is None:
            continue
        few = rule.startswith("too_few")
        if value < limit.value if few else value > limit.value:
            bound = "at least" if few else "at most"
            message = f"{value}, where {plan.card} takes {bound} {limit.value}: {REMEDIES[rule]}"
            faults.append(Fault(rule, value, int(limit.value), message, limit.source))
    return faults


def own_quota_notes(counts: Mapping[str, int], plan: Plan) -> list[Fault]:
    """Limits of the card that the data set breaks only because the recipe's quota allows it."""
    own = {
        name: limit
        for name, limit in plan.limits
        if isinstance(limit, Number) and limit.source == OWN_QUOTA and limit.disagrees
    }
    if not own:
        return []
    cited = {name: Number(counts=limit.counts, **_cited(limit)) for name, limit in own.items()}
    documented = plan.model_copy(update={"limits": plan.limits.model_copy(update=cited)})
    kept = {fault.rule for fault in data_set_faults(counts, plan)}
    broken = [fault for fault in data_set_faults(counts, documented) if fault.rule not in kept]
    return [replace(fault, message=fault.fact) for fault in broken]


def _cited(limit: Number) -> dict[str, Any]:
    assert limit.disagrees is not None
    return limit.disagrees.model_dump()


def _measured(
    counts: Mapping[str, int], plan: Plan
) -> Iterator[tuple[str, int | None, Number | None]]:
    """Each rule with the measured value and the limit that it is checked against."""
    limits, train = plan.limits, counts.get("train")
    validation = counts.get("validation", 0) if plan.validation.allowed is True else 0
    for rule, limit in (
        ("too_few_records", limits.records_min),
        ("too_many_records", limits.records_max),
    ):
        together = limit is not None and limit.counts == "together" and train is not None
        yield rule, (train or 0) + validation if together else train, limit
    yield "too_many_train_records", train, limits.train_records_max
    if validation:
        yield "too_few_validation_records", validation, limits.validation_records_min
        yield "too_many_validation_records", validation, limits.validation_records_max
    yield "train_file_too_heavy", counts.get("train_bytes"), limits.train_bytes_max
    yield "validation_file_too_heavy", counts.get("validation_bytes"), limits.validation_bytes_max


def _validation_faults(counts: Mapping[str, int], plan: Plan) -> Iterator[Fault]:
    held_out = counts.get("validation", 0)
    if held_out and plan.validation.allowed is False:
        message = f"{plan.card} accepts no validation data: set split.validation to 0"
        yield Fault("validation_not_taken", held_out, 0, message, plan.validation.source)


def _media_faults(media: Collection[str], plan: Plan) -> Iterator[Fault]:
    if plan.one_media_kind and len(media) > 1:
        message = f"{plan.card} accepts one kind of media in a data set: make a target for each"
        cited = plan.limits.images_max or plan.validation
        yield Fault("mixed_media", ", ".join(sorted(media)), 1, message, cited.source)
