"""The recipe's targets, ready to render: with their models' plans and their places in S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.bedrock.cards import Plan
from pipeline.errors import RecipeError
from pipeline.ledger import target_label
from pipeline.storage import is_remote
from pipeline.targets.contract import Place, Target

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

NO_VALIDATION = {"image_caption"}
"""Formats whose models take no validation file (model-customization-prepare.html)."""


@dataclass(frozen=True)
class Rendering:
    """One target of the recipe, ready to render."""

    name: str
    target: Target
    plan: Plan | None
    place: Place
    takes_validation: bool
    languages: tuple[str, ...] = ()  # languages that it takes; empty for all

    @property
    def label(self) -> str:
        """The target's name in the ledger."""
        return target_label(self.name)

    def made_of(self, run: str) -> str:
        """A text of all that its lines depend on, except records, code and the run's name."""
        dependencies = [
            self.label,
            type(self.target).__name__,
            getattr(self.target, "model_dump_json", str)(),
            None if self.plan is None else self.plan.model_dump_json(),
            self.place.image_prefix.replace(f"/runs/{run}/", "/runs/"),
            self.place.bucket_owner,
            self.takes_validation,
            self.languages,
        ]
        return repr(dependencies)

    @property
    def bucket(self) -> str | None:
        """The S3 bucket that the data set will be in, if that is known."""
        prefix = self.place.image_prefix
        return prefix.split("/")[2] if is_remote(prefix) else None


def base_uri(recipe: Recipe, output: str) -> str | None:
    """The S3 prefix under which the runs of this recipe are published; None if none is given."""
    if is_remote(output):
        return output.rstrip("/")
    return recipe.publish.uri.rstrip("/") if recipe.publish else None


def renderings(recipe: Recipe, output: str, run: str) -> tuple[Rendering, ...]:
    """Every target of a recipe for one run.

    Raises RecipeError for a target that refers to images when no S3 place is known.
    """
    base = base_uri(recipe, output)
    owner = recipe.publish.expected_bucket_owner if recipe.publish else None
    made = []
    for name, entry in recipe.targets.items():
        if base is None and entry.format == "image_caption":
            raise RecipeError(
                f"targets.{name}: its lines refer to images in S3: set publish.uri, "
                "or write to s3:// with --output"
            )
        plan = recipe.plan(name)
        place = Place(f"{base}/runs/{run}/{name}/images/" if base else "", owner)
        allowed = plan.validation.allowed is True if plan else entry.format not in NO_VALIDATION
        wanted = tuple(sorted(set(entry.languages or ())))
        made.append(Rendering(name, recipe.target(name), plan, place, allowed, wanted))
    return tuple(made)
