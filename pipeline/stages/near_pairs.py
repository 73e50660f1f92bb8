"""Which records are similar, and the clusters they form; works band by band, in batches of grams.

Candidates are numbered by rank: 0 is the one to keep in preference to all others. A bucket is the
candidates that share a band key. Not all pairs of a bucket are compared: each candidate only with
the bucket's first, and with its neighbour when the bucket is sorted by size. So the work grows
with the bucket, not with its square, and a pair that one bucket leaves out is seldom left out by
all. Candidates already in the same cluster are not compared again. Memory holds a few bytes for
each record; grams are read for one batch of pairs at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import polars as pl

from pipeline.corpus_stage import Evidence, Table
from pipeline.kernels import jaccard
from pipeline.stages.pairings import PAIRS, Pairing, possible

BANDS = ((0.8, 20, 6), (0.7, 25, 5), (0.6, 32, 4), (0.5, 42, 3))
"""(smallest threshold, bands, rows of each). A pair whose similarity is exactly the threshold is
found with a probability of 1-(1-threshold^rows)^bands: 99.8, 99.0, 98.8 and 99.6 %."""

NONE = 0
"""The key of records that are not compared."""

FEW = 1 << 16  # up to so many rows, looking each key up is faster than sorting them
KEYS_AT_ONCE = 1 << 20  # band keys, with 8 bytes of rank and size each
BATCH_BYTES = 32 << 20  # bytes of grams compared at once
REMEMBERED = 1 << 23  # measured pairs to remember; beyond that some are measured twice

EMPTY = pl.Series(dtype=pl.UInt64)


def bands_of(threshold: float) -> tuple[int, int]:
    """(number of bands, rows of each) for a threshold."""
    return next((bands, rows) for least, bands, rows in BANDS if threshold >= least)


def band_names(threshold: float) -> list[str]:
    """The names of the sketch's columns of band keys."""
    return [f"band{band:02d}" for band in range(bands_of(threshold)[0])]


def sharing(sketches: Table, bands: Sequence[str]) -> pl.Series:
    """The rows that share a band key with another one, ascending.

    Rows of earlier data are included only if they share a key with a row of this run. If there are
    too many keys to sort at once, they are sorted band by band, a range of keys at a time.
    """
    shares = pl.repeat(False, sketches.height, dtype=pl.Boolean, eager=True)
    alone = sketches.own == sketches.height <= min(FEW, sketches.at_once)
    for name in bands if sketches.height else ():
        shares |= _looked_up(sketches, name) if alone else _sorted(sketches, name)
    return shares.arg_true().cast(pl.UInt32)


def _looked_up(sketches: Table, name: str) -> pl.Series:
    """Which rows share their key of one band; for sketches without earlier data."""
    keys = sketches.column(name)
    return keys.is_duplicated() & (keys != NONE)


def _sorted(sketches: Table, name: str) -> pl.Series:
    """As `_looked_up`, for any number of rows, followed by earlier data."""
    common = pl.concat(_common(sketches, name, *bounds) for bounds in _ranges(sketches))
    keys = common.unique().implode()
    pieces = chain(sketches.pieces(name, own=True), sketches.pieces(name, own=False))
    return pl.concat([piece.is_in(keys) for piece in pieces])


