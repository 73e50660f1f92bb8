"""Packs pieces of text into chunks, cutting at the best place in a chunk's second half."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Cut(IntEnum):
    """How good the place before a piece is to cut at; a higher value is better."""

    INSIDE = 0  # between a letter and its accent: only if there is no other place in the chunk
    ANYWHERE = 1
    BLANK = 2
    SENTENCE = 3
    LINE = 4
    EMPTY_LINE = 5
    HEADING = 6


@dataclass(frozen=True)
class Pieces:
    """The pieces of several documents, one after the other.

    `weights` are running totals: `weights[k]` is the weight of all pieces before `k`; there is one
    entry more than there are pieces. Each byte of `cuts` is the `Cut` before a piece.
    """

    weights: Sequence[int]
    cuts: bytes
    limit: int  # most weight of a chunk; no piece weighs more
    overlap: int  # most weight that a chunk may repeat of the previous one

    def chunks(self, first: int, stop: int) -> Iterator[tuple[int, int]]:
        """(first piece, stop) of each chunk of the document of pieces `first` to `stop`."""
        begin = done = first
        while done < stop:
            end = self._end(begin, done, stop)
            yield begin, end
            begin, done = (self._repeated_from(begin, end) if end < stop else end), end

    def _end(self, begin: int, done: int, stop: int) -> int:
        """The piece before which a chunk from `begin` ends; it must be after `done`."""
        origin = self.weights[begin]
        full = bisect_right(self.weights, origin + self.limit, done + 1, stop + 1) - 1
        half = bisect_left(self.weights, origin + self.limit / 2, done + 1, full)
        heading = self.cuts.find(Cut.HEADING, half, min(full + 1, stop))
        if heading >= 0:
            return heading
        return stop if full == stop else self._best_cut(half, full, done)

    def _best_cut(self, half: int, full: int, done: int) -> int:
        for cut in (Cut.EMPTY_LINE, Cut.LINE, Cut.SENTENCE, Cut.BLANK, Cut.ANYWHERE):
            place = self.cuts.rfind(cut, half, full + 1)
            if place >= 0:
                return place
        sound = (k for k in range(half - 1, done, -1) if self.cuts[k] != Cut.INSIDE)
        return next(sound, full)

    def _repeated_from(self, begin: int, end: int) -> int:
        """The sentence or line before `end` from which the next chunk repeats; `end` if none.

        The piece at `end` must fit into the next chunk too, or there would be no progress.
        """
        room = max(self.weights[end] - self.overlap, self.weights[end + 1] - self.limit)
        earliest = bisect_left(self.weights, room, begin + 1, end)
        starts = (k for k in range(earliest, end) if self.cuts[k] >= Cut.SENTENCE)
        return next(starts, end)
