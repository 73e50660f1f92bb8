"""The report as one HTML page: no script, no network, every text from data escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pipeline.report_evidence import gate_section, provenance_section
from pipeline.report_markup import Markup, data, el, join
from pipeline.report_sections import (
    duplicates_section,
    flow_section,
    languages_section,
    reasons_section,
    sources_section,
    target_sections,
)
from pipeline.report_style import STYLE
from pipeline.report_words import Words

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
Section = Callable[[dict[str, Any], Words], Markup]
SECTIONS: tuple[tuple[str, str, Section], ...] = (
    ("flow", "flow", flow_section),
    ("reasons", "reasons", reasons_section),
    ("lengths", "targets", target_sections),
    ("languages", "languages", languages_section),
    ("sources", "sources", sources_section),
    ("duplicates", "duplicates", duplicates_section),
    ("gate", "gate", gate_section),
    ("provenance", "provenance", provenance_section),
)
LANGUAGES_SHOWN = 6


def render_page(summary: dict[str, Any], language: str = "en") -> str:
    """The whole page of a report's summary, in the page's own words of `language`."""
    words = Words(language)
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{summary['name']} · {words('title')}"),
        el("style", Markup(STYLE)),
    )
    body = el("body", _first_screen(summary, words), _main(summary, words), _footer(words))
    return "<!doctype html>\n" + el("html", head, body, lang=language) + "\n"


def _main(summary: dict[str, Any], words: Words) -> Markup:
    return el(
        "main",
        *(
            el("section", el("h2", words(title)), section(summary, words), id=anchor)
            for anchor, title, section in SECTIONS
        ),
    )


def _footer(words: Words) -> Markup:
    return el("footer", el("p", words("footer")))


def _first_screen(summary: dict[str, Any], words: Words) -> Markup:
    """Verdict, what came and went, cost, languages, digest."""
    return el(
        "header",
        el("p", words("title"), class_="eyebrow"),
        el("h1", data(summary["name"])),
        _verdict(summary, words),
        el("div", *_cards(summary, words), class_="cards"),
        _figures(summary["records"], words),
        _facts(summary, words),
        _contents(words),
    )


def _verdict(summary: dict[str, Any], words: Words) -> Markup:
    targets = summary["targets"]
    ready = sum(target["ready"] and not _closed(target) for target in targets.values())
    key = "all_ready" if ready == len(targets) else "some_ready" if ready else "none_ready"
    mark = "✓" if summary["ready"] else "✗"
    class_ = "verdict good" if summary["ready"] else "verdict bad"
    counted = {"ready": words.number(ready), "all": words.number(len(targets))}
    said = words(key, **counted) if key == "some_ready" else words(key)
    closed = sorted({target["model"] for target in targets.values() if _closed(target)})
    if closed:
        said = f"{said}. {words('closed', models=', '.join(closed))}"
        class_ = "verdict warn" if summary["ready"] else class_
        mark = "!" if summary["ready"] else mark
    return el("p", el("strong", data(f"{mark} {said}")), class_=class_)


def _closed(target: dict[str, Any]) -> bool:
    """Whether Bedrock takes no new job for the target's model, however good the data is."""
    return target["lifecycle"] not in {None, "active"}


def _cards(summary: dict[str, Any], words: Words) -> Iterable[Markup]:
    return (_card(name, target, words) for name, target in summary["targets"].items())


def _card(name: str, target: dict[str, Any], words: Words) -> Markup:
    ready = target["ready"]
    word, kind = f"✗ {words('not_ready')}", "bad"
    if ready:
        word, kind = f"✓ {words('ready_short')}", "good"
        if _closed(target):
            word, kind = f"! {words('closed_short')}", "warn"
    model = [target[key] for key in ("model", "customization", "format") if target[key]]
    splits = (
        (words(split) if split in target["records"] else split, count)
        for split, count in target["records"].items()
    )
    records = " · ".join(f"{words.number(count)} {split}" for split, count in splits)
    tokens = words.number(sum(target["tokens"].values()))
    faults = [el("li", data(fault["message"]), lang="en") for fault in target["faults"]]
    facts = [
        (words("records"), records or words.number(0)),
        (words("tokens"), f"{tokens}, {words('tokens_note')}"),
        (words("cost"), _cost(target, words)),
    ]
    return el(
        "article",
        el("h2", data(name), el("span", word, class_=f"word {kind}")),
        el("p", data(" · ".join(model)), class_="note"),
        el("dl", *(pair for fact in facts for pair in _fact(*fact))),
        el("ul", *faults) if faults else "",
        class_={"good": "card", "warn": "card closed", "bad": "card broken"}[kind],
    )


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
    """What came in, what went, and what is left: read from left to right it adds up."""
    counted = {name: words.number(count) for name, count in records.items()}
    made = records["chunks"] - records["divided"]
    figures = {
        "came": counted["came"],
        "rejected": f"− {counted['rejected']}",
        "merged": f"− {counted['merged']}",
        "divided": f"{'+' if made >= 0 else '−'} {words.number(abs(made))}",
        "kept": f"= {counted['kept']}",
    }
    if not records["divided"]:
        del figures["divided"]
    return el(
        "dl",
        *(
            el(
                "div",
                el("dt", words(part), class_=f"key-{part}"),
                el("dd", figure),
                el("small", words(f"{part}_note", **counted)),
            )
            for part, figure in figures.items()
        ),
        class_="figures",
    )


def _facts(summary: dict[str, Any], words: Words) -> Markup:
    languages = summary["languages"]
    shown = languages["shown"][:LANGUAGES_SHOWN]
    shares = [
        f"{one['language']} {words.percent(one['records'], languages['records'])}" for one in shown
    ]
    rest = languages["records"] - sum(one["records"] for one in shown)
    if rest:
        shares.append(f"{words('others')} {words.percent(rest, languages['records'])}")
    gate = summary["gate"]
    facts = [
        (words("languages"), data(" · ".join(shares) or "–")),
        (words("gate"), _held(gate, words)),
        (words("run"), el("code", summary["run"])),
        (words("version"), f"bedrock-prep {summary['version']}"),
    ]
    return el("dl", *(pair for fact in facts for pair in _fact(*fact)), class_="facts")


def _held(gate: dict[str, Any] | None, words: Words) -> Markup:
    if gate is None:
        return el("span", words("gate_none"), class_="muted")
    passed = sum(check["passed"] for check in gate["checks"])
    counted = words("of", n=words.number(passed), all=words.number(len(gate["checks"])))
    key, mark, kind = (
        ("gate_passed", "✓", "good") if gate["passed"] else ("gate_failed", "✗", "bad")
    )
    return join([el("strong", f"{mark} {words(key)}", class_=kind), f" · {counted}"])


def _contents(words: Words) -> Markup:
    links = (el("li", el("a", words(title), href=f"#{anchor}")) for anchor, title, _ in SECTIONS)
    return el("nav", el("ul", *links), aria_label=words("contents"))
