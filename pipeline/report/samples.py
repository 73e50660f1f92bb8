"""The report's sections of samples: reasons, duplicates, changes, near misses, pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.report.markup import Markup, data, el, join
from pipeline.report.sections import lead, more, table
from pipeline.report.words import Words

Column = tuple[str, str, str | None]
PLACE: tuple[Column, ...] = (("source", "source", "place"), ("locator", "place", None))
EVIDENCE: tuple[Column, ...] = (
    ("value", "value", None),
    ("threshold", "threshold", None),
    ("merged_into", "merged_into", "mono"),
    ("tokens", "tokens", "num"),
    ("excerpt", "excerpt", "text"),
)
"""Columns of a sample (key, word, CSS class), shown if any sample has a value there."""

MARKS = {"-": "del", "+": "ins", "!": "mark"}


def reasons_section(summary: dict[str, Any], words: Words) -> Markup:
    """Each reason with its count, its meaning and a few records, nearest to the threshold first."""
    reasons = summary["reasons"]
    if not reasons["total"]:
        return lead(words("no_reasons"))
    shown = [_reason(reason, words) for reason in reasons["shown"]]
    return join([lead(words("reasons_lead")), *shown, more(reasons["hidden"], words)])


def hostile_section(summary: dict[str, Any], words: Words) -> Markup:
    """Inputs that no reader could open, or only in part."""
    read = [reason for reason in summary["reasons"]["shown"] if reason["stage"] == "read"]
    if not read:
        return lead(words("no_hostile"))
    heads = [(words("reason"), "name"), (words("records"), "num"), (words("meaning"), None)]
    heads.append((words("example"), "place"))
    rows = (
        [
            el("code", reason["reason"]),
            words.number(reason["records"]),
            words.meaning(reason["reason"], reason["meaning"]),
            data(reason["samples"][0]["source"]) if reason["samples"] else "",
        ]
        for reason in read
    )
    return join([lead(words("hostile_lead")), table(words("hostile"), heads, rows)])


def _reason(reason: dict[str, Any], words: Words) -> Markup:
    kind = "key key-merged" if reason["merged"] else "key key-rejected"
    meaning = words.meaning(reason["reason"], reason["meaning"])
    line = el(
        "summary",
        el("span", el("code", reason["reason"]), class_=kind),
        el(
            "span", meaning, " ", el("span", data(reason["stage"]), class_="note"), class_="meaning"
        ),
        el("span", words.number(reason["records"]), class_="count"),
    )
    label = f"{words('reason')}: {reason['stage']} {reason['reason']}"
    return el("details", line, el("div", sample_table(label, reason["samples"], words)))


def sample_table(label: str, samples: list[dict[str, Any]], words: Words) -> Markup:
    """A table of records with their places and what was measured."""
    columns = [
        column for column in (*PLACE, *EVIDENCE) if any(_says(column[0], row) for row in samples)
    ]
    heads = [(words(word), kind) for _, word, kind in columns]
    rows = ([_cell(sample.get(key), words) for key, _, _ in columns] for sample in samples)
    return table(label, heads, rows)


def _says(key: str, sample: dict[str, Any]) -> bool:
    """Whether a column says something about a sample; a `value` equal to `merged_into` does not."""
    value = sample.get(key)
    return value is not None and (key != "value" or value != sample.get("merged_into"))


def _cell(value: Any, words: Words) -> Markup:
    return data(words.measure(value) if isinstance(value, int | float) else value)


def near_section(summary: dict[str, Any], words: Words) -> Markup:
    """The records that each target's limit on tokens only just let through."""
    near = [target for target in summary["just_kept"] if target["samples"]]
    if not near:
        return lead(words("no_near"))
    shown = [
        join(
            [
                el("h3", data(target["target"])),
                el("p", words("near_target", cap=words.number(target["allowed"])), class_="note"),
                sample_table(f"{words('near')}: {target['target']}", target["samples"], words),
            ]
        )
        for target in near
    ]
    return join([lead(words("near_lead")), *shown])


def duplicates_section(summary: dict[str, Any], words: Words) -> Markup:
    """The largest groups of duplicates, and how their members differ."""
    return _groups(summary["duplicates"], "duplicates", words)


def contradictions_section(summary: dict[str, Any], words: Words) -> Markup:
    """The prompts that have several answers, and how the answers differ."""
    return _groups(summary["contradictions"], "contradictions", words)


def _groups(found: dict[str, Any], about: str, words: Words) -> Markup:
    if not found["records"]:
        return lead(words(f"no_{about}"))
    counted = {name: words.number(found[name]) for name in ("records", "groups")}
    shown = (_cluster(cluster, words) for cluster in found["largest"])
    return join([lead(words(f"{about}_lead", **counted)), *shown])


