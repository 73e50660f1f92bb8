"""The last pass: records to lines of each target, checked against schema and model card."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.bedrock.limits import reject_over_limits
from pipeline.fragments import lines_kind
from pipeline.ledger import target_label
from pipeline.outlined import all_valid, list_validator
from pipeline.parts import Parts
from pipeline.passes import Decided
from pipeline.pictures import Pictures
from pipeline.record import SCHEMA
from pipeline.rendering import Rendering
from pipeline.schemas_dir import load_schema
from pipeline.stage import Broken, reject
from pipeline.stages.language import UNDETERMINED
from pipeline.steps import Steps
from pipeline.tasks import ShardTask
from pipeline.tokens import TURN_OVERHEAD, message_tokens, token_bound
from pipeline.unit_rows import LOSS

SCHEMA_BROKEN = "schema_broken"
SCHEMA_BROKEN_MEANS = (
    "the rendered line does not match the JSON Schema of its format; the value is the fault"
)

LINES = pl.Schema(
    {
        "id": pl.String,
        "document": pl.String,
        "source": pl.String,
        "locator": pl.String,
        "split": pl.String,
        "language": pl.String,
        "tokens": pl.Int64,  # upper bound
        "bytes": pl.Int64,  # of the line, without its newline
        "turns": pl.Int64,
        "images": pl.Int64,
        "line": pl.String,
    }
)
"""A rendered record with its measures, from which lineage, gate and report are made."""


def rejected_kind(target: str) -> str:
    """The kind of the files with a target's own rejected records (see `pipeline.made`)."""
    return f"{target_label(target)}.rejected"


@dataclass(frozen=True)
class RenderPass:
    """What is done to every shard in the last pass: render its records for each target."""

    folder: Path
    renderings: tuple[Rendering, ...]
    decided: tuple[Decided, ...]  # decisions still to be applied: split, or last corpus stages
    paths_file: Path  # JSON: local path and SHA-256 of each input, by URI
    plan: str  # digest of recipe, inputs, code and cuts
    made_of: str = ""  # digest of what the result for a unit depends on, except the unit

    @property
    def labels(self) -> list[str]:
        """The ledger's lines that this pass writes."""
        return [*(one.label for one in self.decided), *(one.label for one in self.renderings)]

    def run(self, task: ShardTask) -> dict[str, Any]:
        """Render one task for every target, unless it is finished already; returns its marker."""
        parts = Parts(self.folder, task.keys, task.sources, self.made_of, self.plan)
        done = parts.done()
        if done is not None:
            return done
        steps = Steps(task.read(), parts)
        for decided in self.decided:
            steps.take(decided.label, decided.apply(steps.records, task.shards()).records)
        frames = {"rejected": steps.rejected()}
        steps.records = steps.records.with_columns(tokens=record_tokens())
        parts.clock.lap("shards")
        for rendering in self.renderings:
            frames |= self._render(rendering, steps)
            parts.clock.lap(rendering.label)
        parts.write(frames | {"ledger": steps.ledger()}, steps.roots)
        parts.clock.lap("shards")
        return parts.finish()

    def _render(self, rendering: Rendering, steps: Steps) -> dict[str, pl.DataFrame]:
        """The frames of one target by kind: its lines, and the records that it rejects."""
        wanted = reject_other_languages(steps.records, rendering.languages)
        pictures = Pictures(rendering, self.folder, self.paths_file)
        pictured = pictures.rendered(wanted, functools.partial(render_lines, rendering))
        rendered = pictured.rendered
        parted = steps.part(rendering.label, rendered.select(SCHEMA.names()))
        for name, where in rendering.target.losses().items():
            lost = parted.kept.filter(where).select("id", kind=pl.lit(name), number=1)
            steps.tell(rendering.label, lost, LOSS)
        steps.tell(rendering.label, pictured.changes, LOSS)
        steps.parts.images += pictured.files
        kept = rendered.filter(pl.col("rejected").is_null())
        rejected = parted.rejected.with_columns(stage=pl.lit(rendering.label))
        return {
            lines_kind(rendering.name): measured(kept, rendering.takes_validation),
            rejected_kind(rendering.name): steps.in_order([rejected]),
        }


