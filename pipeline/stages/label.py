"""`label`: makes pairs from documents and rejects conversations that no model can learn from."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from pipeline.record import SCHEMA
from pipeline.stage import TALLIES, Broken, Observed, Settings, reject
from pipeline.stages.document_pairs import Kind, left_over, pairs
from pipeline.stages.texts import KEPT, has_images, turns_of, with_turns

ROLES = ("user", "assistant")


class Label(Settings):
    """Makes pairs from documents, if asked, and rejects conversations that make no sense.

    The first turn is the user's, the last the assistant's, they alternate, and none is empty; a
    record with images may ask with the image alone. `merge_same_role` first joins neighbouring
    turns of one role with an empty line, as exports of chats often split a message. Records
    without `messages` are documents. `pairs` names what is made of them, without any model:
    `questions` (`Q:` and `A:`, headings and bold lines that end in `?`), `abstract`, `glossary`,
    `tables` (a row each) and `headings` (any other section). Each pair takes the place of its
    document, and its locator says which characters hold it (`chars=120-410`); a document that
    holds none stays as it is. The tally `characters_in_no_pair` counts what else the documents
    with pairs held, without white space.
    """

    name: ClassVar[str] = "label"
    reasons: ClassVar[dict[str, str]] = {
        "no_messages": "The list of turns is empty; there is nothing to learn from.",
        "unknown_role": "A turn has a role other than `user` and `assistant`; rename the role, "
        "and put a system prompt in `system`.",
        "first_turn_not_user": "The assistant speaks first; drop that turn or give it a prompt.",
        "roles_do_not_alternate": "Two neighbouring turns have the same role; set "
        "`merge_same_role`.",
        "last_turn_not_assistant": "The last turn has no answer; drop it or answer it.",
        "empty_prompt": "The turn before the answer is empty.",
        "empty_completion": "The answer is empty.",
        "empty_turn": "A turn in the middle is empty; the value is its number, from 1.",
    }

    merge_same_role: bool = Field(False, description="join neighbouring turns of one role")

    pairs: tuple[Kind, ...] = Field((), description="what to make of documents; nothing if empty")
    min_characters: int = Field(
        20,
        ge=1,
        description="of a completion made of a document; answers to `questions` may be shorter",
    )

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, conversations that break a rule rejected with the turn or role at fault."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, with the characters of each divided document that no pair holds."""
        made, tallies = self._made(records) if self.pairs else (records, None)
        merged = _merged(made) if self.merge_same_role else made
        measured = merged.with_columns(_measures())
        judged = reject(measured, **_rules()).drop(column for column in MEASURES)
        return Observed(judged, tallies=tallies)

    def _made(self, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The records, documents that hold pairs replaced by them in the order of the text.

        With the tallies of what was left over.
        """
        seen = records.with_row_index("row")
        document = pl.col("messages").is_null() & pl.col("text").is_not_null() & ~has_images()
        found: list[tuple[Any, ...]] = []
        left: list[tuple[str, str, int]] = []
        documents = seen.filter(document & KEPT).select("row", "id", "text", "language")
        for row, id, text, language in documents.iter_rows():
            own = pairs(text, self.pairs, language, self.min_characters)
            found += [
                (row, number, pair.start, pair.end, _turns(pair.prompt, pair.completion))
                for number, pair in enumerate(own, start=1)
            ]
            if own and (rest := left_over(text, own)):
                left.append((id, IN_NO_PAIR, rest))
        made = _placed(seen, pl.DataFrame(found, schema=MADE, orient="row"))
        whole = seen.join(made, on="row", how="anti")
        together = pl.concat([whole, made]).sort("row", maintain_order=True)
        tallies = pl.DataFrame(left, schema=TALLIES, orient="row")
        return together.select(records.columns), tallies


IN_NO_PAIR = "characters_in_no_pair"
NUMBERS = {"row": pl.UInt32, "number": pl.Int64, "start": pl.Int64, "end": pl.Int64}
MADE = pl.Schema([*NUMBERS.items(), ("turns", SCHEMA["messages"])])


def _turns(prompt: str, completion: str) -> list[dict[str, str]]:
    return [{"role": "user", "text": prompt}, {"role": "assistant", "text": completion}]


def _placed(documents: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """A record for each pair: a copy of its document's, with its own turns, id and locator."""
    joined = made.join(documents, on="row", how="left", maintain_order="left")
    place = pl.format("chars={}-{}", "start", "end")
    inside = pl.when(pl.col("locator").fill_null("") == "").then(place)
    return joined.with_columns(
        id=pl.format("{}.{}", "id", pl.col("number").cast(pl.String).str.zfill(4)),
        locator=inside.otherwise(pl.format("{};{}", "locator", place)),
        text=pl.lit(None, dtype=pl.String),
        messages=pl.col("turns"),
        tokens=pl.lit(None, dtype=SCHEMA["tokens"]),
    ).select(documents.columns)


MEASURES = ("roles", "empty", "turns")


def _measures() -> list[pl.Expr]:
    messages = pl.col("messages")
    text = pl.element().struct.field("text").fill_null("")
    return [
        messages.list.eval(pl.element().struct.field("role")).alias("roles"),
        messages.list.eval(text.str.strip_chars() == "").alias("empty"),
        messages.list.len().cast(pl.Int64).alias("turns"),
    ]


def _rules() -> dict[str, Broken]:
    roles, empty, turns = (pl.col(name) for name in MEASURES)
    unknown = roles.list.eval(pl.element().filter(~pl.element().is_in(ROLES, nulls_equal=True)))
    same = roles.list.eval(pl.element() == pl.element().shift(1)).list.arg_max()
    repeated = roles.list.eval((pl.element() == pl.element().shift(1)).any()).list.first()
    empty_at = empty.list.arg_max() + 1
    answer = empty.list.get(-1, null_on_oob=True)
    prompt = empty.list.get(-2, null_on_oob=True) & ~has_images()
    middle = empty.list.head((turns - 2).clip(lower_bound=0)).list.any() & ~has_images()
    first, last = roles.list.first(), roles.list.last()
    return {
        "no_messages": Broken(turns == 0, turns, 2),
        "unknown_role": Broken(unknown.list.len() > 0, unknown.list.first(), " or ".join(ROLES)),
        "first_turn_not_user": Broken(first != "user", first, "user"),
        "roles_do_not_alternate": Broken(repeated, same + 1),
        "last_turn_not_assistant": Broken(last != "assistant", last, "assistant"),
        "empty_completion": Broken(answer, turns),
        "empty_prompt": Broken(prompt, turns - 1),
        "empty_turn": Broken(middle, empty_at),
    }


def _merged(records: pl.DataFrame) -> pl.DataFrame:
    """The records with neighbouring turns of one role joined by an empty line."""
    turns = turns_of(records.filter(KEPT))
    if turns.is_empty():
        return records
    run = pl.struct("id", "role").rle_id()
    joined = turns.group_by(run.alias("run"), maintain_order=True).agg(
        pl.col("id", "role").first(), pl.col("text").str.join("\n\n", ignore_nulls=True)
    )
    return with_turns(records, joined)
