"""The quality report: a run's ledger, gate and measures as report.json and report.html.

Only aggregates and capped samples of places, values and thresholds enter it, never a document's
text, so it stays small and nothing can leak from it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import report_measures as measures
from pipeline.gate_suite import ALL_TARGETS
from pipeline.ledger import StageCount
from pipeline.report_html import render_page
from pipeline.shards import write_bytes

FORMAT = 1
INPUTS_MOST = 20
RECIPE_LENGTH = 20_000
FAILING_MOST = 5

REASONS_OF = ("pipeline.readers", "pipeline.stages", "pipeline.targets", "pipeline.bedrock.limits")
OWN_REASONS = {
    "schema_broken": "the rendered line breaks its format's own JSON Schema",
    "over_records_max": "left out by selection: there are more records than the model takes",
    "shipped_before": "an earlier run of the chain that this delta goes on from has shipped it",
}
GATE_FAULTS = {
    "id_present": "a record has no id",
    "id_unique": "an id stands more than once",
    "document_present": "a record does not say which document it comes from",
    "document_in_one_split": "a document stands in two splits: the evaluation would leak",
    "source_present": "a record does not say which source it comes from",
    "split_valid": "a record is in none of the splits train, validation and test",
    "tokens_known": "a record's tokens were not counted",
    "tokens_within_limit": "a record has more tokens than the model takes, or none",
    "line_bytes_known": "a line's bytes were not counted",
    "line_bytes_within_limit": "a line has more bytes than the model takes, or none",
    "turns_known": "a record's turns were not counted",
    "turns_enough": "a record has fewer turns than the format asks for",
    "images_within_limit": "a record has more images than the model takes",
    "tokens_within_gate": "a record has more tokens than the recipe's gate allows",
    "train_records_enough": "the training file has fewer records than the recipe's gate asks for",
    "rejected_share_allowed": "more of the records were rejected than the recipe's gate allows",
}
LANGUAGE_FAULT = "fewer of the records are in this language than the recipe's gate asks for"


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
    row for each record of each target, `rejected` one for each record set aside, both Parquet.
    `work` is a folder for one intermediate file, gone afterwards. Raises LawBroken when the
    counts do not balance or contradict each other.
    """
    stages = manifest["stages"]
    for stage in stages:
        StageCount.from_json(stage).check()
    targets = {
        name: _target(name, told, gate, metrics) for name, told in manifest["targets"].items()
    }
    outcomes = work / "outcomes.parquet"
    try:
        measures.write_outcomes(metrics, rejected, outcomes)
        languages = measures.measure_languages(outcomes)
        sources = measures.measure_sources(outcomes)
    finally:
        outcomes.unlink(missing_ok=True)
    return {
        "format": FORMAT,
        **{name: manifest[name] for name in ("run", "name", "version")},
        "ready": all(target["ready"] for target in targets.values()),
        "records": _totals(stages),
        "targets": targets,
        "stages": stages,
        "reasons": measures.measure_reasons(stages, rejected, meanings()),
        "languages": languages,
        "sources": sources,
        "duplicates": measures.measure_duplicates(metrics, rejected),
        "gate": None if gate is None else _gate(gate),
        "split": manifest["split"],
        "provenance": _provenance(manifest),
    }


