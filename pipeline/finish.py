"""The run's folder: files, limits, gate, job requests, report, and the manifest last."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.assemble import Assembly, TargetFiles, list_files
from pipeline.evaluation import gather_matches
from pipeline.gate.gate import SUITE
from pipeline.gate.run import drift_of, hold_gate, refusals
from pipeline.job_files import write_jobs
from pipeline.made import Made
from pipeline.metrics_facts import certificate
from pipeline.observations import gather_measures, gather_samples
from pipeline.publish import MANIFEST, as_json
from pipeline.render import rejected_kind
from pipeline.rendering import Rendering
from pipeline.report.summary import summary, write_report
from pipeline.select_records import RecordLimit
from pipeline.shards import write_frame
from pipeline.target_facts import target_entry

if TYPE_CHECKING:
    from pipeline.execution import Execution

LIBRARIES = ("polars", "pyarrow", "langdetect", "pillow", "resiliparse", "great-expectations")


@dataclass(frozen=True)
class Finished:
    """A staged run; it may be published if it has no faults."""

    folder: Path
    manifest: dict[str, Any]
    faults: list[str]


def finish(execution: Execution, rendered: Made, targets: Iterable[Rendering]) -> Finished:
    """Write all files of a run into its staged folder, which readers cannot see yet."""
    folder = execution.folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    metrics = execution.folder / "metrics.parquet"
    with execution.clocked("assemble"):
        written = _assemble(execution, rendered, targets, folder, metrics)
        gather_measures(execution.made, folder)
        if execution.beside.sets.told:
            gather_matches(execution.made, folder)
        write_frame(execution.folder / "samples.arrow", gather_samples(execution.made))
    with execution.clocked("check"):
        entries = {
            target_files.name: target_entry(
                execution, target_files, rendered, folder / target_files.name
            )
            for target_files in written
        }
        write_jobs(execution, written, folder)
    execution.progress.say("checking the quality gate")
    with execution.clocked("gate"):
        drift = drift_of(execution, written, metrics)
        gate = hold_gate(execution, written, metrics, drift)
    shutil.copyfile(execution.folder / "gate" / SUITE, folder / SUITE)
    manifest = {
        "format": 1,
        "run": execution.digest,
        "work": execution.named.work,
        "before": execution.named.before.run if execution.named.before else None,
        "name": execution.recipe.name,
        "version": __version__,
        "libraries": {name: version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "recipe": execution.recipe.as_json(),
        "inputs": execution.inputs.listing,
        "stages": [count.as_json() for count in execution.counts],
        "tallies": _tallies(execution),
        "targets": entries,
        "duplicates": {label: entry for label, entry in execution.told.items() if label != "split"},
        "split": certificate(metrics) | dict(execution.told.get("split", {})),
        "drift": drift.as_json() if drift else None,
        "gate": {"passed": gate["passed"], "engine": gate["engine"], "checks": gate["checks"]},
    }
    if execution.beside.sets.told:
        manifest["evaluation"] = execution.beside.sets.told
    if execution.beside.against:
        manifest["against"] = execution.beside.against
    if execution.deltas:
        manifest["parents"] = {name: delta.chain[0] for name, delta in execution.deltas.items()}
    with execution.clocked("report"):
        report = summary(manifest, gate, metrics, folder / "rejected.parquet", execution.folder)
        write_report(report, folder, execution.recipe.report.language)
    with execution.clocked("digests"):
        manifest["files"] = list_files(folder)
    (folder / MANIFEST).write_bytes(as_json(manifest))
    (execution.folder / "timings.json").write_bytes(as_json(execution.cpu))
    return Finished(folder, manifest, list(refusals(entries, gate)))


def _tallies(execution: Execution) -> dict[str, dict[str, int]]:
    """The stages' tallies, in the order of the stages, whichever shard counted first."""
    labels = [count.stage for count in execution.counts if count.stage in execution.tallies]
    return {label: dict(sorted(execution.tallies[label].items())) for label in labels}


def _assemble(
    execution: Execution,
    rendered: Made,
    targets: Iterable[Rendering],
    folder: Path,
    metrics: Path,
) -> list[TargetFiles]:
    written: list[TargetFiles] = []
    images = execution.folder / "rendered"
    with Assembly(folder, rendered, images, metrics, execution.digest) as assembly:
        for made in execution.made:
            assembly.add_rejected(made, "rejected")
        for rendering in targets:
            assembly.add_rejected(rendered, rejected_kind(rendering.name))
            limit = _record_limit(execution, rendering)
            delta = execution.deltas.get(rendering.name)
            written += assembly.add_target(rendering, limit, delta)
        execution.counts += assembly.selections
    return written


def _record_limit(execution: Execution, rendering: Rendering) -> RecordLimit | None:
    """The limit to keep to; None if there is none, or if exceeding it makes the run fail."""
    overflow = execution.recipe.targets[rendering.name].overflow
    if rendering.plan is None or overflow == "fail":
        return None
    limits = rendering.plan.limits
    records, train = limits.records_max, [limits.train_records_max]
    together = records.value if records and records.counts == "together" else None
    if records and together is None:  # this bound counts training records only
        train.append(records)
    least = min((int(limit.value) for limit in train if limit), default=None)
    if least is None and together is None:
        return None
    return RecordLimit(overflow, None if together is None else int(together), least)
