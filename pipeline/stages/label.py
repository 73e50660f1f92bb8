"""`label`: a labelled record must be a conversation a model can learn from."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from pipeline.stage import Broken, Settings, reject
from pipeline.stages.texts import KEPT, has_images, turns_of, with_turns

ROLES = ("user", "assistant")


class Label(Settings):
    """Rejects labelled records whose turns make no sense as training examples.

    The first turn is the user's, the last the assistant's, they alternate, and none is empty; a
    record with images may ask with the image alone. `merge_same_role` first joins neighbouring
    turns of one role with an empty line, as exports of chats often split a message. Records
    without `messages` are documents: they stay as they are.
    """

    name: ClassVar[str] = "label"
    reasons: ClassVar[dict[str, str]] = {
        "no_messages": "The list of turns is empty; there is nothing to learn from.",
        "unknown_role": "A turn has a role other than `user` and `assistant`; rename the role, "
        "and put a system prompt in `system`.",
        "first_turn_not_user": "The assistant speaks first; drop that turn or give it a prompt.",
        "roles_do_not_alternate": "Two neighbouring turns have one role; set `merge_same_role`.",
        "last_turn_not_assistant": "The last turn has no answer; drop it or answer it.",
        "empty_prompt": "The turn before the answer is empty.",
        "empty_completion": "The answer is empty.",
        "empty_turn": "A turn in the middle is empty; the value is its number, from 1.",
    }

    merge_same_role: bool = Field(False, description="join neighbouring turns of one role")

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, conversations that break a rule rejected with the turn or role at fault."""
        merged = _merged(records) if self.merge_same_role else records
        measured = merged.with_columns(_measures())
        return reject(measured, **_rules()).drop(column for column in MEASURES)


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
    """The records, neighbouring turns of one role joined by an empty line."""
    turns = turns_of(records.filter(KEPT))
    if turns.is_empty():
        return records
    run = pl.struct("id", "role").rle_id()
    joined = turns.group_by(run.alias("run"), maintain_order=True).agg(
        pl.col("id", "role").first(), pl.col("text").str.join("\n\n", ignore_nulls=True)
    )
    return with_turns(records, joined)
