"""What there is to train on: records, tokens and images of a run's target or of a JSONL file."""

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
    """The manifest's bound, and an estimate where the lines are on this machine."""
    told = run.manifest["targets"][target]
    folder = f"{run.whole(target)}/images/"  # of all parts together
    images = sum(entry["path"].startswith(folder) for entry in run.manifest["files"])
    path = train_file(run, target)
    likely = file_tokens(path, [told["format"]]).estimate if path else None
    bound = told["tokens"].get("train", 0)
    return Tokens(told["records"].get("train", 0), bound, likely, images)


def train_file(run: PublishedRun, target: str) -> Path | None:
    """A target's training lines, where they are on this machine."""
    path = Path(run.place.uri, "runs", run.run, target, "train.jsonl")
    return path if not is_remote(run.place.uri) and path.is_file() else None


def file_tokens(path: Path, formats: Sequence[str]) -> Tokens:
    """Tokens of all texts of a JSONL file, which is read in parts.

    A record is taken for the format that it seems to be, else for the first one that the model
    takes. Raises DataError for a line that is no JSON object, StorageError.
    """
    records = bound = likely = images = 0
    found = records_of(path)
    while values := list(islice(found, LINES_AT_ONCE)):
        said = [
            text
            for value in values
            for _, _, text in texts(value, guess_format(value) or formats[0])
        ]
        weighed = pl.DataFrame({"text": said}, schema={"text": pl.String}).select(
            bound=(token_bound(pl.col("text")) + TURN_OVERHEAD).sum(),
            likely=(token_estimate(pl.col("text")) + TURN_OVERHEAD).sum(),
        )
        records += len(values)
        bound += int(weighed["bound"].item())
        likely += int(weighed["likely"].item())
        images += sum(map(_images, values))
    return Tokens(records, bound, likely, images)


def _images(value: dict[str, Any]) -> int:
    """How many images a record names."""
    turns = value.get("messages")
    turns = turns if isinstance(turns, list) else ()
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return sum("image" in block for block in blocks if isinstance(block, dict)) + (
        "image-ref" in value
    )


def records_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file. Raises DataError for a line that is none, StorageError."""
    import orjson

    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError:
                    value = None
                if not isinstance(value, dict):
                    told = "is no JSON object; `bedrock-prep check` names every fault"
                    raise DataError(f"{path}:{number}: {told}")
                yield value
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
