"""What a run is called: by its work, and by the runs before it that the recipe looks back at.

The same work after the same runs has the same name, so that it is done once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline import __version__
from pipeline.delta import Parents, named_parents, parents_of
from pipeline.inputs import Inputs
from pipeline.publish import Latest
from pipeline.published import PublishedRun, run_before
from pipeline.recipe import Recipe
from pipeline.storage import Place, is_remote

DIGEST_BYTES = 10


@dataclass(frozen=True)
class Named:
    """A run's name, and the runs before it that it looks back at."""

    run: str  # digest; that of the work, unless a gate holds it against the run before
    work: str  # digest of recipe, inputs, version and parents
    before: PublishedRun | None = None  # what `gate.drift` measures from
    parents: Parents = field(default_factory=dict)  # what each delta target goes on from


def name_run(
    recipe: Recipe,
    inputs: Inputs,
    output: str,
    since: str | None,
    place: Place,
    latest: Latest | None,
) -> Named:
    """The name of a run with output `output` whose place says that `latest` is the latest one.

    A delta goes on from `since`, or else the latest run, unless that one is this very work with
    its own parents. Raises StorageError when LATEST names a run that is not there.
    """
    last = run_before(place, latest) if recipe.looks_back() or recipe.has_deltas() else None
    before = last if recipe.looks_back() else None
    own = parents_of(last.manifest) if last else {}
    others = dict.fromkeys(recipe.targets, last.run) if last else {}
    for defaults in (own, others):
        parents = named_parents(recipe, defaults, since)
        work = work_digest(recipe, inputs, output, parents)
        named = Named(_digest_after(work, before), work, before, parents)
        if not recipe.has_deltas() or (last and named.run == last.run):
            break
    return named


def work_digest(recipe: Recipe, inputs: Inputs, output: str, parents: Mapping[str, str]) -> str:
    """The name of the work: recipe, input contents, package version, and the places it will name.

    `parents` are the runs that delta targets go on from: they decide what is new.
    """
    material: dict[str, Any] = {
        "recipe": recipe.as_json(),
        "inputs": [[file["source"], file["sha256"]] for file in inputs.listing],
        "version": __version__,
        "place": output if is_remote(output) else None,
    }
    if inputs.sets:
        material["evaluation"] = {
            name: [[file["source"], file["sha256"]] for file in own.listing]
            for name, own in inputs.sets.items()
        }
    if inputs.against:
        material["against"] = {
            name: [[file["source"], file["sha256"]] for file in own.listing]
            for name, own in inputs.against.items()
        }
    if parents:
        material["parents"] = dict(parents)
    return _digest(json.dumps(material, sort_keys=True))


def _digest_after(work: str, before: PublishedRun | None) -> str:
    if before is None:
        return work
    if before.manifest.get("work") == work:
        return before.run  # nothing has changed since
    return _digest(f"{work} after {before.run}")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
