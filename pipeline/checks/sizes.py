"""Checks the tokens and characters of records against a model's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import polars as pl

from pipeline.bedrock.card import Limits, Number
from pipeline.bedrock.limits import tokens_per_record
from pipeline.checks.places import MEDIA, beside_texts, texts
from pipeline.checks.standard import Standard
from pipeline.checks.turns import RuleFault
from pipeline.tokens import TURN_OVERHEAD, token_bound, token_estimate

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""Counts the tokens of texts by the model's own tokenizer: a file, or Bedrock's CountTokens."""

BOUND_PER_BYTE = 2
"""`token_bound` is at most two per byte of UTF-8, and one per byte if all is ASCII."""

MOST_CHARS_PER_TOKEN = 6
"""AWS's own estimate, which no tokenizer reaches: a text over the limit by it cannot fit
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-prepare.html)."""

IMAGE_TOKENS = {"llama": (1601, 6404)}
"""Fewest and most tokens of an image, by family (AWS's guide on Llama 3.2)."""

_SIDES = {
    "tokens_max": ("input", "output"),
    "input_tokens_max": ("input",),
    "output_tokens_max": ("output",),
}


@dataclass
class Calibration:
    """Exact counts compared with our own: the estimate's error, and whether the bound held."""

    records: int = 0  # counted
    counted: int = 0  # tokens, exactly
    estimated: int = 0  # tokens
    most_of_bound: float = 0.0  # the largest ratio of a record's count to its bound

    def add(self, counted: int, estimate: int, bound: int) -> None:
        """Add the tokens of one record."""
        self.records += 1
        self.counted += counted
        self.estimated += estimate
        self.most_of_bound = max(self.most_of_bound, counted / max(bound, 1))

    def as_json(self) -> dict[str, float]:
        """`records`, `of_estimate` and `most_of_bound`, rounded; empty if nothing was counted."""
        if not self.records:
            return {}
        of_estimate = round(self.counted / max(self.estimated, 1), 3)
        most = round(self.most_of_bound, 3)
        return {"records": self.records, "of_estimate": of_estimate, "most_of_bound": most}


