"""The compiled kernels in numpy: their reference in the tests, and the fallback without them.

Texts are joined, about a megabyte at a time, so that every step is one call for all of them: a
call for each text would cost more than the work itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.kernels.plain_grams import Counts, Grams, grams_of, mix

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
        grams, counts = grams_of(batch, letters)
        with_words = np.flatnonzero(counts)
        minima = _minima(grams, counts[with_words], factors, masks)
        keys: list[bytes | None] = [None] * len(batch)
        for place, key in zip(with_words, _keys(minima, bands, rows), strict=True):
            keys[place] = key
        made += keys
    return made


def gram_sets(texts: Sequence[bytes | None], letters: bytes) -> list[bytes | None]:
    """For each text its distinct grams in ascending order, 4 bytes each; None for None."""
    made: list[bytes | None] = []
    for batch in _batches(texts):
        grams, counts = grams_of(batch, letters)
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
    """For each text its grams in order, including repeats, 4 bytes each; None for None."""
    made: list[bytes | None] = []
    for batch in _batches(texts):
        grams, counts = grams_of(batch, letters)
        flat, ends = grams.astype("<u4").tobytes(), (4 * np.cumsum(counts)).tolist()
        for text, start, end in zip(batch, [0, *ends], ends, strict=False):
            made.append(None if text is None else flat[start:end])
    return made


def shared_counts(sets: Sequence[bytes | None], pairs: bytes) -> bytes:
    """The number of grams that each pair of sets has in common, 4 bytes each.

    A pair is two indices into `sets`, 4 bytes each. Raises IndexError for an index outside.
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
    """Whether the text contains one of the words, which are in lower case and not empty."""
    if not all(words):
        raise ValueError("words: none may be empty")
    lowered = text.lower()
    return any(word in lowered for word in words)


def instruction_set() -> str:
    """`numpy`, whatever instruction set this machine has."""
    return "numpy"


def _batches(texts: Sequence[bytes | None]) -> Iterator[list[bytes | None]]:
    """The texts in order, about a megabyte at a time."""
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


def _minima(grams: Grams, counts: Counts, factors: Grams, masks: Grams) -> Grams:
    """A column for each text, with the smallest value by each permutation; no text is empty."""
    least = np.empty((factors.size, counts.size), dtype=np.uint32)
    ends = np.cumsum(counts)
    first = 0
    while first < counts.size:
        start = int(ends[first] - counts[first])
        last = max(int(np.searchsorted(ends, start + GRAMS_AT_ONCE, side="right")), first + 1)
        batch = grams[start : ends[last - 1]]
        starts = (ends[first:last] - counts[first:last] - start).astype(np.intp)
        values = np.empty_like(batch)
        for number in range(factors.size):
            np.bitwise_xor(batch, masks[number], out=values)
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
    """The number of grams that each pair has in common: those that occur twice in the pair."""
    owned = []
    for side in (0, 1):
        sizes = [len(pair[side]) // 4 for pair in pairs]
        owners = np.repeat(np.arange(len(pairs), dtype=np.uint64), sizes)
        grams = np.frombuffer(b"".join(pair[side] for pair in pairs), dtype="<u4")
        owned.append(owners << np.uint64(32) | grams)
    both = np.sort(np.concatenate(owned))
    twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    return np.bincount(twice.astype(np.int64), minlength=len(pairs)).tolist()