def _ranges(sketches: Table) -> Iterator[tuple[int, int]]:
    """Ranges of keys, (first, last), small enough that the keys of one fit in memory."""
    number = -(-sketches.height // sketches.at_once)
    ends = [part * 2**64 // number for part in range(number + 1)]
    yield from zip(ends[:-1], (end - 1 for end in ends[1:]), strict=True)


def _common(sketches: Table, name: str, least: int, most: int) -> pl.Series:
    """The keys from `least` to `most` that two rows share, at least one of them of this run."""
    own, earlier = (
        pl.concat(
            piece.filter(piece.is_between(max(least, NONE + 1), most))
            for piece in chain([EMPTY], sketches.pieces(name, own=of_run))
        )
        for of_run in (True, False)
    )
    ascending = own.sort()
    del own
    after = ascending.slice(1)
    repeated = after.filter(after == ascending.head(-1))
    shared = earlier.filter(earlier.is_in(ascending.implode())) if earlier.len() else earlier
    return pl.concat([repeated, shared]).unique()


@dataclass(frozen=True)
class Candidates:
    """The records to compare, in order of rank."""

    sketches: Table
    grams: Evidence
    rows: pl.Series  # of the sketches, by rank
    places: pl.Series  # among the grams, by rank

    def only(self, chosen: pl.Series) -> Candidates:
        """The candidates that a mask by rank selects, ranked again from 0."""
        rows, places = self.rows.filter(chosen), self.places.filter(chosen)
        return Candidates(self.sketches, self.grams, rows, places)

    @property
    def sizes(self) -> pl.Series:
        """Bytes of grams, by rank."""
        return self.grams.sizes.gather(self.places)

    def buckets(self, bands: Sequence[str]) -> Iterator[pl.DataFrame]:
        """`rank`, `size` and `key` of candidates that share a band key, by key and rank.

        The first frame has the first band alone: it finds most pairs, so that few are left to
        compare. The following frames combine bands, up to KEYS_AT_ONCE keys each.
        """
        sizes = self.sizes
        together = max(1, KEYS_AT_ONCE // max(1, self.grams.rows.len()))
        borders = [0, *range(1, len(bands), together), len(bands)]
        for first, last in pairwise(borders):
            read = self.sketches.rows(bands[first:last], self.grams.rows)[self.places]
            shared = sharers(read, sizes)
            # The rows of each band are in order of rank already.
            if shared.height:
                yield shared.sort("key", maintain_order=True)

    def measured(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Pairs of ranks with their similarity: `left`, `right`, `jaccard`, sorted by the ranks."""
        pairs = pairs.sort("left", "right")
        sizes = self.sizes
        new = pairs["left"] != pairs["left"].shift()
        cost = pairs.select(
            pl.lit(sizes.gather(pairs["right"])).cast(pl.UInt64)
            + pl.lit(sizes.gather(pairs["left"]).cast(pl.UInt64) * new.fill_null(True))
        ).to_series()
        number = cost.cum_sum() // BATCH_BYTES
        batches = pairs.with_columns(number=number).partition_by(
            "number", include_key=False, maintain_order=True
        )
        with_jaccard = [batch.with_columns(self._jaccard(batch)) for batch in batches]
        return pl.concat([pl.DataFrame(schema={**PAIRS, "jaccard": pl.Float64}), *with_jaccard])

    def _jaccard(self, pairs: pl.DataFrame) -> pl.Series:
        ranks = pl.concat([pairs["left"], pairs["right"]]).unique().sort()
        sets = self.grams.take(self.places.gather(ranks))
        local = pairs.select(pl.col("left", "right").map_batches(ranks.search_sorted))
        return jaccard(sets, local)


class Graph:
    """The clusters, as a union-find forest: each rank points to a lower one, a root to itself."""

    def __init__(self, count: int) -> None:
        self.first = array("I", range(count))
        self.known: pl.Series | None = None  # the roots, until something is joined

    def root(self, rank: int) -> int:
        """The smallest rank of a rank's cluster."""
        first = self.first
        while first[rank] != rank:
            first[rank] = first[first[rank]]
            rank = first[rank]
        return rank

    def join(self, pairs: pl.DataFrame) -> None:
        """Put both ends of each pair into one cluster."""
        for left, right in zip(pairs["left"], pairs["right"], strict=True):
            roots = self.root(left), self.root(right)
            self.first[max(roots)] = min(roots)
            self.known = None

    def roots(self) -> pl.Series:
        """The smallest rank of the cluster of every rank."""
        if self.known is None:
            roots = pl.Series("first", self.first, dtype=pl.UInt32)
            while not (further := roots.gather(roots)).equals(roots):
                roots = further
            self.first, self.known = array("I", roots.to_list()), roots
        return self.known


def alike(
    candidates: Candidates, threshold: float, graph: Graph, pairing: Pairing
) -> Iterator[pl.DataFrame]:
    """The pairs with a similarity of at least `threshold`: `left`, `right`, `jaccard`.

    Yields a frame for each frame of `Candidates.buckets` that has any, after joining its pairs in
    `graph`. `pairing` chooses the pairs of a bucket to compare.
    """
    sizes = candidates.sizes
    dissimilar = pl.DataFrame(schema=PAIRS)
    for shared in candidates.buckets(band_names(threshold)):
        pairs = possible(pairing(shared), sizes, threshold)
        roots = graph.roots()
        new = roots.gather(pairs["left"]) != roots.gather(pairs["right"])
        pairs = pairs.filter(new).join(dissimilar, on=["left", "right"], how="anti")
        if pairs.is_empty():  # most bands find no pair that an earlier band has not found
            continue
        measured = candidates.measured(pairs)
        similar = measured.filter(pl.col("jaccard") >= threshold)
        graph.join(similar)
        if dissimilar.height < REMEMBERED:
            unlike = measured.filter(pl.col("jaccard") < threshold)
            dissimilar = pl.concat([dissimilar, unlike.select("left", "right")])
        yield similar


def sharers(bands: pl.DataFrame, sizes: pl.Series) -> pl.DataFrame:
    """`rank`, `size` and `key` of rows that share their key of a band, by band and rank.

    All bands are done in four calls: with few keys, one band at a time took seven times as long.
    """
    shared = pl.all().is_duplicated() & (pl.all() != NONE)
    named = bands.select(pl.when(shared).then(pl.all())).with_columns(size=sizes)
    rows = named.with_row_index("rank").unpivot(
        on=bands.columns, index=["rank", "size"], value_name="key"
    )
    return rows.drop_nulls("key").drop("variable")
