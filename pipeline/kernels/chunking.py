"""Texts cut into chunks by the compiled kernel, where it is built."""

from __future__ import annotations

import polars as pl

from pipeline.kernels.statistics import COMPILED, character_classes, compiled, numbers

FIELDS = ("row", "start", "end", "weight", "start_byte", "end_byte")
"""Of each chunk: its text's position, characters from and to, weight, bytes from and to."""

NOT_CUT = -1
"""As `start` and `end`: the text is for the plain way (`chunking.h` says which)."""


def cut(
    texts: pl.Series,
    patterns: tuple[str, ...],
    weights: tuple[bytes, int],
    limit: int,
    overlap: int,
    grain: int,
) -> pl.DataFrame | None:
    """The chunks of each text, `FIELDS` (Int64), in order; None where nothing is compiled.

    `patterns` say which characters are blank, attached to the one before, stops, wide stops and
    closing marks. `weights` are those of characters, as `statistics.weights` takes them.
    """
    if not COMPILED:
        return None
    stream = texts.__arrow_c_stream__(None)
    classes = character_classes(patterns)
    made = compiled().chunks(stream, texts.len(), classes, *weights, limit, overlap, grain)
    found = numbers(made)
    if found.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(FIELDS, pl.Int64))
    rows = found.reshape((-1, len(FIELDS))).arr.to_struct(fields=list(FIELDS))
    return rows.struct.unnest()
