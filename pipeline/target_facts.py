"""What the manifest says of a target: its files, held against the model's limits, and its cost."""

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


def tell_target(
    execution: Execution, files: TargetFiles, rendered: Made, folder: Path
) -> dict[str, Any]:
    """What the manifest says of a target: its files, held against the model's limits."""
    rendering = files.rendering
    told: dict[str, Any] = {
        "format": rendering.target.format,
        "records": files.told("records"),
        "tokens": files.told("tokens"),
        "bytes": files.told("bytes"),
        "part": files.number,
        "parts": files.parts,
        "losses": _losses(execution, rendering),
    }
    if rendering.plan is not None:
        told |= _tell_model(execution, files)
    if rendering.name in execution.deltas:
        told["delta"] = _tell_delta(execution, rendering, rendered)
        if "train" not in files.splits:  # nothing new to tune on, which is no fault
            return told | {"faults": [], "ready": False}
    found = list(_check(execution, files, folder))
    faults = [fault for severity, fault in found if severity == "error"]
    notes = [fault for _, fault in found if fault["rule"] == "own-quota"]
    withheld = withheld_job(execution, files)
    notes += [{"rule": WITHHELD, "message": withheld}] if withheld else []
    told |= {"notes": notes} if notes else {}
    return told | {"faults": faults, "ready": not faults}


def _tell_delta(execution: Execution, rendering: Rendering, rendered: Made) -> dict[str, Any]:
    """What a delta goes on from, and what that holds beside."""
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
    """What the format could not say as the records do; of all parts of a target together."""
    counted: Counter[str] = execution.losses.get(rendering.name, Counter())
    return {name: number for name, number in sorted(counted.items()) if number}


def _check(
    execution: Execution, files: TargetFiles, folder: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Severity and fault of all that the check engine finds in the files as written."""
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
    )
    for fault in result.faults:
        told = {"rule": fault.rule, "value": fault.value, "threshold": fault.threshold}
        remedy = f"; {fault.remedy}" if fault.severity == "error" else ""
        yield fault.severity, told | {"message": f"{fault.message}{remedy}"}


def _tell_model(execution: Execution, files: TargetFiles) -> dict[str, Any]:
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
