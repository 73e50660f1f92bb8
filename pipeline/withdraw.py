"""What the recipe keeps out of every run although the sources still contain it: `withdraw`.

An entry is a source (`documents/faq.md`), or a record as `why` names it: the source and, in
parentheses, the locator (`pairs/tea.jsonl (line=3)`). Such records are set aside without their
content before any stage sees them; a file that is withdrawn whole is not even read. Duplicates
that had been merged into a withdrawn record come back.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipeline.record import ID_LENGTH, REJECTED, SCHEMA, frame, record_id, rejection
from pipeline.source import SourceFile, Unit

WITHDRAWN = "withdrawn"
WITHDRAWN_MEANS = (
    "the recipe's `withdraw` keeps it out of every run; the value is the entry that names it"
)
CONTENT = ("text", "system", "messages", "images", "language", "tokens", "extra")
"""Columns that are null in a withdrawn record, so that work files do not have them either."""

BARE_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}(\.\d+)*")


def sorted_entries(entries: Iterable[str]) -> list[str]:
    """The entries of a recipe, without duplicates. Raises ValueError for one without a source."""
    for entry in entries:
        if BARE_ID.fullmatch(entry):
            raise ValueError(
                f"{entry} is an id, not a source; `bedrock-prep withdraw RUN {entry}` "
                "shows the entry for it"
            )
        if not entry.strip():
            raise ValueError("an entry is empty; remove it")
    return sorted(set(entries))


@dataclass(frozen=True)
class Withdrawn:
    """The entries of a recipe, sorted."""

    entries: tuple[str, ...] = ()

    @cached_property
    def _ids(self) -> dict[str, str]:
        return {record_id(*p): entry for entry in self.entries for p in _candidate_places(entry)}

    def of(self, unit: Unit) -> list[str]:
        """The entries that may be about a unit: they begin with the URI of one of its files."""
        matching = []
        for file in unit.files if self.entries else ():
            at = bisect_left(self.entries, file.uri)
            while at < len(self.entries) and self.entries[at].startswith(file.uri):
                matching.append(self.entries[at])
                at += 1
        return matching

    def takes(self, unit: Unit) -> bool:
        """Whether all files of a unit are withdrawn whole."""
        return bool(self.entries) and all(self._is_entry(file.uri) for file in unit.files)

    def _is_entry(self, name: str) -> bool:
        at = bisect_left(self.entries, name)
        return self.entries[at : at + 1] == (name,)

    def unread(self, files: Iterable[SourceFile]) -> pl.DataFrame:
        """A rejected row for each of these files, which are not read."""
        return frame({"source": f.uri, "locator": "", "rejected": _rejected(f.uri)} for f in files)

    def apply(self, records: pl.DataFrame) -> pl.DataFrame:
        """Mark withdrawn records as rejected, without their content; the others are unchanged."""
        if not self.entries:
            return records
        named = records.select(
            pl.coalesce(
                pl.col("id").replace_strict(self._ids, default=None, return_dtype=pl.String),
                pl.when(pl.col("source").is_in(self.entries)).then("source"),
            )
        ).to_series()
        out = named.is_not_null()
        if not out.any():
            return records
        why = pl.Series([_rejected(name) for name in named], dtype=REJECTED)
        emptied = [
            pl.when(~out).then(pl.col(name)).otherwise(pl.lit(None, SCHEMA[name])).alias(name)
            for name in CONTENT
        ]
        rejected = pl.when(out).then(why).otherwise("rejected").alias("rejected")
        return records.with_columns(*emptied, rejected)

    def unused(self, rejected: Iterable[pl.DataFrame]) -> list[str]:
        """The entries that rejected nothing in a first pass, judged by its rejected records."""
        used: set[str] = set()
        for rows in rejected if self.entries else ():
            why = rows["rejected"].struct
            used.update(why.field("value").filter(why.field("reason") == WITHDRAWN))
        return [entry for entry in self.entries if entry not in used]


NOTHING = Withdrawn()


def _candidate_places(entry: str) -> Iterator[tuple[str, str]]:
    """Yield every (source, locator) that an entry may mean, because names of files and of members
    of archives may contain parentheses too. A wrong guess is the id of no record."""
    if entry.endswith(")"):
        for match in re.finditer(r" \(", entry):
            yield entry[: match.start()], entry[match.end() : -1]


def _rejected(name: str | None) -> dict[str, str | None] | None:
    return None if name is None else rejection(WITHDRAWN, name)
