"""What a recipe asks its teacher: its documents after the stages before `teacher`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.execution import Execution
from pipeline.inputs import gather_inputs
from pipeline.made import Made
from pipeline.naming import Named, work_digest
from pipeline.own_output import own_output
from pipeline.progress import Progress
from pipeline.recipe import Recipe
from pipeline.references import ReferringStage
from pipeline.run import Options, recipe_aws, source_aws
from pipeline.shards import private_folder
from pipeline.stages.redact import Redact
from pipeline.stages.split import Split
from pipeline.stages.teacher import Passages
from pipeline.stages.texts import has_images
from pipeline.teach.recipe import teacher_of
from pipeline.tokens import TURN_OVERHEAD, token_bounds
from pipeline.work_folder import SPOOL, TEACHER, work_folder


@dataclass(frozen=True)
class Request:
    """One passage to ask about, with an upper bound of its input tokens."""

    key: str
    body: dict[str, Any]
    tokens: int


@dataclass(frozen=True)
class Requests:
    """All requests of a recipe, rebuilt from the passages on every iteration."""

    asking: Passages
    kept: Made

    def __iter__(self) -> Iterator[Request]:
        """Yield each request once, in the order of the sources; equal passages are one request."""
        seen: set[bytes] = set()
        system = self.asking.body("")
        around = [part["text"] for part in (*system["system"], *system["messages"][0]["content"])]
        fixed = int(token_bounds(pl.Series(around)).sum()) + 2 * TURN_OVERHEAD
        document = pl.col("messages").is_null() & pl.col("text").is_not_null() & ~has_images()
        for records in self.kept.frames("kept", ["messages", "text", "images"]):
            texts = records.filter(document)["text"]
            for text, tokens in zip(texts, token_bounds(texts), strict=True):
                body = self.asking.body(text)
                key = self.asking.key(text)
                if bytes.fromhex(key) not in seen:
                    seen.add(bytes.fromhex(key))
                    yield Request(key, body, tokens + fixed)


@contextmanager
def recipe_requests(
    recipe: Recipe, folder: Path, options: Options, progress: Progress
) -> Iterator[Requests]:
    """The requests of a recipe whose paths are relative to `folder`.

    They are valid inside the context, which keeps other runs away from the same output.
    """
    steps = recipe.steps()
    teacher = teacher_of(recipe)
    before = steps[: steps.index(teacher)]
    if not any(isinstance(step, Redact) for step in before):
        progress.say("texts go to the model unredacted: there is no redact stage before teacher")
    asking = teacher.asking()
    refers = any(isinstance(step, ReferringStage) for step in before)
    cut = recipe.model_copy(
        update={
            "stages": [*before, asking],
            "split": Split(validation=0),
            "evaluation_sets": recipe.evaluation_sets if refers else {},
        }
    )
    with work_folder(options, folder, cut) as (work, _):
        aws = recipe_aws(cut)
        spool = private_folder(work / SPOOL)
        written = own_output(options.output, work, options.state)
        inputs = gather_inputs(cut, folder, spool, source_aws(cut, aws), own=written)
        digest = work_digest(cut, inputs, options.output, {})
        own = private_folder(work / TEACHER)
        execution = Execution(cut, inputs, Named(digest, digest), own, options, progress)
        yield Requests(asking, execution.kept())
        shutil.rmtree(own)
