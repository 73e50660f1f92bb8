"""The kernels: which words a text has, what its hashes are, and that C and Python say the same."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import ROOT
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import kernels
from pipeline.kernels import plain
from pipeline.kernels.letters import ALONE, CASES, LETTERS, MARK, UNICODE_LETTERS

quick = settings(derandomize=True, deadline=None, max_examples=300, database=None)
NATIVE = kernels._kernel if kernels.COMPILED else None
BOTH = [plain] + ([NATIVE] if NATIVE else [])
compiled = pytest.mark.skipif(NATIVE is None, reason="the package was built without a compiler")
each = pytest.mark.parametrize("kernel", BOTH, ids=lambda kernel: kernel.__name__.split(".")[-1])

PIECES = (
    "a", "Z", "0", "tea", "TEA", " ", "  ", ".", ", ", "\n", "\t", "\x00", "\x7f", "_", "'",
    "don't", "abcdefg", "abcdefgh", "abcdefghi", "x" * 31, "Y" * 33, "x" * 64, "\x80", "\xa0",
    "\xaa", "é", "É", "e\u0301", "ß", "ẞ", "İ", "ı", "Ơ", "ư", "Ệ", "Ⱥ", "\u212a", "Σ", "ς", "Я",
    "ё", "Ա", "Ａ", "ﬁ", "²", "½", "٣", "\u200b", "\u200d", "\u2019", "—", "\ufeff", "\ufffd",
    "\uffff", "\ue000", "你", "好", "。", "、", "こ", "ー", "・", "ไ", "ท", "ก็", "한국어", "क्षि",
    "لَا", "\U00010400", "\U0001d400", "👩", "👩\u200d💻", "🇻🇳", "\U0001efff", "\U0001f000",
    "\U0001ffff", "𠮷", "\U000dffff", "\U000e0041", "\U0010ffff",
)  # fmt: skip
"""Both sides of every border: of classes, of eight bytes, of UTF-8 lengths, of letter case."""

texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=60)


def utf8(*given_texts: str | None) -> list[bytes | None]:
    return [None if text is None else text.encode() for text in given_texts]


def keys_of(kernel: ModuleType, *given_texts: str | None) -> list[bytes | None]:
    keys: list[bytes | None] = kernel.band_keys(
        utf8(*given_texts), LETTERS, kernels.PERMUTATIONS, 20, 6
    )
    return keys


def sets_of(kernel: ModuleType, *given_texts: str | None) -> list[bytes | None]:
    sets: list[bytes | None] = kernel.gram_sets(utf8(*given_texts), LETTERS)
    return sets


def same(*given_texts: str | None) -> None:
    """Both kernels give the same for the same."""
    assert NATIVE is not None
    assert sets_of(NATIVE, *given_texts) == sets_of(plain, *given_texts)
    assert keys_of(NATIVE, *given_texts) == keys_of(plain, *given_texts)
    rows = [kernel.gram_rows(utf8(*given_texts), LETTERS) for kernel in (NATIVE, plain)]
    assert rows[0] == rows[1]
    assert [row and distinct(row) for row in rows[0]] == sets_of(plain, *given_texts)


def distinct(row: bytes) -> bytes:
    """Each gram once, ascending."""
    return np.unique(np.frombuffer(row, dtype="<u4")).tobytes()


@compiled
@quick
@given(several=st.lists(texts | st.none(), max_size=4))
@example(several=["", None, " ", "."])
def test_compiled_is_plain(several: list[str | None]) -> None:
    """For every text, whatever came before it."""
    same(*several)


@compiled
def test_compiled_is_plain_for_every_character() -> None:
    """Each code point up to U+FFFF and around each border above: within a word, and alone."""
    borders = (0x10000, 0x1F000, 0x20000, 0xE0000, 0x110000)
    above = [code for border in borders for code in range(border - 300, border + 300)]
    codes = [*range(0xD800), *range(0xE000, 0x10000), *(c for c in above if 0xFFFF < c < 0x110000)]
    several = ["".join(f"a{chr(code)}b {chr(code)}" for code in codes[i::7]) for i in range(7)]
    assert NATIVE is not None
    assert sets_of(NATIVE, *several) == sets_of(plain, *several)


@compiled
@pytest.mark.parametrize("piece", ["é", "中", "👩", "Ⱥ", " ", "\x00"])
def test_compiled_is_plain_at_every_border(piece: str) -> None:
    """A character at each place of a text of each length up to three blocks."""
    words = "abcdefg hijklmnop Q rstu vwxyz0123456789ABC "
    for length in range(97):
        text = (words * 3)[:length]
        same(*(text[:at] + piece + text[at:] for at in range(0, length + 1, 5)))


@compiled
@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "é" * 500_000,
        " " * 1_000_000,
        "a " * 500_000,
        "中" * 350_000,
        "a中" * 250_000,
        "Ⱥ" * 500_000,
        "".join(f"word{n * n % 7919} " for n in range(100_000)),
    ],
    ids=["word", "word-é", "blanks", "letters", "characters", "mixed", "growing", "prose"],
)
def test_compiled_is_plain_for_a_megabyte(text: str) -> None:
    """One long word, no word, as many words as there can be."""
    same(text, "after it")


@compiled
@quick
@given(several=st.lists(texts | st.none(), min_size=1, max_size=4), data=st.data())
def test_shared_is_plain(several: list[str | None], data: st.DataObject) -> None:
    """Both count the same for every pair, and an empty set shares nothing."""
    assert NATIVE is not None
    sets = sets_of(plain, *several)
    index = st.integers(0, len(sets) - 1)
    pairs = data.draw(st.lists(st.tuples(index, index), max_size=6))
    flat = b"".join(struct.pack("<II", *pair) for pair in pairs)
    assert NATIVE.shared_counts(sets, flat) == plain.shared_counts(sets, flat)


def words(text: str) -> list[str]:
    """An independent reading: ASCII letters and digits, and all beyond ASCII."""
    return re.findall(r"[a-z0-9\x80-\U0010ffff]+", text.lower())


def grams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    width = min(5, len(found))
    return {tuple(found[at : at + width]) for at in range(len(found) - width + 1) if width}


ordinary = st.lists(
    st.sampled_from(
        ["tea", "Tea", "é", "Ơ", "Я", "9", "x" * 9, "X" * 16, "_", " ", ". ", "—", "’"]
    ),
    max_size=60,
).map("".join)


@each
@quick
@given(one=ordinary, other=ordinary)
def test_jaccard_is_that_of_word_runs(kernel: ModuleType, one: str, other: str) -> None:
    """Counted on runs of five words in lower case, of all words if they are fewer."""
    sets = sets_of(kernel, one, other)
    left, right = grams(one), grams(other)
    assert [len(found or b"") // 4 for found in sets] == [len(left), len(right)]
    (shared,) = struct.unpack("<I", kernel.shared_counts(sets, struct.pack("<II", 0, 1)))
    assert shared == len(left & right)
    assert (keys_of(kernel, one)[0] is None) is (not words(one))


@each
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Green tea.", "green TEA", True),
        ("Green tea", "tea green", False),
        ("ĐIỆN THOẠI", "điện thoại", True),
        ("ЧАЙ", "чай", True),
        ("ΤΣΆΙ", "τσάι", True),
        ("don't", "don’t", False),
        ("don't", "don t", True),
        ("a\u00a0b\u200bc", "a b c", True),
        ("你好。", "你，好", True),
        ("你好——“世界”，《茶》。", "你好-「世界」…茶", True),
        ("说“AWS”很好", "说「AWS」很好", True),
        ("東京・大阪", "東京、大阪", True),
        ("ชา “เขียว”", "ชา เขียว", True),
        ("a—你", "a 你", True),
        ("a—b 你", "a b 你", False),
        ("你 b—c", "你 b c", False),
        ("tea你", "tea 你", True),
        ("ชาเขียว", "ชา เขียว", True),
        ("한국 어", "한국어", False),
        ("snake_case", "snake case", True),
        ("tea 👍🏽", "tea", False),
        ("क्षि", "क षि", False),
    ],
)
def test_what_a_word_is(kernel: ModuleType, one: str, other: str, equal: bool) -> None:
    """Case and ASCII punctuation do not count, and none at all beside a character of a script
    without spaces, which is a word."""
    first, second = sets_of(kernel, one, other)
    assert (first == second) is equal


@each
@pytest.mark.parametrize(
    ("one", "other"), [("don't", "don’t"), ("你好。", "你，好"), ("“Tea” — green", '"tea" green')]
)
def test_punctuation_of_all_scripts_may_part_words(
    kernel: ModuleType, one: str, other: str
) -> None:
    """By the finer table."""
    first, second = kernel.gram_sets(utf8(one, other), UNICODE_LETTERS)
    assert first == second


UNICODE = [bool(entry) for entry in memoryview(UNICODE_LETTERS).cast("I")]


def test_all_beyond_ascii_are_letters_but_the_invisible() -> None:
    """Blanks and controls part words, and the marks of direction among the format characters; what
    parts words by the finer table is a mark."""
    table = memoryview(LETTERS).cast("I")
    for code in range(0x80, 0x10000):
        category = unicodedata.category(chr(code))
        if category in {"Zs", "Zl", "Zp", "Cc", "Cs"}:
            assert not table[code], f"{code:04X}"
        elif category[0] != "C":
            assert table[code], f"{code:04X}"
            assert bool(table[code] & MARK) is not UNICODE[code], f"{code:04X}"


def test_letters_are_those_of_unicode() -> None:
    """By the finer table a letter, digit or mark up to U+FFFF is a letter, and nothing else is."""
    table = memoryview(UNICODE_LETTERS).cast("I")
    old = unicodedata.ucd_3_2_0  # characters that every Python knows
    for code in range(0x10000):
        category = unicodedata.category(chr(code))
        if old.category(chr(code)) != "Cn":
            assert bool(table[code]) is (category[0] in "LNM"), f"{code:04X}"


def test_lower_case_is_that_of_unicode() -> None:
    """For the alphabets that have it, wherever it is one letter for one letter."""
    table = memoryview(LETTERS).cast("I")
    alphabets = ((0, 0x180), (0x386, 0x3AC), (0x400, 0x557), (0x1E00, 0x1E96), (0x1EA0, 0x1F00))
    for first, end in (*alphabets, (0xFF21, 0xFF3B)):
        for code in range(first, end):
            small = chr(code).lower()
            if table[code] and len(small) == 1 and code != 0x1E9E:
                assert table[code] & ~(ALONE | MARK) == ord(small), f"{code:04X}"
    for first, last, step, distance in CASES:
        assert all(
            ord(chr(c).lower()) == c + distance or c == 0x1E9E for c in range(first, last + 1, step)
        )


def test_scripts_without_spaces() -> None:
    """A letter is a word of its own if its script is written without spaces, by its name."""
    table = memoryview(LETTERS).cast("I")
    alone = ("CJK UNIFIED IDEOGRAPH", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER")
    parted = ("LATIN", "GREEK", "CYRILLIC", "HANGUL", "ARABIC", "HEBREW", "DEVANAGARI", "TAMIL")
    for code in range(0x80, 0x10000):
        name = unicodedata.name(chr(code), "")
        letter = table[code] and not table[code] & MARK
        if letter and name.startswith((*alone, *parted)) and "COMBINING" not in name:
            assert bool(table[code] & ALONE) is name.startswith(alone), f"{code:04X} {name}"


@each
def test_marks_count_where_words_have_spaces(kernel: ModuleType) -> None:
    """Up to the next character that stands alone or after one, in the same text only."""
    texts = ("茶", "“a” b “c” d e", "“a” b “茶” d e")
    alone = [sets_of(kernel, text)[0] for text in texts]
    assert sets_of(kernel, *texts) == alone
    assert alone[1] != sets_of(kernel, '"a" b "c" d e')[0]
    assert alone[2] == sets_of(kernel, "“a” b 茶 d e")[0]


@each
def test_marks_are_read_in_a_moment(kernel: ModuleType) -> None:
    """A million of them after one character, which no mark may look back through one by one."""
    assert sets_of(kernel, "茶" + "“ " * 1_000_000 + "b") == sets_of(kernel, "茶 b")


@each
def test_hashes_never_change(kernel: ModuleType) -> None:
    """Sketches of different days and machines can be compared."""
    sets = sets_of(kernel, "Green tea, white tea and black tea.", "Trà xanh", "茶は緑です、ね")
    assert [found.hex() for found in sets if found] == GOLDEN_SETS
    keys = kernel.band_keys(utf8("Green tea"), LETTERS, kernels.PERMUTATIONS, 2, 3)[0]
    assert keys.hex() == GOLDEN_KEYS


GOLDEN_SETS = ["9198c550eca71e9d56e062d2", "2c5fcf76", "92d82b099bb19f4d"]
GOLDEN_KEYS = "66bf9f08baafaf01500193d83a7a3645"


def test_series_in_series_out() -> None:
    """Null for null, null keys where there is no word, empty series stay empty."""
    given_texts = pl.Series("text", ["one two", None, "!", ""])
    keys = kernels.band_keys(given_texts, 4, 2)
    assert keys.dtype == pl.Array(pl.UInt64, 4)
    assert keys.is_null().to_list() == [False, True, True, True]
    assert kernels.set_sizes(kernels.gram_sets(given_texts)).to_list() == [1, None, 0, 0]
    nothing = given_texts.clear()
    assert kernels.band_keys(nothing, 4, 2).is_empty()
    assert kernels.gram_sets(nothing).dtype == pl.Binary


def test_jaccard_of_pairs() -> None:
    """Shared grams of all grams of both; 0 for two sets without any."""
    sets = kernels.gram_sets(pl.Series(["a b c d e f", "a b c d e g", "", "!"]))
    pairs = pl.DataFrame({"one": [0, 0, 0, 2], "other": [1, 0, 2, 3]}, schema_overrides=U32)
    assert kernels.jaccard(sets, pairs).to_list() == [1 / 3, 1, 0, 0]
    assert kernels.jaccard(sets, pairs.clear()).to_list() == []


U32: dict[str, Any] = {"one": pl.UInt32, "other": pl.UInt32}


def test_keys_are_shared_as_often_as_told() -> None:
    """Of pairs with similarity s, 1-(1-s^rows)^bands share a key, within four deviations."""
    lines = [" ".join(f"w{n}x{i}" for i in range(104)) for n in range(400)]
    changed = [
        " ".join([*line.split()[:84], *(f"z{n}x{i}" for i in range(20))])
        for n, line in enumerate(lines)
    ]
    sets = kernels.gram_sets(pl.Series(lines + changed))
    pairs = pl.DataFrame({"one": range(400), "other": range(400, 800)}, schema_overrides=U32)
    similarity = kernels.jaccard(sets, pairs)
    assert similarity.unique().to_list() == [80 / 120]
    for bands, rows in ((4, 6), (20, 6), (8, 3)):
        left, right = (kernels.band_keys(pl.Series(side), bands, rows) for side in (lines, changed))
        both = zip(left.to_list(), right.to_list(), strict=True)
        found = sum(any(a == b for a, b in zip(*keys, strict=True)) for keys in both) / 400
        chance = 1 - (1 - (80 / 120) ** rows) ** bands
        assert abs(found - chance) < 4 * (chance * (1 - chance) / 400) ** 0.5, (bands, rows)


WORDS = [b"user:", b"<image>", b"[eos]", b"\\nhuman:", b"unk", "\u2028".encode(), b":", b"a"]
BITS = [*WORDS, b"USER:", b"User", b"<IMAGE", b">", b"\\N", b"HUMAN:", b"\xe2\x80", b"\xa8", b"x"]


@each
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("before", [0, 1, 7, 8, 9, 30])
def test_a_word_is_found_wherever_it_stands(kernel: ModuleType, word: bytes, before: int) -> None:
    """At both ends and over every border of eight bytes, in either case; cut short it is none."""
    for written in (word, word.upper()):
        text = b"." * before + written
        assert kernel.holds_any(text, [b"q", word])
        assert kernel.holds_any(text + b"." * 20, [word])
        assert not kernel.holds_any(text[:-1], [word])
        assert not kernel.holds_any(b"." * before + written[1:], [word])


@each
@quick
@given(st.lists(st.sampled_from(BITS), max_size=12), st.sets(st.sampled_from(WORDS), max_size=4))
def test_words_are_found_as_python_finds_them(
    kernel: ModuleType, bits: list[bytes], words: set[bytes]
) -> None:
    """The text in lower case holds one."""
    text = b"".join(bits)
    assert kernel.holds_any(text, list(words)) is any(word in text.lower() for word in words)


@each
def test_wrong_calls_are_refused(kernel: ModuleType) -> None:
    """A pair that names no set, and a text that is not bytes, are errors and no crash."""
    for pair in ((0, 1), (1, 0), (2**32 - 1, 0)):
        with pytest.raises(IndexError):
            kernel.shared_counts([b""], struct.pack("<II", *pair))
    with pytest.raises((TypeError, AttributeError)):
        kernel.gram_sets(["text"], LETTERS)
    with pytest.raises(ValueError, match="empty"):
        kernel.holds_any(b"text", [b""])
    with pytest.raises((TypeError, AttributeError)):
        kernel.holds_any("text", [b"t"])
    with pytest.raises(ValueError, match="128"):
        kernels.band_keys(pl.Series(["a"]), 43, 3)


@compiled
def test_buffers_are_measured_before_use() -> None:
    """The compiled kernel trusts no size that Python gives it."""
    assert NATIVE is not None
    with pytest.raises(ValueError, match="letters"):
        NATIVE.gram_sets([b"a"], LETTERS[:-1])
    with pytest.raises(ValueError, match="permutations"):
        NATIVE.band_keys([b"a"], LETTERS, kernels.PERMUTATIONS[4:], 20, 6)
    for bands, rows in ((0, 1), (1, 0), (-1, -1), (129, 1), (2**31 - 1, 2**31 - 1)):
        with pytest.raises(ValueError, match="bands"):
            NATIVE.band_keys([b"a"], LETTERS, kernels.PERMUTATIONS, bands, rows)
    with pytest.raises(ValueError, match="pairs"):
        NATIVE.shared_counts([b""], b"1234")


@compiled
def test_no_reference_is_kept_or_lost() -> None:
    """Inputs have as many owners after a call as before, after an error too."""
    assert NATIVE is not None
    text, wrong = b"one two three four five six", "no bytes"
    given_texts: list[Any] = [text, None, text]
    before = [sys.getrefcount(one) for one in (text, given_texts, LETTERS, wrong)]
    for _ in range(100):
        NATIVE.band_keys(given_texts, LETTERS, kernels.PERMUTATIONS, 20, 6)
        NATIVE.shared_counts(NATIVE.gram_sets(given_texts, LETTERS), bytes(8))
        with pytest.raises(TypeError):
            NATIVE.gram_sets([text, wrong], LETTERS)
    after = [sys.getrefcount(one) for one in (text, given_texts, LETTERS, wrong)]
    assert after == before


def test_threads_do_not_meet() -> None:
    """Calls of several threads at once, one of which empties its list, give what one gives."""
    given_texts = [f"text {n} of many with {'words ' * n}".encode() for n in range(300)]
    expected = kernels._kernel.gram_sets(given_texts, LETTERS)
    results: list[Any] = [None] * 4

    def work(place: int) -> None:
        mine = list(given_texts)
        threading.Thread(target=mine.clear).start() if place == 0 else None
        results[place] = kernels._kernel.gram_sets(mine, LETTERS)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[1:] == [expected] * 3
    assert results[0] in (expected, [])


def test_without_the_compiled_part(tmp_path: Path) -> None:
    """The package imports, says so, and gives the same."""
    code = (
        "import sys; sys.modules['pipeline.kernels._native'] = None\n"
        "import polars as pl; from pipeline import kernels\n"
        "assert not kernels.COMPILED; print(kernels.describe())\n"
        "print(kernels.band_keys(pl.Series(['green tea', None]), 2, 3).to_list())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told, keys = done.stdout.splitlines()
    assert told.startswith("plain kernels (numpy)")
    assert keys == str(kernels.band_keys(pl.Series(["green tea", None]), 2, 3).to_list())


@pytest.mark.parametrize("change", [{"BEDROCK_PREP_NO_COMPILE": "1"}, {"CC": "no-such-compiler"}])
def test_no_compiler_is_no_failure(change: dict[str, str], tmp_path: Path) -> None:
    """The build succeeds without the compiled part."""
    line = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(tmp_path / "lib")]
    done = subprocess.run(
        [*line, "--build-temp", str(tmp_path / "temp")],
        cwd=ROOT,
        env=os.environ | change,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*.so"))


SANITIZED = ["-std=c11", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def sanitizing(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A compiler that has sanitizers."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    source = tmp_path_factory.mktemp("sanitized") / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    line = [compiler, *SANITIZED, str(source), "-o", str(source.with_suffix(""))]
    if subprocess.run(line, check=False).returncode:
        pytest.skip("the compiler has no sanitizers")
    return compiler


@pytest.mark.parametrize(
    ("fuzz", "processor"),
    [
        *(("fuzz_kernels", "-DANY"), ("fuzz_kernels", "-DONLY_BASELINE"), ("fuzz_markup", "-DANY")),
        *(("fuzz_statistics", "-DANY"), ("fuzz_statistics", "-DONLY_BASELINE")),
    ],
)
def test_under_sanitizers(fuzz: str, processor: str, sanitizing: str, tmp_path: Path) -> None:
    """No access out of bounds, no undefined behaviour on a few thousand damaged texts."""
    program = tmp_path / fuzz
    source = ROOT / "tests" / "fuzz_kernels" / f"{fuzz}.c"
    line = [sanitizing, *SANITIZED, processor, str(source), "-o", str(program)]
    subprocess.run(line, check=True)
    done = subprocess.run([program, "3000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all well\n")
