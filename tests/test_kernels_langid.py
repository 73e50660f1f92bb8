"""The language kernel: langdetect's own answers, to the last bit."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kernels import langid

compiled = pytest.mark.skipif(
    not langid.COMPILED, reason="the package was built without a compiler"
)

SENTENCES = (
    "The tea is picked in the early morning, while the leaves are still wet.",
    "Trà được hái vào sáng sớm, khi lá còn ướt sương đêm.",
    "Tra duoc hai vao sang som, khi la con uot suong dem.",
    "Le thé est cueilli tôt le matin, quand les feuilles sont encore humides.",
    "Der Tee wird am frühen Morgen gepflückt, wenn die Blätter noch nass sind.",
    "El té se recoge temprano por la mañana, cuando las hojas aún están mojadas.",
    "Il tè si raccoglie al mattino presto, quando le foglie sono ancora bagnate.",
    "O chá é colhido de manhã cedo, quando as folhas ainda estão molhadas.",
    "Herbatę zbiera się wcześnie rano, gdy liście są jeszcze mokre.",
    "Ceaiul se culege dimineața devreme, când frunzele sunt încă ude.",
    "Çay, yapraklar hâlâ ıslakken sabah erkenden toplanır.",
    "Чай собирают рано утром, пока листья ещё влажные от росы.",
    "Чай збирають рано-вранці, поки листя ще вологе від роси.",
    "يُقطف الشاي في الصباح الباكر بينما الأوراق لا تزال رطبة.",
    "چای صبح زود چیده می‌شود، در حالی که برگ‌ها هنوز خیس هستند.",
    "चाय सुबह जल्दी तोड़ी जाती है, जब पत्तियाँ अभी भी गीली होती हैं।",
    "茶叶在清晨采摘，趁着露水未干。", "茶葉在清晨採摘，趁著露水未乾。", "お茶は早朝に摘まれる。",
    "찻잎은 이른 아침에 딴다.", "Teh dipetik pada pagi hari, ketika daunnya masih basah.",
)  # fmt: skip
PIECES = (
    " ", "  ", "\n", "a", "B", "AB", "É", "e\u0301", "ệ", "e\u0323\u0302", "ș", "ț", "ی", "ا",
    "Ё", "я", "中", "亜", "あ", "ア", "ㄅ", "한", "\xa0", "«", "·", "\u2014", "1", "𝐀", "🙂",
    "\x00",
    "[", "z", "{", "\u0300", "http://example.com/a?b=c ", "https://", "me@example.com", "a@b",
    "@", ".", "\u0345", "ǅ",
)  # fmt: skip
texts = st.lists(st.sampled_from(SENTENCES + PIECES), max_size=12).map("".join) | st.text(
    max_size=30
)


def same(several: list[str]) -> None:
    """The kernel's chances are the library's, bit for bit."""
    for text, got in zip(
        several, langid._chances(pl.Series(several, dtype=pl.String)), strict=True
    ):
        assert list(got) == (langid.library_chances(text) or [0.0] * len(got))


@compiled
def test_whole_sentences() -> None:
    """In every script, forwards and without their first half."""
    same([*SENTENCES, *(sentence[len(sentence) // 2 :] for sentence in SENTENCES)])


@compiled
@settings(derandomize=True, deadline=None, max_examples=40, database=None)
@given(several=st.lists(texts, max_size=12))
def test_whatever_stands_there(several: list[str]) -> None:
    """Addresses, marks apart, capitals, blanks, what no profile knows."""
    same(several)


@compiled
@pytest.mark.parametrize("length", [0, 1, 9_999, 10_000, 10_001, 30_000])
def test_long_texts_are_cut_alike(length: int) -> None:
    """The library looks at 10,000 characters, counted before blanks go."""
    same([("  ".join(SENTENCES) * 40)[:length], "x " * (length // 2), "   " + "é" * length])


@compiled
def test_every_character_is_normalised_alike() -> None:
    """Each code point that Python has, and its upper case."""
    from langdetect.utils.ngram import NGram

    table = langid.characters()
    for code in range(0x110000):
        letter = NGram.normalize(chr(code))
        told = int(table[code]) if code < langid.CHARACTERS else code
        assert told == ord(letter) | (langid.UPPER if letter.isupper() else 0), hex(code)


def test_answers_are_detects() -> None:
    """The code and the probability of `detect_langs`, with the seed set."""
    from langdetect import DetectorFactory, detect_langs

    before, DetectorFactory.seed = DetectorFactory.seed, 0
    try:
        expected = [detect_langs(sentence)[0] for sentence in SENTENCES]
    finally:
        DetectorFactory.seed = before
    found = langid.detect(pl.Series(SENTENCES))
    assert found["code"].to_list() == [one.lang for one in expected]
    for one, confidence in zip(expected, found["confidence"], strict=True):
        assert math.isclose(one.prob, confidence, rel_tol=1e-9)  # the profiles' order differs


@pytest.mark.parametrize("uncompiled", [False, True])
def test_nothing_is_said_of_nothing(monkeypatch: pytest.MonkeyPatch, uncompiled: bool) -> None:
    """Null, empty and digits have no language, with the kernel and without it."""
    if uncompiled:
        monkeypatch.setattr(langid, "COMPILED", False)
    found = langid.detect(pl.Series([None, "", "12 34", SENTENCES[0], "🙂"]))
    assert found["code"].to_list() == [None, None, None, "en", None]
    assert found["confidence"].null_count() == 4
    assert langid.detect(pl.Series([], dtype=pl.String)).height == 0


@compiled
def test_damaged_tables_are_refused() -> None:
    """Sizes that do not fit raise; nothing is read outside of a table."""
    characters, state = bytes(4 * langid.CHARACTERS), bytes(4 * 624)
    build: Any = langid._langid.build
    good = [bytes(8), bytes(4) + (1).to_bytes(4, "little"), bytes(1), bytes(8), characters, state]
    build(*good, 2, False)
    for index in range(6):
        with pytest.raises(ValueError, match="model"):
            build(*(b"" if n == index else one for n, one in enumerate(good)), 2, False)
    with pytest.raises(ValueError, match="names what is not there"):
        build(good[0], good[1], b"\xff", *good[3:], 2, False)
