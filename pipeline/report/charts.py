"""The report's charts: inline SVG, legible at 340 pixels, each repeated as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from pipeline.report.markup import Markup, el, join, visible
from pipeline.report.words import Words

WIDTH = 400
ROW = 21
LABEL = 148
"""Where bars begin, to the right of their labels."""

NUMBERS = 104
"""Room for the numbers to the right of the bars."""

LABEL_LENGTH = 22
GAP = 2.5
"""Width of a broken axis, in bins."""

BEYOND = math.inf

Mark = tuple[float, str]
"""A limit's value, and its label."""


def _svg(height: float, label: str, children: Iterable[Markup]) -> Markup:
    # role=img: screen readers read the label, and find the numbers in the table
    box = f"0 0 {WIDTH} {_short(height)}"
    return el("svg", *children, viewBox=box, role="img", aria_label=label, class_="chart")


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _rect(box: tuple[float, float, float, float], class_: str, title: str) -> Markup:
    """A bar at (x, y, width, height); its title is shown as a tooltip."""
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
    """A leg as bars: the records that came in, each loss below the one before, and what is left."""
    came, left = leg["came"], leg["left"]
    scale = (WIDTH - LABEL - NUMBERS) / max(came, 1)
    rows = [_fall(0, words("came"), "came", (0, came), scale, words.number(came))]
    for number, step in enumerate(leg["brief"], start=1):
        name = step["reason"] or words("other_reasons", n=words.number(step["reasons"]))
        span = (step["after"], step["after"] + step["records"])
        numbers = (
            f"− {words.number(step['records'])} · {words.per_cent(step['share'], step['records'])}"
        )
        rows.append(_fall(number * ROW, name, step["kind"], span, scale, numbers))
    numbers = f"{words.number(left)} · {words.per_cent(leg['share'], left)}"
    rows.append(
        _fall((len(rows)) * ROW, words("left"), "kept", (0, left), scale, numbers, strong=True)
    )
    return _svg(len(rows) * ROW, label, rows)


def _fall(
    top: float,
    name: str,
    kind: str,
    span: tuple[int, int],
    scale: float,
    numbers: str,
    *,
    strong: bool = False,
) -> Markup:
    """A row of the waterfall; even a single record among a million is visible."""
    width = max((span[1] - span[0]) * scale, 1.5) if span[1] > span[0] else 0
    x = min(LABEL + span[0] * scale, WIDTH - NUMBERS - width)
    return join(
        [
            _text(0, top + 15, name, "strong" if strong else None),
            _rect((x, top + 4, width, 13), kind, f"{name}: {numbers}"),
            _text(WIDTH, top + 15, numbers, "strong" if strong else "muted", "end"),
        ]
    )


def share_chart(rows: Sequence[tuple[str, int, float]], label: str, words: Words) -> Markup:
    """A bar for each (name, records, share), its length in proportion to the records."""
    most, drawn = max([1, *(records for _, records, _ in rows)]), []
    for index, (name, records, share) in enumerate(rows):
        top, width = index * ROW, max(records / most * (WIDTH - 184), 1.5)
        drawn += [
            _text(0, top + 14, name[:15]),
            _rect((112, top + 4, width, 13), "kept", f"{name}: {words.number(records)}"),
            _text(112 + width + 6, top + 14, words.per_cent(share, records), "muted"),
        ]
    return _svg(len(rows) * ROW, label, drawn)


def stacked_chart(
    rows: Sequence[tuple[str, Sequence[tuple[str, str, int]], int]], label: str, words: Words
) -> Markup:
    """A bar for each (name, parts, sum); its parts are (name, CSS class, records), side by side."""
    most = max([1, *(number for _, _, number in rows)])
    drawn: list[Markup] = []
    for index, (name, parts, whole) in enumerate(rows):
        top, x = index * ROW, float(LABEL)
        drawn.append(_text(0, top + 14, name))
        for part, class_, number in parts:
            width = max(number / most * (WIDTH - LABEL - 48), 1.5) if number else 0
            title = f"{name}, {words(f'kind_{part}')}: {words.number(number)}"
            drawn += [_rect((x, top + 4, width, 13), class_, title)] if number else []
            x += width
        drawn.append(_text(x + 6, top + 14, words.number(whole), "muted"))
    return _svg(len(rows) * ROW, label, drawn)


