"""The report's charts: inline SVG, legible at 340 pixels, each said again in words by a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from pipeline.report_markup import Markup, el, join, visible
from pipeline.report_words import Words

WIDTH = 400
ROW = 38
PARTS = ("kept", "divided", "merged", "rejected")
LABEL_LENGTH = 30


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
    shown = shown if len(shown) <= LABEL_LENGTH else shown[: LABEL_LENGTH - 1] + "…"
    return el("text", shown, x=_short(x), y=_short(y), class_=class_, text_anchor=anchor)


def flow_chart(stages: list[dict[str, Any]], words: Words) -> Markup:
    """A bar for each stage, as long as what came in, parted into what became of it."""
    most = max([1, *(stage["came"] for stage in stages)])
    rows = (_flow_row(stage, index * ROW, most, words) for index, stage in enumerate(stages))
    return _svg(len(stages) * ROW, words("flow_chart"), rows)


def _flow_row(stage: dict[str, Any], top: float, most: int, words: Words) -> Markup:
    name = stage["stage"].replace("targets.", "→ ")
    lost = stage["came"] - stage["kept"] - stage["divided"]
    told = words.number(stage["came"]) + (f" − {words.number(lost)}" if lost else "")
    return join(
        [
            _text(0, top + 13, name),
            _text(WIDTH, top + 13, told, "muted", "end"),
            *_parts(stage, top + 19, most, words),
        ]
    )


def _parts(stage: dict[str, Any], top: float, most: int, words: Words) -> Iterator[Markup]:
    x, scale = 0.0, WIDTH / most
    for part in PARTS:
        if stage[part]:
            width = max(stage[part] * scale, 1.5)  # a single record among a million is still seen
            x = min(x, WIDTH - width)
            title = f"{words(part)}: {words.number(stage[part])}"
            yield _rect((x, top, width, 11), part, title)
            x += width


def language_chart(languages: dict[str, Any], words: Words) -> Markup:
    """A bar for each language, the longest for the largest."""
    rows = list(languages["shown"])
    if languages["others"]:
        rows.append({"language": words("others"), "records": languages["others"]})
    most = max([1, *(row["records"] for row in rows)])
    drawn = []
    for index, row in enumerate(rows):
        top, width = index * 24, max(row["records"] / most * (WIDTH - 130), 1.5)
        share = words.percent(row["records"], languages["records"])
        title = f"{row['language']}: {words.number(row['records'])}"
        drawn += [
            _text(0, top + 14, row["language"][:9]),
            _rect((64, top + 4, width, 13), "kept", title),
            _text(64 + width + 6, top + 14, share, "muted"),
        ]
    return _svg(len(rows) * 24, words("languages"), drawn)


def token_chart(bins: list[dict[str, Any]], cap: int | None, words: Words) -> Markup:
    """Bars over bins of equal width on a scale that doubles every two; the limit is a line."""
    height, base, top = 190, 160, 26
    ends = [one["from"] for one in bins]
    slots = len(bins)
    at = None if cap is None else _slot(cap, ends, bins[-1]["to"])
    room = max(slots, math.ceil(at or 0) + 1)
    step = WIDTH / max(room, 6)
    most = max(one["records"] for one in bins)
    drawn = [_axis(base)]
    for index, one in enumerate(bins):
        tall = one["records"] / most * (base - top)
        tall = max(tall, 1.5) if one["records"] else 0
        end = "∞" if one["to"] is None else words.number(one["to"] - 1)
        title = f"{words.number(one['from'])}–{end}: {words.number(one['records'])}"
        drawn.append(_rect((index * step + 1, base - tall, step - 2, tall), "kept", title))
    drawn += _ticks(bins, step, base, words)
    if at is not None and cap is not None:
        drawn += _cap_line(at * step, base, f"{words('cap')} {words.number(cap)}")
    label = words("lengths_chart", cap=words("no_limit") if cap is None else words.number(cap))
    return _svg(height, label, drawn)


def _slot(cap: int, ends: list[int], last: int | None) -> float:
    """Where a limit stands, in bins from the left; past the last bin two bins are a doubling."""
    edges = [*ends, last] if last is not None else ends
    for index, (low, high) in enumerate(pairwise(edges)):
        if low <= cap < high:
            return index + (cap - low) / (high - low)
    if cap < edges[0]:
        return 0.0
    return len(edges) - 1 + 2 * math.log2(max(cap / max(edges[-1], 1), 1))


def _axis(base: float) -> Markup:
    return el("line", x1="0", x2=str(WIDTH), y1=_short(base), y2=_short(base), class_="axis")


def _ticks(bins: list[dict[str, Any]], step: float, base: float, words: Words) -> Iterator[Markup]:
    """The lower ends of some bins, powers of two, as many as have room."""
    powers = [index for index, one in enumerate(bins) if one["from"].bit_count() == 1]
    every = max(1, math.ceil(26 / step))
    for index in powers[::every]:
        if index * step < WIDTH - 40:
            yield _text(index * step + 1, base + 16, words.number(bins[index]["from"]), "muted")


def _cap_line(x: float, base: float, label: str) -> list[Markup]:
    anchor, shift = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    line = {"x1": _short(x), "x2": _short(x), "y1": "6", "y2": _short(base), "class_": "cap"}
    return [el("line", **line), _text(x + shift, 15, label, "cap-label", anchor)]
