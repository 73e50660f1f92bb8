"""What the report says about a target: files, faults, and the model's limits beside the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.gate.gate import stops
from pipeline.gate.suite import ALL_TARGETS
from pipeline.publish import whole_name
from pipeline.report import measures

GATE_FAULTS = {
    "id_present": "a record has no id",
    "id_unique": "an id appears more than once",
    "document_present": "a record does not say which document it comes from",
    "document_in_one_split": "a document is in two splits: the evaluation would leak",
    "source_present": "a record does not say which source it comes from",
    "split_valid": "a record is in none of the splits train, validation and test",
    "tokens_known": "a record's tokens were not counted",
    "tokens_within_limit": "a record has more tokens than the model takes, or none",
    "line_bytes_known": "a line's bytes were not counted",
    "line_bytes_within_limit": "a line has more bytes than the model takes, or none",
    "turns_known": "a record's turns were not counted",
    "turns_enough": "a record has fewer turns than the format requires",
    "images_within_limit": "a record has more images than the model takes",
    "tokens_within_gate": "a record has more tokens than the recipe's gate allows",
    "train_records_enough": "the training file has fewer records than the recipe's gate requires",
    "rejected_share_allowed": "more of the records were rejected than the recipe's gate allows",
    "drift_rejected_allowed": "the share of rejected records differs more from the previous run "
    "than the recipe's gate allows",
    "drift_merged_allowed": "the share of duplicates differs more from the previous run than the "
    "recipe's gate allows",
    "drift_sources_removed_allowed": "more sources of the previous run are gone than the recipe's "
    "gate allows",
    "drift_lengths_allowed": "the records' lengths differ more from the previous run (PSI) than "
    "the recipe's gate allows",
    "drift_languages_allowed": "the languages differ more from the previous run (PSI) than the "
    "recipe's gate allows",
    "drift_records_lost_allowed": "more of the previous run's records are lost than the recipe's "
    "gate allows",
}
LANGUAGE_FAULT = "fewer of the records are in this language than the recipe's gate requires"


def measure_target(
    name: str, entry: dict[str, Any], gate: dict[str, Any] | None, metrics: Path
) -> dict[str, Any]:
    """One target's entry in the report; it is ready when neither check nor gate finds a fault."""
    measured = measures.measure_records(metrics, name)
    faults = [_fault(fault) for fault in entry["faults"]] + list(_gate_faults(name, entry, gate))
    optional = ("model", "customization", "cost", "card_date", "lifecycle")
    return {
        **{key: entry[key] for key in ("format", "records", "tokens", "bytes")},
        **{key: entry.get(key) for key in optional},
        "records_total": sum(entry["records"].values()),
        "tokens_total": sum(entry["tokens"].values()),
        "closed": entry.get("lifecycle") not in {None, "active"},
        "losses": _losses(entry.get("losses", {})),
        "ready": bool(entry["ready"]) and not faults,
        "faults": faults,
        "limits": list(_limits(entry, measured)),
        "measured": measured,
    }


def _losses(counted: dict[str, int]) -> list[dict[str, Any]]:
    """What the format cannot express as the records do, with its meaning and a count of records."""
    from pipeline.targets import LOSSES

    return [
        {"name": name, "records": number, "means": LOSSES.get(name, name)}
        for name, number in sorted(counted.items())
    ]


def _fault(fault: dict[str, Any]) -> dict[str, Any]:
    bounds = {name: fault.get(name) for name in ("value", "threshold")}
    message = measures.cut(fault["message"], 400)
    return {"rule": fault["rule"], "message": message, **bounds, "records": None}


def _gate_faults(
    name: str, entry: dict[str, Any], gate: dict[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """The gate's faults about a part, the target that it is part of, and all targets."""
    about = {name, whole_name(name, entry), ALL_TARGETS}
    for check in gate["checks"] if gate else []:
        if stops(check) and check["target"] in about:
            yield gate_fault(check)


def gate_fault(check: dict[str, Any]) -> dict[str, Any]:
    """A failed check of the gate as a fault: what was seen, and what was allowed."""
    low, high = check["bounds"]["min"], check["bounds"]["max"]
    seen, allowed = check["observed"], low if high is None else high
    if check.get("own"):
        about = check["about"] or f"{check['expectation']} {check['asked']}"
    else:
        about = GATE_FAULTS.get(check["check"], LANGUAGE_FAULT)
    counts_records = seen is None and check["unexpected"] is not None
    if counts_records:
        measured = f"{check['unexpected']:,} of {check['records']:,} records"
    else:
        measured = check.get("seen") or "not met" if seen is None else f"{seen:,.4g}"
        measured += "" if allowed is None else f", not {allowed:,.4g}"
    return {
        "rule": f"gate.{check['check']}",
        "message": measures.cut(f"{about}: {measured}", 400),
        "value": check["unexpected"] if seen is None else seen,
        "threshold": None if seen is None else allowed,
        "records": check["records"] if counts_records else None,
    }


def _limits(entry: dict[str, Any], measured: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The model card's limits beside this data's values; None for those that were not measured."""
    for name, limit in (entry.get("limits") or {}).items():
        number = limit if isinstance(limit, dict) else {"value": limit}
        allowed, seen = number["value"], _seen(name, number, entry, measured)
        yield {
            "limit": name,
            "allowed": ", ".join(allowed) if isinstance(allowed, list | tuple) else allowed,
            "seen": seen,
            "met": None if seen is None else _met(name, seen, allowed),
            **{key: number.get(key) for key in ("source", "date", "confidence")},
        }


def _seen(
    name: str, number: dict[str, Any], entry: dict[str, Any], measured: dict[str, Any]
) -> int | None:
    records, size = entry["records"], entry["bytes"]
    train, validation = records.get("train", 0), records.get("validation", 0)
    together = train + validation if number.get("counts") == "together" else train
    seen = {
        "records_min": train,
        "records_recommended": train,
        "records_max": together,
        "train_records_max": train,
        "validation_records_min": validation
        or None,  # the minimum applies only if there is a validation file
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
