"""Limits on what a conversation's line contains besides text: blocks, media, formats, buckets.

These are only in the line, as blocks of its messages. A tool's argument may have the name of a
block without being one, so each line that contains such a name is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import polars as pl

from pipeline.bedrock.card import Plan
from pipeline.stage import Broken

GIVEN = ("video", "document")
"""Media that a record can contain only in turns of the Converse shape, unlike images."""

KINDS = {
    "reasoningContent": "reasoning",
    "toolConfig": "tools",
    "toolUse": "tools",
    "toolResult": "tools",
    "image": "image",
    "video": "video",
    "document": "document",
}
"""The kind of content of each key in a conversation's line."""

BLOCKS = "_blocks"
"""The column that `with_blocks` adds and the rules look at."""

_TYPE = pl.List(pl.Struct({"key": pl.String, "format": pl.String, "bucket": pl.String}))
_NAMED = "|".join(f'"{key}":{{' for key in KINDS).replace("{", r"\{")
# A text cannot contain these, because its quotes would be escaped.


def with_blocks(rendered: pl.DataFrame) -> pl.DataFrame:
    """The records with the column `BLOCKS`: what their lines contain besides text, or null."""
    may = rendered["line"].str.contains(_NAMED).fill_null(False)
    found = [
        list(_blocks_of(orjson.loads(line))) if named else None
        for line, named in zip(rendered["line"], may, strict=True)
    ]
    return rendered.with_columns(pl.Series(BLOCKS, found, dtype=_TYPE))


def _blocks_of(line: Any) -> Iterator[dict[str, str | None]]:
    """Key, format and bucket of each block that is not text, declared tools first."""
    if not isinstance(line, dict):
        return
    if isinstance(line.get("toolConfig"), dict):
        yield {"key": "toolConfig"}
    for message in line.get("messages") or ():
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                # in the order of KINDS, because a set's order differs between processes
                yield from ({"key": key, **_medium(block[key])} for key in KINDS if key in block)


def _medium(block: Any) -> dict[str, str | None]:
    """Format and bucket of a block's medium in S3; both None for anything else."""
    source = block.get("source") if isinstance(block, dict) else None
    place = source.get("s3Location") if isinstance(source, dict) else None
    if not isinstance(place, dict):
        return {"format": None, "bucket": None}
    bucket = str(place.get("uri")).removeprefix("s3://").partition("/")[0]
    return {"format": block.get("format"), "bucket": bucket}


def media_rules(plan: Plan, bucket: str | None) -> dict[str, Broken | None]:
    """The rules over `BLOCKS` by reason; None if the plan has no such limit."""
    if "conversation" not in plan.formats:
        return {}
    return {
        "content_not_taken": _content_not_taken(plan),
        **{f"too_many_{kind}s": _too_many(kind, plan) for kind in GIVEN},
        "media_format": _format(plan),
        "media_elsewhere": _elsewhere(bucket) if plan.family == "nova" and bucket else None,
    }


def _field_of(name: str, wanted: pl.Expr) -> pl.Expr:
    """One field of the blocks that match `wanted`, as a list."""
    return pl.col(BLOCKS).list.eval(pl.element().filter(wanted).struct.field(name))


def _field(name: str) -> pl.Expr:
    return pl.element().struct.field(name)


def _content_not_taken(plan: Plan) -> Broken:
    foreign = [key for key, kind in KINDS.items() if kind not in plan.content]
    found = _field_of("key", _field("key").is_in(foreign)).list.first()
    return Broken(found.is_not_null(), found, ", ".join(plan.content))


def _too_many(kind: str, plan: Plan) -> Broken | None:
    limit = getattr(plan.limits, f"{kind}s_max")
    count = _field_of("key", _field("key") == kind).list.len()
    return Broken(count > limit.value, count, limit.value) if limit else None


def _format(plan: Plan) -> Broken | None:
    known = {kind: getattr(plan.limits, f"{kind}_formats") for kind in ("image", *GIVEN)}
    others = {kind: limit.value for kind, limit in known.items() if limit}
    if not others:
        return None
    wrong = [
        (_field("key") == kind) & ~_field("format").is_in(list(names))
        for kind, names in others.items()
    ]
    found = _field_of("format", pl.any_horizontal(wrong)).list.first()
    allowed = ", ".join(name for names in others.values() for name in names)
    return Broken(found.is_not_null(), found, allowed)


def _elsewhere(bucket: str) -> Broken:
    other = _field_of("bucket", _field("bucket") != bucket).list.first()
    return Broken(other.is_not_null(), other, bucket)
