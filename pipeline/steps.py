"""Records on their way through the stages of one part: the law is checked at each step, rejected
records are gathered, and what became of each unit's records is counted."""

from __future__ import annotations

import polars as pl

from pipeline.parts import Parts
from pipeline.record import SCHEMA, root_id
from pipeline.settle import Settled, settle
from pipeline.stage import Observed
from pipeline.unit_rows import TALLY, UNIT, ledger_rows, roots_of, tally_rows


class Steps:
    """The records of one part; `numbered` has the number of each one's unit in `UNIT`."""

    def __init__(self, numbered: pl.DataFrame, parts: Parts) -> None:
        self.records, self.roots, self.parts = numbered.drop(UNIT), roots_of(numbered), parts
        self._set_aside: list[pl.DataFrame] = []
        self._ledger: list[pl.DataFrame] = []
        order = self.records.select(root=root_id())
        self._order = order.with_row_index("position").unique("root", keep="first")

    def take(self, label: str, after: pl.DataFrame) -> None:
        """Go on with the records that a stage has kept.

        Raises LawBroken if it has lost one.
        """
        parted = self.part(label, after)
        if parted.rejected.height:
            self._set_aside.append(parted.rejected.with_columns(stage=pl.lit(label)))
        self.records = parted.kept
        self.parts.clock.lap(label)

    def part(self, label: str, after: pl.DataFrame) -> Settled:
        """Check and count a stage's output without going on with it."""
        parted = settle(label, self.records, after)
        self.parts.counts.append(parted.count)
        self._ledger.append(ledger_rows(self.records, after, parted, self.roots))
        return parted

    def see(self, label: str, observed: Observed) -> pl.DataFrame:
        """Note what a stage observed; returns its records."""
        self.parts.seen.add(label, observed)
        if observed.tallies is not None and observed.tallies.height:
            self.tell(label, observed.tallies)
        return observed.records

    def tell(self, label: str, tallies: pl.DataFrame, prefix: str = TALLY) -> None:
        """Add what a stage counted in records (`TALLIES`) to the ledger."""
        self._ledger.append(tally_rows(label, tallies, self.roots, prefix))

    def rejected(self) -> pl.DataFrame:
        """The records that the stages have rejected, with a column `stage`."""
        return self.in_order(self._set_aside)

    def in_order(self, frames: list[pl.DataFrame]) -> pl.DataFrame:
        """Rejected records in the order of the source, however shards are cut."""
        if not frames:
            return pl.DataFrame(schema={**SCHEMA, "stage": pl.String})
        rows = pl.concat(frames).with_columns(root=root_id())
        placed = rows.join(self._order, on="root", how="left", maintain_order="left")
        return placed.sort("position", "id", maintain_order=True).drop("root", "position")

    def ledger(self) -> pl.DataFrame:
        """What became of each unit's records: `UNIT` and the columns of `LEDGER`."""
        return pl.concat(self._ledger)
