"""The contract of a stage that holds records against evaluation sets.

The stage makes frames of all items once; they lie on disk and are mapped by every worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

import polars as pl

SYSTEM_TURN = -1

MATCHES = pl.Schema(
    {
        "id": pl.String,
        "set": pl.String,  # name of the evaluation set
        "kind": pl.String,  # exact, normalised, run, share
        "share": pl.Float64,  # of the item's runs of words that the record has too
        # In the longest passage that both share; Chinese and Japanese characters as half a word,
        # letters of other scripts without spaces as a quarter.
        "words": pl.Float64,
        "turn": pl.Int64,  # of the record, from 1; 0 is its text, -1 its system prompt
        "start": pl.Int64,  # of the passage in that text in NFC, in characters
        "end": pl.Int64,
        "item_source": pl.String,
        "item_locator": pl.String,
        "item_turn": pl.Int64,
        "item_start": pl.Int64,
        "item_end": pl.Int64,
        "items": pl.Int64,  # of the set that the record meets
    }
)
"""Where a record and an item of an evaluation set say the same; places, never texts."""


@dataclass(frozen=True)
class References:
    """Frames that a stage has made of evaluation sets, on disk: mapped, so that all workers share
    the same memory."""

    folder: Path
    digest: str  # of the sets' files and how they are read

    def frame(self, name: str) -> pl.DataFrame:
        """One of the frames; it may be as large as the sets."""
        import pyarrow as pa

        with pa.memory_map(str(self._path(name))) as source:
            found = pl.from_arrow(pa.ipc.open_file(source).read_all())
        assert isinstance(found, pl.DataFrame)
        return found

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame there, in one piece, so that a column can be mapped as it is."""
        import pyarrow as pa

        table = frame.rechunk().to_arrow().combine_chunks()
        with pa.OSFile(str(self._path(name)), "wb") as sink:
            writer = pa.ipc.new_file(sink, table.schema)
            writer.write_table(table, max_chunksize=max(frame.height, 1))
            writer.close()

    def has(self, name: str) -> bool:
        """Whether there is such a frame."""
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.arrow"


@runtime_checkable
class ReferringStage(Protocol):
    """A record stage that holds records against the evaluation sets of the recipe.

    Without them it leaves all records as they are.
    """

    name: ClassVar[str]

    def prepared(self, items: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The frames that it needs of all items: records with the name of their `set`.

        One is `sets`: the counts to be told of each `set`.
        """
        ...

    def against(self, references: References) -> Self:
        """The stage with those frames; its settings then tell the digest."""
        ...
