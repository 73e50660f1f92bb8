"""The pieces of a text and their keys: compiled as in plain Python, and as expressions tell."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.kernels import pieces, statistics
from pipeline.kernels.pieces import keyed, murmur_128, unpacked

compiled = pytest.mark.skipif(not statistics.COMPILED, reason="the extension is not built")
quick = settings(max_examples=400, deadline=None, derandomize=True, database=None)

PARTS = (
    *(
        "tea ",
        "a",
        " ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r\n",
        "\v",
        "\x85",
        "\xa0",
        "\u2028",
        "\u3000",
    ),
    *(
        "```",
        "~~~",
        "``",
        "   ```x",
        "    ```",
        "| ",
        "|",
        " |a|",
        "# ",
        "###### ",
        "####### ",
        "#",
    ),
    *("é", "\u0301", "中", "\u1ff0", "1", "...", "\U0001f600", "\U00020000", "\U000323b0"),
    *("\U000e0041", "\U0010ffff", "x" * 16, "y" * 31, "\x00"),
)
texts = st.lists(st.sampled_from(PARTS), max_size=30).map("".join) | st.text(max_size=80)


@compiled
@pytest.mark.parametrize("newlines", [1, 2])
@quick
@given(several=st.lists(texts | st.none(), max_size=4), least=st.integers(1, 20))
@example(several=["", None, "\n", "\n\n\n", "a\n"], least=1)
@example(several=["```\na\n```\nb", "~~~", "a\n\n```\n\nb\n\n```\n\nc"], least=1)
def test_compiled_as_plain(several: list[str | None], least: int, newlines: int) -> None:
    """The same bytes for any texts."""
    series = pl.Series("text", several, dtype=pl.String)
    found = keyed(series, newlines, least)
    plain = [
        None if text is None else b"".join(pieces._pieces(text, newlines, least))
        for text in several
    ]
    assert found.to_list() == plain


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "00000000000000000000000000000000"),
        (b"hello", "cbd8a7b341bd9b025b1e906a48ae1d19"),
        (b"hello, world", "342fac623a5ebc8e4cdcbc079642414d"),
        (b"The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9695da1a38987b6e7"),
    ],
)
def test_a_key_is_murmur(data: bytes, key: str) -> None:
    """Vectors of MurmurHash3_x64_128 as other libraries' tests have them."""
    assert "".join(f"{half:016x}" for half in murmur_128(data)) == key


def test_what_is_compared() -> None:
    """Numbers count all pieces; layout does not count; the key tells texts apart."""
    told = (
        "Home |  More\n\n# Home\n| a | b |\n...\nhome | more\n  Home | More\n```\nHome\n```\nHome"
    )
    found = unpacked(keyed(pl.Series([told, None, "Home | More"]), 1, 1))
    assert found.select("row", "number").rows() == [(0, 0), (0, 5), (0, 6), (0, 10), (2, 0)]
    keys = list(found.select("key", "rest").iter_rows())
    assert keys[0] == keys[2] == keys[4]
    assert len(set(keys)) == 3


def test_nothing_has_no_pieces() -> None:
    """Neither no texts, nor empty ones."""
    for several in ([], [None], ["", "..."]):
        packed = keyed(pl.Series(several, dtype=pl.String), 1, 1)
        assert unpacked(packed).is_empty()
        assert packed.len() == len(several)
