"""langdetect's answers, equal to the last bit, from its own profiles; 100 times as fast compiled.

The library draws seven times at random from a text's letter groups. With its seed fixed to 0 the
draws are the same for every text, so that an answer depends only on the text. Without the
compiled kernel the library itself is used, and gives the same answers.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

try:
    from pipeline.kernels import _langid

    COMPILED = True
except ImportError:  # not built, or built for another machine
    COMPILED = False

SEED = 0
LEAST = 0.1
"""langdetect names no language whose probability is not above this."""

CHARACTERS = 0x20000
"""Number of code points in the table of normalisation and upper case; others do not change."""

UPPER = 1 << 31
CODE_BITS = 21
LETTERS = 3  # of the longest gram

ADDRESS = r"https?://|@"
MARKS_APART = r"[\u0300\u0301\u0303\u0309\u0323]"
"""Vietnamese marks as combining characters. Like addresses, the library rewrites them first."""


def detect(texts: pl.Series) -> pl.DataFrame:
    """For each text `code`, langdetect's own, and `confidence`, from 0 to 1.

    Both are null for null, for a text without a letter group that any profile knows, and if no
    language has a probability above 0.1.
    """
    given = texts.is_not_null().arg_true()
    chances = _chances(texts.gather(given))
    best = chances.argmax(axis=1) if len(chances) else np.zeros(0, dtype=np.int64)
    sure = chances[np.arange(len(best)), best]
    # As lists, because for numpy arrays Polars imports numpy.ma, which takes 0.07 s.
    columns = {"row": given, "best": best.tolist(), "confidence": sure.tolist()}
    schema = {"row": pl.UInt32, "best": pl.Int64, "confidence": pl.Float64}
    answers = pl.DataFrame(columns, schema=schema).with_columns(
        code=pl.col("best").replace_strict(dict(enumerate(languages())), return_dtype=pl.String)
    )
    named = answers.filter(pl.col("confidence") > LEAST).select("row", "code", "confidence")
    rows = pl.DataFrame({"row": pl.arange(texts.len(), dtype=pl.UInt32, eager=True)})
    return rows.join(named, on="row", how="left", maintain_order="left").drop("row")


def _chances(texts: pl.Series) -> NDArray[np.float64]:
    """A row of probabilities for each text, one for each of `languages()`; all 0 if unknown."""
    count = len(languages())
    if not COMPILED:
        rows = [library_chances(text) or [0.0] * count for text in texts]
        return np.array(rows, dtype=np.float64).reshape(-1, count)
    ready = appended(texts).cast(pl.Binary).to_list()
    flat = np.frombuffer(_langid.chances(_model(), ready))
    return np.nan_to_num(flat.reshape(-1, count), nan=0.0)


def appended(texts: pl.Series) -> pl.Series:
    """The texts as the library's `append` rewrites them, by its own patterns."""
    hits = texts.str.contains(f"{ADDRESS}|{MARKS_APART}").arg_true()
    if hits.is_empty():
        return texts
    from langdetect.detector import Detector
    from langdetect.utils.ngram import NGram

    def rewritten(text: str) -> str:
        without = Detector.MAIL_RE.sub(" ", Detector.URL_RE.sub(" ", text))
        return str(NGram.normalize_vi(without))

    changed = pl.Series([rewritten(text) for text in texts.gather(hits)], dtype=pl.String)
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(hits, changed)


