"""The quality report: a run's ledger, gate and measures as report.json and report.html.

It contains only aggregates and capped samples, so it stays small whatever the run's size. Texts
appear as excerpts, with personal data masked unless the recipe says otherwise; see `_shown`.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.ledger import StageCount, target_of
from pipeline.report import groups, judged, measures
from pipeline.report.contamination import measure_contamination
from pipeline.report.html import render_page
from pipeline.report.pictures import measure_images
from pipeline.report.scores import measure_scores, nearest_kept
from pipeline.report.targets import measure_target
from pipeline.report.texts import compare, excerpt, find_texts
from pipeline.report.waterfall import waterfall
from pipeline.shards import write_bytes
from pipeline.stages.marks import NAME_KINDS

FORMAT = 2
INPUTS_MOST = 20
RECIPE_LENGTH = 20_000
FAILING_MOST = 5


def summary(
    manifest: dict[str, Any],
    gate: dict[str, Any] | None,
    metrics: Path,
    rejected: Path,
    work: Path,
) -> dict[str, Any]:
    """Everything that the report says, as plain JSON (schemas/report.schema.json).

    `manifest` needs `run`, `name`, `version`, `recipe`, `inputs`, `stages`, `targets` and
    `split`; `gate` is the result of `check_gate`, or None if no gate ran. `metrics` has a row for
    each record of each target, `rejected` one for each record set aside, both Parquet; the folder
    of `rejected` may contain `measures/`. `work` is the run's work folder: the few texts and
    pictures that are shown are read from it, and one temporary file is written to it. Raises
    LawBroken when the counts do not balance or contradict each other.
    """
    from pipeline.reasons import all_reasons  # with every reader and stage, which takes a while

    stages, show = manifest["stages"], _shown(manifest["recipe"])
    for stage in stages:
        StageCount.from_json(stage).check()
    targets = {
        name: measure_target(name, entry, gate, metrics)
        for name, entry in manifest["targets"].items()
    }
    scores = measure_scores(rejected.parent / "measures", manifest["recipe"])
    nearest_kept(scores, rejected.parent / "measures", metrics)
    sections = {
        "reasons": measures.measure_reasons(stages, rejected, all_reasons()),
        "duplicates": groups.measure_duplicates(metrics, rejected),
        "contradictions": groups.measure_contradictions(metrics, rejected),
        "contamination": measure_contamination(
            manifest.get("evaluation", {}), rejected.parent, work, show
        ),
        "just_kept": _near(targets, metrics),
        "scores": scores,
    }
    _add_texts(work, show, sections)
    return {
        "format": FORMAT,
        **{name: manifest[name] for name in ("run", "name", "version")},
        "ready": all(target["ready"] for target in targets.values()),
        "verdict": _verdict(targets),
        "samples": show,
        "records": _totals(stages),
        "waterfall": waterfall(stages, measures.merging_reasons(rejected)),
        "targets": targets,
        "stages": stages,
        **_ends(metrics, rejected, work),
        **sections,
        "changes": judged.measure_changes(
            manifest.get("tallies", {}), work / "samples.arrow", show
        ),
        "images": measure_images(metrics, rejected, work, show),
        "gate": None if gate is None else _gate(gate),
        "split": manifest["split"],
        "drift": manifest.get("drift"),
        "provenance": _provenance(manifest),
    }


def _shown(recipe: dict[str, Any]) -> str:
    """How the recipe wants texts to be shown: `masked`, `plain` or `none`.

    Names have no pattern to be masked by, so if the recipe redacts names, `masked` becomes `none`.
    """
    setting: str = (recipe.get("report") or {}).get("samples", "masked")
    redacts = [stage["redact"] for stage in recipe.get("stages", ()) if "redact" in stage]
    named = any(set(NAME_KINDS) & set(stage["kinds"]) for stage in redacts)
    return "none" if setting == "masked" and named else setting


def _verdict(targets: dict[str, Any]) -> dict[str, int]:
    """How many targets there are, how many are ready, and how many of these have an open model."""
    ready = [target for target in targets.values() if target["ready"]]
    open_ = sum(not target["closed"] for target in ready)
    return {"all": len(targets), "ready": len(ready), "open": open_}


def _ends(metrics: Path, rejected: Path, work: Path) -> dict[str, Any]:
    """The languages of the kept records, and what happened to each source's records."""
    outcomes = work / "outcomes.parquet"
    try:
        measures.write_outcomes(metrics, rejected, outcomes)
        return {
            "languages": measures.measure_languages(outcomes),
            "sources": measures.measure_sources(outcomes),
        }
    finally:
        outcomes.unlink(missing_ok=True)