def histogram_chart(
    bins: list[dict[str, Any]], marks: Iterable[Mark], label: str, words: Words
) -> Markup:
    """Bars over bins that are drawn equally wide; each limit is a line at its value.

    A limit beyond the bins is drawn at the end of a broken axis.
    """
    height, base, top = 190, 160, 26
    placed = [(_slot(value, bins), name) for value, name in marks]
    room = max([len(bins), *(math.ceil(at) for at, _ in placed if at != BEYOND)])
    before = GAP if any(at < 0 for at, _ in placed) else 0
    after = GAP if any(at == BEYOND for at, _ in placed) else 0
    step, most = WIDTH / max(room + before + after, 6), max(bin_["records"] for bin_ in bins)
    left, right = before * step, (before + room) * step
    drawn = [_axis(left, right if after else WIDTH, base)]
    for index, bin_ in enumerate(bins):
        tall = bin_["records"] / most * (base - top)
        tall = max(tall, 1.5) if bin_["records"] else 0
        title = f"{span(bin_, words)}: {words.number(bin_['records'])}"
        drawn.append(_rect((left + index * step + 1, base - tall, step - 2, tall), "kept", title))
    drawn += _ticks(bins, left, step, base, words)
    drawn += [_break(0, left, base)] if before else []
    drawn += [_break(right, WIDTH, base)] if after else []
    for at, name in placed:
        x = 2.0 if at < 0 else min(left + at * step, WIDTH - 2.0)
        drawn += _mark(x, base, name)
    return _svg(height, label, drawn)


def _axis(x1: float, x2: float, y: float) -> Markup:
    return el("line", x1=_short(x1), x2=_short(x2), y1=_short(y), y2=_short(y), class_="axis")


def _break(x1: float, x2: float, y: float) -> Markup:
    """The dashed part of an axis, which is not to scale."""
    place = {"x1": _short(x1), "x2": _short(x2), "y1": _short(y), "y2": _short(y)}
    return el("line", **place, class_="axis", stroke_dasharray="3 5")


def span(bin_: dict[str, Any], words: Words) -> str:
    """A bin as text: `90 – < 128`, `≥ 262,144`, or `4` if it holds one whole number."""
    low, high = bin_["from"], bin_["to"]
    if high is None:
        return f"≥ {words.measure(low)}"
    if isinstance(low, int) and high == low + 1:
        return words.measure(low)
    return f"{words.measure(low)} – < {words.measure(high)}"


def _slot(value: float, bins: list[dict[str, Any]]) -> float:
    """Position of a value in bins from the left: below 0 before the first, `BEYOND` far past.

    Past the last of doubling bins, two bins stand for one doubling.
    """
    edges = [bin_["from"] for bin_ in bins] + [bin_["to"] for bin_ in bins[-1:] if bin_["to"]]
    if value < edges[0]:
        return -1.0
    for index, (low, high) in enumerate(pairwise(edges)):
        if low <= value <= high:
            return float(index + (value - low) / (high - low))
    past = 2 * math.log2(value / edges[-1]) if _doubling(bins) else BEYOND
    return len(edges) - 1 + past if past <= len(bins) + 4 else BEYOND


def _ticks(
    bins: list[dict[str, Any]], left: float, step: float, base: float, words: Words
) -> Iterator[Markup]:
    """Labels of the lower ends of as many bins as have room.

    For doubling bins, only the powers of two are labelled.
    """
    starts = [
        index for index, bin_ in enumerate(bins) if not _doubling(bins) or _is_power(bin_["from"])
    ] or [0]
    widest = max(len(words.measure(bins[index]["from"])) for index in starts) * 7.5 + 6
    free = -1.0
    for index in starts:
        x = left + index * step + 1
        if x >= free and x < WIDTH - 30:
            free = x + widest
            yield _text(x, base + 16, words.measure(bins[index]["from"]), "muted")


def _doubling(bins: list[dict[str, Any]]) -> bool:
    """Whether the bins grow (two of them per doubling) instead of being equally wide."""
    first, last = bins[0], bins[-1]
    if last["to"] is None:
        return len(bins) > 1
    return bool(last["to"] - last["from"] > 1.5 * (first["to"] - first["from"]))


def _is_power(number: float) -> bool:
    return number == int(number) and int(number).bit_count() == 1


def _mark(x: float, base: float, label: str) -> list[Markup]:
    anchor, shift = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    line = {"x1": _short(x), "x2": _short(x), "y1": "6", "y2": _short(base), "class_": "cap"}
    return [el("line", **line), _text(x + shift, 15, label, "cap-label", anchor)]
