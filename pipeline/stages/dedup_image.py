"""`dedup_image`: keeps one of several records with the same picture."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.stage import Settings
from pipeline.stages.sketches import digest, duplicates
from pipeline.stages.texts import KEPT, one_line, turn_lines


class DedupImage(Settings):
    """Keeps one of several records whose image has the same pixels, whatever the file format.

    Looks at records with one image. Captions do not count unless `on: pixels_and_caption`;
    labelled records must also have equal turns, because one image can have many questions.
    """

    name: ClassVar[str] = "dedup_image"
    key: ClassVar[str] = "key"
    only_rejects: ClassVar[bool] = True
    reasons: ClassVar[dict[str, str]] = {
        "duplicate_image": "The record named in the value has the same picture, and that one is "
        "kept.",
    }

    on: Literal["pixels", "pixels_and_caption"] = Field("pixels", description="what must be equal")

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, and `key`: 16 bytes that equal images share, null if not compared."""
        single = pl.col("images").list.len() == 1
        contents = records.select("id", "source", key=pl.when(KEPT & single).then(self._content()))
        return contents.with_columns(digest(contents["key"]))

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and `rejected` of every record that is not the first with its picture."""
        return duplicates(sketches, "duplicate_image")

    def _content(self) -> pl.Expr:
        pixels = pl.col("extra").str.json_path_match("$.images[0].pixels_sha256")
        turns = pl.format("turns\n{}", turn_lines().list.join("\n")).fill_null("")
        caption = one_line(pl.col("text").fill_null(""))
        with_caption = self.on == "pixels_and_caption"
        return pl.format("{}\n{}\n{}", pixels, turns, caption if with_caption else pl.lit(""))
