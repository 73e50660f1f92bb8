"""The report's sections with distributions: lengths and turns of targets, scores of stages."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts import histogram_chart, span
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.samples import sample_table
from pipeline.report.sections import folded, lead, pair, table
from pipeline.report.words import Words

MEASURES = ("min", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "max")
PERCENTS = ("min", "p1", "p25", "p50", "p75", "p99", "max")


def target_sections(summary: dict[str, Any], words: Words) -> Markup:
    """Lengths, turns and limits of each target."""
    targets = summary["targets"].items()
    return join(
        [lead(words("lengths_lead")), *(_target(name, target, words) for name, target in targets)]
    )


def _target(name: str, target: dict[str, Any], words: Words) -> Markup:
    measured, tokens = target["measured"], target["measured"]["tokens"]
    cap = next(
        (
            percentile["allowed"]
            for percentile in target["limits"]
            if percentile["limit"] == "tokens_max"
        ),
        None,
    )
    heads: list[tuple[str, str | None]] = [(words("measure"), None)]
    columns = {
        words("tokens"): tokens,
        words("line_bytes"): measured["line_bytes"],
        words("turns"): measured["turns"],
    }
    heads += [(column, "num") for column in columns]
    rows = (
        [percentile, *(words.number(spread_of[percentile]) for spread_of in columns.values())]
        for percentile in MEASURES
    )
    spread = table(f"{words('lengths')}: {name}", heads, rows)
    shown = spread
    if tokens["histogram"]:
        cap_text = words("no_limit") if cap is None else words.number(cap)
        marks = [] if cap is None else [(cap, f"{words('cap')} {cap_text}")]
        label = f"{name}: {words('lengths_chart', cap=cap_text)}"
        shown = pair(histogram_chart(tokens["histogram"], marks, label, words), spread)
    turns = _turns(name, measured["turns"]["histogram"], words)
    after = (
        bins_table(f"{name}, {words('tokens')}", tokens["histogram"], words),
        turns,
        _losses(target, words),
    )
    return el(
        "article",
        el("h3", data(name)),
        _life(target, words),
        shown,
        *after,
        _limits(name, target, words),
    )


def bins_table(name: str, bins: list[dict[str, Any]], words: Words) -> Markup:
    """A histogram's numbers as a collapsed table; nothing without bins."""
    if not bins:
        return Markup()
    heads = [(name, "num"), (words("records"), "num")]
    rows = ([span(bin_, words), words.number(bin_["records"])] for bin_ in bins)
    label = f"{words('bins')}: {name}"
    return folded(words("bins"), el("div", table(label, heads, rows), class_="narrow"))


def _turns(name: str, bins: list[dict[str, Any]], words: Words) -> Markup:
    """Chart and table of the turns per record; nothing if no record has turns."""
    if not bins or (len(bins) == 1 and bins[0]["from"] == 0):
        return Markup()
    label = f"{name}: {words('turns_chart')}"
    heads = [(words("turns"), "num"), (words("records"), "num")]
    rows = ([span(bin_, words), words.number(bin_["records"])] for bin_ in bins)
    return pair(histogram_chart(bins, [], label, words), table(label, heads, rows))


def _life(target: dict[str, Any], words: Words) -> Markup:
    if not target["model"]:
        return Markup()
    facts = [target["model"]]
    if target["lifecycle"]:
        facts.append(f"{words('lifecycle')}: {target['lifecycle']}")
    if target["card_date"]:
        facts.append(words("card_date", date=target["card_date"]))
    return el("p", data(" · ".join(facts)), class_="note")


def _losses(target: dict[str, Any], words: Words) -> Markup:
    """A list of what the format cannot express as the records do; nothing if it can."""
    if not target["losses"]:
        return Markup()
    rows = (
        el("li", f"{words.number(loss['records'])} × ", words.meaning(loss["name"], loss["means"]))
        for loss in target["losses"]
    )
    return el("div", el("p", words("losses"), class_="note"), el("ul", *rows))


def _limits(name: str, target: dict[str, Any], words: Words) -> Markup:
    if not target["limits"]:
        return Markup()
    heads = [
        (words("limit"), "name"),
        (words("held"), "word"),
        (words("seen"), "num"),
        (words("allowed"), "num"),
        (words("confidence"), "word"),
    ]
    rows = (
        [
            el("code", limit["limit"]),
            _met(limit, words),
            words.measure(limit["seen"]),
            data(words.measure(limit["allowed"])),
            data(" ".join(str(limit[key]) for key in ("confidence", "date") if limit[key])),
        ]
        for limit in target["limits"]
    )
    return table(f"{words('limits')}: {name}", heads, rows)


def _met(limit: dict[str, Any], words: Words) -> Markup:
    if limit["met"] is None:
        return el("span", words("not_measured"), class_="muted")
    if not limit["met"] and limit["limit"] == "records_recommended":
        return el("span", words("recommended"))
    key, kind = ("met", "good") if limit["met"] else ("broken", "bad")
    return el("span", words(key), class_=kind)


def scores_section(summary: dict[str, Any], words: Words) -> Markup:
    """What stages measured on every record, with the bounds that the recipe sets."""
    scores = summary["scores"]
    if not scores:
        return lead(words("no_scores"))
    return join([lead(words("scores_lead")), *(_score(score, words) for score in scores)])


def _score(score: dict[str, Any], words: Words) -> Markup:
    name = f"{score['stage']} · {score['measure']}"
    bounds = [(bound["setting"], words.measure(bound["value"])) for bound in score["bounds"]]
    marks = [
        (bound["value"], f"{words(bound['side'])} {words.measure(bound['value'])}")
        for bound in score["bounds"]
    ]
    rows = [(words("records"), words.number(score["records"]))]
    rows += [(key, words.measure(score[key])) for key in PERCENTS]
    rows += [(f"{words('threshold')}: {setting}", value) for setting, value in bounds]
    beside = table(name, [(words("measure"), None), (score["measure"], "num")], rows)
    chart = histogram_chart(score["histogram"], marks, f"{name}: {words('histogram')}", words)
    bins = bins_table(name, score["histogram"], words)
    near = [_nearest(bound, words) for bound in score["bounds"] if bound["nearest"]]
    return el("article", el("h3", data(name)), pair(chart, beside), *near, bins)


def _nearest(bound: dict[str, Any], words: Words) -> Markup:
    """A collapsed table of the records that a bound only just let through."""
    title = f"{words('nearest')}: {bound['setting']}"
    return folded(title, sample_table(title, bound["nearest"], words))
