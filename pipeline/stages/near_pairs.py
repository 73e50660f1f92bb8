"""Which records are alike, and what clusters they make: a band at a time, grams a batch at a time.

Candidates are numbered by rank: 0 is the one to keep before all others. Two are looked at if they
share a band key, but not all pairs of a bucket: each with the bucket's first, and with its
neighbour when they are sorted by size. So the work grows with the bucket, not with its square, and
a pair that one bucket leaves out is seldom left out by all. What is in one cluster already is not
compared again. Held are some bytes for each record; grams are read for a batch of pairs.
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
"""From which threshold on, bands, and rows of each. A pair that is just alike enough is looked at
with a chance of 1-(1-threshold^rows)^bands: 99.8, 99.0, 98.8 and 99.6 %."""

NONE = 0
"""The key of what is not compared."""

FEW = 1 << 16  # rows of which it takes less to look each key up than to sort them
KEYS_AT_ONCE = 1 << 20  # band keys, with 8 bytes of rank and size each
BATCH_BYTES = 32 << 20  # of grams that are compared at once
REMEMBERED = 1 << 23  # pairs that were measured; past that some are measured twice

EMPTY = pl.Series(dtype=pl.UInt64)


def bands_of(threshold: float) -> tuple[int, int]:
    """Bands, and rows of each."""
    return next((bands, rows) for least, bands, rows in BANDS if threshold >= least)


def band_names(threshold: float) -> list[str]:
    """The columns of the sketch that hold band keys."""
    return [f"band{band:02d}" for band in range(bands_of(threshold)[0])]


def sharing(sketches: Table, bands: Sequence[str]) -> pl.Series:
    """The rows that share a band key with another one, ascending.

    Rows of earlier data are among them only if they share one with a row of the run's own. Of what
    is too much to sort at once some of the keys are sorted at a time, band by band.
    """
    shares = pl.repeat(False, sketches.height, dtype=pl.Boolean, eager=True)
    alone = sketches.own == sketches.height <= min(FEW, sketches.at_once)
    for name in bands if sketches.height else ():
        shares |= _looked_up(sketches, name) if alone else _sorted(sketches, name)
    return shares.arg_true().cast(pl.UInt32)


def _looked_up(sketches: Table, name: str) -> pl.Series:
    """Which rows share their key of a band, where all are the run's own."""
    keys = sketches.column(name)
    return keys.is_duplicated() & (keys != NONE)


def _sorted(sketches: Table, name: str) -> pl.Series:
    """The same of any number of rows, with earlier data behind them."""
    common = pl.concat(_common(sketches, name, *bounds) for bounds in _ranges(sketches))
    keys = common.unique().implode()
    pieces = chain(sketches.pieces(name, own=True), sketches.pieces(name, own=False))
    return pl.concat([piece.is_in(keys) for piece in pieces])


