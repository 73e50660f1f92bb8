"""Cuts texts into chunks by the compiled kernel, if it was built."""

from __future__ import annotations

import polars as pl

from pipeline.kernels.statistics import COMPILED, character_classes, compiled, numbers

FIELDS = ("row", "start", "end", "weight", "start_byte", "end_byte")
"""Columns of a chunk: row of its text, first character and end, weight, first byte and end."""

NOT_CUT = -1
"""`start` and `end` of a text that must be cut without the kernel (`chunking.h` says which)."""


def cut(
    texts: pl.Series,
    patterns: tuple[str, ...],
    weights: tuple[bytes, int],
    limit: int,
    overlap: int,
    grain: int,
) -> pl.DataFrame | None:
    """The chunks of each text, in order: `FIELDS` (Int64); None without the compiled kernel.

    `patterns` match the characters that are blanks, attached to the previous one, stops, wide
    stops and closing marks. `weights` are a table and the weight of all other characters, as for
    `statistics.weights`. `limit` and `overlap` are weights; pieces over `grain` are divided.
    """
    if not COMPILED:
        return None
    stream = texts.__arrow_c_stream__(None)
    classes = character_classes(patterns)
    made = compiled().chunks(stream, texts.len(), classes, *weights, limit, overlap, grain)
    flat = numbers(made)
    if flat.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(FIELDS, pl.Int64))
    rows = flat.reshape((-1, len(FIELDS))).arr.to_struct(fields=list(FIELDS))
    return rows.struct.unnest()
