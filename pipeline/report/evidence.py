"""The report's evidence: the gate's checks, and what the run was made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.gate.gate import stops
from pipeline.gate.suite import ALL_TARGETS
from pipeline.report.markup import Markup, data, el, join
from pipeline.report.sections import lead, table
from pipeline.report.words import Words


def gate_section(summary: dict[str, Any], words: Words) -> Markup:
    """What the quality gate checked the data against, failed checks first."""
    gate = summary["gate"]
    if gate is None:
        return lead(words("gate_none"))
    heads = [
        (words("check"), "name"),
        (words("held"), "word"),
        (words("target"), "word"),
        (words("bounds"), "asked"),
        (words("observed"), "num"),
    ]
    checks = sorted(gate["checks"], key=lambda check: check["passed"])
    rows = (_check(check, words) for check in checks)
    about = el("p", data(f"{gate['engine']}. "), words("gate_about"), class_="lead")
    docs = el("p", words("no_data_docs"), class_="note")
    return join([about, table(words("gate"), heads, rows), *_failing(gate, words), docs])


def _check(check: dict[str, Any], words: Words) -> list[Any]:
    key, kind = ("met", "good") if check["passed"] else ("broken", "bad")
    if not stops(check) and not check["passed"]:
        key, kind = "warned", "warn"
    target = words("all_targets") if check["target"] == ALL_TARGETS else check["target"]
    name = [el("code", check["check"])]
    if check.get("own"):
        name.append(el("p", data(check["about"] or words("own_check")), class_="note"))
    seen = _seen(check, words)
    return [
        join(name),
        el("span", words(key), class_=kind),
        data(target),
        _bounds(check, words),
        seen,
    ]


def _seen(check: dict[str, Any], words: Words) -> Any:
    if check["observed"] is not None:
        return words.measure(check["observed"])
    if check["unexpected"] is None:
        return data(check.get("seen"))
    counted = {"n": words.number(check["unexpected"]), "all": words.number(check["records"])}
    return words("unexpected", **counted)


def _bounds(check: dict[str, Any], words: Words) -> Any:
    """The bounds of a check as text, such as `≤ 30`.

    An expectation of the recipe that has no bounds is shown as the recipe writes it.
    """
    low, high = check["bounds"]["min"], check["bounds"]["max"]
    if low is None and high is None:
        return el("code", check["asked"]) if check.get("own") else words("any_value")
    if low is None:
        return f"≤ {words.measure(high)}"
    if high is None:
        return f"≥ {words.measure(low)}"
    ends = f"{words.measure(low)} … {words.measure(high)}"
    return ends if low != high else f"= {words.measure(low)}"


def _failing(gate: dict[str, Any], words: Words) -> Iterable[Markup]:
    heads = [(words("source"), "place"), (words("place"), None), ("id", None)]
    for name, records in gate["failing"].items():
        rows = ([data(record[key]) for key in ("source", "locator", "id")] for record in records)
        title = el("span", words("failing"), ": ", el("code", name))
        line = el("summary", title, class_="plain")
        yield el("details", line, el("div", table(name, heads, rows)))


def provenance_section(summary: dict[str, Any], words: Words) -> Markup:
    """Facts about the run's input files, readers, splits and libraries, and its recipe."""
    provenance = summary["provenance"]
    libraries = " · ".join(f"{name} {version}" for name, version in provenance["libraries"].items())
    readers = " · ".join(f"{n} {words.number(count)}" for n, count in provenance["readers"].items())
    split = " · ".join(f"{name}: {words.measure(v)}" for name, v in summary["split"].items())
    facts = {
        words("files"): f"{words.number(provenance['files'])}, {words.size(provenance['bytes'])}",
        words("readers"): readers,
        words("split"): split,
        words("libraries"): " · ".join(
            x for x in (f"Python {provenance['python']}", libraries) if x
        ),
    }
    heads = [(words("source"), "place"), (words("bytes"), "num"), ("SHA-256", None)]
    rows = (
        [
            data(entry["source"]),
            words.number(entry["bytes"]),
            el("code", entry["sha256"][:16] + "…"),
        ]
        for entry in provenance["largest"]
    )
    listed = (piece for k, v in facts.items() for piece in (el("dt", k), el("dd", data(v))))
    inputs = table(words("largest_inputs"), heads, rows)
    return join(
        [
            el("dl", *listed),
            el("h3", words("largest_inputs")),
            inputs,
            el(
                "details",
                el("summary", words("recipe"), class_="plain"),
                el("div", el("pre", data(provenance["recipe"]))),
            ),
        ]
    )