@dataclass
class Sizes:
    """Checks records against the limits of a plan, and counts how many fit."""

    standard: Standard
    count_tokens: CountTokens | None = None
    count_all: bool = False  # count every record, not only those that the estimate leaves open
    scale: float = 1.0  # factor of the bound: the largest ratio to it seen earlier, if over 1
    verdicts: dict[str, int] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        limits = self.standard.plan.limits if self.standard.plan else None
        by_name = {name: getattr(limits, name, None) for name in _SIDES}
        self.token_limits: dict[str, Number] = {name: n for name, n in by_name.items() if n}
        tokens = tokens_per_record(limits) if limits else None
        per_token = limits.chars_per_token if limits else None
        self.most_chars = int(tokens * per_token.value) if tokens and per_token else None
        if self.token_limits:
            self.verdicts = {"fit": 0, "may_not_fit": 0, "do_not_fit": 0}
        least, most = IMAGE_TOKENS.get(self.standard.family or "", (0, 0))
        self._image_tokens = least, most

    def suspects(self, lines: Sequence[bytes], is_ascii: bool, only_text: bool) -> list[int]:
        """Indices of lines that may be over a token limit, by length or images; others fit."""
        if not self.token_limits:
            return []
        cap = min(int(limit.value) for limit in self.token_limits.values())
        room = int((cap if is_ascii else cap // BOUND_PER_BYTE) / self.scale)
        if not only_text and self._image_tokens[1]:
            return [i for i, line in enumerate(lines) if len(line) > room or b'"image"' in line]
        if max(map(len, lines)) <= room:
            return []
        return [index for index, line in enumerate(lines) if len(line) > room]

    def faults(self, values: Sequence[Any]) -> Iterator[tuple[int, RuleFault]]:
        """(index, fault) of each record over a limit; `values` are those of the suspect lines."""
        for index, measure in enumerate(self._measures(values)):
            faults = list(self._faults(measure))
            rules = {fault[0] for fault in faults}
            self._count_verdict(rules)
            for fault in faults:
                yield index, fault

    def _count_verdict(self, rules: set[str]) -> None:
        if rules & {"too-many-tokens", "too-many-characters"}:
            self.verdicts["do_not_fit"] += 1
        elif rules:
            self.verdicts["may_not_fit"] += 1

    def _measures(self, values: Sequence[Any]) -> list[dict[str, int]]:
        """Characters, token estimate and bound of each record, for its input and its output."""
        rows = [
            {"record": index, "side": side, "text": text}
            for index, value in enumerate(values)
            for side, text in self._said(value)
        ]
        measures = [_no_measure() for _ in values]
        if rows:
            _add_texts(measures, pl.DataFrame(rows))
        for measure, value in zip(measures, values, strict=True):
            images = _images(value)
            measure["input_estimate"] += images * self._image_tokens[0]
            measure["input_bound"] += images * self._image_tokens[1]
        if self.count_tokens is not None:
            self._count(measures, values)
        return measures

    def _said(self, value: Any) -> Iterator[tuple[str, str]]:
        """Everything that the model reads of a record: (`input` or `output`, text)."""
        yield from ((side, text) for _, side, text in texts(value, self.standard.format))
        if self.standard.format == "conversation":
            yield from beside_texts(value)

    def _count(self, measures: list[dict[str, int]], values: Sequence[Any]) -> None:
        """Replace estimates by exact counts, for records that the estimate leaves open."""
        for measure, value in zip(measures, values, strict=True):
            estimate, bound = _both(measure, "estimate"), _both(measure, "bound")
            for side in ("input", "output"):
                measure[f"{side}_bound"] = ceil(measure[f"{side}_bound"] * self.scale)
            if self.count_all or list(self._token_faults(measure)):
                self._count_one(measure, value)
                self.calibration.add(_both(measure, "bound"), estimate, bound)

    def _count_one(self, measure: dict[str, int], value: Any) -> None:
        assert self.count_tokens is not None
        for side in ("input", "output"):
            said = [text for at, text in self._said(value) if at == side]
            counted = sum(self.count_tokens(said)) + TURN_OVERHEAD * len(said)
            images = _images(value) if side == "input" else 0
            measure[f"{side}_estimate"] = counted + images * self._image_tokens[0]
            measure[f"{side}_bound"] = counted + images * self._image_tokens[1]
        measure["counted"] = 1

    def _faults(self, measure: dict[str, int]) -> Iterator[RuleFault]:
        chars = measure["input_chars"] + measure["output_chars"]
        if self.most_chars is not None and chars > self.most_chars:
            detail = f"{chars}, at most {self.most_chars}"
            yield "too-many-characters", detail, chars, self.most_chars
            return
        faults = sorted(
            self._token_faults(measure), key=lambda fault: fault[0] != "too-many-tokens"
        )
        yield from faults[:1]

    def _token_faults(self, measure: dict[str, int]) -> Iterator[RuleFault]:
        for name, limit in self.token_limits.items():
            most = int(limit.value)
            chars = sum(measure[f"{side}_chars"] for side in _SIDES[name])
            estimate = sum(measure[f"{side}_estimate"] for side in _SIDES[name])
            if not measure["counted"]:
                estimate = max(estimate, chars // MOST_CHARS_PER_TOKEN)
            bound = sum(measure[f"{side}_bound"] for side in _SIDES[name])
            what = {"tokens_max": ""}.get(name, f"{_SIDES[name][0]}: ")
            if estimate > most:
                yield "too-many-tokens", f"{what}about {estimate}, at most {most}", estimate, most
            elif bound > most:
                detail = f"{what}about {estimate}, perhaps {bound}, at most {most}"
                yield "perhaps-too-many-tokens", detail, bound, most


def caption_fault(value: Any, limits: Limits) -> RuleFault | None:
    """The fault of a caption whose length in characters the model does not accept, or None."""
    caption = value.get("caption") if isinstance(value, dict) else None
    if not isinstance(caption, str):
        return None
    count, least, most = len(caption), limits.caption_chars_min, limits.caption_chars_max
    if least and count < least.value:
        return "caption-too-short", f"{count}, at least {least.value}", count, least.value
    if most and count > most.value:
        return "caption-too-long", f"{count}, at most {most.value}", count, most.value
    return None


def _no_measure() -> dict[str, int]:
    sides, what = ("input", "output"), ("chars", "estimate", "bound")
    return {"counted": 0} | {f"{side}_{name}": 0 for side in sides for name in what}


def _both(measure: dict[str, int], what: str) -> int:
    return measure[f"input_{what}"] + measure[f"output_{what}"]


def _add_texts(measures: list[dict[str, int]], rows: pl.DataFrame) -> None:
    text = pl.col("text")
    summed = (
        rows.with_columns(
            chars=text.str.len_chars().cast(pl.Int64),
            estimate=token_estimate(text) + TURN_OVERHEAD,
            bound=token_bound(text) + TURN_OVERHEAD,
        )
        .group_by("record", "side", maintain_order=True)
        .agg(pl.col("chars", "estimate", "bound").sum())
    )
    for record, side, *numbers in summed.iter_rows():
        for name, number in zip(("chars", "estimate", "bound"), numbers, strict=True):
            measures[record][f"{side}_{name}"] = number


def _images(value: Any) -> int:
    messages = value.get("messages") if isinstance(value, dict) else None
    turns = messages if isinstance(messages, list) else []
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return sum(isinstance(block, dict) and MEDIA[0] in block for block in blocks)
