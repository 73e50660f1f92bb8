"""The contract of a stage that compares records with evaluation sets.

The stage makes frames from all items once; they are stored on disk and mapped by every worker.
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
        "share": pl.Float64,  # of the item's runs of words, how many the record has too
        # Length of the longest passage that both have; a Chinese or Japanese character counts as
        # half a word, a letter of another script without spaces as a quarter.
        "words": pl.Float64,
        "turn": pl.Int64,  # the record's turn, from 1; 0 is its text, -1 its system prompt
        "start": pl.Int64,  # of the passage in that text in NFC, in characters
        "end": pl.Int64,
        "item_source": pl.String,
        "item_locator": pl.String,
        "item_turn": pl.Int64,
        "item_start": pl.Int64,
        "item_end": pl.Int64,
        "items": pl.Int64,  # how many items of the set the record matches
    }
)
"""Where a record and an item of an evaluation set are the same; positions, never texts."""


@dataclass(frozen=True)
class References:
    """Frames that a stage has made from evaluation sets, on disk; they are mapped, so that all
    workers share the same memory."""

    folder: Path
    digest: str  # of the sets' files, and of how they are read

    def frame(self, name: str) -> pl.DataFrame:
        """Map one of the frames, which may be as large as the sets."""
        import pyarrow as pa

        with pa.memory_map(str(self._path(name))) as source:
            frame = pl.from_arrow(pa.ipc.open_file(source).read_all())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Write a frame in one piece, so that a column can be mapped as it is."""
        import pyarrow as pa

        table = frame.rechunk().to_arrow().combine_chunks()
        with pa.OSFile(str(self._path(name)), "wb") as sink:
            writer = pa.ipc.new_file(sink, table.schema)
            writer.write_table(table, max_chunksize=max(frame.height, 1))
            writer.close()

    def has(self, name: str) -> bool:
        """Whether there is a frame of that name."""
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.arrow"


@runtime_checkable
class ReferringStage(Protocol):
    """A record stage that compares records with the evaluation sets of the recipe.

    Without sets it leaves all records unchanged.
    """

    name: ClassVar[str]

    def prepared(self, items: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The frames that the stage needs, made from all items: records with the name of their
        `set`.

        The frame `sets` has counts for the manifest, one row for each `set`.
        """
        ...

    def against(self, references: References) -> Self:
        """The stage with those frames; its settings then include their digest."""
        ...