def _cluster(cluster: dict[str, Any], words: Words) -> Markup:
    place = [data(cluster["source"] or cluster["id"])]
    if cluster["locator"]:
        place.append(el("span", " ", data(cluster["locator"]), class_="note"))
    line = el(
        "summary",
        el("span", el("code", cluster["id"])),
        el("span", *place, class_="meaning"),
        el("span", f"+ {words.number(cluster['records'])}", class_="count"),
    )
    members = (_member(member, cluster, words) for member in cluster["members"])
    return el("details", line, el("div", *members))


def _member(member: dict[str, Any], cluster: dict[str, Any], words: Words) -> Markup:
    alike = f" · {words('value')}: {member['value']}" if _is_number(member["value"]) else ""
    title = [el("code", member["reason"]), " ", _place(member), data(alike)]
    if member["pieces"] is None:
        return el("p", *title, class_="note")
    if all(kind in "=…" for kind, _ in member["pieces"]):
        same = words("same")
        return join(
            [el("p", *title, data(f" · {same}"), class_="note"), text_in_pieces(member["pieces"])]
        )
    heads = (_place(cluster) or data(words("stands")), _place(member))
    return join([el("p", *title, class_="note"), side_by_side(member["pieces"], heads, words)])


def _place(record: dict[str, Any]) -> Markup:
    """Source and locator of a record; nothing if its source is not known."""
    place = [record["source"], record["locator"]]
    return join([data(" ".join(filter(None, place)))] if place[0] else [])


def _is_number(value: str | None) -> bool:
    try:
        return value is not None and float(value) <= 1
    except ValueError:
        return False


def side_by_side(pieces: list[list[str]], heads: tuple[Markup, Markup], words: Words) -> Markup:
    """Two texts side by side; differences are coloured and marked as deleted or inserted."""
    sides = ("=-…", "=+…")
    shown = (
        el(
            "div",
            el("p", head, class_="head"),
            text_in_pieces([one for one in pieces if one[0] in side]),
        )
        for head, side in zip(heads, sides, strict=True)
    )
    return el("div", *shown, class_="sides", role="group", aria_label=words("side_by_side"))


def text_in_pieces(pieces: Iterable[list[str]]) -> Markup:
    """A text made of (kind, text) pieces, in any language and direction."""
    shown = [
        el("span", " … ", class_="muted")
        if kind == "…"
        else el(MARKS[kind], text)
        if kind in MARKS
        else el("span", text)
        for kind, text in pieces
    ]
    return el("p", *shown, class_="diff", dir="auto")


def changes_section(summary: dict[str, Any], words: Words) -> Markup:
    """What stages changed in the texts: how often, and a few texts before and after."""
    changes = summary["changes"]
    if not changes["total"]:
        return lead(words("no_changes"))
    shown = [_change(change, words) for change in changes["shown"]]
    return join([lead(words("changes_lead")), *shown, more(changes["hidden"], words)])


def _change(change: dict[str, Any], words: Words) -> Markup:
    line = el(
        "summary",
        el("span", el("code", change["kind"])),
        el("span", data(change["stage"]), class_="meaning note"),
        el("span", words.number(change["changes"]), class_="count"),
    )
    heads = (Markup(words("before")), Markup(words("after")))
    shown = [
        join(
            [
                el("p", data(sample["source"]), " ", data(sample["locator"] or ""), class_="note"),
                side_by_side(sample["pieces"], heads, words),
            ]
        )
        for sample in change["samples"]
    ]
    return el("details", line, el("div", *shown or [el("p", words("no_samples"), class_="note")]))


def images_section(summary: dict[str, Any], words: Words) -> Markup:
    """Contact sheets of the pictures that were kept and of those set aside."""
    images = summary["images"]
    if not images["records"]:
        return lead(words("no_images"))
    lead_text = lead(words("images_lead", n=words.number(images["records"])))
    kept = [picture for picture in images["shown"] if picture["reason"] is None]
    aside = [picture for picture in images["shown"] if picture["reason"] is not None]
    sheets = [
        join(
            [
                el("h3", words(title)),
                el("ul", *(_picture(picture) for picture in shown), class_="sheet"),
            ]
        )
        for title, shown in (("kept", kept), ("aside", aside))
        if shown
    ]
    return join([lead_text, *sheets])


def _picture(picture: dict[str, Any]) -> Markup:
    name = picture["caption"] or picture["source"]
    reason_code = [el("code", picture["reason"]), " "] if picture["reason"] else []
    size = f"{picture['width']} × {picture['height']}"
    return el(
        "li",
        el("img", src=picture["thumbnail"], alt=name, title=picture["source"]),
        el("p", *reason_code, data(name), " ", el("span", size, class_="muted"), class_="note"),
    )
