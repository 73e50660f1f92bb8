"""The teacher of a recipe, and the file of its answers."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.stages.teacher import Teacher
from pipeline.stages.teacher_answers import digest_answers


def teacher_of(recipe: Recipe) -> Teacher:
    """The recipe's only teacher. Raises RecipeError if it has none, or several."""
    found = [step for step in recipe.steps() if isinstance(step, Teacher)]
    if len(found) != 1:
        told = "no stage" if not found else f"{len(found)} stages"
        raise RecipeError(f"stages: has {told} named teacher; to ask one, there must be one")
    return found[0]


def with_answers(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the answers of its teachers found, so that their digest is in the run's.

    Raises RecipeError for a file that is missing, or is none.
    """
    steps = recipe.steps()
    if not any(isinstance(step, Teacher) for step in steps):
        return recipe
    placed = [_placed(step, folder) if isinstance(step, Teacher) else step for step in steps]
    return recipe.model_copy(update={"stages": placed})


def _placed(stage: Teacher, folder: Path) -> Teacher:
    path = (folder / stage.answers).resolve()
    try:
        return stage.placed(path, digest_answers(path))
    except OSError as error:
        remedy = "ask the model first: bedrock-prep teach RECIPE"
        raise RecipeError(f"teacher.answers: {path}: {error.strerror}; {remedy}") from None
    except ValueError as error:
        raise RecipeError(f"teacher.answers: {error}") from None
