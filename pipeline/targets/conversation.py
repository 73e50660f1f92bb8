"""Conversations in the Converse shape (Nova, Nova 2, Llama 3.2 and 3.3), with media and tools.

{"schemaVersion":"bedrock-conversation-2024","system":[{"text":…}],"messages":[…]}
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ClassVar

import polars as pl

from pipeline.stage import Broken, Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.converse import SCHEMA_VERSION, given_tools, given_turns, system_json, turns
from pipeline.targets.images import image_faults, image_format, image_name, most_images
from pipeline.targets.lines import (
    EXTRA,
    IMAGES,
    SYSTEM,
    TEXT,
    Value,
    answered_faults,
    extra_value,
    filled,
    has_extra,
    joined,
    quoted,
    with_lines,
)

_USER = '{"role":"user","content":['
_ASSISTANT = '{"role":"assistant","content":['
_GIVEN = pl.Struct({"json": pl.String, "reason": pl.String})
"""JSON members made from `extra`, or the reason why they cannot be expressed."""


class Conversation(Settings):
    """Turns of user and assistant, with media, tools and reasoning.

    Images of the record are placed before the text of the first user turn. An image with a caption
    and no turns becomes `image_prompt`, with the caption as the answer. `system` is used if a
    record has no system prompt of its own. `extra.reasoning` (text) is placed before the last
    answer if `reasoning` is set. `extra.converse_messages` replaces `messages`: turns with tool
    calls, or with images, videos or documents that are in S3 already. The tools of either are
    `extra.toolConfig` or OpenAI's `extra.tools`.
    """

    format: ClassVar[str] = "conversation"
    schema: ClassVar[str] = "converse.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: str | None = None
    image_prompt: str = "Describe this image."
    reasoning: bool = True

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:
        """The records plus `line`."""
        prepared = _with_given(self._with_captions(records), place.bucket_owner)
        given = pl.col("_given").struct.field
        is_given = pl.col("_given").is_not_null()
        reasoning = self._reasoning()
        marked = reject(
            prepared,
            images_not_allowed=Broken((IMAGES > 0) & is_given, value=IMAGES, threshold=0),
            **_turn_faults(prepared),
            **image_faults(prepared, place, needs_owner=True),
            reasoning_with_images=(IMAGES > 0) & reasoning.is_not_null(),
        )
        messages = joined('"messages":[', _spoken(marked, place, reasoning), "]")
        made = joined(pl.col("_tools").struct.field("json"), messages)
        body = pl.when(is_given).then(given("json")).otherwise(made)
        line = joined("{", SCHEMA_VERSION, system_json(self.system), body, "}")
        lines = with_lines(marked, line)
        return lines.drop("_given", "_tools").with_columns(records["messages"])

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        filled_in = SYSTEM.is_null() & pl.lit(self.system is not None)
        left_out = has_extra("reasoning") & pl.lit(not self.reasoning)
        return {
            "system_filled_in": filled_in,
            "reasoning_left_out": left_out,
            "reference_left_out": has_extra("reference_answer"),
        }

    def _with_captions(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, with an image that has a caption and no turns turned into two turns."""
        exchange = [("user", pl.lit(self.image_prompt)), ("assistant", TEXT)]
        pair = pl.concat_list(pl.struct(role=pl.lit(role), text=text) for role, text in exchange)
        silent = pl.col("messages").list.len().fill_null(0) == 0
        captioned = silent & (IMAGES > 0) & filled(TEXT).is_not_null()
        turned = pl.when(captioned).then(pair).otherwise(pl.col("messages"))
        return records.with_columns(messages=turned)

    def _reasoning(self) -> pl.Expr:
        """The reasoning as a JSON string; null if there is none or it is not wanted."""
        return quoted(filled(EXTRA.str.json_path_match("$.reasoning"))) if self.reasoning else _null


_null = pl.lit(None, dtype=pl.String)


def _with_given(records: pl.DataFrame, owner: str | None) -> pl.DataFrame:
    """The records plus what `extra` has in the Converse shape.

    `_given` has turns with their tools, `_tools` only tools, for records without turns there. Row
    by row, and only if `extra` has them, because they are merged into lines unchanged.
    """
    given = has_extra("converse_messages").fill_null(False)
    declared = (has_extra("toolConfig") | has_extra("tools")).fill_null(False)
    return records.with_columns(
        _read(records, given, functools.partial(given_turns, owner=owner)).alias("_given"),
        _read(records, declared & ~given, given_tools).alias("_tools"),
    )


def _read(
    records: pl.DataFrame, where: pl.Expr, read: Callable[[Value], tuple[str | None, str | None]]
) -> pl.Series:
    rows = zip(records.select(where).to_series(), records["extra"], strict=True)
    values = [_members(extra, read) if wanted else None for wanted, extra in rows]
    return pl.Series(values, dtype=_GIVEN)


def _members(
    extra: str, read: Callable[[Value], tuple[str | None, str | None]]
) -> dict[str, str | None]:
    value = extra_value(extra)
    json, reason = (None, "broken_extra") if value is None else read(value)
    return {"json": json, "reason": reason}


def _turn_faults(records: pl.DataFrame) -> dict[str, pl.Expr | Broken]:
    """The rules of turns, for the turns in `messages` or else those in `extra`."""
    reason = pl.coalesce(pl.col(name).struct.field("reason") for name in ("_given", "_tools"))
    rules: dict[str, pl.Expr | Broken] = {}
    for name, rule in answered_faults().items():
        broken = rule if isinstance(rule, Broken) else Broken(rule)
        of_messages = broken.where & pl.col("_given").is_null()
        where = of_messages | reason.eq_missing(name)
        rules[name] = Broken(where, broken.value, broken.threshold)
    reasons = records.select(reason).to_series().drop_nulls().unique()
    return rules | {name: reason == name for name in sorted(reasons) if name not in rules}


def _spoken(records: pl.DataFrame, place: Place, reasoning: pl.Expr) -> pl.Expr:
    """The turns as JSON, with images at the start of the first and reasoning in the last."""
    messages = turns()
    thought = '{"reasoningContent":{"reasoningText":{"text":' + reasoning + "}}},"
    last = joined(_ASSISTANT, thought, messages.list.last().str.strip_prefix(_ASSISTANT))
    before = messages.list.head(messages.list.len() - 1).list.join(",")
    images = [_image_block(index, place) for index in range(most_images(records))]
    return joined(_USER, *images, before.str.strip_prefix(_USER), ",", last)


def _image_block(index: int, place: Place) -> pl.Expr:
    """One image block and its comma; null if the record has fewer images."""
    owner = f',"bucketOwner":"{place.bucket_owner}"'
    uri = quoted(pl.lit(place.image_prefix) + image_name(index))
    source = joined('"source":{"s3Location":{"uri":', uri, owner, "}}")
    block = joined('{"image":{"format":"', image_format(index), '",', source, "}},")
    return pl.when(index < IMAGES).then(block)
