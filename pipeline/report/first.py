"""The report's first screen, for whoever approves: ready or not, what was lost, the cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.report.charts import waterfall_chart
from pipeline.report.drift import drift_at_a_glance
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.sections import divided, language_rows, leg_name
from pipeline.report.words import Words

LANGUAGES_SHOWN = 6
LEGS_SHOWN = 3


def first_screen(summary: dict[str, Any], contents: Markup, words: Words) -> Markup:
    """Verdict, targets with their cost, record counts, languages, split, drift, digest."""
    return el(
        "header",
        el("p", words("title"), class_="eyebrow"),
        el("h1", data(summary["name"])),
        _verdict(summary, words),
        el("div", *_cards(summary, words), class_="cards"),
        _figures(summary["records"], words),
        el("div", _losses(summary, words), _facts(summary, words), class_="glance"),
        contents,
    )


def _losses(summary: dict[str, Any], words: Words) -> Markup:
    """The waterfall of the records, and those of chunks and targets that lost records."""
    legs = summary["waterfall"]
    shown = legs[:1] + [leg for leg in legs[1:] if leg["steps"]]
    drawn = [
        join(
            [
                el("h3", data(leg_name(leg, words))) if number else "",
                waterfall_chart(leg, f"{words('at_a_glance')}: {leg_name(leg, words)}", words),
                divided(leg, words),
            ]
        )
        for number, leg in enumerate(shown[:LEGS_SHOWN])
    ]
    title = el("h2", words("at_a_glance"), class_="plain")
    more = el("p", el("a", words("flow"), href="#flow"), class_="note")
    return el("div", title, *drawn, more)


def _verdict(summary: dict[str, Any], words: Words) -> Markup:
    verdict, targets = summary["verdict"], summary["targets"].values()
    key = (
        "all_ready"
        if verdict["open"] == verdict["all"]
        else "some_ready"
        if verdict["open"]
        else ""
    )
    sentence = words(
        key or "none_ready", ready=words.number(verdict["open"]), all=words.number(verdict["all"])
    )
    mark, kind = ("✓", "good") if summary["ready"] else ("✗", "bad")
    closed = sorted({target["model"] for target in targets if target["closed"]})
    if closed:
        sentence = f"{sentence}. {words('closed', models=', '.join(closed))}"
        mark, kind = ("!", "warn") if summary["ready"] else (mark, kind)
    return el("p", el("strong", data(f"{mark} {sentence}")), class_=f"verdict {kind}")


def _cards(summary: dict[str, Any], words: Words) -> Iterable[Markup]:
    return (_card(name, target, words) for name, target in summary["targets"].items())


def _card(name: str, target: dict[str, Any], words: Words) -> Markup:
    word, kind = f"✗ {words('not_ready')}", "bad"
    if target["ready"] and target["closed"]:
        word, kind = f"! {words('closed_short')}", "warn"
    elif target["ready"]:
        word, kind = f"✓ {words('ready_short')}", "good"
    model = [target[key] for key in ("model", "customization", "format") if target[key]]
    records = " · ".join(
        f"{words.number(count)} {words(split)}" for split, count in target["records"].items()
    )
    tokens = f"{words.number(target['tokens_total'])}, {words('tokens_note')}"
    facts = [(words("records"), records or words.number(0)), (words("tokens"), tokens)]
    facts += [(words("limits_short"), limits)] if (limits := _against(target, words)) else []
    facts.append((words("cost"), _cost(target, words)))
    faults = [el("li", _fault(fault, words)) for fault in target["faults"]]
    return el(
        "article",
        el("h2", data(name), " ", el("span", word, class_=f"word {kind}")),
        el("p", data(" · ".join(model)), class_="note"),
        el("dl", *(pair for fact in facts for pair in _fact(*fact))),
        el("ul", *faults) if faults else "",
        class_={"good": "card", "warn": "card closed", "bad": "card broken"}[kind],
    )


def _against(target: dict[str, Any], words: Words) -> str:
    """How close the data is to the two limits that matter most: records, and tokens per record."""
    limits = {limit["limit"]: limit for limit in target["limits"] if limit["seen"] is not None}
    records = limits.get("records_max") or limits.get("train_records_max")
    shown = (("most_records", records), ("most_tokens", limits.get("tokens_max")))
    return " · ".join(
        words(key, n=words.measure(limit["seen"]), cap=words.measure(limit["allowed"]))
        for key, limit in shown
        if limit is not None
    )


def _fault(fault: dict[str, Any], words: Words) -> Markup:
    """What is wrong with a target; the gate's faults are in the page's language."""
    about = words.translated(fault["rule"])
    if about is None:
        return el("span", data(fault["message"]), lang="en")
    seen, allowed = words.measure(fault["value"]), words.measure(fault["threshold"])
    if fault["records"] is None:
        return data(f"{about}: {words('not_allowed', seen=seen, allowed=allowed)}")
    return data(f"{about}: {words('counted', n=seen, all=words.number(fault['records']))}")


def _fact(name: str, value: Any) -> tuple[Markup, Markup]:
    return el("dt", name), el("dd", value)


def _cost(target: dict[str, Any], words: Words) -> Markup:
    cost = target["cost"]
    if cost is None:
        return el("span", words("no_card"), class_="muted")
    usd, item = cost.get("usd"), cost.get("item")
    amount = words("no_price") if usd is None else words("usd", amount=words.number(usd, 2))
    if cost.get("price") is None:
        return el("span", amount, class_="muted")
    note = words(
        "price_note",
        price=words("usd", amount=words.measure(cost["price"])),
        item=words(f"per_{item}") if item in PRICED else item or "",
        date=cost.get("date") or words("no_date"),
        confidence=cost.get("confidence") or "",
    )
    return join([el("strong", amount), " ", el("span", data(note), class_="note")])


PRICED = ("train_per_1k_tokens", "train_per_image", "train_hour")


def _figures(records: dict[str, int], words: Words) -> Markup:
    """What came in, what was removed, and what is left: an equation, read from left to right."""
    counted = {name: words.number(count) for name, count in records.items()}
    signs = {"came": "", "rejected": "− ", "merged": "− ", "divided": "− ", "chunks": "+ "}
    figures = {name: sign + counted[name] for name, sign in signs.items()}
    if not records["divided"]:
        del figures["divided"], figures["chunks"]
    figures["kept"] = f"= {counted['kept']}"
    return el(
        "dl",
        *(
            el(
                "div",
                el("dt", words(part), class_=f"key-{part}"),
                el("dd", figure, el("small", words(f"{part}_note"))),
            )
            for part, figure in figures.items()
        ),
        class_="figures",
    )


def _facts(summary: dict[str, Any], words: Words) -> Markup:
    shown = list(language_rows(summary["languages"], words))[:LANGUAGES_SHOWN]
    shares = " · ".join(f"{name} {words.per_cent(share, n)}" for name, n, share in shown)
    facts = [
        (words("languages"), data(shares or "–")),
        (words("split"), _certificate(summary["split"], words)),
        (words("gate"), _held(summary["gate"], words)),
        (words("drift"), drift_at_a_glance(summary["drift"], words)),
        (words("run"), el("code", summary["run"])),
        (words("version"), f"bedrock-prep {summary['version']}"),
    ]
    return el("dl", *(pair for fact in facts for pair in _fact(*fact)), class_="facts")


def _certificate(split: dict[str, Any], words: Words) -> Markup:
    """Whether any document is in two splits."""
    documents, torn = words.number(split["documents"]), words.number(split["in_two_splits"])
    if split["in_two_splits"]:
        sentence = words("split_bad", torn=torn, documents=documents)
        return el("span", f"✗ {sentence}", class_="bad")
    return join([el("strong", "✓ ", class_="good"), words("split_good", documents=documents)])


def _held(gate: dict[str, Any] | None, words: Words) -> Markup:
    if gate is None:
        return el("span", words("gate_none"), class_="muted")
    counted = words("of", n=words.number(gate["held"]), all=words.number(gate["asked"]))
    key, mark, kind = (
        ("gate_passed", "✓", "good") if gate["passed"] else ("gate_failed", "✗", "bad")
    )
    return join([el("strong", f"{mark} {words(key)}", class_=kind), f" · {counted}"])
