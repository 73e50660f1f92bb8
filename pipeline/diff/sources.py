"""What two runs were made from: sources, recipe, versions, limits of the models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.ledger import target_of
from pipeline.stage import CHUNKS

SHOWN_MOST = 20
EVALUATION_SETS, AGAINST = "evaluation_sets", "against"
WITHDRAW = "withdraw"
"""Stands for the stage `read` where it is not the reading that set a record aside."""


@dataclass(frozen=True)
class SourceChanges:
    """Sources by what became of them; names are the first `SHOWN_MOST` in order."""

    before: int
    after: int
    added: int
    changed: int
    removed: int
    shown: dict[str, list[str]]  # added, changed, removed

    @property
    def total(self) -> int:
        """Sources that are not the same in both runs."""
        return self.added + self.changed + self.removed


@dataclass(frozen=True)
class Change:
    """One setting that differs; None: not there."""

    where: str  # recipe.stages.quality.min_words, version, card.assistant.tokens_max
    before: Any
    after: Any


@dataclass(frozen=True)
class Changes:
    """What differs beside the data."""

    recipe: list[Change]
    versions: list[Change]
    cards: list[Change]

    @property
    def total(self) -> int:
        """Number of changes."""
        return len(self.recipe) + len(self.versions) + len(self.cards)

    def of_stage(self, label: str) -> list[Change]:
        """The changes that can change what one stage of the ledger decides."""
        target = target_of(label)
        if target is not None:
            own = [c for c in self.cards if c.where.startswith(f"card.{target}.")]
            return own + self._recipe_below(f"recipe.targets.{target}")
        if label == "split":
            return self._recipe_below("recipe.split")
        if label == "read":
            return self._recipe_below("recipe.sources")
        if label == WITHDRAW:
            return self._recipe_below("recipe.withdraw")
        own = self._recipe_below(f"recipe.stages.{label.removesuffix(CHUNKS)}")
        beside = {"decontaminate": EVALUATION_SETS, "dedup_exact": AGAINST, "dedup_near": AGAINST}
        key = beside.get(label.split(".")[0])
        if key is None:
            return own
        sets = (f"recipe.{key}", key)
        return own + [change for place in sets for change in self._recipe_below(place)]

    def _recipe_below(self, place: str) -> list[Change]:
        return [c for c in self.recipe if c.where == place or c.where.startswith(f"{place}.")]


def compare_sources(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> SourceChanges:
    """Compare two manifests' `inputs` by name and SHA-256."""
    old, new = digests(before), digests(after)
    found = {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
        "removed": sorted(old.keys() - new.keys()),
    }
    return SourceChanges(
        before=len(old),
        after=len(new),
        **{kind: len(names) for kind, names in found.items()},
        shown={kind: names[:SHOWN_MOST] for kind, names in found.items()},
    )


def digests(inputs: list[dict[str, Any]]) -> dict[str, str]:
    """SHA-256 by source."""
    return {one["source"]: one["sha256"] for one in inputs}


def compare_made(before: dict[str, Any], after: dict[str, Any]) -> Changes:
    """Compare two manifests' recipes, versions and limits."""
    versions = [
        dict(one.get("libraries", {})) | {"bedrock-prep": one["version"], "python": one["python"]}
        for one in (before, after)
    ]
    limits = [
        {name: told.get("limits", {}) for name, told in one["targets"].items()}
        for one in (before, after)
    ]
    recipes = [by_label(one["recipe"]) for one in (before, after)]
    sets, against = (
        [
            {name: digests(told["inputs"]) for name, told in one.get(key, {}).items()}
            for one in (before, after)
        ]
        for key in ("evaluation", AGAINST)
    )
    read = [*changes_of(EVALUATION_SETS, *sets), *changes_of(AGAINST, *against)]
    return Changes(
        recipe=[*changes_of("recipe", *recipes), *read],
        versions=list(changes_of("version", *versions)),
        cards=[one for one in changes_of("card", *limits) if one.where.endswith(".value")],
    )


def by_label(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe with its stages under the names that the ledger gives them."""
    stages: dict[str, Any] = {}
    for entry in recipe.get("stages") or []:
        (name, settings), number = next(iter(entry.items())), 1
        while (label := name if number == 1 else f"{name}.{number}") in stages:
            number += 1
        stages[label] = settings
    sources = {str(number): one for number, one in enumerate(recipe.get("sources") or [])}
    return recipe | {"stages": stages, "sources": sources}


def changes_of(where: str, before: Any, after: Any) -> Iterator[Change]:
    """The leaves in which two trees of mappings differ; a whole branch where one has none."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from changes_of(f"{where}.{key}", before.get(key), after.get(key))
    elif before != after:
        yield Change(where, before, after)
