"""JSON as text: lines with their long strings cut short, the texts of many like objects.

Compiled where the extension is, else plain Python (`plain_json`) with the same results.
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
"""Keys of an object that `texts` can look for."""


def outlines(lines: pl.Series, keep: int) -> list[bytes]:
    """Each line of JSON with `"x"` for every string of more than `keep` bytes that is no key and
    holds a character of printable ASCII that is no blank; empty for null. No line has a newline.

    What a JSON Schema says of an outline it says of the line, as long as it asks no more of long
    strings than that they are no longer than they are: see `pipeline.outlined`.
    """
    if _kernel is None:
        return [plain_json.outline((line or "").encode(), keep) for line in lines]
    room = int(lines.str.len_bytes().sum()) + lines.len()
    found: bytes = _kernel.outlines(lines.__arrow_c_stream__(None), room, keep)
    return found.split(b"\n")[:-1]


def strict_outlines(block: bytes, keep: int) -> list[bytes] | None:
    """The outline of every line of a block, which ends with none; None where one has a long string
    that is not JSON in UTF-8. A line is valid JSON if and only if its outline is."""
    strictly = plain_json.strict_outlines if _kernel is None else _kernel.strict_outlines
    found: bytes | None = strictly(block, keep)
    return None if found is None else found.split(b"\n")


def texts(
    block: bytes | memoryview, names: tuple[bytes, ...], wanted: tuple[int, ...]
) -> tuple[pl.Series, ...] | None:
    """The texts under each of the wanted names of every line of a block; None where one line is not
    a JSON object of just these keys, in this order, each with a string, a short number, true, false
    or null, and the wanted ones with strings. Strings are valid UTF-8 without lone surrogates.

    `names` are different, as they stand between their quotes: without escapes. `wanted` are one or
    two numbers of them, rising.
    """
    if _kernel is None:
        told = plain_json.texts(bytes(block), names, wanted)
        columns = (pl.Series(one, dtype=pl.String) for one in told or ())
    else:
        told = _kernel.texts(block, names, wanted)
        columns = (pl.Series(Capsules(one)) for one in told or ())
    return None if told is None else tuple(columns)
