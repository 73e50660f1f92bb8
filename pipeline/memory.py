"""How a memory limit is shared: workers, and the bytes of records that each holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import RecipeError

MB = 1 << 20
PARENT = 320 * MB  # interpreter, Polars, sketches of a few million records
WORKER = 240 * MB  # interpreter, Polars and the libraries that readers load
PARSER = 180 * MB  # a worker's child for untrusted bytes, where a source needs one
COPIES = 12  # of a shard's text that its costliest stage holds at once, measured
SPACY = 160 * MB  # where a worker finds names by a model, beside the model
MODEL = 2  # of the bytes of a model's files that it takes in memory
WHOLE = 5  # of the bytes of a JSON document: as they are, and four for each character
TABLES = 24  # of the bytes of evaluation sets that their tables take
TABLES_MADE = 100  # of them that it takes to make the tables
SKETCH_COPIES = 3  # of the sketches that a decision holds at once
DECIDED_MOST = 512 * MB  # of sketches held at once where no limit is set
SHARD_LEAST, SHARD_MOST = 1 * MB, 16 * MB


@dataclass(frozen=True)
class Share:
    """What fits: processes at work, and bytes of records in a shard."""

    workers: int
    shard_bytes: int


def share_memory(
    memory: int | None,
    workers: int,
    sandboxed: bool = False,
    sets: int = 0,
    models: int = 0,
    whole: int = 0,
) -> Share:
    """As many workers as fit `memory` (bytes, None: no limit), then shards as large as fit.

    `sandboxed` says that each has a child that parses. What that may take for a moment, on a file
    that it then rejects, is not in it: see `pipeline.readers.sandbox`. `sets` are the bytes of
    evaluation sets, whose tables each worker looks into, `models` those of the files of models that
    find names, which each worker holds, and this process, `whole` those of the largest JSON
    document, which is held whole while it is read.
    Raises RecipeError when not even one worker with the smallest shard fits.
    """
    finding = SPACY + MODEL * models if models else 0
    parent = PARENT + finding
    worker = WORKER + (PARSER if sandboxed else 0) + finding + TABLES * sets + WHOLE * whole
    if memory is None:
        return Share(workers, SHARD_MOST)
    for count in range(workers, 0, -1):
        shard = ((memory - parent) // count - worker) // COPIES
        if shard >= SHARD_LEAST:
            return Share(count, min(shard, SHARD_MOST))
    least = (parent + worker + COPIES * SHARD_LEAST) // MB
    raise RecipeError(f"--memory {memory // MB}MB: a run needs at least {least}MB")


def room_to_decide(memory: int | None) -> int:
    """Bytes of sketches or votes that a decision holds at once; more of them wait on disk."""
    return DECIDED_MOST if memory is None else PARENT // 2 // SKETCH_COPIES


def refuse_over(memory: int | None, label: str, needed: int) -> None:
    """Raise RecipeError when what a vote must hold of all records does not fit `memory`.

    That is some bytes of each record, whatever its text: see `pipeline.deciding`.
    """
    if memory is not None and PARENT + needed > memory:
        raise RecipeError(
            f"--memory {memory // MB}MB: {label} has to hold some bytes of each record and needs "
            f"{(PARENT + needed) // MB}MB; finished passes are kept"
        )


def refuse_sets(memory: int | None, size: int) -> None:
    """Raise RecipeError when the tables of evaluation sets of `size` bytes do not fit `memory`."""
    needed = PARENT + TABLES_MADE * size
    if memory is not None and needed > memory:
        raise RecipeError(
            f"--memory {memory // MB}MB: to put the evaluation sets into tables takes "
            f"{needed // MB}MB; they have {-(-size // MB)}MB of text"
        )