def library_chances(text: str) -> list[float] | None:
    """The library's own probabilities for a text; None if it finds no feature in it."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.append(text)
    try:
        detector.get_probabilities()
    except LangDetectException:
        return None
    chances: list[float] = detector.langprob
    return chances


@cache
def _factory() -> Any:
    """langdetect with its seed set and its profiles loaded in a fixed order.

    Sums of probabilities depend on the order, and `listdir` does not guarantee one.
    """
    from langdetect.detector_factory import DetectorFactory

    factory = DetectorFactory()
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in _profiles()])
    factory.set_seed(SEED)
    return factory


@cache
def _profiles() -> tuple[Path, ...]:
    from langdetect.detector_factory import PROFILES_DIRECTORY

    return tuple(sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file()))


def languages() -> tuple[str, ...]:
    """The codes of the profiles, in the order of their columns."""
    return _read_profiles()[0]


def _model() -> Any:
    """The profiles as tables of the compiled kernel."""
    return _read_profiles()[1]


@cache
def _read_profiles() -> tuple[tuple[str, ...], Any]:
    """(codes of the profiles, their tables if the kernel was built).

    They are read only once, because that takes 0.04 s.
    """
    profiles = [orjson.loads(path.read_bytes()) for path in _profiles()]
    return tuple(profile["name"] for profile in profiles), _built(profiles) if COMPILED else None


def _built(profiles: Sequence[dict[str, Any]]) -> Any:
    """The profiles as tables: sorted grams, and for each gram the languages that have it."""
    keys, languages, entries = _entries(profiles)
    grams, starts = np.unique(keys, return_index=True)
    return _langid.build(
        grams.tobytes(),
        np.append(starts, len(keys)).astype(np.uint32).tobytes(),
        languages.tobytes(),
        entries.tobytes(),
        characters().tobytes(),
        np.array(random.Random(SEED).getstate()[1][:-1], dtype=np.uint32).tobytes(),  # noqa: S311
        len(profiles),
        sys.version_info >= (3, 12),  # from then on Python's sum() compensates for rounding
    )


def _entries(
    profiles: Sequence[dict[str, Any]],
) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.float64]]:
    """(grams as numbers, numbers of their profiles, shares), sorted by gram and then profile.

    There is an entry for each gram of each profile; its share is that of all grams of its length.
    """
    grams = [gram for profile in profiles for gram in profile["freq"]]
    sizes = np.fromiter(map(len, grams), dtype=np.int64, count=len(grams))
    counts = [len(profile["freq"]) for profile in profiles]
    languages = np.repeat(np.arange(len(profiles), dtype=np.uint8), counts)
    frequencies = [freq for profile in profiles for freq in profile["freq"].values()]
    totals = np.array([profile["n_words"] for profile in profiles], dtype=np.float64)
    known = (sizes > 0) & (sizes <= totals.shape[1])
    totals_of = totals[languages[known], sizes[known] - 1]
    shares = np.array(frequencies, dtype=np.float64)[known] / totals_of
    keys = _keys(grams, sizes)[known]
    order = np.lexsort((languages[known], keys))
    return keys[order], languages[known][order], shares[order]


def _keys(grams: Sequence[str], sizes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Each gram of up to three characters as one number, 21 bits a character."""
    letters = np.array(grams, dtype=f"U{LETTERS}").view(np.uint32).reshape(-1, LETTERS)
    keys = np.zeros(len(grams), dtype=np.uint64)
    for place in range(LETTERS):
        longer = sizes > place
        keys[longer] = keys[longer] << np.uint64(CODE_BITS) | letters[longer, place]
    return keys


def characters() -> NDArray[np.uint32]:
    """For each code point, the one that the library normalises it to, with UPPER if a capital."""
    from langdetect.utils.ngram import NGram

    codes = np.arange(CHARACTERS, dtype=np.uint32)
    for first, last in _NORMALISED:
        codes[first:last] = [ord(NGram.normalize(chr(code))) for code in range(first, last)]
    for letter, representative in NGram.CJK_MAP.items():
        codes[ord(letter)] = ord(representative)
    codes[0xAC00:0xD7B0] = 0xAC00  # Hangul syllables
    upper = np.array([letter.isupper() for letter in "".join(map(chr, codes.tolist()))])
    return np.where(upper, codes | np.uint32(UPPER), codes).astype(np.uint32)


_NORMALISED = (
    (0x0000, 0x0100), (0x0180, 0x0250), (0x0600, 0x0700), (0x1E00, 0x1F00), (0x2000, 0x2070),
    (0x3040, 0x3130), (0x31A0, 0x31C0),
)  # fmt: skip
"""The blocks, besides Chinese and Hangul, that have a character which the library changes."""
