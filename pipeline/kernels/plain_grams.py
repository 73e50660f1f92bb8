"""Words and grams of texts in numpy, found and hashed as by the compiled kernels.

Texts are joined, so that every step is one call for all of them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.letters import ALONE, MARK

Grams = NDArray[np.uint32]
Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]

WIDTH = 5  # words in a gram
WORD_BASE = 0x9E3779B97F4A7C15
GRAM_BASE = np.uint64(0xD6E8FEB86659FD93)
MIXER = 0xFF51AFD7ED558CCD
ALL_BITS = (1 << 64) - 1
MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
LONG = 64  # words of more bytes are hashed one by one


def grams_of(texts: Sequence[bytes | None], letters: bytes) -> tuple[Grams, Counts]:
    """(hashes of all grams of all texts in order, including repeats; how many each text has).

    A text of fewer than five words has one gram of all its words.
    """
    words, word_counts = _words(texts, letters)
    word_starts = np.cumsum(word_counts) - word_counts
    counts = np.where(word_counts >= WIDTH, word_counts - WIDTH + 1, np.minimum(word_counts, 1))
    starts = np.cumsum(counts) - counts
    rolled = np.append(words, np.zeros(WIDTH, dtype=np.uint64))
    grams = rolled[: words.size].copy()
    for place in range(1, WIDTH):
        grams = grams * GRAM_BASE + rolled[place : place + words.size]
    grams = grams[np.arange(counts.sum()) + np.repeat(word_starts - starts, counts)]
    for width in range(1, WIDTH):
        short = np.flatnonzero(word_counts == width)
        gram = words[word_starts[short]]
        for place in range(1, width):
            gram = gram * GRAM_BASE + words[word_starts[short] + place]
        grams[starts[short]] = gram
    return (mix(grams) >> np.uint64(32)).astype(np.uint32), counts


def _words(texts: Sequence[bytes | None], letters: bytes) -> tuple[Hashes, Counts]:
    """(hashes of all words of all texts in order; how many each text has)."""
    known = ["" if text is None else text.decode() for text in texts]
    codes = np.frombuffer("\0".join(known).encode("utf-32-le"), dtype="<u4")
    ends = np.cumsum([len(text) + 1 for text in known])[:-1] - 1  # places between texts
    folded, places = fold(codes, np.frombuffer(letters, dtype="=u4"), ends)
    inside = np.concatenate(([False], folded != 0, [False]))
    first_letters = np.flatnonzero(inside[1:] & ~inside[:-1])
    parted = places[ends] if places is not None else ends
    before = np.searchsorted(first_letters, np.append(parted, folded.size))
    counts: Counts = np.diff(before, prepend=0)
    return word_hashes(folded.tobytes().decode("utf-32-le").encode()), counts


def fold(codes: Grams, letters: Grams, ends: Counts) -> tuple[Grams, Counts | None]:
    """(folded code points; the place of each code point in them, or None if none has moved).

    Letters are in lower case and separators of words are 0. Characters that are words of their own
    get a 0 on both sides. A text ends at each of the `ends`.
    """
    folded = letters[np.minimum(codes, 0xFFFF)]
    high = np.flatnonzero(codes > 0xFFFF)
    folded[high] = _above(codes[high])
    alone = folded >= ALONE
    marks = np.flatnonzero((folded & np.uint32(MARK)) != 0)
    if marks.size:
        parts = _beside_alone(marks, folded, alone, ends) if alone.any() else False
        folded[marks] = np.where(parts, 0, folded[marks] & np.uint32(MARK - 1))
    if not alone.any():
        return folded, None
    sizes = 1 + 2 * alone.astype(np.int64)
    places = np.cumsum(sizes) - 1 - alone
    spread = np.zeros(int(sizes.sum()), dtype=np.uint32)
    spread[places] = folded & np.uint32(ALONE - 1)
    return spread, places


def _beside_alone(marks: Counts, folded: Grams, alone: NDArray[np.bool_], ends: Counts) -> Any:
    """For each mark, whether it is beside a character that is a word of its own.

    That is the case if the last character before it that is neither mark nor separator is such a
    word, or if the next character is one.
    """
    solid = folded != 0
    solid[marks] = False
    solid[ends] = True  # characters of the previous text do not count
    last = np.maximum.accumulate(np.where(solid, np.arange(folded.size), -1))[marks]
    return (alone[last] & (last >= 0)) | np.append(alone, False)[marks + 1]


def _above(codes: Grams) -> Grams:
    """The entries in the table of letters of code points above U+FFFF."""
    letters = np.where(codes >= 0x20000, codes | np.uint32(ALONE), codes)
    return np.where(codes < 0xE0000, letters, 0).astype(np.uint32)


def word_hashes(folded: bytes) -> Hashes:
    """The hash of every run without a zero, eight bytes at a time, padded with zeros."""
    padded = np.frombuffer(b"\0" + folded + bytes(8), dtype=np.uint8)
    inside = padded != 0
    starts = np.flatnonzero(inside[1:] & ~inside[:-1]) + 1
    sizes = np.flatnonzero(inside[:-1] & ~inside[1:]) + 1 - starts
    eight: Hashes = np.ndarray((padded.size - 7,), dtype="<u8", buffer=padded, strides=(1,))
    values: Hashes = eight[starts] & MASKS[np.minimum(sizes, 8)]
    for done in range(8, LONG, 8):
        longer = np.flatnonzero(sizes > done)
        if not longer.size:
            break
        blocks = eight[starts[longer] + done] & MASKS[np.minimum(sizes[longer] - done, 8)]
        values[longer] = values[longer] * np.uint64(WORD_BASE) + blocks
    for word in np.flatnonzero(sizes > LONG):
        start = int(starts[word]) - 1
        values[word] = _long_word(folded[start : start + int(sizes[word])])
    return mix(values)


def _long_word(word: bytes) -> int:
    filled = word + bytes(-len(word) % 8)
    value = 0
    for (block,) in struct.iter_unpack("<Q", filled):
        value = (value * WORD_BASE + block) & ALL_BITS
    return value


def mix(values: Hashes) -> Hashes:
    """64-bit numbers with their bits mixed, as the last step of a hash."""
    values = (values ^ (values >> np.uint64(32))) * np.uint64(MIXER)
    return values ^ (values >> np.uint64(29))
