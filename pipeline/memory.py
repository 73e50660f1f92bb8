"""How a memory limit is divided among workers, and how many bytes of records each holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import RecipeError

MB = 1 << 20
PARENT = 320 * MB  # interpreter, Polars, sketches of a few million records
WORKER = 240 * MB  # interpreter, Polars and the libraries that readers load
PARSER = 180 * MB  # a worker's child process for untrusted bytes, if a source needs one
COPIES = 12  # times a shard's text that its most expensive stage holds at once, measured
SPACY = 160 * MB  # for a worker that finds names by a model, in addition to the model
MODEL = 2  # times the bytes of a model's files that the model takes in memory
WHOLE = 5  # times the bytes of a JSON document: the bytes, and four for each character
TABLES = 24  # times the bytes of evaluation sets that their tables take
TABLES_MADE = 100  # times the bytes of evaluation sets that making their tables takes
SKETCH_COPIES = 3  # times the sketches that a decision holds at once
DECIDED_MOST = 512 * MB  # of sketches held at once if there is no limit
SHARD_LEAST, SHARD_MOST = 1 * MB, 16 * MB


@dataclass(frozen=True)
class Share:
    """What fits into memory: worker processes, and bytes of records in a shard."""

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
    """As many workers as fit into `memory` (bytes; None: no limit), then shards as large as fit.

    `sandboxed`: each worker has a child process that parses. What that child may take for a moment
    for a file that it then rejects is not included: see `pipeline.readers.sandbox`. `sets`: bytes
    of evaluation sets, whose tables each worker uses. `models`: bytes of the files of models that
    find names, which each worker and this process load. `whole`: bytes of the largest JSON
    document, which is held as a whole while it is read.
    Raises RecipeError if not even one worker with the smallest shard fits.
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
    """Bytes of sketches or votes that a decision holds at once; the rest waits on disk."""
    return DECIDED_MOST if memory is None else PARENT // 2 // SKETCH_COPIES


def refuse_over(memory: int | None, label: str, needed: int) -> None:
    """Raise RecipeError if what a vote must hold does not fit into `memory`.

    A vote holds some bytes of each record, whatever its text: see `pipeline.deciding`.
    """
    if memory is not None and PARENT + needed > memory:
        raise RecipeError(
            f"--memory {memory // MB}MB: {label} must hold some bytes of each record and needs "
            f"{(PARENT + needed) // MB}MB; give it more and run again: finished passes are kept"
        )


def refuse_sets(memory: int | None, size: int) -> None:
    """Raise RecipeError if tables of evaluation sets with `size` bytes do not fit into `memory`."""
    needed = PARENT + TABLES_MADE * size
    if memory is not None and needed > memory:
        raise RecipeError(
            f"--memory {memory // MB}MB: making tables of the evaluation sets takes "
            f"{needed // MB}MB, because they have {-(-size // MB)}MB of text"
        )
