"""The report's charts: inline SVG, legible at 340 pixels, each said again in words by a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from pipeline.report_markup import Markup, el, join, visible
from pipeline.report_words import Words

WIDTH = 400
ROW = 21
LABEL = 148
"""Where bars begin, right of their labels."""

NUMBERS = 104
"""Room for the numbers right of the bars."""

LABEL_LENGTH = 22
Mark = tuple[float, str]
"""Where a limit stands, and what is written at it."""


def _svg(height: float, label: str, children: Iterable[Markup]) -> Markup:
    # role=img: readers are told the label, and find the numbers in the table
    box = f"0 0 {WIDTH} {_short(height)}"
    return el("svg", *children, viewBox=box, role="img", aria_label=label, class_="chart")


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _rect(box: tuple[float, float, float, float], class_: str, title: str) -> Markup:
    """A bar at (x, y, width, height); its title is shown when pointed at."""
    place = dict(zip(("x", "y", "width", "height"), map(_short, box), strict=True))
    return el("rect", el("title", title), class_=class_, **place)


def _text(
    x: float, y: float, text: str, class_: str | None = None, anchor: str = "start"
) -> Markup:
    shown = visible(text)
    if anchor == "start" and len(shown) > LABEL_LENGTH:
        shown = shown[: LABEL_LENGTH - 1] + "…"
    return el("text", shown, x=_short(x), y=_short(y), class_=class_, text_anchor=anchor)


def waterfall_chart(leg: dict[str, Any], label: str, words: Words) -> Markup:
    """From what came in, each loss hanging where the one before it ended, to what is left."""
    came, left = leg["came"], leg["left"]
    scale = (WIDTH - LABEL - NUMBERS) / max(came, 1)
    rows = [_fall(0, words("came"), "came", (0, came), scale, words.number(came))]
    for number, step in enumerate(leg["brief"], start=1):
        name = step["reason"] or words("other_reasons", n=words.number(step["reasons"]))
        span = (step["after"], step["after"] + step["records"])
        told = (
            f"− {words.number(step['records'])} · {words.per_cent(step['share'], step['records'])}"
        )
        rows.append(_fall(number * ROW, name, step["kind"], span, scale, told))
    told = f"{words.number(left)} · {words.per_cent(leg['share'], left)}"
    rows.append(
        _fall((len(rows)) * ROW, words("left"), "kept", (0, left), scale, told, strong=True)
    )
    return _svg(len(rows) * ROW, label, rows)


def _fall(
    top: float,
    name: str,
    kind: str,
    span: tuple[int, int],
    scale: float,
    told: str,
    *,
    strong: bool = False,
) -> Markup:
    """A row of the waterfall; a single record among a million is still seen."""
    width = max((span[1] - span[0]) * scale, 1.5) if span[1] > span[0] else 0
    x = min(LABEL + span[0] * scale, WIDTH - NUMBERS - width)
    return join(
        [
            _text(0, top + 15, name, "strong" if strong else None),
            _rect((x, top + 4, width, 13), kind, f"{name}: {told}"),
            _text(WIDTH, top + 15, told, "strong" if strong else "muted", "end"),
        ]
    )


def share_chart(rows: Sequence[tuple[str, int, float]], label: str, words: Words) -> Markup:
    """A bar for each (name, records, share), the longest for the largest."""
    most, drawn = max([1, *(records for _, records, _ in rows)]), []
    for index, (name, records, share) in enumerate(rows):
        top, width = index * ROW, max(records / most * (WIDTH - 136), 1.5)
        drawn += [
            _text(0, top + 14, name[:9]),
            _rect((64, top + 4, width, 13), "kept", f"{name}: {words.number(records)}"),
            _text(64 + width + 6, top + 14, words.per_cent(share, records), "muted"),
        ]
    return _svg(len(rows) * ROW, label, drawn)


def histogram_chart(
    bins: list[dict[str, Any]], marks: Iterable[Mark], label: str, words: Words
) -> Markup:
    """Bars over bins that are drawn equally wide; every limit is a line at its place."""
    height, base, top = 190, 160, 26
    edges = [*(one["from"] for one in bins), bins[-1]["to"]]
    placed = [(_slot(value, edges), name) for value, name in marks]
    room = max([len(bins), 6, *(math.ceil(at) + 1 for at, _ in placed)])
    step, most = WIDTH / room, max(one["records"] for one in bins)
    drawn = [el("line", x1="0", x2=str(WIDTH), y1=str(base), y2=str(base), class_="axis")]
    for index, one in enumerate(bins):
        tall = one["records"] / most * (base - top)
        tall = max(tall, 1.5) if one["records"] else 0
        title = f"{span(one, words)}: {words.number(one['records'])}"
        drawn.append(_rect((index * step + 1, base - tall, step - 2, tall), "kept", title))
    drawn += _ticks(bins, step, base, words)
    for at, name in placed:
        drawn += _mark(at * step, base, name)
    return _svg(height, label, drawn)


def span(one: dict[str, Any], words: Words) -> str:
    """A bin in words: `90 – < 128`, `≥ 262,144`, or `4` where it holds one whole number."""
    low, high = one["from"], one["to"]
    if high is None:
        return f"≥ {words.measure(low)}"
    if isinstance(low, int) and high == low + 1:
        return words.measure(low)
    return f"{words.measure(low)} – < {words.measure(high)}"


def _slot(value: float, edges: list[Any]) -> float:
    """Where a value stands, in bins from the left; past the last one a doubling is two bins."""
    known = [edge for edge in edges if edge is not None]
    if value < known[0]:
        return 0.0
    for index, (low, high) in enumerate(pairwise(known)):
        if low <= value < high:
            return float(index + (value - low) / (high - low))
    last = max(known[-1], 1e-9)
    return len(known) - 1 + min(2 * math.log2(max(value / last, 1)), len(known) + 4)


def _ticks(bins: list[dict[str, Any]], step: float, base: float, words: Words) -> Iterator[Markup]:
    """The lower ends of some bins, powers of two where there are any, as many as have room."""
    doubling = len(bins) > 1 and bins[-1]["from"] >= 64 and bins[0]["from"] == int(bins[0]["from"])
    starts = [
        index for index, one in enumerate(bins) if not doubling or _is_power(one["from"])
    ] or [0]
    widest = max(len(words.measure(bins[index]["from"])) for index in starts) * 7.5 + 6
    free = -1.0
    for index in starts:
        x = index * step + 1
        if x >= free and x < WIDTH - 30:
            free = x + widest
            yield _text(x, base + 16, words.measure(bins[index]["from"]), "muted")


def _is_power(number: float) -> bool:
    return number == int(number) and int(number).bit_count() == 1


def _mark(x: float, base: float, label: str) -> list[Markup]:
    anchor, shift = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    line = {"x1": _short(x), "x2": _short(x), "y1": "6", "y2": _short(base), "class_": "cap"}
    return [el("line", **line), _text(x + shift, 15, label, "cap-label", anchor)]
