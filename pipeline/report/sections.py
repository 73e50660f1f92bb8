"""The report's sections with counts: what happened to the records, languages, sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.report.charts import share_chart, waterfall_chart
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.words import Words

Row = Iterable[Any]
Heads = Sequence[tuple[str, str | None]]
PARTS = ("kept", "divided", "merged", "rejected")


def table(label: str, heads: Heads, rows: Iterable[Row]) -> Markup:
    """A table that scrolls sideways by itself; a head is a word and its column's CSS class."""
    head = el("tr", *(_head(word, kind) for word, kind in heads))
    body = (
        el("tr", *(el("td", cell, class_=kind) for cell, (_, kind) in zip(row, heads, strict=True)))
        for row in rows
    )
    inner = el("table", el("thead", head), el("tbody", *body))
    return el("div", inner, class_="scroll", role="region", tabindex="0", aria_label=label)


def _head(word: str, kind: str | None) -> Markup:
    """A column's head; one without a word is a plain cell, so screen readers skip it."""
    return el("th", word, scope="col", class_=kind) if word else el("td", class_=kind)


def lead(text: str) -> Markup:
    """A section's first sentence."""
    return el("p", text, class_="lead")


def more(hidden: int, words: Words) -> Markup:
    """A note on how many entries of a list are not shown; nothing if all are."""
    return el("p", words("more", n=words.number(hidden)), class_="note") if hidden else Markup()


def pair(chart: Markup, beside: Markup) -> Markup:
    """A chart and its table side by side, or one below the other on a phone."""
    return el("div", el("div", chart), el("div", beside), class_="pair")


def folded(title: str, inside: Markup) -> Markup:
    """Content that is collapsed on the screen until opened, and always open in print."""
    return el("details", el("summary", title, class_="plain"), el("div", inside))


def leg_name(leg: dict[str, Any], words: Words) -> str:
    """The title of a leg of the waterfall."""
    return f"{words('target')}: {leg['target']}" if leg["target"] else words(leg["of"])


def flow_section(summary: dict[str, Any], words: Words) -> Markup:
    """Every leg of the waterfall with its table, then what each stage did."""
    legs = (_leg(leg, words) for leg in summary["waterfall"])
    counts = ("came", *PARTS, "chunks")
    heads: list[tuple[str, str | None]] = [(words("stage"), "name")]
    heads += [(words(name), "num") for name in counts]
    rows = (
        [data(stage["stage"]), *(words.number(stage[name]) for name in counts)]
        for stage in summary["stages"]
    )
    stages = join([lead(words("stages_lead")), table(words("stages"), heads, rows)])
    return join([lead(words("flow_lead")), *legs, folded(words("stages"), stages)])


def _leg(leg: dict[str, Any], words: Words) -> Markup:
    heads = [
        (words("stage"), "name"),
        (words("reason"), "name"),
        (words("records"), "num"),
        (words("share"), "num"),
        (words("left"), "num"),
    ]
    label = f"{words('flow_chart')}: {leg_name(leg, words)}"
    rows = [
        [
            data(step["stage"]),
            el("span", el("code", step["reason"]), class_=f"key key-{step['kind']}"),
            f"− {words.number(step['records'])}",
            words.per_cent(step["share"], step["records"]),
            words.number(step["after"]),
        ]
        for step in leg["steps"]
    ]
    came = ["", words("came"), words.number(leg["came"]), words.per_cent(100.0, leg["came"]), ""]
    left = [
        "",
        el("strong", words("left")),
        el("strong", f"= {words.number(leg['left'])}"),
        el("strong", words.per_cent(leg["share"], leg["left"])),
        "",
    ]
    steps_table = table(label, heads, [came, *rows, left])
    return el(
        "div",
        el("h3", data(leg_name(leg, words))),
        pair(waterfall_chart(leg, label, words), join([steps_table, divided(leg, words)])),
    )


def divided(leg: dict[str, Any], words: Words) -> Markup:
    """A note on how many chunks the divided records of a leg became; nothing if none did."""
    if not leg["divided"]:
        return Markup()
    counted = {name: words.number(leg[name]) for name in ("divided", "chunks")}
    return el("p", words("became", **counted), class_="note")


def language_rows(languages: dict[str, Any], words: Words) -> Iterator[tuple[str, int, float]]:
    """Name, records and share of each language; those that are not listed come as one row."""
    for language in languages["shown"]:
        name = words("undetermined") if language["language"] == "und" else language["language"]
        yield name, language["records"], language["share"]
    if languages["others"]:
        yield words("others"), languages["others"], languages["others_share"]


def languages_section(summary: dict[str, Any], words: Words) -> Markup:
    """The languages as a bar chart and as a table."""
    languages = summary["languages"]
    if not languages["records"]:
        return lead(words("languages_lead"))
    heads = [(words("language"), None), (words("records"), "num"), (words("share"), "num")]
    shown = list(language_rows(languages, words))
    rows = ([data(name), words.number(n), words.per_cent(share, n)] for name, n, share in shown)
    beside = table(words("languages"), heads, rows)
    chart = share_chart(shown, words("languages"), words)
    return join([lead(words("languages_lead")), pair(chart, beside)])


def sources_section(summary: dict[str, Any], words: Words) -> Markup:
    """The sources with the most records, and what happened to these."""
    sources, ends = summary["sources"], ("records", "kept", "rejected", "merged")
    heads: list[tuple[str, str | None]] = [(words("source"), "place")]
    heads += [(words(name), "num") for name in ends]
    rows = (
        [data(source["source"]), *(words.number(source[name]) for name in ends)]
        for source in sources["shown"]
    )
    counted = {name: words.number(sources[name]) for name in ("listed", "total")}
    lead_text = lead(words("sources_lead", **counted))
    return join([lead_text, table(words("sources"), heads, rows)])
