"""The report's sections, one for each question that the data raises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.report_charts import PARTS, flow_chart, language_chart, token_chart
from pipeline.report_markup import Markup, data, el, join
from pipeline.report_words import Words

Row = Iterable[Any]
Heads = Sequence[tuple[str, str | None]]
MEASURES = ("min", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "max")


def table(label: str, heads: Heads, rows: Iterable[Row]) -> Markup:
    """A table that scrolls sideways by itself; a head is its word and its column's class."""
    head = el("tr", *(el("th", word, scope="col", class_=kind) for word, kind in heads))
    body = (
        el("tr", *(el("td", cell, class_=kind) for cell, (_, kind) in zip(row, heads, strict=True)))
        for row in rows
    )
    inner = el("table", el("thead", head), el("tbody", *body))
    return el("div", inner, class_="scroll", role="region", tabindex="0", aria_label=label)


def lead(text: str) -> Markup:
    """A section's first sentence."""
    return el("p", text, class_="lead")


def pair(chart: Markup, beside: Markup) -> Markup:
    """A chart and its table side by side, or one below the other on a phone."""
    return el("div", el("div", chart), el("div", beside), class_="pair")


def flow_section(summary: dict[str, Any], words: Words) -> Markup:
    """What each stage did with the records."""
    counts = ("came", *PARTS)
    heads: list[tuple[str, str | None]] = [(words("stage"), "name")]
    heads += [(words(name), "num") for name in (*counts, "chunks")]
    rows = (
        [data(stage["stage"]), *(words.number(stage[name]) for name in (*counts, "chunks"))]
        for stage in summary["stages"]
    )
    keys = (el("span", words(part), class_=f"key key-{part}") for part in PARTS)
    legend = el("p", *keys, class_="note legend")
    chart = join([flow_chart(summary["stages"], words), legend])
    return join([lead(words("flow_lead")), pair(chart, table(words("flow"), heads, rows))])


def reasons_section(summary: dict[str, Any], words: Words) -> Markup:
    """Each reason with its count, its meaning and a few places."""
    reasons = summary["reasons"]
    if not reasons["total"]:
        return lead(words("no_reasons"))
    shown = [_reason(reason, words) for reason in reasons["shown"]]
    return join([lead(words("reasons_lead")), *shown, _more(reasons, words)])


def _more(listed: dict[str, Any], words: Words) -> Markup:
    hidden = listed["total"] - len(listed["shown"])
    return el("p", words("more", n=words.number(hidden)), class_="note") if hidden else Markup()


def _reason(reason: dict[str, Any], words: Words) -> Markup:
    kind = "key key-merged" if reason["merged"] else "key key-rejected"
    line = el(
        "summary",
        el("span", el("code", reason["reason"]), class_=kind),
        el("span", _meaning(reason), class_="meaning"),
        el("span", words.number(reason["records"]), class_="count"),
    )
    return el("details", line, el("div", _samples(reason, words)))


Column = tuple[str, str, str | None]
PLACE: tuple[Column, ...] = (("source", "source", "place"), ("locator", "place", None))
EVIDENCE: tuple[Column, ...] = (
    ("value", "value", None),
    ("threshold", "threshold", None),
    ("merged_into", "merged_into", "mono"),
)
"""Columns of a sample (key, word, class) that are shown where any of them says something."""


def _samples(reason: dict[str, Any], words: Words) -> Markup:
    samples = reason["samples"]
    told = [one for one in EVIDENCE if any(sample[one[0]] is not None for sample in samples)]
    columns = [*PLACE, *told]
    heads = [(words(word), kind) for _, word, kind in columns]
    rows = ([data(sample[key]) for key, _, _ in columns] for sample in samples)
    return table(reason["reason"], heads, rows)


def _meaning(reason: dict[str, Any]) -> Markup:
    stage = el("span", data(reason["stage"]), class_="note")
    if not reason["meaning"]:
        return stage
    return join([el("span", reason["meaning"], lang="en"), " ", stage])


def target_sections(summary: dict[str, Any], words: Words) -> Markup:
    """Lengths, turns and limits of each target."""
    targets = summary["targets"].items()
    return join([lead(words("lengths_lead")), *(_target(n, t, words) for n, t in targets)])


