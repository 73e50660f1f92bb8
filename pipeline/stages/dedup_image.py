"""`dedup_image`: keeps one of several records with the same picture."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.stage import Broken, Settings, rejected_as
from pipeline.stages.sketches import digest
from pipeline.stages.texts import KEPT, one_line, turn_lines


class DedupImage(Settings):
    """Keeps one of several records whose image has the same pixels, whatever the file format.

    Looks at records with one image. Captions do not count unless `on: pixels_and_caption`, but
    those of one file are all kept, each once; of labelled records the turns must be equal too,
    since one image can have many questions.
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
        """`id`, `source`, `key`: 16 bytes that equal images share, null if not compared; `caption`:
        16 bytes of it."""
        single = pl.col("images").list.len() == 1
        compared = pl.when(KEPT & single)
        contents = records.select(
            "id", "source", key=compared.then(self._content()), caption=compared.then(_caption())
        )
        return contents.with_columns(digest(contents["key"]), digest(contents["caption"]))

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and `rejected` of every record that is not of the first file with its picture, and
        of those that say of it what another of the file has said."""
        ordered = sketches.filter(pl.col("key").is_not_null()).sort("key", "source", "id")
        first = pl.col("id", "source").first().over("key").name.prefix("first_")
        same_file = pl.col("source") == pl.col("first_source")
        said = pl.col("id").first().over("key", "source", "caption")
        stands = pl.when(same_file).then(said).otherwise("first_id")
        later = ordered.with_columns(first).with_columns(stands=stands)
        rule = Broken(pl.lit(True), value=pl.col("stands"), merged_into=pl.col("stands"))
        return later.filter(pl.col("id") != pl.col("stands")).select(
            "id", rejected=rejected_as("duplicate_image", rule)
        )

    def _content(self) -> pl.Expr:
        pixels = pl.col("extra").str.json_path_match("$.images[0].pixels_sha256")
        turns = pl.format("turns\n{}", turn_lines().list.join("\n")).fill_null("")
        caption = _caption() if self.on == "pixels_and_caption" else pl.lit("")
        return pl.format("{}\n{}\n{}", pixels, turns, caption)


def _caption() -> pl.Expr:
    return one_line(pl.col("text").fill_null(""))
