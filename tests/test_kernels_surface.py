"""The surface of texts: nothing is there that has no mark; one line is as expressions make it."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.kernels import statistics, surface
from pipeline.stages import clean, tone_marks
from pipeline.stages import texts as texts_module
from pipeline.stages.texts import NFC_SUSPECT, in_nfc

compiled = pytest.mark.skipif(not statistics.COMPILED, reason="the extension is not built")
quick = settings(max_examples=400, deadline=None)

PIECES = (
    *("tea ", "a", " ", "  ", "\t", "\n", " \n", "\t\n", "\n\n\n", "\r\n", "\r", "\v", "\f"),
    *("\x00", "\x1c", "\x7f", "\x85", "\xa0", "\u2007", "\u2028", "\u3000", "\u1680", "\ufeff"),
    *("\u200b", "\u200c", "\u200d", "\xad", "\u202e", "\u2060", "\U000e0041", "\U0002f800"),
    *("é", "e\u0301", "\u0301", "\u212b", "Å", "한", "ᅡ", "中", "𠮷", "\U0001f600", "\U0001d15e"),
    *("o", "oà", "Oà ", "uỳ", "Uỵ", "òa", "ủY", "à", "y", "ù"),
    *("Ã©", "â€œ", "Â", "Ã", "РЎ", "вЂ", "√©", "‚Äî", "∆í", "≈", "“", "™", "…"),
)
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60)
CHARACTERS = (clean.UNWANTED, NFC_SUSPECT, clean.JOINER, clean.C1_CONTROL)
PATTERNS = {
    **{1 << bit: pattern for bit, pattern in enumerate(CHARACTERS)},
    **{surface.PAIR << kind: "".join(pair) for kind, pair in enumerate(clean.PAIRS)},
    surface.BLANK_AT_END: r"[ \t]\n",
    surface.EMPTY_LINES: r"\n\n\n",
}


@pytest.mark.parametrize("style", tone_marks.GATES)
@quick
@given(several=st.lists(texts | st.none(), max_size=4))
@example(several=["", None, " ", "\n\n\n", "\u00c3\u00a9"])
def test_what_is_not_marked_is_not_there(
    style: tone_marks.Style, several: list[str | None]
) -> None:
    """No text with a pattern in it goes without its mark."""
    series = pl.Series("text", several, dtype=pl.String)
    marks = surface.marks(series, CHARACTERS, (*clean.PAIRS, tone_marks.VOWELS[style]))
    assert len(marks) == len(series)
    for mark, pattern in {**PATTERNS, clean.HAS_TONES: tone_marks.GATES[style]}.items():
        there = series.str.contains(pattern).fill_null(False)
        assert not (there & (marks & mark == 0)).any(), pattern


@compiled
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain text\nof two lines\n\nand more", 0),
        ("caf\u00e9 \u201cquoted\u201d \u4e2d", 0),
        ("a \nb", surface.BLANK_AT_END),
        ("a\n\n\nb", surface.EMPTY_LINES),
        ("a\u00a0b", 1),
        ("e\u0301", 2),
        ("a\u200db", 4),
        ("\u00c3\u00a9", surface.PAIR),
        ("\u00c3 \u00a9", 0),
        ("\u20ac\u201a\u0402", 0),
        ("\u0420\u201a", surface.PAIR << 1),
        ("h\u1ecda, o\u00f2, \u00e0o", 0),
        ("ho\u00e0", clean.HAS_TONES),
        ("THU\u1ef2", clean.HAS_TONES),
    ],
)
def test_most_texts_have_no_mark(text: str, found: int) -> None:
    """A mark is what makes the difference, not everything that is not ASCII."""
    pairs = (*clean.PAIRS, tone_marks.VOWELS["hòa"])
    assert surface.marks(pl.Series([text]), CHARACTERS, pairs).to_list() == [found]


@compiled
@quick
@given(several=st.lists(texts | st.none(), max_size=4))
@example(several=["", None, " \u3000\n ", "a\u2028 b", "\u2003"])
def test_one_line_is_what_the_expression_makes(several: list[str | None]) -> None:
    """Every run of white space, whatever it is made of, is one blank."""
    series = pl.Series("text", several, dtype=pl.String)
    expected = series.str.replace_all(surface.RUNS, " ").str.strip_chars()
    found = surface.one_line(series)
    assert (found.name, found.to_list()) == ("text", expected.to_list())


@quick
@given(several=st.lists(texts | st.none(), max_size=4))
@example(several=["e\u0301\nb\u0301", None, "\u0301", "a\n\u0301", "\u1100\u1161\n\u212b"])
def test_nfc_by_lines_is_nfc(several: list[str | None]) -> None:
    """A text is in normalisation form C if each of its lines is."""
    series = pl.Series("text", several, dtype=pl.String)
    found = in_nfc(series)
    assert (found.name, found.to_list()) == ("text", series.str.normalize("NFC").to_list())


@compiled
@quick
@given(several=st.lists(texts | st.none(), max_size=4))
def test_clean_is_the_same_without_the_kernel(several: list[str | None]) -> None:
    """Where every text is searched for everything, the same comes out."""
    series = pl.Series("text", several, dtype=pl.String)
    quickly = clean.Clean()._cleaned(series)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(statistics, "COMPILED", False)
        assert clean.Clean()._cleaned(series).to_list() == quickly.to_list()


def test_turns_are_put_in_one_line_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not record by record: that took a millisecond each."""
    asked = []
    one_line, in_nfc_before = surface.one_line, texts_module.in_nfc
    monkeypatch.setattr(surface, "one_line", lambda one: asked.append(len(one)) or one_line(one))
    monkeypatch.setattr(
        texts_module, "in_nfc", lambda one: asked.append(len(one)) or in_nfc_before(one)
    )
    turns = [{"role": "user", "text": " a\n b "}, {"role": "assistant", "text": "c"}]
    records = pl.DataFrame({"messages": [turns] * 500})
    found = records.select(turns=texts_module.turn_lines())["turns"]
    assert found.to_list() == [["user\na b", "assistant\nc"]] * 500
    assert len(asked) <= 8
    assert max(asked) == 1_000
