"""A comparison of two runs as one HTML page: no script, no network, all data escaped."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.diff import Diff
from pipeline.diff.decisions import Flip
from pipeline.diff.told import SIGNS, evidence, reading, told_change
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.style import page_head


def render_diff(diff: Diff, name: str) -> str:
    """The whole page; `name` is the recipe's name."""
    head = page_head(f"{name} · what changed")
    top = el(
        "header",
        el("p", "What changed between two runs", class_="eyebrow"),
        el("h1", data(name)),
        el("p", el("code", diff.before), " → ", el("code", diff.after)),
        _verdict(diff),
    )
    sections = (_drift(diff), _made(diff), _decisions(diff), _sources(diff))
    body = el("body", top, el("main", *sections))
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def _verdict(diff: Diff) -> Markup:
    if diff.same:
        return el("p", "Same sources, same recipe, same decisions.", class_="verdict good")
    decisions = diff.decisions
    sentence = (
        f"{diff.sources.total:,} sources and {diff.made.total:,} settings differ; "
        f"{decisions.total:,} of {decisions.both:,} records were decided differently."
    )
    return el("p", sentence, class_="verdict")


def _section(title: str, *children: Markup) -> Markup:
    return el("section", el("h2", title), *children)


def _table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> Markup:
    head = el("thead", el("tr", *(el("th", heading, scope="col") for heading in headings)))
    body = (el("tr", *(el("td", data(cell)) for cell in row)) for row in rows)
    return el("div", el("table", head, el("tbody", *body)), class_="scroll", tabindex="0")


def _drift(diff: Diff) -> Markup:
    drift = diff.drift
    lines = (
        (name, f"{target.records_before:,}", f"{target.records_after:,}", reading(target.tokens),
         reading(target.languages))
        for name, target in drift.targets.items()
    )  # fmt: skip
    shares = (
        f"Share of records rejected {drift.rejected:+.2%}, merged {drift.merged:+.2%}; "
        f"sources removed {drift.sources_removed:.2%}."
    )
    about = "Population stability index: below 0.1 stable, above 0.25 another population."
    headings = ("target", "records before", "after", "lengths", "languages")
    return _section(
        "Drift", el("p", shares), _table(headings, lines), el("p", about, class_="note")
    )


def _made(diff: Diff) -> Markup:
    changes = (*diff.made.recipe, *diff.made.versions, *diff.made.cards)
    if not changes:
        return _section("Recipe, versions, model limits", el("p", "No difference."))
    lines = el("ul", *(el("li", el("code", data(told_change(change)))) for change in changes))
    return _section("Recipe, versions, model limits", lines)


def _decisions(diff: Diff) -> Markup:
    decisions = diff.decisions
    counted = (
        f"{decisions.both:,} records are in both runs: {decisions.total:,} were decided "
        f"differently, {decisions.moved:,} went to another split."
    )
    return _section("Decisions", el("p", counted), *(_flip(flip) for flip in decisions.flips))


def _flip(flip: Flip) -> Markup:
    places = (
        (f"{sample['source']} {sample['locator'] or ''}", sample["id"], evidence(sample).strip())
        for sample in flip.samples
    )
    title = el("summary", f"{flip.records:,} × ", data(flip.before), " → ", data(flip.after))
    cause = el("p", "Because: ", data(flip.cause))
    return el("details", title, cause, _table(("source", "id", "evidence"), places))


def _sources(diff: Diff) -> Markup:
    sources = diff.sources
    lists = []
    for kind, sign in SIGNS.items():
        number, names = getattr(sources, kind), sources.shown[kind]
        if not number:
            continue
        more = [el("li", f"and {number - len(names):,} more")] if number > len(names) else []
        items = (el("li", el("code", data(f"{sign} {name}"))) for name in names)
        lists.append(el("h3", f"{number:,} {kind}") + el("ul", *items, *more))
    lists_text = join(Markup(one) for one in lists) if lists else el("p", "No difference.")
    return _section(f"Sources: {sources.before:,} → {sources.after:,}", lists_text)
