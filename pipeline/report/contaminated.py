"""The report's contamination section: a chart with its table, then passages side by side."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts import stacked_chart
from pipeline.report.contamination import KINDS
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.samples import text_in_pieces
from pipeline.report.sections import lead, more, pair, table
from pipeline.report.words import Words

COLOURS = dict(zip(KINDS, ("rejected", "merged", "divided", "came"), strict=True))
NOTES = ("unread", "whole", "equal", "passed", "common")


def contamination_section(summary: dict[str, Any], words: Words) -> Markup:
    """How many records repeat items of each evaluation set, and a few of them beside the item."""
    contamination = summary["contamination"]
    if not contamination["sets"]:
        return lead(words("no_evaluation"))
    counted = {name: words.number(contamination[name]) for name in ("records", "items")}
    title = words(
        "contamination_lead" if contamination["records"] else "no_contamination", **counted
    )
    label = words("contamination_chart")
    rows = [
        (entry["set"], [(k, COLOURS[k], entry["kinds"][k]) for k in KINDS], entry["records"])
        for entry in contamination["shown"]
    ]
    chart = stacked_chart(rows, label, words)
    return join(
        [
            lead(title),
            pair(chart, _numbers(contamination["shown"], label, words)),
            more(contamination["hidden"], words),
            el("p", words("contamination_kinds"), class_="note"),
            *(_set(entry, words) for entry in contamination["shown"]),
        ]
    )


def _numbers(sets: list[dict[str, Any]], label: str, words: Words) -> Markup:
    heads: list[tuple[str, str | None]] = [
        (words("evaluation_set"), "name"),
        (words("items"), "num"),
    ]
    heads += [(words(f"kind_{kind}"), "num") for kind in KINDS]
    heads.append((words("records"), "num"))
    rows = (
        [
            data(entry["set"]),
            words.number(entry["items"]),
            *(words.number(entry["kinds"][kind]) for kind in KINDS),
            el("strong", words.number(entry["records"])),
        ]
        for entry in sets
    )
    legend = (
        el("li", el("span", words(f"kind_{kind}"), class_=f"key key-{COLOURS[kind]}"))
        for kind in KINDS
    )
    return join([table(label, heads, rows), el("ul", *legend, class_="legend plain")])


def _set(entry: dict[str, Any], words: Words) -> Markup:
    notes = [
        words(f"evaluation_{name}", n=words.number(entry[name])) for name in NOTES if entry[name]
    ]
    if not (notes or entry["samples"]):
        return Markup()
    shown = (_sample(sample, words) for sample in entry["samples"])
    note = el("p", " ".join(notes), class_="note") if notes else Markup()
    return join([el("h3", data(entry["set"])), note, *shown])


def _sample(sample: dict[str, Any], words: Words) -> Markup:
    line = el(
        "summary",
        el("span", words(f"kind_{sample['kind']}"), class_=f"key key-{COLOURS[sample['kind']]}"),
        el("span", _place(sample, ""), class_="meaning"),
        el("span", words.per_cent(sample["share"], 1), class_="count"),
    )
    note_text = words("in_a_row", n=words.measure(sample["words"]))
    if sample["items"] > 1:
        note_text += " " + words("items_met", n=words.number(sample["items"]))
    note = el("p", el("code", sample["id"]), " ", note_text, class_="note")
    return el("details", line, el("div", note, _sides(sample, words)))


def _sides(sample: dict[str, Any], words: Words) -> Markup:
    if sample["pieces"] is None or sample["item_pieces"] is None:
        return el("p", words("no_samples"), class_="note")
    sides = (
        el(
            "div",
            el("p", words(word), ": ", _place(sample, side), class_="head"),
            text_in_pieces(pieces),
        )
        for word, side, pieces in (
            ("the_item", "item_", sample["item_pieces"]),
            ("the_record", "", sample["pieces"]),
        )
    )
    label = words("side_by_side")
    return el("div", *sides, class_="sides", role="group", aria_label=label)


def _place(sample: dict[str, Any], side: str) -> Markup:
    place = [sample[f"{side}source"], sample[f"{side}locator"]]
    return data(" ".join(filter(None, place)))
