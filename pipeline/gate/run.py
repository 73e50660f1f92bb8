"""The gate of one run: the limits, counts and drift that it is checked against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.assemble import TargetFiles
from pipeline.bedrock.limits import tokens_per_record
from pipeline.diff.drift import Drift, measure_drift, whole_targets
from pipeline.diff.sources import compare_sources
from pipeline.gate.gate import TargetLimits, check_gate, stops
from pipeline.ledger import StageCount, corpus_counts, legs
from pipeline.observations import MEASURES
from pipeline.rendering import Rendering
from pipeline.report.measures import measure_records
from pipeline.report.targets import gate_fault

if TYPE_CHECKING:
    from pipeline.execution import Execution


def drift_of(execution: Execution, written: list[TargetFiles], metrics: Path) -> Drift | None:
    """The drift since the previous run; None if there is none or the recipe does not compare."""
    before = execution.named.before
    if before is None:
        return None
    stages = corpus_counts(execution.counts)
    now: dict[str, Any] = {
        "run": execution.digest,
        "records": {
            "came": stages[0].came,
            "rejected": sum(count.rejected for count in stages),
            "merged": sum(count.merged for count in stages),
        },
    }
    measured = {
        files.name: {
            "records": files.told("records"),
            "measured": measure_records(metrics, files.name),
        }
        for files in written
        if files.rendering.name
        not in execution.deltas  # a delta has no previous run to compare with
    }
    now["targets"] = whole_targets(
        measured, {files.name: {"parts": files.parts} for files in written}
    )
    report = before.report()
    targets_before = whole_targets(report["targets"], before.manifest["targets"])
    # targets that the recipe no longer makes do not count as lost
    kept = {name: counted for name, counted in targets_before.items() if name in now["targets"]}
    sources = compare_sources(before.manifest["inputs"], execution.inputs.listing)
    gone = sources.removed / max(sources.before, 1)
    return measure_drift(report | {"targets": kept}, now, gone)


def hold_gate(
    execution: Execution, written: list[TargetFiles], metrics: Path, drift: Drift | None
) -> dict[str, Any]:
    """The gate's result for the files that were written; see `check_gate`."""
    limits = {}
    for files in written:
        trains = "train" in files.splits or files.rendering.name not in execution.deltas
        if files.splits or trains:
            limits[files.name] = replace(_gate_limits(files.rendering), trains=trains)
    stages = corpus_counts(execution.counts)
    counts = _most_rejected(stages)
    folder = execution.folder / "gate"
    folder.mkdir(exist_ok=True)
    measures = execution.folder / "run" / MEASURES
    gate, process = execution.recipe.gate, execution.gate
    return check_gate(gate, limits, metrics, counts, folder, process, drift, measures)


def _most_rejected(stages: list[StageCount]) -> dict[str, int]:
    """`came` and `rejected` of the records, or of their chunks: whichever has the larger share
    rejected. A document may have many chunks, so a sum of both would mean nothing."""
    counts = [
        {"came": leg[0].came, "rejected": sum(count.rejected for count in leg)}
        for leg in legs(stages, attrgetter("divided"))
    ]
    return max(counts, key=lambda leg_counts: leg_counts["rejected"] / max(leg_counts["came"], 1))


def _gate_limits(rendering: Rendering) -> TargetLimits:
    if rendering.plan is None:
        return TargetLimits()
    limits = rendering.plan.limits
    tokens, line = tokens_per_record(limits), limits.line_bytes_max
    return TargetLimits(
        max_tokens=tokens,
        line_bytes_max=int(line.value) if line else None,
        max_images=int(limits.images_max.value) if limits.images_max else None,
    )


def refusals(targets: dict[str, dict[str, Any]], gate: dict[str, Any]) -> Iterator[str]:
    """Why a run is not published: a line for each fault of its targets and its gate."""
    for name, target in targets.items():
        yield from (f"{name}: {fault['message']}" for fault in target["faults"])
    for check in gate["checks"]:
        if stops(check):
            fault = gate_fault(check)
            yield f"{check['target']}: {fault['message']} ({fault['rule']})"
