"""What the report says about drift: how far the data has moved since the previous run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.diff.drift import standing
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.sections import lead, table
from pipeline.report.words import Words

SHARES = ("rejected", "merged", "sources_removed")
INDEXES = ("tokens", "languages")


def drift_at_a_glance(drift: dict[str, Any] | None, words: Words) -> Markup:
    """One line for each target: its record counts, and its largest distance with a rating."""
    if drift is None:
        return el("span", words("first_run"), class_="muted")
    lines = [_line(name, target, words) for name, target in drift["targets"].items()]
    whole = [
        f"{words(f'drift_{name}')} {_signed(drift[name], words)}" for name in SHARES if drift[name]
    ]
    return join(el("span", data(line), class_="line") for line in [*lines, *whole])


def _line(name: str, target: dict[str, Any], words: Words) -> str:
    known = [target[index] for index in INDEXES if target[index] is not None]
    records = [words.number(target[side]) for side in ("records_before", "records_after")]
    word = f" · {words(standing(max(known)))} ({words.measure(max(known))})" if known else ""
    return f"{name}: {' → '.join(records)}{word}"


def _signed(value: float, words: Words) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{words.measure(abs(value))}"


def drift_section(summary: dict[str, Any], words: Words) -> Markup:
    """Every distance to the previous run, with what the numbers mean."""
    drift = summary["drift"]
    if drift is None:
        return lead(words("no_drift"))
    facts = [(words("drift_before"), el("code", drift["before"]))]
    facts += [(words(f"drift_{name}"), data(_signed(drift[name], words))) for name in SHARES]
    heads: list[tuple[str, str | None]] = [(words("target"), "name")]
    heads += [(words(name), "num") for name in ("records_before", "records_after")]
    heads += [(words("lengths"), "num"), (words("languages"), "num")]
    rows = (_row(name, target, words) for name, target in drift["targets"].items())
    listed = (piece for name, value in facts for piece in (el("dt", name), el("dd", value)))
    targets = table(words("drift"), heads, rows)
    return join([lead(words("drift_lead")), el("dl", *listed), targets])


def _row(name: str, target: dict[str, Any], words: Words) -> Iterator[Any]:
    yield data(name)
    yield words.number(target["records_before"])
    yield words.number(target["records_after"])
    for index in INDEXES:
        value = target[index]
        word = f" {words(standing(value))}" if value is not None else ""
        yield join([words.measure(value), el("span", word, class_="muted")])
