"""`dedup_exact`: keeps one of several records with the same content."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import Field, StringConstraints

from pipeline.stage import Settings
from pipeline.stages.extra_texts import declared_tools, reasoning
from pipeline.stages.json_paths import IF_PATH
from pipeline.stages.sketches import digest, duplicates
from pipeline.stages.texts import KEPT, all_but_last, image_files, one_line, turn_lines

A_FIELD = r"^(text|system|turns|\$[.\[].+)$"
"""A part of the record, or a JSON path in `extra`."""


class DedupExact(Settings):
    """Keeps one of several records with the same words; layout does not count.

    Texts are compared in Unicode NFC with every run of white space as one space; letter case
    counts. `on: auto` compares labelled records by system prompt, tools, all turns and reasoning,
    and documents by their text; records with images must also name the same files. With `fields`
    only these count: a single path to a URL or a key makes that the identity of a record. The
    record that comes first by source and id is kept; none is kept if earlier data (`against`) has
    the same content.
    """

    name: ClassVar[str] = "dedup_exact"
    key: ClassVar[str] = "key"
    only_rejects: ClassVar[bool] = True
    earlier_reason: ClassVar[str] = "duplicate_of_earlier"
    reasons: ClassVar[dict[str, str]] = {
        "duplicate": "The record named in the value has the same content, and that one is kept.",
        "duplicate_of_earlier": "Earlier data that `against` names has the same content; the "
        "value says where: the data set, its source and the place in it.",
    }

    on: Literal["auto", "text", "prompt", "pair", "conversation"] = Field(
        "auto",
        description="what must be equal: text; prompt: all turns except the last, with the system "
        "prompt; pair: the last two turns; conversation: all turns, with the system prompt",
    )
    fields: list[Annotated[str, StringConstraints(pattern=A_FIELD), IF_PATH]] = Field(
        default_factory=list,
        description="what must be equal instead: text, system, turns, or JSON paths in `extra`, "
        "such as `$.metadata.url`; records where one of them is missing or empty are not compared",
    )

    def sketch(self, records: pl.DataFrame) -> pl.DataFrame:
        """`id`, `source`, and `key`: 16 bytes that equal records share, null if not compared."""
        with_turns = records.with_columns(turns=turn_lines())
        contents = with_turns.select("id", "source", key=pl.when(KEPT).then(self._content()))
        return contents.with_columns(digest(contents["key"]))

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        """`id` and `rejected` of every record that is not the first with its key."""
        return duplicates(sketches, "duplicate")

    def _content(self) -> pl.Expr:
        """What is compared, as one text; its first line names the kind of content."""
        if self.fields:
            return _fields(self.fields)
        if self.on == "text":
            return _document()
        if self.on == "auto":
            labelled = pl.col("messages").is_not_null()
            return pl.when(labelled).then(_turns(pl.col("turns"))).otherwise(_document())
        if self.on == "prompt":
            return pl.format("prompt\n{}\n{}", _surroundings(), all_but_last(pl.col("turns")))
        if self.on == "pair":
            pair = pl.col("turns").list.tail(2).list.join("\n")
            return pl.format("pair\n{}\n{}\n{}", image_files(), pair, one_line(reasoning()))
        return _turns(pl.col("turns"))


def _fields(names: list[str]) -> pl.Expr:
    """The fields, one per line; null if one is missing."""
    return pl.format("\n".join(["fields", *("{}" for _ in names)]), *(_field(n) for n in names))


def _field(name: str) -> pl.Expr:
    if name == "turns":
        said = pl.col("turns").list.join("\n")
        return pl.when(pl.col("turns").list.len() > 0).then(said)
    in_record = name in ("text", "system")
    value = one_line(pl.col(name) if in_record else pl.col("extra").str.json_path_match(name))
    return pl.when(value != "").then(value)  # an empty value identifies nothing


def _surroundings() -> pl.Expr:
    system = one_line(pl.col("system").fill_null(""))
    return pl.format("{}\n{}\n{}", image_files(), system, one_line(declared_tools()))


def _document() -> pl.Expr:
    return pl.format("text\n{}\n{}", image_files(), one_line(pl.col("text")))


def _turns(turns: pl.Expr) -> pl.Expr:
    said = turns.list.join("\n")
    whole = pl.format("turns\n{}\n{}\n{}", _surroundings(), said, one_line(reasoning()))
    return pl.when(turns.list.len() > 0).then(whole)
