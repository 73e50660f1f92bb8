"""What the compiled kernels do, in numpy: their oracle in the tests, and their stand-in.

Texts are taken by the megabyte and joined, so that every step is one call for all of them: a call
for each text would cost more than its work.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
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
LONG = 64  # bytes of a word from which on it is hashed by itself
TEXT_AT_ONCE = 1 << 20  # bytes
GRAMS_AT_ONCE = 1 << 15  # so that permuted grams stay in the cache
PAIRED_AT_ONCE = 1 << 20  # grams of pairs


def band_keys(
    texts: Sequence[bytes | None], letters: bytes, permutations: bytes, bands: int, rows: int
) -> list[bytes | None]:
    """For each text `bands` keys of 8 bytes; None for None and for a text without words."""
    factors, masks = np.frombuffer(permutations, dtype="=u4").reshape(2, -1)[:, : bands * rows]
    made: list[bytes | None] = []
    for batch in _batches(texts):
        grams, counts = _grams(batch, letters)
        some = np.flatnonzero(counts)
        minima = _minima(grams, counts[some], factors, masks)
        keys: list[bytes | None] = [None] * len(batch)
        for place, key in zip(some, _keys(minima, bands, rows), strict=True):
            keys[place] = key
        made += keys
    return made


def gram_sets(texts: Sequence[bytes | None], letters: bytes) -> list[bytes | None]:
    """For each text its distinct grams in ascending order, 4 bytes each; None for None."""
    made: list[bytes | None] = []
    for batch in _batches(texts):
        grams, counts = _grams(batch, letters)
        owners = np.repeat(np.arange(len(batch), dtype=np.uint64), counts)
        both = np.sort(owners << np.uint64(32) | grams)
        both = both[np.append(True, both[1:] != both[:-1])[: both.size]]
        ends = np.searchsorted(both, np.arange(1, len(batch) + 1, dtype=np.uint64) << np.uint64(32))
        flat, start = both.astype("<u4").tobytes(), 0  # the owner is cut off
        for text, end in zip(batch, ends.tolist(), strict=True):
            made.append(None if text is None else flat[4 * start : 4 * end])
            start = end
    return made


def gram_rows(texts: Sequence[bytes | None], letters: bytes) -> list[bytes | None]:
    """For each text its grams in their order, repeats too, 4 bytes each; None for None."""
    made: list[bytes | None] = []
    for batch in _batches(texts):
        grams, counts = _grams(batch, letters)
        flat, ends = grams.astype("<u4").tobytes(), (4 * np.cumsum(counts)).tolist()
        for text, start, end in zip(batch, [0, *ends], ends, strict=False):
            made.append(None if text is None else flat[start:end])
    return made


def shared_counts(sets: Sequence[bytes | None], pairs: bytes) -> bytes:
    """For each pair of indices into `sets`, 4 bytes each, how many grams both have; 4 bytes.

    Raises IndexError when a pair names a set that is not there.
    """
    counts: list[int] = []
    waiting: list[tuple[bytes, bytes]] = []
    size = 0
    for left, right in struct.iter_unpack("<II", pairs):
        waiting.append((sets[left] or b"", sets[right] or b""))
        size += len(waiting[-1][0]) + len(waiting[-1][1])
        if size >= 4 * PAIRED_AT_ONCE:
            counts += _shared(waiting)
            waiting, size = [], 0
    counts += _shared(waiting)
    return struct.pack(f"<{len(counts)}I", *counts)


def holds_any(text: bytes, words: Sequence[bytes]) -> bool:
    """Whether the text holds one of the words, which are in lower case and not empty."""
    if not all(words):
        raise ValueError("words: none may be empty")
    lowered = text.lower()
    return any(word in lowered for word in words)


def instruction_set() -> str:
    """Numpy's own, whatever this machine has."""
    return "numpy"


