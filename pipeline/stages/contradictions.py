"""`contradictions`: rejects records that answer the same prompt differently."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.stage import Broken, Settings, rejected_as
from pipeline.stages.extra_texts import declared_tools
from pipeline.stages.sketches import digest
from pipeline.stages.texts import KEPT, all_but_last, image_files, one_line, turn_lines


class Contradictions(Settings):
    """Rejects labelled records that give different answers to the same prompt.

    The prompt is the system prompt, the tools, all turns except the last, and the images; layout
    does not count. Only you can say which answer is right, so by default none of them is kept;
    `keep: first` keeps the answer that comes first by source and id.
    """

    name: ClassVar[str] = "contradictions"
    key: ClassVar[str] = "prompt"
    only_rejects: ClassVar[bool] = True
    reasons: ClassVar[dict[str, str]] = {
        "contradiction": "The same prompt has a different answer elsewhere; the value is the first "
        "record with this prompt. Decide which answer is right and remove the others.",
    }

    keep: Literal["none", "first"] = Field("none", description="which answers to keep")

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, and 16-byte digests `prompt` and `completion`, null if unlabelled."""
        asked = (pl.col("messages").list.len() >= 2) & KEPT
        system, turns = one_line(pl.col("system").fill_null("")), pl.col("turns")
        tools = one_line(declared_tools())
        prompt = pl.format("{}\n{}\n{}\n{}", image_files(), system, tools, all_but_last(turns))
        contents = records.with_columns(turns=turn_lines()).select(
            "id",
            "source",
            prompt=pl.when(asked).then(prompt),
            completion=pl.when(asked).then(turns.list.last()),
        )
        return contents.with_columns(digest(contents["prompt"]), digest(contents["completion"]))

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and `rejected` of the records whose prompt has more than one answer."""
        asked = sketches.filter(pl.col("prompt").is_not_null()).sort("prompt", "source", "id")
        compared = asked.with_columns(
            first=pl.col("id").first().over("prompt"),
            agrees=pl.col("completion") == pl.col("completion").first().over("prompt"),
        ).with_columns(contradicted=~pl.col("agrees").all().over("prompt"))
        against = compared.filter("contradicted")
        if self.keep == "first":
            against = against.filter(~pl.col("agrees"))
        rule = Broken(pl.lit(True), value=pl.col("first"))
        return against.select("id", rejected=rejected_as("contradiction", rule))
