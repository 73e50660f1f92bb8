"""JSON as text: lines with long strings shortened, and the texts of many objects alike.

Uses the compiled extension if it was built, else plain Python (`plain_json`), with equal results.
"""

from __future__ import annotations

from types import ModuleType

import polars as pl

from pipeline.kernels import plain_json
from pipeline.kernels.arrow_made import Capsules

_kernel: ModuleType | None
try:
    from pipeline.kernels import _json

    _kernel = _json
except ImportError:  # not built, or built for another machine
    _kernel = None

COMPILED = _kernel is not None

KEYS_MOST = 64
"""Most keys of an object that `texts` can read."""


def outlines(lines: pl.Series, keep: int) -> list[bytes]:
    """Each JSON line with its long strings replaced by `"x"`; empty for null.

    A string is long if it has more than `keep` bytes, is not a key, and contains a printable ASCII
    character other than a space. No line may contain a newline. A JSON Schema accepts an outline
    if and only if it accepts the line, provided that it requires no more of long strings than that
    they are not empty or blank: see `pipeline.outlined`.
    """
    if _kernel is None:
        return [plain_json.outline((line or "").encode(), keep) for line in lines]
    room = int(lines.str.len_bytes().sum()) + lines.len()
    joined: bytes = _kernel.outlines(lines.__arrow_c_stream__(None), room, keep)
    return joined.split(b"\n")[:-1]


def strict_outlines(block: bytes, keep: int) -> list[bytes] | None:
    """The outline of every line of a block, which has no newline at its end.

    None if a line has a long string that is not JSON in UTF-8. A line is valid JSON if and only if
    its outline is.
    """
    strictly = plain_json.strict_outlines if _kernel is None else _kernel.strict_outlines
    joined: bytes | None = strictly(block, keep)
    return None if joined is None else joined.split(b"\n")


def texts(
    block: bytes | memoryview, names: tuple[bytes, ...], wanted: tuple[int, ...]
) -> tuple[pl.Series, ...] | None:
    """A column of texts for each wanted key, with a text from every line of a block.

    None unless every line is a JSON object with exactly the keys `names`, in this order, each with
    a string, a short number, true, false or null, and the wanted ones with strings. Strings must be
    valid UTF-8 without lone surrogates.

    `names` are distinct and written as between their quotes, without escapes. `wanted` has one or
    two indices into `names`, ascending.
    """
    if _kernel is None:
        found = plain_json.texts(bytes(block), names, wanted)
        columns = (pl.Series(column, dtype=pl.String) for column in found or ())
    else:
        found = _kernel.texts(block, names, wanted)
        columns = (pl.Series(Capsules(column)) for column in found or ())
    return None if found is None else tuple(columns)
