"""The last pass: records to lines of each target, held against schema and model card."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.bedrock.limits import reject_over_limits
from pipeline.fragments import ENDING, write_fragments
from pipeline.ledger import StageCount
from pipeline.outlined import all_valid, list_validator
from pipeline.parts import Clock
from pipeline.passes import Decided, ShardTask, in_order, origin, positions
from pipeline.record import SCHEMA
from pipeline.rendering import Rendering
from pipeline.schemas_dir import load_schema
from pipeline.settle import Settled, settle
from pipeline.shards import read_frame, read_marker, write_bytes, write_frame, write_marker
from pipeline.stage import Broken, reject
from pipeline.stages.language import UNDETERMINED
from pipeline.targets.images import image_name, most_images, prepare_image
from pipeline.tokens import TURN_OVERHEAD, message_tokens, token_bound

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
"""A rendered record with its measures: what lineage, gate and report are made of."""


@dataclass(frozen=True)
class RenderPass:
    """What is done to every shard in the last pass."""

    folder: Path
    renderings: tuple[Rendering, ...]
    decided: tuple[Decided, ...]  # the split, or last corpus stages
    paths_file: Path  # JSON: where each input's bytes are
    plan: str  # digest of recipe, inputs, code and cuts

    def run(self, task: ShardTask) -> dict[str, Any]:
        """Render one shard for every target, unless it is done; returns its marker."""
        marker_path = self.folder / f"{task.index:05d}.json"
        made_from = origin(self.plan, self.folder.name, task, self.decided)
        done = read_marker(marker_path, made_from)
        if done is not None:
            return done | {"reused": True}
        clock = Clock()
        records = read_frame(task.shard)
        counts: list[StageCount] = []
        files: list[Path] = []
        losses: dict[str, dict[str, int]] = {}
        if self.decided:
            order, set_aside = positions(records), []
            for decided in self.decided:
                parted = settle(decided.label, records, decided.apply(records, task.shard).records)
                set_aside.append(parted.rejected.with_columns(stage=pl.lit(decided.label)))
                records = parted.kept
                counts.append(parted.count)
            files.append(self.folder / f"{task.index:05d}.rejected.arrow")
            write_frame(files[-1], in_order(set_aside, order))
        records = records.with_columns(tokens=record_tokens())
        for rendering in self.renderings:
            parted, made = self._render(rendering, records, task.index)
            counts.append(parted.count)
            files += made
            losses[rendering.name] = _count(rendering.target.losses(), parted.kept)
            clock.lap(rendering.label)
        told = {
            "parts": [f"{task.index:05d}"],
            "counts": [count.as_json() for count in counts],
            "cpu": clock.cpu,
            "losses": losses,
        }
        return write_marker(marker_path, made_from, files, told)

    def _render(
        self, rendering: Rendering, records: pl.DataFrame, index: int
    ) -> tuple[Settled, list[Path]]:
        wanted = reject_other_languages(records, rendering.languages)
        rendered = rendering.target.render(wanted, rendering.place)
        if rendering.plan is not None:
            rendered = reject_over_limits(rendered, rendering.plan, rendering.bucket)
        rendered = reject_broken_lines(rendered, rendering.target.schema)
        parted = settle(rendering.label, records, rendered.select(SCHEMA.names()))
        rejected = parted.rejected.with_columns(stage=pl.lit(rendering.label))
        rejected = in_order([rejected], positions(records))
        lines = measured(rendered.filter(pl.col("rejected").is_null()), rendering.takes_validation)
        name = f"{rendering.name}.{index:05d}"
        write_frame(self.folder / f"{name}.rejected.arrow", rejected)
        files = [self.folder / f"{name}.rejected.arrow"]
        files += write_fragments(self.folder / f"{name}{ENDING}", lines)
        return parted, files + self._images(rendering, parted.kept)

    def _images(self, rendering: Rendering, records: pl.DataFrame) -> list[Path]:
        """Prepare the images that the kept lines name."""
        named = records.filter(pl.col("images").list.len() > 0)
        if not named.height or not rendering.place.image_prefix:
            return []
        paths = _input_paths(self.paths_file)
        made = []
        for index in range(most_images(named)):
            uri = pl.col("images").list.get(index, null_on_oob=True)
            names = named.select(name=image_name(index), uri=uri).drop_nulls()
            for name, source in names.iter_rows():
                data, _, _ = prepare_image(Path(paths[source]))
                made.append(self.folder / f"{rendering.name}.image.{name}")
                write_bytes(made[-1], data)
        return made


def reject_other_languages(records: pl.DataFrame, languages: tuple[str, ...]) -> pl.DataFrame:
    """Set aside what is in a language that the target does not take; nothing if it takes all."""
    if not languages:
        return records
    code = pl.col("language")
    other = code.is_not_null() & ~code.is_in([*languages, UNDETERMINED])
    rule = Broken(other, value=code, threshold=", ".join(languages))
    return reject(records, language_not_wanted=rule)


def record_tokens() -> pl.Expr:
    """Tokens of a whole record at most: what its line says, whichever column says it.

    Turns given in the Converse shape hold all that `messages` say of them, and more; they are
    counted in their stead. Tools and reasoning stand beside the turns.
    """
    extra = pl.col("extra")
    given = extra.str.json_path_match("$.converse_messages")
    beside = pl.concat_str(
        *(extra.str.json_path_match(f"$.{key}") for key in ("reasoning", "toolConfig", "tools")),
        ignore_nulls=True,
    )
    marks = TURN_OVERHEAD * pl.col("messages").list.len().cast(pl.Int64)
    system = (token_bound(pl.col("system")) + TURN_OVERHEAD).fill_null(0)
    turns = pl.when(given.is_not_null()).then(token_bound(given) + marks + system)
    said = turns.otherwise(message_tokens()) + token_bound(beside).fill_null(0)
    return pl.coalesce(said, token_bound(pl.col("text")))


def _count(losses: dict[str, pl.Expr], kept: pl.DataFrame) -> dict[str, int]:
    """How many kept records each loss is true of."""
    if not losses:
        return {}
    sums = kept.select(**{name: where.sum() for name, where in losses.items()})
    return {name: int(number) for name, number in sums.row(0, named=True).items()}


@functools.lru_cache(maxsize=1)
def _input_paths(path: Path) -> dict[str, str]:
    paths: dict[str, str] = json.loads(path.read_bytes())
    return paths


@functools.cache
def _validator(schema: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(load_schema(schema))


def reject_broken_lines(rendered: pl.DataFrame, schema: str) -> pl.DataFrame:
    """Reject the records whose line its own JSON Schema refuses: nothing unheld is written."""
    held = rendered.with_columns(
        fault=pl.Series(_faults(rendered["line"], schema), dtype=pl.String)
    )

    broken = Broken(pl.col("fault").is_not_null(), value=pl.col("fault"), threshold=schema)
    return reject(held, schema_broken=broken).drop("fault")


def _faults(lines: pl.Series, schema: str) -> list[str | None]:
    """What the schema refuses of each line; all at once first, for mostly it is nothing."""
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
    """Rendered records as `LINES`; without a validation file its share goes to training."""
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