def write_report(summary: dict[str, Any], folder: Path, language: str = "en") -> None:
    """Write report.json and report.html into `folder`: the same bytes for the same summary.

    `language`, `en` or `vi`, is that of the page's own words; the data stays as it is. Raises
    ValueError for another one.
    """
    text = json.dumps(summary, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # a lone surrogate becomes \udXXX, which is how JSON writes it
    write_bytes(folder / "report.json", (text + "\n").encode("utf-8", "backslashreplace"))
    write_bytes(folder / "report.html", render_page(summary, language).encode())


def meanings() -> dict[str, str]:
    """What each reason means, from every package that gives reasons."""
    told = dict(OWN_REASONS)
    for name in REASONS_OF:
        told |= getattr(importlib.import_module(name), "REASONS", {})
    return told


def _totals(stages: list[dict[str, Any]]) -> dict[str, int]:
    """The whole way before the targets: came + chunks = kept + rejected + merged + divided."""
    own = [stage for stage in stages if not stage["stage"].startswith("targets.")]
    sums = ("rejected", "merged", "divided", "chunks")
    totals = {name: sum(stage[name] for stage in own) for name in sums}
    first, last = (own[0], own[-1]) if own else ({}, {})
    kept = last.get("kept", 0) + last.get("chunks", 0)
    return {"came": first.get("came", 0), "kept": kept, **totals}


def _target(
    name: str, told: dict[str, Any], gate: dict[str, Any] | None, metrics: Path
) -> dict[str, Any]:
    measured = measures.measure_target(metrics, name)
    faults = [_fault(fault) for fault in told["faults"]] + list(_gate_faults(name, gate))
    optional = ("model", "customization", "cost", "card_date", "lifecycle")
    return {
        **{one: told[one] for one in ("format", "records", "tokens", "bytes")},
        **{one: told.get(one) for one in optional},
        "losses": _losses(told.get("losses", {})),
        "ready": bool(told["ready"]) and not faults,
        "faults": faults,
        "limits": list(_limits(told, measured)),
        "measured": measured,
    }


def _losses(counted: dict[str, int]) -> list[dict[str, Any]]:
    """What the format could not say as the records do, with its meaning."""
    from pipeline.targets import LOSSES

    return [
        {"name": name, "records": number, "means": LOSSES.get(name, name)}
        for name, number in sorted(counted.items())
    ]


def _fault(fault: dict[str, Any]) -> dict[str, Any]:
    bounds = {name: fault.get(name) for name in ("value", "threshold")}
    return {"rule": fault["rule"], "message": measures.cut(fault["message"], 400), **bounds}


def _gate_faults(target: str, gate: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    for check in gate["checks"] if gate else []:
        if check["passed"] or check["target"] not in {target, ALL_TARGETS}:
            continue
        low, high = check["bounds"]["min"], check["bounds"]["max"]
        about, seen = GATE_FAULTS.get(check["check"], LANGUAGE_FAULT), check["observed"]
        allowed = low if high is None else high
        if seen is None:
            told = f"{check['unexpected']:,} of {check['records']:,} records"
        else:
            told = f"{seen:,.4g}, not {allowed:,.4g}"
        yield {
            "rule": f"gate.{check['check']}",
            "message": f"{about}: {told}",
            "value": check["unexpected"] if seen is None else seen,
            "threshold": None if seen is None else allowed,
        }


def _limits(told: dict[str, Any], measured: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The model card's limits beside what this data has, where it was measured."""
    for name, limit in (told.get("limits") or {}).items():
        number = limit if isinstance(limit, dict) else {"value": limit}
        allowed, seen = number["value"], _seen(name, number, told, measured)
        yield {
            "limit": name,
            "allowed": ", ".join(allowed) if isinstance(allowed, list | tuple) else allowed,
            "seen": seen,
            "met": None if seen is None else _met(name, seen, allowed),
            **{one: number.get(one) for one in ("source", "date", "confidence")},
        }


def _seen(
    name: str, number: dict[str, Any], told: dict[str, Any], measured: dict[str, Any]
) -> int | None:
    records, size = told["records"], told["bytes"]
    train, validation = records.get("train", 0), records.get("validation", 0)
    together = train + validation if number.get("counts") == "together" else train
    seen = {
        "records_min": train,
        "records_recommended": train,
        "records_max": together,
        "train_records_max": train,
        "validation_records_min": validation or None,  # without the file it asks for nothing
        "validation_records_max": validation,
        "train_bytes_max": size.get("train", 0),
        "validation_bytes_max": size.get("validation", 0),
        "line_bytes_max": measured["line_bytes"]["max"],
        "tokens_max": measured["tokens"]["max"],
        "images_max": measured["images_most"],
    }
    return seen.get(name)


def _met(name: str, seen: int, allowed: float) -> bool:
    return seen >= allowed if name.endswith(("_min", "_recommended")) else seen <= allowed


def _gate(gate: dict[str, Any]) -> dict[str, Any]:
    """The gate's answer with its lists cut."""
    failing = {
        name: [
            {key: measures.cut(value) for key, value in row.items()} for row in rows[:FAILING_MOST]
        ]
        for name, rows in gate["failing"].items()
    }
    told = {name: gate[name] for name in ("passed", "engine", "about", "checks")}
    return {**told, "failing": failing}


def _provenance(manifest: dict[str, Any]) -> dict[str, Any]:
    """What the run was made from; the whole list of inputs is the manifest's."""
    inputs = manifest["inputs"]
    readers: dict[str, int] = {}
    for one in inputs:
        readers[one["reader"]] = readers.get(one["reader"], 0) + 1
    largest = sorted(inputs, key=lambda one: (-one["bytes"], one["source"]))[:INPUTS_MOST]
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