def _near(targets: dict[str, Any], metrics: Path) -> list[dict[str, Any]]:
    """The records that a target's limit on tokens only just lets through."""
    caps = {
        name: limit["allowed"]
        for name, target in targets.items()
        for limit in target["limits"]
        if limit["limit"] == "tokens_max"
    }
    return judged.just_kept(metrics, caps)


def _add_texts(work: Path, show: str, sections: dict[str, Any]) -> None:
    """Add the texts to show to the samples and group members in `sections`, in place."""
    bounds = [bound["nearest"] for score in sections["scores"] for bound in score["bounds"]]
    near = [sample["samples"] for sample in (*sections["reasons"]["shown"], *sections["just_kept"])]
    samples = [sample for few in (*near, *bounds) for sample in few]
    heads = [*sections["duplicates"]["largest"], *sections["contradictions"]["largest"]]
    members = [sample for head in heads for sample in head["members"]]
    texts = find_texts(work, [sample["id"] for sample in (*samples, *heads, *members)], show)
    for sample in samples:
        sample["excerpt"] = excerpt(texts.get(sample["id"]))
    for head in heads:
        first = texts.get(head["id"])
        for member in head["members"]:
            text = texts.get(member["id"])
            known = first is not None and text is not None
            member["pieces"] = compare(first or "", text or "") if known else None


def write_report(summary: dict[str, Any], folder: Path, language: str = "en") -> None:
    """Write report.json and report.html into `folder`: the same bytes for the same summary.

    `language` (`en` or `vi`) is the language of the page's own words; the data stays as it is.
    Raises ValueError for any other language.
    """
    text = json.dumps(summary, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # a lone surrogate becomes \udXXX, which is how JSON writes it
    write_bytes(folder / "report.json", (text + "\n").encode("utf-8", "backslashreplace"))
    write_bytes(folder / "report.html", render_page(summary, language).encode())


def _totals(stages: list[dict[str, Any]]) -> dict[str, int]:
    """The counts of all stages before the targets.

    They balance: came + chunks = kept + rejected + merged + divided.
    """
    corpus = [stage for stage in stages if target_of(stage["stage"]) is None]
    sums = ("rejected", "merged", "divided", "chunks")
    totals = {name: sum(stage[name] for stage in corpus) for name in sums}
    first, last = (corpus[0], corpus[-1]) if corpus else ({}, {})
    kept = last.get("kept", 0) + last.get("chunks", 0)
    return {"came": first.get("came", 0), "kept": kept, **totals}


def _gate(gate: dict[str, Any]) -> dict[str, Any]:
    """The gate's result with its lists cut short."""
    failing = {
        name: [
            {key: measures.cut(value) for key, value in row.items()} for row in rows[:FAILING_MOST]
        ]
        for name, rows in gate["failing"].items()
    }
    answer = {name: gate[name] for name in ("passed", "engine", "about", "checks")}
    held = sum(check["passed"] for check in gate["checks"])
    return {**answer, "held": held, "asked": len(gate["checks"]), "failing": failing}


def _provenance(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the run was made from; the full list of inputs is in the manifest."""
    inputs = manifest["inputs"]
    readers = Counter(entry["reader"] for entry in inputs)
    largest = heapq.nsmallest(INPUTS_MOST, inputs, lambda entry: (-entry["bytes"], entry["source"]))
    recipe = json.dumps(manifest["recipe"], sort_keys=True, indent=1, ensure_ascii=False)
    return {
        "recipe": measures.cut(recipe, RECIPE_LENGTH),
        "files": len(inputs),
        "bytes": sum(entry["bytes"] for entry in inputs),
        "readers": dict(sorted(readers.items())),
        "largest": [entry | {"source": measures.cut(entry["source"])} for entry in largest],
        "libraries": manifest.get("libraries", {}),
        "python": manifest.get("python"),
    }
