"""The quality report: a run's ledger, gate and measures as report.json and report.html.

Only aggregates and capped samples enter it, so it stays small whatever the run's size. Of texts it
shows excerpts, with personal data masked unless the recipe says otherwise; see `_shown`.
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
    `split`; `gate` is what `check_gate` returned, or None where none was held. `metrics` has a
    row for each record of each target, `rejected` one for each record set aside, both Parquet;
    beside `rejected` may stand `measures/`. `work` is the run's work folder: it lends one
    intermediate file, gone afterwards, and the few texts and pictures that are shown. Raises
    LawBroken when the counts do not balance or contradict each other.
    """
    from pipeline.reasons import all_reasons  # with every reader and stage, which takes a while

    stages, show = manifest["stages"], _shown(manifest["recipe"])
    for stage in stages:
        StageCount.from_json(stage).check()
    targets = {
        name: measure_target(name, told, gate, metrics)
        for name, told in manifest["targets"].items()
    }
    scores = measure_scores(rejected.parent / "measures", manifest["recipe"])
    nearest_kept(scores, rejected.parent / "measures", metrics)
    told = {
        "reasons": measures.measure_reasons(stages, rejected, all_reasons()),
        "duplicates": groups.measure_duplicates(metrics, rejected),
        "contradictions": groups.measure_contradictions(metrics, rejected),
        "contamination": measure_contamination(
            manifest.get("evaluation", {}), rejected.parent, work, show
        ),
        "just_kept": _near(targets, metrics),
        "scores": scores,
    }
    _add_texts(work, show, told)
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
        **told,
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

    A name has no form to be masked by: where the recipe has names taken out, `masked` is `none`.
    """
    told: str = (recipe.get("report") or {}).get("samples", "masked")
    redacts = [stage["redact"] for stage in recipe.get("stages", ()) if "redact" in stage]
    named = any(set(NAME_KINDS) & set(stage["kinds"]) for stage in redacts)
    return "none" if told == "masked" and named else told


def _verdict(targets: dict[str, Any]) -> dict[str, int]:
    """How many targets there are, are ready, and are ready for a model that takes jobs."""
    ready = [target for target in targets.values() if target["ready"]]
    open_ = sum(not target["closed"] for target in ready)
    return {"all": len(targets), "ready": len(ready), "open": open_}


def _ends(metrics: Path, rejected: Path, work: Path) -> dict[str, Any]:
    """Languages of what was kept, and what became of each source's records."""
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


def _add_texts(work: Path, show: str, told: dict[str, Any]) -> None:
    """Put the few texts that are shown beside their records."""
    bounds = [bound["nearest"] for score in told["scores"] for bound in score["bounds"]]
    near = [one["samples"] for one in (*told["reasons"]["shown"], *told["just_kept"])]
    samples = [one for few in (*near, *bounds) for one in few]
    heads = [*told["duplicates"]["largest"], *told["contradictions"]["largest"]]
    members = [one for head in heads for one in head["members"]]
    texts = find_texts(work, [one["id"] for one in (*samples, *heads, *members)], show)
    for one in samples:
        one["excerpt"] = excerpt(texts.get(one["id"]))
    for head in heads:
        first = texts.get(head["id"])
        for member in head["members"]:
            own = texts.get(member["id"])
            known = first is not None and own is not None
            member["pieces"] = compare(first or "", own or "") if known else None


def write_report(summary: dict[str, Any], folder: Path, language: str = "en") -> None:
    """Write report.json and report.html into `folder`: the same bytes for the same summary.

    `language`, `en` or `vi`, is that of the page's own words; the data stays as it is. Raises
    ValueError for another one.
    """
    text = json.dumps(summary, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # a lone surrogate becomes \udXXX, which is how JSON writes it
    write_bytes(folder / "report.json", (text + "\n").encode("utf-8", "backslashreplace"))
    write_bytes(folder / "report.html", render_page(summary, language).encode())


def _totals(stages: list[dict[str, Any]]) -> dict[str, int]:
    """The whole way before the targets: came + chunks = kept + rejected + merged + divided."""
    own = [stage for stage in stages if target_of(stage["stage"]) is None]
    sums = ("rejected", "merged", "divided", "chunks")
    totals = {name: sum(stage[name] for stage in own) for name in sums}
    first, last = (own[0], own[-1]) if own else ({}, {})
    kept = last.get("kept", 0) + last.get("chunks", 0)
    return {"came": first.get("came", 0), "kept": kept, **totals}


def _gate(gate: dict[str, Any]) -> dict[str, Any]:
    """The gate's answer with its lists cut."""
    failing = {
        name: [
            {key: measures.cut(value) for key, value in row.items()} for row in rows[:FAILING_MOST]
        ]
        for name, rows in gate["failing"].items()
    }
    told = {name: gate[name] for name in ("passed", "engine", "about", "checks")}
    held = sum(check["passed"] for check in gate["checks"])
    return {**told, "held": held, "asked": len(gate["checks"]), "failing": failing}


def _provenance(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the run was made from; the whole list of inputs is the manifest's."""
    inputs = manifest["inputs"]
    readers = Counter(one["reader"] for one in inputs)
    largest = heapq.nsmallest(INPUTS_MOST, inputs, lambda one: (-one["bytes"], one["source"]))
    recipe = json.dumps(manifest["recipe"], sort_keys=True, indent=1, ensure_ascii=False)
    return {
        "recipe": measures.cut(recipe, RECIPE_LENGTH),
        "files": len(inputs),
        "bytes": sum(one["bytes"] for one in inputs),
        "readers": dict(sorted(readers.items())),
        "largest": [one | {"source": measures.cut(one["source"])} for one in largest],
        "libraries": manifest.get("libraries", {}),
        "python": manifest.get("python"),
    }
