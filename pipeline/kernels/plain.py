"""What the compiled kernels do, in plain words: their oracle in the tests, and their stand-in."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels.letters import ALONE

Grams = NDArray[np.uint32]

WIDTH = 5  # words in a gram
WORD_BASE = 0x9E3779B97F4A7C15
GRAM_BASE = np.uint64(0xD6E8FEB86659FD93)
MIXER = 0xFF51AFD7ED558CCD
MASK = (1 << 64) - 1
SHORT = 32  # bytes of a word whose hash is worth remembering
AT_ONCE = 4096  # grams that are permuted at once: 2 MB


def band_keys(
    texts: Sequence[bytes | None], letters: bytes, permutations: bytes, bands: int, rows: int
) -> list[bytes | None]:
    """For each text `bands` keys of 8 bytes; None for None and for a text without words."""
    factors, masks = np.frombuffer(permutations, dtype="=u4").reshape(2, -1)
    folding = _Folding(letters)
    keys: list[bytes | None] = []
    for text in texts:
        grams = None if text is None else _grams(text, folding)
        if grams is None or not grams.size:
            keys.append(None)
        else:
            minima = _minima(grams, factors, masks)[: bands * rows]
            keys.append(_keys(minima.reshape(bands, rows)))
    return keys


def gram_sets(texts: Sequence[bytes | None], letters: bytes) -> list[bytes | None]:
    """For each text its distinct grams in ascending order, 4 bytes each; None for None."""
    folding = _Folding(letters)
    return [
        None if text is None else np.unique(_grams(text, folding)).astype("<u4").tobytes()
        for text in texts
    ]


def shared_counts(sets: Sequence[bytes | None], pairs: bytes) -> bytes:
    """For each pair of indices into `sets`, 4 bytes each, how many grams both have; 4 bytes.

    Raises IndexError when a pair names a set that is not there.
    """
    counts = [
        np.intersect1d(_set(sets[left]), _set(sets[right]), assume_unique=True).size
        for left, right in struct.iter_unpack("<II", pairs)
    ]
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


class _Folding(dict[int, str]):
    """For `str.translate`: letters in lower case, a blank for what parts words."""

    def __init__(self, letters: bytes) -> None:
        self.letters = memoryview(letters).cast("I")

    def __missing__(self, code: int) -> str:
        letter = self.letters[code] if code < len(self.letters) else _above(code)
        folded = chr(letter & ~ALONE) if letter else " "
        self[code] = f" {folded} " if letter & ALONE else folded
        return self[code]


def _above(code: int) -> int:
    """The entry of a code point above U+FFFF."""
    if 0x20000 <= code < 0xE0000:
        return code | ALONE
    return code if code < 0x1F000 else 0


def _mix(value: Any) -> Any:
    """Bits of 64-bit numbers spread over each other; the same for one and for an array."""
    value = value ^ (value >> 32)
    value = value * MIXER & MASK if isinstance(value, int) else value * np.uint64(MIXER)
    return value ^ (value >> 29)


def _word_hash(word: bytes) -> int:
    """Eight bytes at a time, the last ones filled up with zeros."""
    filled = word + bytes(-len(word) % 8)
    value = 0
    for (block,) in struct.iter_unpack("<Q", filled):
        value = (value * WORD_BASE + block) & MASK
    hashed: int = _mix(value)
    return hashed


_remembered = lru_cache(maxsize=1 << 16)(_word_hash)


def _grams(text: bytes, folding: _Folding) -> Grams:
    """The hash of every gram in order, repeats too; one of all words if they are fewer than 5."""
    words = text.decode("utf-8").translate(folding).encode("utf-8").split()
    hashes = np.array(
        [_remembered(word) if len(word) <= SHORT else _word_hash(word) for word in words],
        dtype=np.uint64,
    )
    width = min(WIDTH, len(words))
    count = len(words) - width + 1 if words else 0
    grams = hashes[:count].copy()
    for place in range(1, width):
        grams = grams * GRAM_BASE + hashes[place : place + count]
    hashed: Grams = (_mix(grams) >> np.uint64(32)).astype(np.uint32)
    return hashed


def _minima(grams: Grams, factors: Grams, masks: Grams) -> Grams:
    """The least value that each permutation gives to any gram."""
    least = np.full(factors.size, 0xFFFFFFFF, dtype=np.uint32)
    for start in range(0, grams.size, AT_ONCE):
        values = (grams[start : start + AT_ONCE, None] ^ masks) * factors
        least = np.minimum(least, values.min(axis=0))
    return least


def _keys(minima: Grams) -> bytes:
    """One key for each row of `minima`."""
    keys = np.zeros(len(minima), dtype=np.uint64)
    for column in minima.T:
        keys = _mix(keys ^ column)
    return keys.astype("<u8").tobytes()


def _set(grams: bytes | None) -> Grams:
    return np.frombuffer(grams or b"", dtype="<u4")
