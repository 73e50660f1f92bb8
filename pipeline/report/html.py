"""The report as one HTML page: no script, no network, every text from data escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.report.contaminated import contamination_section
from pipeline.report.drift import drift_section
from pipeline.report.evidence import gate_section, provenance_section
from pipeline.report.first import first_screen
from pipeline.report.lengths import scores_section, target_sections
from pipeline.report.markup import Markup, el
from pipeline.report.samples import (
    changes_section,
    contradictions_section,
    duplicates_section,
    hostile_section,
    images_section,
    near_section,
    reasons_section,
)
from pipeline.report.sections import flow_section, languages_section, sources_section
from pipeline.report.style import page_head
from pipeline.report.words import Words

Section = Callable[[dict[str, Any], Words], Markup]
SECTIONS: tuple[tuple[str, str, Section], ...] = (
    ("flow", "flow", flow_section),
    ("reasons", "reasons", reasons_section),
    ("hostile", "hostile", hostile_section),
    ("near", "near", near_section),
    ("lengths", "targets", target_sections),
    ("scores", "scores", scores_section),
    ("languages", "languages", languages_section),
    ("sources", "sources", sources_section),
    ("duplicates", "duplicates", duplicates_section),
    ("contradictions", "contradictions", contradictions_section),
    ("contamination", "contamination", contamination_section),
    ("changes", "changes", changes_section),
    ("images", "images", images_section),
    ("gate", "gate", gate_section),
    ("drift", "drift", drift_section),
    ("provenance", "provenance", provenance_section),
)


def render_page(summary: dict[str, Any], language: str = "en") -> str:
    """The whole page for a report's summary; `language` is that of the page's own words."""
    words = Words(language)
    head = page_head(f"{summary['name']} · {words('title')}")
    body = el(
        "body",
        el("a", words("skip"), href="#flow", class_="skip"),
        first_screen(summary, _contents(words), words),
        _main(summary, words),
        el("footer", el("p", words(f"footer_{summary['samples']}"))),
    )
    return "<!doctype html>\n" + el("html", head, body, lang=language) + "\n"


def _main(summary: dict[str, Any], words: Words) -> Markup:
    return el(
        "main",
        *(
            el("section", el("h2", words(title)), section(summary, words), id=anchor)
            for anchor, title, section in SECTIONS
        ),
    )


def _contents(words: Words) -> Markup:
    links = (el("li", el("a", words(title), href=f"#{anchor}")) for anchor, title, _ in SECTIONS)
    return el("nav", el("ul", *links), aria_label=words("contents"))