def _batches(texts: Sequence[bytes | None]) -> Iterator[list[bytes | None]]:
    """The texts in their order, about a megabyte at once."""
    batch: list[bytes | None] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text or b"")
        if size >= TEXT_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _grams(texts: Sequence[bytes | None], letters: bytes) -> tuple[Grams, Counts]:
    """The hash of every gram of all texts in order, repeats too, and how many each text has.

    A text of fewer than five words has one of them all.
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
    """The hash of every word of all texts in order, and how many each text has."""
    known = ["" if text is None else text.decode() for text in texts]
    codes = np.frombuffer("\0".join(known).encode("utf-32-le"), dtype="<u4")
    ends = np.cumsum([len(text) + 1 for text in known])[:-1] - 1  # where a text is parted
    folded, places = fold(codes, np.frombuffer(letters, dtype="=u4"), ends)
    inside = np.concatenate(([False], folded != 0, [False]))
    first_letters = np.flatnonzero(inside[1:] & ~inside[:-1])
    parted = places[ends] if places is not None else ends
    before = np.searchsorted(first_letters, np.append(parted, folded.size))
    counts: Counts = np.diff(before, prepend=0)
    return word_hashes(folded.tobytes().decode("utf-32-le").encode()), counts


def fold(codes: Grams, letters: Grams, ends: Counts) -> tuple[Grams, Counts | None]:
    """Letters in lower case, 0 for what parts words, also on both sides of what stands alone.

    With it, where each code point has gone; None if all are where they were. A text ends at each
    of the `ends`.
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
    """Of each mark, whether what is no mark and parts no words stands alone before it, or what
    stands alone comes next."""
    solid = folded != 0
    solid[marks] = False
    solid[ends] = True  # what is before does not count in the next text
    last = np.maximum.accumulate(np.where(solid, np.arange(folded.size), -1))[marks]
    return (alone[last] & (last >= 0)) | np.append(alone, False)[marks + 1]


def _above(codes: Grams) -> Grams:
    """The entries of code points above U+FFFF."""
    letters = np.where(codes >= 0x20000, codes | np.uint32(ALONE), codes)
    return np.where(codes < 0xE0000, letters, 0).astype(np.uint32)


def word_hashes(folded: bytes) -> Hashes:
    """Of every run without a zero: eight bytes at a time, the last ones filled up with zeros."""
    held = np.frombuffer(b"\0" + folded + bytes(8), dtype=np.uint8)
    inside = held != 0
    starts = np.flatnonzero(inside[1:] & ~inside[:-1]) + 1
    sizes = np.flatnonzero(inside[:-1] & ~inside[1:]) + 1 - starts
    eight: Hashes = np.ndarray((held.size - 7,), dtype="<u8", buffer=held, strides=(1,))
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
    """Bits of 64-bit numbers spread over each other."""
    values = (values ^ (values >> np.uint64(32))) * np.uint64(MIXER)
    return values ^ (values >> np.uint64(29))


def _minima(grams: Grams, counts: Counts, factors: Grams, masks: Grams) -> Grams:
    """A column for each text, all of which have grams: the least value by each permutation."""
    least = np.empty((factors.size, counts.size), dtype=np.uint32)
    ends = np.cumsum(counts)
    first = 0
    while first < counts.size:
        start = int(ends[first] - counts[first])
        last = max(int(np.searchsorted(ends, start + GRAMS_AT_ONCE, side="right")), first + 1)
        some = grams[start : ends[last - 1]]
        starts = (ends[first:last] - counts[first:last] - start).astype(np.intp)
        values = np.empty_like(some)
        for number in range(factors.size):
            np.bitwise_xor(some, masks[number], out=values)
            np.multiply(values, factors[number], out=values)
            np.minimum.reduceat(values, starts, out=least[number, first:last])
        first = last
    return least


def _keys(minima: Grams, bands: int, rows: int) -> list[bytes]:
    """The keys of each column of `minima`, one for each band of rows."""
    keys = np.zeros((minima.shape[1], bands), dtype=np.uint64)
    for row in range(rows):
        keys = mix(keys ^ minima[row::rows].T)
    flat, size = keys.astype("<u8").tobytes(), 8 * bands
    return [flat[at : at + size] for at in range(0, len(flat), size)]


def _shared(pairs: Sequence[tuple[bytes, bytes]]) -> Any:
    """How many grams both of each pair have: those that stand twice among a pair's."""
    owned = []
    for side in (0, 1):
        sizes = [len(pair[side]) // 4 for pair in pairs]
        owners = np.repeat(np.arange(len(pairs), dtype=np.uint64), sizes)
        grams = np.frombuffer(b"".join(pair[side] for pair in pairs), dtype="<u4")
        owned.append(owners << np.uint64(32) | grams)
    both = np.sort(np.concatenate(owned))
    twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    return np.bincount(twice.astype(np.int64), minlength=len(pairs)).tolist()
