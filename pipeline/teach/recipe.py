"""The teacher of a recipe, and the file of its answers."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import RecipeError
from pipeline.recipe import Recipe
from pipeline.stages.teacher import Teacher
from pipeline.stages.teacher_answers import digest_answers


def teacher_of(recipe: Recipe) -> Teacher:
    """The recipe's only `teacher` stage. Raises RecipeError if it has none, or several."""
    teachers = [step for step in recipe.steps() if isinstance(step, Teacher)]
    if len(teachers) != 1:
        count = "no stage" if not teachers else f"{len(teachers)} stages"
        raise RecipeError(f"stages: has {count} named teacher; there must be exactly one to ask")
    return teachers[0]


def with_answers(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with its teachers' answers files resolved, so the run's digest includes theirs.

    Raises RecipeError for a file that is missing or is not an answers file.
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