def _ranges(sketches: Table) -> Iterator[tuple[int, int]]:
    """Bounds of keys, first and last: as many ranges as it takes to hold the keys of one."""
    number = -(-sketches.height // sketches.at_once)
    ends = [part * 2**64 // number for part in range(number + 1)]
    yield from zip(ends[:-1], (end - 1 for end in ends[1:]), strict=True)


def _common(sketches: Table, name: str, least: int, most: int) -> pl.Series:
    """The keys of a range that two rows share, of which one at least is the run's own."""
    own, earlier = (
        pl.concat(
            piece.filter(piece.is_between(max(least, NONE + 1), most))
            for piece in chain([EMPTY], sketches.pieces(name, own=of_run))
        )
        for of_run in (True, False)
    )
    held = own.sort()
    del own
    after = held.slice(1)
    repeated = after.filter(after == held.head(-1))
    met = earlier.filter(earlier.is_in(held.implode())) if earlier.len() else earlier
    return pl.concat([repeated, met]).unique()


@dataclass(frozen=True)
class Candidates:
    """Those to compare, in order of rank."""

    sketches: Table
    grams: Evidence
    rows: pl.Series  # of the sketches, by rank
    places: pl.Series  # among the grams, by rank

    def only(self, chosen: pl.Series) -> Candidates:
        """Those of some ranks (a mask), which are numbered anew."""
        rows, places = self.rows.filter(chosen), self.places.filter(chosen)
        return Candidates(self.sketches, self.grams, rows, places)

    @property
    def sizes(self) -> pl.Series:
        """Bytes of grams, by rank."""
        return self.grams.sizes.gather(self.places)

    def buckets(self, bands: Sequence[str]) -> Iterator[pl.DataFrame]:
        """`rank`, `size` and `key` of those that share a key of a band, by key and rank.

        The first band finds most pairs and comes alone, so that few are left to look at; of the
        others as many come together as are KEYS_AT_ONCE.
        """
        sizes = self.sizes
        together = max(1, KEYS_AT_ONCE // max(1, self.grams.rows.len()))
        borders = [0, *range(1, len(bands), together), len(bands)]
        for first, last in pairwise(borders):
            read = self.sketches.rows(bands[first:last], self.grams.rows)[self.places]
            shared = sharers(read, sizes)
            # By key and rank: a band's come by rank.
            if shared.height:
                yield shared.sort("key", maintain_order=True)

    def measured(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """`left`, `right` and their `jaccard`, of any pairs of ranks, sorted by them."""
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
        found = [batch.with_columns(self._jaccard(batch)) for batch in batches]
        return pl.concat([pl.DataFrame(schema={**PAIRS, "jaccard": pl.Float64}), *found])

    def _jaccard(self, pairs: pl.DataFrame) -> pl.Series:
        ranks = pl.concat([pairs["left"], pairs["right"]]).unique().sort()
        sets = self.grams.take(self.places.gather(ranks))
        local = pairs.select(pl.col("left", "right").map_batches(ranks.search_sorted))
        return jaccard(sets, local)


class Graph:
    """Who is in one cluster with whom: each leads to one of a lower rank, the first to itself."""

    def __init__(self, count: int) -> None:
        self.first = array("I", range(count))
        self.known: pl.Series | None = None  # the roots, while nothing is joined

    def root(self, rank: int) -> int:
        """The least rank of the cluster."""
        first = self.first
        while first[rank] != rank:
            first[rank] = first[first[rank]]
            rank = first[rank]
        return rank

    def join(self, pairs: pl.DataFrame) -> None:
        """Put both ends of each pair into one cluster."""
        for left, right in zip(pairs["left"], pairs["right"], strict=True):
            one, other = self.root(left), self.root(right)
            self.first[max(one, other)] = min(one, other)
            self.known = None

    def roots(self) -> pl.Series:
        """Of each rank, the least rank of its cluster."""
        if self.known is None:
            roots = pl.Series("first", self.first, dtype=pl.UInt32)
            while not (further := roots.gather(roots)).equals(roots):
                roots = further
            self.first, self.known = array("I", roots.to_list()), roots
        return self.known


def alike(
    candidates: Candidates, threshold: float, graph: Graph, pairing: Pairing
) -> Iterator[pl.DataFrame]:
    """By band the pairs from `threshold` on, with their `jaccard`; joins them in the graph."""
    sizes = candidates.sizes
    seen = pl.DataFrame(schema=PAIRS)
    for shared in candidates.buckets(band_names(threshold)):
        pairs = possible(pairing(shared), sizes, threshold)
        roots = graph.roots()
        new = roots.gather(pairs["left"]) != roots.gather(pairs["right"])
        pairs = pairs.filter(new).join(seen, on=["left", "right"], how="anti")
        if pairs.is_empty():  # most bands find none that another has not
            continue
        measured = candidates.measured(pairs)
        found = measured.filter(pl.col("jaccard") >= threshold)
        graph.join(found)
        if seen.height < REMEMBERED:
            unlike = measured.filter(pl.col("jaccard") < threshold)
            seen = pl.concat([seen, unlike.select("left", "right")])
        yield found


def sharers(bands: pl.DataFrame, sizes: pl.Series) -> pl.DataFrame:
    """`rank`, `size` and `key` of those that share their key of a band, by band and rank.

    All bands in four calls: of few keys each band by itself took seven times as long.
    """
    shared = pl.all().is_duplicated() & (pl.all() != NONE)
    named = bands.select(pl.when(shared).then(pl.all())).with_columns(size=sizes)
    rows = named.with_row_index("rank").unpivot(
        on=bands.columns, index=["rank", "size"], value_name="key"
    )
    return rows.drop_nulls("key").drop("variable")
