"""The manifest's entry about a target: its files, checked against the model's limits; its cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.assemble import TargetFiles
from pipeline.bedrock.card import Plan
from pipeline.bedrock.hyperparameters import whole_number
from pipeline.bedrock.pricing import training_cost
from pipeline.check import check_files
from pipeline.fragments import Lines
from pipeline.job_files import withheld_job
from pipeline.made import Made
from pipeline.rendering import Rendering, base_uri

if TYPE_CHECKING:
    from pipeline.execution import Execution

WITHHELD = "job-withheld"
"""The rule of a note that says why a target has no `job.json`."""


def target_entry(
    execution: Execution, files: TargetFiles, rendered: Made, folder: Path
) -> dict[str, Any]:
    """The manifest's entry about a target: its files, checked against the model's limits."""
    rendering = files.rendering
    entry: dict[str, Any] = {
        "format": rendering.target.format,
        "records": files.told("records"),
        "tokens": files.told("tokens"),
        "bytes": files.told("bytes"),
        "part": files.number,
        "parts": files.parts,
        "losses": _losses(execution, rendering),
    }
    if rendering.plan is not None:
        entry |= _model_entry(execution, files)
    if rendering.name in execution.deltas:
        entry["delta"] = _delta_entry(execution, rendering, rendered)
        if "train" not in files.splits:  # nothing new to tune on, which is not a fault
            return entry | {"faults": [], "ready": False}
    found = list(_check(execution, files, folder))
    faults = [fault for severity, fault in found if severity == "error"]
    notes = [fault for _, fault in found if fault["rule"] == "own-quota"]
    withheld = withheld_job(execution, files)
    notes += [{"rule": WITHHELD, "message": withheld}] if withheld else []
    entry |= {"notes": notes} if notes else {}
    return entry | {"faults": faults, "ready": not faults}


def _delta_entry(execution: Execution, rendering: Rendering, rendered: Made) -> dict[str, Any]:
    """Which runs a delta continues, how much they have shipped, and what of it is withdrawn."""
    delta = execution.deltas[rendering.name]
    job = execution.recipe.job_settings(rendering.name)
    return {
        "parent_run": delta.chain[0],
        "chain": list(delta.chain),
        "base_model": job.base_model if job else None,
        "shipped": len(delta.shipped),
        "withdrawn": delta.withdrawn(Lines(rendered, rendering.name), execution.digest),
    }


def _losses(execution: Execution, rendering: Rendering) -> dict[str, int]:
    """What the format could not express of the records, summed over all parts of a target."""
    counted: Counter[str] = execution.losses.get(rendering.name, Counter())
    return {name: number for name, number in sorted(counted.items()) if number}


def _check(
    execution: Execution, files: TargetFiles, folder: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (severity, fault) for all that the check engine finds in the files as written."""
    rendering = files.rendering
    if "train" not in files.splits:
        yield "error", {"rule": "no_records", "message": "no record is left for training"}
        return
    base = base_uri(execution.recipe, execution.options.output)
    location = f"{base}/runs/{execution.digest}/{files.name}/" if base else None
    validation = folder / "validation.jsonl" if "validation" in files.splits else None
    result = check_files(
        [folder / "train.jsonl"],
        plan=rendering.plan,
        format_name=rendering.target.format,
        validation=validation,
        location=location,
        allow=execution.recipe.targets[rendering.name].allow or (),
        of_recipe=True,
    )
    for fault in result.faults:
        details = {"rule": fault.rule, "value": fault.value, "threshold": fault.threshold}
        remedy = f"; {fault.remedy}" if fault.severity == "error" else ""
        yield fault.severity, details | {"message": f"{fault.message}{remedy}"}


def _model_entry(execution: Execution, files: TargetFiles) -> dict[str, Any]:
    name, plan = files.rendering.name, files.rendering.plan
    card = execution.recipe.card(name)
    assert card is not None
    assert plan is not None
    tokens, epochs = files.told("tokens").get("train", 0), _epochs(execution, name, plan)
    own_prices = execution.recipe.targets[name].prices
    return {
        "model": card.name,
        "model_id": card.model_id,
        "customization": plan.customization,
        "lifecycle": card.lifecycle.status,
        "card_date": card.lifecycle.date,
        "limits": plan.limits.model_dump(mode="json", exclude_none=True),
        "cost": training_cost(card, plan, tokens, epochs, own_prices).as_json(),
    }


def _epochs(execution: Execution, name: str, plan: Plan) -> int:
    job = execution.recipe.job_settings(name)
    return whole_number(plan, job.hyperparameters if job else {}, "epochCount") or 1