def _target(name: str, target: dict[str, Any], words: Words) -> Markup:
    measured, tokens = target["measured"], target["measured"]["tokens"]
    cap = next((one["allowed"] for one in target["limits"] if one["limit"] == "tokens_max"), None)
    heads: list[tuple[str, str | None]] = [(words("measure"), None)]
    columns = {
        words("tokens"): tokens,
        words("line_bytes"): measured["line_bytes"],
        words("turns"): measured["turns"],
    }
    heads += [(column, "num") for column in columns]
    rows = ([one, *(words.number(told[one]) for told in columns.values())] for one in MEASURES)
    spread = table(f"{words('lengths')}: {name}", heads, rows)
    has_bins = bool(tokens["histogram"])
    shown = pair(token_chart(tokens["histogram"], cap, words), spread) if has_bins else spread
    after = (_losses(target, words), _limits(target, words))
    return el("article", el("h3", data(name)), _life(target, words), shown, *after)


def _life(target: dict[str, Any], words: Words) -> Markup:
    if not target["model"]:
        return Markup()
    told = [target["model"]]
    if target["lifecycle"]:
        told.append(f"{words('lifecycle')}: {target['lifecycle']}")
    if target["card_date"]:
        told.append(words("card_date", date=target["card_date"]))
    return el("p", data(" · ".join(told)), class_="note")


def _losses(target: dict[str, Any], words: Words) -> Markup:
    """What the format could not say as the records do."""
    if not target["losses"]:
        return Markup()
    rows = (
        el("li", f"{words.number(loss['records'])} × ", el("span", data(loss["means"]), lang="en"))
        for loss in target["losses"]
    )
    return el("div", el("p", words("losses"), class_="note"), el("ul", *rows))


def _limits(target: dict[str, Any], words: Words) -> Markup:
    if not target["limits"]:
        return Markup()
    heads = [
        (words("limit"), "name"),
        ("", "word"),
        (words("seen"), "num"),
        (words("allowed"), "num"),
        (words("confidence"), "word"),
    ]
    rows = (
        [
            el("code", one["limit"]),
            _met(one, words),
            words.measure(one["seen"]),
            data(words.measure(one["allowed"])),
            data(" ".join(str(one[key]) for key in ("confidence", "date") if one[key])),
        ]
        for one in target["limits"]
    )
    return table(words("limits"), heads, rows)


def _met(limit: dict[str, Any], words: Words) -> Markup:
    if limit["met"] is None:
        return Markup()
    if not limit["met"] and limit["limit"] == "records_recommended":
        return el("span", words("recommended"))
    key, kind = ("met", "good") if limit["met"] else ("broken", "bad")
    return el("span", words(key), class_=kind)


def languages_section(summary: dict[str, Any], words: Words) -> Markup:
    """Languages as bars and in numbers."""
    languages = summary["languages"]
    if not languages["records"]:
        return lead(words("languages_lead"))
    heads = [(words("language"), None), (words("records"), "num"), (words("share"), "num")]
    shown = [(one["language"], one["records"]) for one in languages["shown"]]
    if languages["others"]:
        shown.append((words("others"), languages["others"]))
    rows = (
        [data(name), words.number(count), words.percent(count, languages["records"])]
        for name, count in shown
    )
    beside = table(words("languages"), heads, rows)
    return join([lead(words("languages_lead")), pair(language_chart(languages, words), beside)])


def sources_section(summary: dict[str, Any], words: Words) -> Markup:
    """The sources that gave the most records, and what became of them."""
    sources, ends = summary["sources"], ("records", "kept", "rejected", "merged")
    heads: list[tuple[str, str | None]] = [(words("source"), "place")]
    heads += [(words(name), "num") for name in ends]
    rows = (
        [data(one["source"]), *(words.number(one[name]) for name in ends)]
        for one in sources["shown"]
    )
    counted = {"shown": len(sources["shown"]), "total": words.number(sources["total"])}
    told = lead(words("sources_lead", **counted))
    return join([told, table(words("sources"), heads, rows)])


def duplicates_section(summary: dict[str, Any], words: Words) -> Markup:
    """The largest groups of duplicates."""
    told = summary["duplicates"]
    if not told["merged"]:
        return lead(words("no_duplicates"))
    counted = {name: words.number(told[name]) for name in ("merged", "clusters")}
    heads = [(words("stands"), "place"), (words("place"), None), (words("copies"), "num")]
    rows = (
        [
            join([data(one["source"]), " ", el("code", one["id"], class_="muted")]),
            data(one["locator"]),
            words.number(one["records"]),
        ]
        for one in told["largest"]
    )
    return join(
        [lead(words("duplicates_lead", **counted)), table(words("duplicates"), heads, rows)]
    )
