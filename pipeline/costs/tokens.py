"""What there is to train on: records, tokens and images of a run's target or a JSONL file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.checks.places import texts
from pipeline.checks.standard import guess_format
from pipeline.costs.estimate import Tokens
from pipeline.errors import DataError, StorageError
from pipeline.published import PublishedRun
from pipeline.storage import is_remote
from pipeline.tokens import TURN_OVERHEAD, token_bound, token_estimate

LINES_AT_ONCE = 2000


def run_tokens(run: PublishedRun, target: str) -> Tokens:
    """A target's training tokens: the manifest's bound, and an estimate if its lines are local."""
    entry = run.manifest["targets"][target]
    folder = f"{run.whole(target)}/images/"  # images of all of the target's parts
    images = sum(file["path"].startswith(folder) for file in run.manifest["files"])
    path = train_file(run, target)
    likely = file_tokens(path, [entry["format"]]).estimate if path else None
    bound = entry["tokens"].get("train", 0)
    return Tokens(entry["records"].get("train", 0), bound, likely, images)


def train_file(run: PublishedRun, target: str) -> Path | None:
    """The file of a target's training lines; None if it is not on this machine."""
    path = Path(run.place.uri, "runs", run.run, target, "train.jsonl")
    return path if not is_remote(run.place.uri) and path.is_file() else None


def file_tokens(path: Path, formats: Sequence[str]) -> Tokens:
    """Tokens of all texts of a JSONL file, which is read in parts.

    The format of each record is guessed from its shape; if that fails, it is the first of
    `formats`, those that the model accepts. Raises DataError for a line that is not a JSON object,
    and StorageError.
    """
    records = bound = likely = images = 0
    values_of_file = records_of(path)
    while values := list(islice(values_of_file, LINES_AT_ONCE)):
        line_texts = [
            text
            for value in values
            for _, _, text in texts(value, guess_format(value) or formats[0])
        ]
        summed = pl.DataFrame({"text": line_texts}, schema={"text": pl.String}).select(
            bound=(token_bound(pl.col("text")) + TURN_OVERHEAD).sum(),
            likely=(token_estimate(pl.col("text")) + TURN_OVERHEAD).sum(),
        )
        records += len(values)
        bound += int(summed["bound"].item())
        likely += int(summed["likely"].item())
        images += sum(map(_images, values))
    return Tokens(records, bound, likely, images)


def _images(value: dict[str, Any]) -> int:
    """How many images a record refers to."""
    turns = value.get("messages")
    turns = turns if isinstance(turns, list) else ()
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return sum("image" in block for block in blocks if isinstance(block, dict)) + (
        "image-ref" in value
    )


def records_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file.

    Raises DataError for a line that is not a JSON object, and StorageError.
    """
    import orjson

    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError:
                    value = None
                if not isinstance(value, dict):
                    fault = "is not a JSON object; `bedrock-prep check` lists every fault"
                    raise DataError(f"{path}:{number}: {fault}")
                yield value
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
