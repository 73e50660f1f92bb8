"""Keys of 16 bytes: the digest of each text, however often it stands there."""

from __future__ import annotations

import polars as pl
import pytest
from xxhash import xxh3_128_digest

from pipeline.stages.sketches import digest


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [None, None],
        ["tea", "trà"],
        ["tea", None, "tea", "trà", "tea", "tea"],
        [None, "tea", "tea", "tea"],
        ["tea"] * 1000 + ["trà"],
    ],
)
def test_a_text_has_its_digest(texts: list[str | None]) -> None:
    """Where few texts stand often, each is digested once."""
    keys = digest(pl.Series("key", texts, dtype=pl.String))
    expected = [None if text is None else xxh3_128_digest(text.encode()) for text in texts]
    assert (keys.name, keys.dtype, keys.to_list()) == ("key", pl.Binary, expected)
