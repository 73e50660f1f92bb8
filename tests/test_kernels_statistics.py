"""Statistics of documents: the compiled kernel is the plain one, and both are what they say."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.kernels import statistics as kernel
from pipeline.kernels.plain_statistics import statistics_of
from pipeline.kernels.statistics import STATISTICS, classes, statistics

compiled = pytest.mark.skipif(not kernel.COMPILED, reason="the extension is not built")
quick = settings(max_examples=300, deadline=None)

PIECES = (
    *("the ", "of", "be", " ", "  ", "\t", "\n", "\n\n", "\n \n", "\n\n\n", "\u00a0", "\u2028"),
    *("a", "A", "z", "word", "Word", "12345678", "123456789", "é", "đ", "Я", "中", "ไ", "ກ", "한"),
    *(".", "...", "..", "…", "?", "!", "。", '"', "'", ")", "]", "[3]", "[", "[edit]", "[]"),
    *("-", "•", "- x", "#", "{", "}", "_", "|", "=", "\x00", "\x1c", "\x85", "\u0301", "\ue000"),
    *("𠮷", "\U0001f600", "\U0001ffff", "\U000e0041", "\U0010ffff", "𝐀", "１", "｡", "៕"),
    *("lorem ipsum ", "Lorem IPSUM", "JavaScript", "use cookies", "Terms of Use", "cookie"),
    *("privacy policy", "[citation needed]", "x" * 1001, "one two three.\n", "x" * 30 + "\n"),
)
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=80)


def plain(*given_texts: str | None) -> list[tuple[int | None, ...]]:
    nothing = (None,) * len(STATISTICS)
    return [nothing if t is None else statistics_of(t, classes(), 15) for t in given_texts]


def numbers(text: str) -> dict[str, int]:
    found: dict[str, int] = statistics(pl.Series([text])).row(0, named=True)
    return found


@compiled
@quick
@given(several=st.lists(texts | st.none(), max_size=4))
@example(several=["", None, " ", "\n", "\n\n"])
@example(several=["of\0 be\0\0 to", "the\0", "\0of"])
def test_compiled_is_plain(several: list[str | None]) -> None:
    """For every text, whatever came before it."""
    assert statistics(pl.Series(several, dtype=pl.String)).rows() == plain(*several)


@compiled
@quick
@given(several=st.lists(texts | st.none(), max_size=4), parts=st.integers(0, 15))
def test_parts_are_what_they_are_of_the_whole(several: list[str | None], parts: int) -> None:
    """What is asked for is counted as it is with all the rest, by the kernel and by its twin."""
    series = pl.Series(several, dtype=pl.String)
    found, whole = statistics(series, parts), statistics(series)
    assert found.rows() == [
        (None,) * len(STATISTICS) if t is None else statistics_of(t, classes(), parts)
        for t in several
    ]
    for name in STATISTICS:
        counted = found[name].drop_nulls()
        assert counted.equals(whole[name].drop_nulls()) or (counted == 0).all()


@compiled
@quick
@given(
    words=st.lists(st.sampled_from(["a", "b", "of", "tea", "中"]), max_size=200),
    blank=st.sampled_from([" ", "\n", "\n\n"]),
)
def test_compiled_is_plain_where_much_repeats(words: list[str], blank: str) -> None:
    """Few words in all orders: every table is full of equal runs."""
    text = blank.join(words)
    assert statistics(pl.Series([text])).rows() == plain(text)


@compiled
def test_compiled_is_plain_for_every_character() -> None:
    """Each code point of the table and some above: alone, and within a word."""
    codes = [c for c in range(0x20000) if not 0xD800 <= c < 0xE000] + [0x20000, 0xDFFFF, 0xE0000]
    several = ["".join(f"a{chr(code)}b {chr(code)}\n" for code in codes[i::9]) for i in range(9)]
    assert statistics(pl.Series(several)).rows() == plain(*several)


@compiled
@pytest.mark.parametrize("length", [*range(1, 40), 255, 256, 257, 4097])
def test_lengths(length: int) -> None:
    """Words, lines and texts around every size of a block."""
    for piece in ("x", "é", "x ", "x\n", "中"):
        text = piece * length
        assert statistics(pl.Series([text])).rows() == plain(text)


@compiled
@pytest.mark.parametrize("before", [*range(4), *range(58, 70), *range(122, 132)])
def test_words_across_blocks(before: int) -> None:
    """Words of every kind begin and end around the 64 bytes that are looked at together."""
    words = ["the", "12", "that", "3456", "é", "7é", "中", "of", "8" * 63, "9" * 64 + "a", "b"]
    texts = [fill * before + word for fill in (" ", "x", "1") for word in words]
    texts += [f"{text} {word}" for text in texts for word in words[:4]]
    assert statistics(pl.Series(texts)).rows() == plain(*texts)


@compiled
@pytest.mark.parametrize("length", [998, 999, 1000, 1001, 1002, 2001, 2500])
def test_a_word_that_is_too_long_for_c4(length: int) -> None:
    """At either end of a line and within it, in characters and not in bytes."""
    word = "x" * length
    lines = [f"{word} is one word.", f"This is a {word}.", f"Here {'y' * 990} and {word} are two."]
    lines += [line.replace("x", "é") for line in lines] + [f"中{line}" for line in lines]
    assert statistics(pl.Series(lines)).rows() == plain(*lines)


@compiled
def test_slices_and_chunks_of_a_series() -> None:
    """Views with an offset, several arrays, nulls, and texts of every kind of view."""
    whole = pl.Series(["short", None, "longer than twelve bytes", "", "é" * 20, "中文"])
    joined = pl.concat([whole.slice(1, 4), whole.slice(3), whole.clear()], rechunk=False)
    assert statistics(joined).rows() == plain(*joined.to_list())


def test_parts_not_asked_for_are_zero() -> None:
    """The others are the same."""
    text = pl.Series(["one two three four.\n" * 30])
    everything, little = statistics(text), statistics(text, kernel.PROSE | kernel.LINES)
    cut = STATISTICS.index("paragraphs")
    assert everything.row(0)[:cut] == little.row(0)[:cut]
    assert set(little.row(0)[cut:]) == {0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"chars": 0, "words": 0, "lines": 0, "paragraphs": 1}),
        ("The cat. # be...\n", {"words": 4, "stop_words": 0, "hashes": 1, "ellipses": 1}),
        ("the cat of the hat", {"stop_words": 2, "alpha_words": 5, "top_2": 7}),
        ("- a\n  • b\nc ...  \n", {"lines": 3, "bullet_lines": 2, "ellipsis_lines": 1}),
        ("x\nx\n\nx", {"some_lines": 3, "repeated_lines": 2, "repeated_line_chars": 2}),
        ("ab\n\nab\n\n\ncd", {"paragraphs": 3, "repeated_paragraphs": 1}),
        ("a b c d e a b c d e f", {"repeated_5": 5, "repeated_6": 0, "top_2": 6}),
        ("中文。 x", {"unspaced": 2, "runs": 2, "terminals": 1, "letters": 3}),
        ("One two three. Four five.\nno stop here", {"c4_lines": 1, "c4_sentences": 2}),
        ("We use cookies here.\nAll is { well here.", {"c4_lines": 1, "c4_curly": 1}),
        ("Turn on JavaScript now.\nlorem ipsum dolor sit.", {"c4_lines": 1, "c4_lorem": 1}),
        ("This is cited.[3][edit]\nToo short.", {"c4_lines": 1}),
    ],
)
def test_what_is_counted(text: str, expected: dict[str, int]) -> None:
    """By hand."""
    found = numbers(text)
    assert {name: found[name] for name in expected} == expected


@compiled
def test_wrong_calls_are_refused() -> None:
    """Sizes are measured before use, and what is no stream of texts is told."""
    native: Any = kernel._kernel
    strings = pl.Series(["a", "b"])
    for calling in (
        lambda: native.statistics(strings.__arrow_c_stream__(None), 2, b"", 3),
        lambda: native.weights(strings.__arrow_c_stream__(None), 2, b"", 0),
        lambda: native.statistics(strings.__arrow_c_stream__(None), 1, classes(), 3),
        lambda: native.statistics(strings.__arrow_c_stream__(None), 3, classes(), 3),
        lambda: native.statistics(pl.Series([1]).__arrow_c_stream__(None), 1, classes(), 3),
        lambda: native.statistics(object(), 1, classes(), 3),
    ):
        with pytest.raises(ValueError):
            calling()
