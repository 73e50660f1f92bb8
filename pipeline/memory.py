"""How a memory limit is shared: workers, and the bytes of records that each holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import RecipeError

MB = 1 << 20
PARENT = 320 * MB  # interpreter, Polars, sketches of a few million records
WORKER = 240 * MB  # interpreter, Polars and the libraries that readers load
COPIES = 12  # of a shard's text that its costliest stage holds at once, measured
SKETCH_COPIES = 3  # of all sketches that a decision holds at once
SHARD_LEAST, SHARD_MOST = 1 * MB, 16 * MB


@dataclass(frozen=True)
class Share:
    """What fits: processes at work, and bytes of records in a shard."""

    workers: int
    shard_bytes: int


def share_memory(memory: int | None, workers: int) -> Share:
    """As many workers as fit `memory` (bytes, None: no limit), then shards as large as fit.

    Raises RecipeError when not even one worker with the smallest shard fits.
    """
    if memory is None:
        return Share(workers, SHARD_MOST)
    for count in range(workers, 0, -1):
        shard = ((memory - PARENT) // count - WORKER) // COPIES
        if shard >= SHARD_LEAST:
            return Share(count, min(shard, SHARD_MOST))
    least = (PARENT + WORKER + COPIES * SHARD_LEAST) // MB
    raise RecipeError(f"--memory {memory // MB}MB: a run needs at least {least}MB")


def refuse_over(memory: int | None, label: str, sketches: int) -> None:
    """Raise RecipeError when a corpus stage's sketches (bytes on disk) do not fit `memory`.

    What a stage holds grows with the number of records, not with their text: 16 bytes a record to
    find equal ones, 160 to find nearly equal ones, and as much again while they are sorted.
    """
    needed = PARENT + SKETCH_COPIES * sketches
    if memory is not None and needed > memory:
        raise RecipeError(
            f"--memory {memory // MB}MB: {label} has to hold all records' sketches and needs "
            f"{needed // MB}MB; finished passes are kept"
        )
