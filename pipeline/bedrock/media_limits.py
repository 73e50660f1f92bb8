"""Limits on the media that a conversation names by URIs of its own: kinds, counts, formats, bucket.

They stand in the line alone. Its keys are told from a text by their quotes, which a text has to
escape.
"""

from __future__ import annotations

import re

import polars as pl

from pipeline.bedrock.card import Plan
from pipeline.stage import Broken

LINE = pl.col("line")
GIVEN = ("video", "document")
"""What a record cannot hold but by turns given in the Converse shape; images it can."""


def media_rules(plan: Plan, bucket: str | None) -> dict[str, Broken | None]:
    """A rule by its reason, None where the plan has no such limit."""
    if "conversation" not in plan.formats:
        return {}
    return {
        **{f"too_many_{kind}s": _too_many(kind, plan) for kind in GIVEN},
        "media_format": _format(plan),
        "media_elsewhere": _elsewhere(bucket) if plan.family == "nova" and bucket else None,
    }


def _too_many(kind: str, plan: Plan) -> Broken | None:
    limit = getattr(plan.limits, f"{kind}s_max")
    count = LINE.str.count_matches(f'"{kind}":{{', literal=True)
    return Broken(count > limit.value, count, limit.value) if limit else None


def _format(plan: Plan) -> Broken | None:
    known = {kind: getattr(plan.limits, f"{kind}_formats") for kind in ("image", *GIVEN)}
    others = {kind: limit.value for kind, limit in known.items() if limit}
    if not others:
        return None
    found = pl.coalesce(_other_format(kind, allowed) for kind, allowed in others.items())
    allowed = ", ".join(name for names in others.values() for name in names)
    return Broken(found.is_not_null(), found, allowed)


def _other_format(kind: str, allowed: tuple[str, ...]) -> pl.Expr:
    """The first format of a kind that is none of the allowed ones."""
    head = re.escape(f'"{kind}":{{"format":"')
    named = LINE.str.extract_all(f'{head}[^"]*').list.eval(
        pl.element().str.strip_prefix(f'"{kind}":{{"format":"')
    )
    return named.list.eval(pl.element().filter(~pl.element().is_in(allowed))).list.first()


def _elsewhere(bucket: str) -> Broken:
    buckets = LINE.str.extract_all(r'"s3Location":\{"uri":"s3://[^"/]*').list.eval(
        pl.element().str.split("s3://").list.last()
    )
    other = buckets.list.eval(pl.element().filter(pl.element() != bucket)).list.first()
    return Broken(other.is_not_null(), other, bucket)