def render_lines(rendering: Rendering, records: pl.DataFrame) -> pl.DataFrame:
    """The records with their lines, held against the model's limits and the format's schema."""
    rendered = rendering.target.render(records, rendering.place)
    if rendering.plan is not None:
        rendered = reject_over_limits(rendered, rendering.plan, rendering.bucket)
    return reject_broken_lines(rendered, rendering.target.schema)


def reject_other_languages(records: pl.DataFrame, languages: tuple[str, ...]) -> pl.DataFrame:
    """Reject records in languages that the target does not take; `languages` is empty for all."""
    if not languages:
        return records
    code = pl.col("language")
    is_other = code.is_not_null() & ~code.is_in([*languages, UNDETERMINED])
    rule = Broken(is_other, value=code, threshold=", ".join(languages))
    return reject(records, language_not_wanted=rule)


def record_tokens() -> pl.Expr:
    """At most how many tokens a whole record has: text, turns, tools and reasoning.

    Turns given in the Converse shape contain everything that `messages` has of them, and more, so
    they are counted instead of it. Tools and reasoning are counted in addition to the turns.
    """
    extra = pl.col("extra")
    converse_turns = extra.str.json_path_match("$.converse_messages")
    beside = pl.concat_str(
        *(extra.str.json_path_match(f"$.{key}") for key in ("reasoning", "toolConfig", "tools")),
        ignore_nulls=True,
    )
    marks = TURN_OVERHEAD * pl.col("messages").list.len().cast(pl.Int64)
    system = (token_bound(pl.col("system")) + TURN_OVERHEAD).fill_null(0)
    turns = pl.when(converse_turns.is_not_null()).then(token_bound(converse_turns) + marks + system)
    from_turns = turns.otherwise(message_tokens()) + token_bound(beside).fill_null(0)
    return pl.coalesce(from_turns, token_bound(pl.col("text")))


@functools.cache
def _validator(schema: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(load_schema(schema))


def reject_broken_lines(rendered: pl.DataFrame, schema: str) -> pl.DataFrame:
    """Reject the records whose line does not match its format's JSON Schema."""
    faults = pl.Series(_faults(rendered["line"], schema), dtype=pl.String)
    broken = Broken(pl.col("fault").is_not_null(), value=pl.col("fault"), threshold=schema)
    checked = reject(rendered.with_columns(fault=faults), **{SCHEMA_BROKEN: broken})
    return checked.drop("fault")


def _faults(lines: pl.Series, schema: str) -> list[str | None]:
    """The schema's complaint about each line; all lines are tried at once first, because usually
    there is none."""
    import orjson

    if all_valid(lines, schema):
        return [None] * len(lines)
    data = lines.cast(pl.Binary).to_list()
    values = [None if line is None else orjson.loads(line) for line in data]
    if list_validator(schema).is_valid([value for value in values if value is not None]):
        return [None] * len(values)
    return [None if value is None else _first_fault(value, schema) for value in values]


def _first_fault(value: Any, schema: str) -> str | None:
    validator = _validator(schema)
    if validator.is_valid(value):
        return None
    error = next(iter(validator.iter_errors(value)))
    return f"{error.instance_path}: {error.message}"[:200]


def measured(lines: pl.DataFrame, takes_validation: bool) -> pl.DataFrame:
    """Rendered records as `LINES`; without a validation file, its records go to training."""
    split = pl.col("split").fill_null("train")
    if not takes_validation:
        split = split.replace("validation", "train")
    return lines.select(
        "id",
        "document",
        "source",
        "locator",
        split,
        "language",
        "tokens",
        pl.col("line").str.len_bytes().cast(pl.Int64).alias("bytes"),
        pl.col("messages").list.len().fill_null(0).cast(pl.Int64).alias("turns"),
        pl.col("images").list.len().fill_null(0).cast(pl.Int64).alias("images"),
        "line",
    ).cast(LINES)
