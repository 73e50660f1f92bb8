"""Words with their places, and hashes of runs of words, to find passages that two texts share.

Words are those of UNICODE_LETTERS, so that case, punctuation and layout do not count. All texts of
a call are joined, so that every step is one numpy call; callers pass a few megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.kernels import plain_grams
from pipeline.kernels.letters import ALONE, UNICODE_LETTERS

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Grams = NDArray[np.uint32]
Flags = NDArray[np.bool_]

LETTERS = np.frombuffer(UNICODE_LETTERS, dtype="=u4")
GRAM = plain_grams.WIDTH
RUN_BASE = np.uint64(0xA24BAED4963EE407)
PLACE_BASE = np.uint64(0x9FB21C651E98DF25)

WORD, IDEOGRAPH, SIGN = 1, 2, 4
"""About how many of a script's words are equivalent to one English word: a Chinese character or a
kana is half a word, a letter of Thai, Lao, Khmer or Myanmar a quarter. So a run that is as good as
evidence as N English words has N, 2N or 4N of them."""

SIGNS = ((0xE01, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19FF))


@dataclass(frozen=True)
class Words:
    """The words of some texts, in order. Arrays have an entry per word, `counts` one per text."""

    hashes: Hashes  # of the word in lower case
    owners: Numbers  # number of its text
    starts: Numbers  # where it begins in its text, in characters
    ends: Numbers  # where it ends
    scripts: NDArray[np.uint8]  # WORD, IDEOGRAPH or SIGN
    counts: Numbers  # words of each text

    @property
    def firsts(self) -> Numbers:
        """The index of the first word of each text."""
        firsts: Numbers = np.cumsum(self.counts) - self.counts
        return firsts


def _scripts() -> NDArray[np.uint8]:
    """The script of each code point up to U+FFFF."""
    scripts = np.where(ALONE & LETTERS.astype(np.int64), IDEOGRAPH, WORD).astype(np.uint8)
    for first, last in SIGNS:
        scripts[first : last + 1] = SIGN
    return scripts


SCRIPTS = _scripts()


def words_of(texts: Sequence[str]) -> Words:
    """The words of texts, which must not contain surrogates."""
    codes = np.frombuffer("\0".join(texts).encode("utf-32-le"), dtype="<u4")
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    borders = np.cumsum(sizes + 1)
    folded, places = plain_grams.fold(codes, LETTERS, borders[:-1] - 1)
    inside = np.concatenate(([False], folded != 0, [False]))
    starts = np.flatnonzero(inside[1:] & ~inside[:-1])
    lasts = np.flatnonzero(inside[:-1] & ~inside[1:]) - 1
    if places is not None:
        origins = np.zeros(folded.size, dtype=np.int64)
        origins[places] = np.arange(codes.size)
        starts, lasts = origins[starts], origins[lasts]
    counts: Numbers = np.diff(np.searchsorted(starts, borders), prepend=0)
    owners = np.repeat(np.arange(len(texts)), counts)
    begins = (borders - sizes - 1)[owners]
    first = codes[starts]
    scripts = SCRIPTS[np.minimum(first, 0xFFFF)]
    scripts[first >= 0x20000] = IDEOGRAPH
    return Words(
        plain_grams.word_hashes(folded.tobytes().decode("utf-32-le").encode()),
        owners,
        starts - begins,
        lasts + 1 - begins,
        scripts,
        counts,
    )


def counted(owners: Numbers, most: int) -> Numbers:
    """How often each number below `most` occurs among the owners."""
    counts: Numbers = np.bincount(owners, minlength=most).astype(np.int64)
    return counts


def main_scripts(words: Words) -> Numbers:
    """The script of most of the words of each text; WORD if it has no words."""
    kinds, texts = (WORD, IDEOGRAPH, SIGN), words.counts.size
    counts = np.stack([counted(words.owners[words.scripts == kind], texts) for kind in kinds])
    most: Numbers = np.array(kinds, dtype=np.int64)[counts.argmax(axis=0)]
    return most


def run_hashes(hashes: Hashes, owners: Numbers, width: int) -> tuple[Numbers, Hashes]:
    """(first words, 64-bit hashes) of every run of `width` words within one text."""
    if hashes.size < width:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    first = np.flatnonzero(owners[: owners.size - width + 1] == owners[width - 1 :])
    rolled = hashes[: hashes.size - width + 1].copy()
    for place in range(1, width):
        rolled *= RUN_BASE
        rolled += hashes[place : place + rolled.size]
    return first, plain_grams.mix(rolled[first])


def gram_hashes(hashes: Hashes) -> Grams:
    """The hash of five words starting at each word, as `gram_rows` computes it.

    For the last four words of a text it extends over the text's end and means nothing.
    """
    rolled = np.append(hashes, np.zeros(GRAM, dtype=np.uint64))
    grams = hashes.copy()
    for place in range(1, GRAM):
        grams = grams * plain_grams.GRAM_BASE + rolled[place : place + hashes.size]
    return (plain_grams.mix(grams) >> np.uint64(32)).astype(np.uint32)


def whole_hashes(words: Words) -> Hashes:
    """A hash of all words of each text, in order; 0 for a text without words."""
    firsts = words.firsts
    placed = np.arange(words.hashes.size, dtype=np.uint64) - firsts[words.owners].astype(np.uint64)
    mixed = plain_grams.mix(words.hashes ^ plain_grams.mix((placed + np.uint64(1)) * PLACE_BASE))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)))
    counts = words.counts
    whole = plain_grams.mix(sums[firsts + counts] - sums[firsts] + counts.astype(np.uint64))
    return np.where(counts > 0, np.maximum(whole, np.uint64(1)), np.uint64(0))


def covered(first: Numbers, width: int, size: int) -> Flags:
    """Which of `size` places are in one of the runs of `width` that begin at `first`."""
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, np.minimum(first + width, size), -1)
    inside: Flags = np.cumsum(steps[:-1]) > 0
    return inside


def batches(sizes: Sequence[int], most: int) -> Iterator[slice]:
    """Slices of neighbours whose sizes add up to about `most`, or of a single larger one."""
    start = total = 0
    for number, size in enumerate(sizes):
        total += size
        if total >= most:
            yield slice(start, number + 1)
            start, total = number + 1, 0
    if start < len(sizes):
        yield slice(start, len(sizes))


class KeyTable:
    """Sorted keys for lookups by the million: a table of their low bits rules out nearly all."""

    def __init__(self, keys: NDArray[np.unsignedinteger]) -> None:
        self.keys = keys
        bits = min(max(int(8 * keys.size), 1 << 10).bit_length(), 26)
        self.mask = keys.dtype.type((1 << bits) - 1)
        self.seen = np.zeros(1 << bits, dtype=np.bool_)
        self.seen[keys & self.mask] = True

    def holds(self, asked: NDArray[np.unsignedinteger]) -> Numbers:
        """The indices of the elements of `asked` that are keys, ascending."""
        suspects = np.flatnonzero(self.seen[asked & self.mask])
        if not self.keys.size:
            return suspects[:0]
        at = np.minimum(np.searchsorted(self.keys, asked[suspects]), self.keys.size - 1)
        hits: Numbers = suspects[self.keys[at] == asked[suspects]]
        return hits
