"""A memory limit becomes workers and shard size, or is refused at the start."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from pipeline.memory import (
    COPIES,
    MB,
    PARENT,
    PARSER,
    SHARD_LEAST,
    SHARD_MOST,
    WORKER,
    refuse_over,
    share_memory,
)
from pipeline.prepare import parse_size
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare


@pytest.mark.parametrize(
    ("memory", "sandboxed"),
    [(600, False), (700, False), *((size, True) for size in (800, 1500, 4000, 64000))],
)
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_what_is_shared_out_fits_the_limit(memory: int, sandboxed: bool, workers: int) -> None:
    """All workers at their largest stay under the limit, with a parser each where there is one."""
    share = share_memory(memory * MB, workers, sandboxed)
    own = WORKER + sandboxed * PARSER
    used = PARENT + share.workers * (own + COPIES * share.shard_bytes)
    assert used <= memory * MB
    assert 1 <= share.workers <= workers
    assert SHARD_LEAST <= share.shard_bytes <= SHARD_MOST


def test_a_large_json_document_is_counted(tmp_path: Path) -> None:
    """It is held whole: a limit that it does not fit is refused before anything is read."""
    (tmp_path / "a.json").write_text(json.dumps([{"text": "tea " * 50}] * 40_000))  # 9 MB
    (tmp_path / "r.yaml").write_text(
        "name: a\nsources: [{path: a.json}]\nstages: [clean]\ntargets: {c: {format: pretraining}}\n"
    )
    most = PARENT + WORKER + COPIES * SHARD_LEAST + 5 * MB
    options = Options(str(tmp_path / "out"), 1, most)
    with pytest.raises(RecipeError, match="needs at least"):
        prepare(
            load_recipe(tmp_path / "r.yaml"), tmp_path, options, Lines(io.StringIO(), as_json=False)
        )
    assert share_memory(most, 4).workers == 1


def test_a_limit_too_small_for_one_worker_is_refused() -> None:
    """The message names what is needed."""
    with pytest.raises(RecipeError, match="needs at least"):
        share_memory(100 * MB, 4)


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 << 30), ("800MB", 800 << 20), ("1.5g", 3 << 29), ("1000", 1000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """Units are powers of 1,024, in any case."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "four", "4XB", "-1GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """With the text that was given."""
    with pytest.raises(RecipeError, match="memory"):
        parse_size(text)


def test_what_a_vote_must_hold_and_does_not_fit_is_refused() -> None:
    """Some bytes of each record: before they are held; without a limit they are not counted."""
    refuse_over(None, "dedup_near", 10_000 * MB)
    refuse_over(1_000 * MB, "dedup_near", 600 * MB)
    with pytest.raises(RecipeError, match="dedup_near must hold"):
        refuse_over(1_000 * MB, "dedup_near", 800 * MB)
