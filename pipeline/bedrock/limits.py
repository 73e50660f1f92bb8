"""A model card's limits on each record; those on the whole data set are re-exported."""

from __future__ import annotations

import re

import polars as pl

from pipeline.bedrock.card import Limits, Number, Plan
from pipeline.bedrock.data_set_limits import Fault, data_set_faults
from pipeline.bedrock.media_limits import BLOCKS, media_rules, with_blocks
from pipeline.stage import Broken, reject

__all__ = ["REASONS", "Fault", "data_set_faults", "reject_over_limits", "tokens_per_record"]

IMAGE = pl.Struct({"width": pl.Int64, "height": pl.Int64, "format": pl.String, "bytes": pl.Int64})
"""An image as it is published, as `extra` lists it under `images`: pixels, format, bytes."""

FACTS = pl.Struct({"images": pl.List(IMAGE)})

GAP = "\x1f"
"""Joins texts; no reserved word contains it, so none is found across two texts."""


REASONS = {
    "too_many_tokens": "the record may have more tokens than the model accepts",
    "too_many_characters": "the record has more characters than AWS allows for its token limit",
    "record_too_heavy": "the line has more bytes than the model accepts",
    "content_not_taken": "the record has reasoning, tools or media that the model does not accept",
    "reserved_word": "the text contains a word that the model reserves; the job would fail",
    "caption_too_short": "the caption has fewer characters than the model accepts",
    "caption_too_long": "the caption has more characters than the model accepts",
    "too_many_images": "the record has more images than the model accepts",
    "too_many_videos": "the record has more videos than the model accepts",
    "too_many_documents": "the record has more documents than the model accepts",
    "media_format": "a video or document is in a format that the model does not accept",
    "media_elsewhere": "media are in another bucket than the data set, which Nova refuses",
    "image_format": "an image is in a format that the model does not accept",
    "image_too_heavy": "an image file has more bytes than the model accepts",
    "image_too_small": "an image's shorter side has fewer pixels than the model accepts",
    "image_too_large": "an image's longer side has more pixels than the model accepts",
    "image_too_many_pixels": "an image has more pixels in total than the model accepts",
    "image_bad_ratio": "an image's ratio of width to height is out of the model's range",
}
"""Every reason that `reject_over_limits` gives, with one line of explanation."""


def reject_over_limits(
    rendered: pl.DataFrame, plan: Plan, bucket: str | None = None
) -> pl.DataFrame:
    """Reject rendered records (`record.SCHEMA` and `line`) that break a limit of the plan.

    Only limits that the plan has are checked, and a value that was not measured breaks none.
    `tokens` is an upper bound for the whole record, so it is checked against the limit of input and
    output together. `bucket` is that of the data set, if known. `REASONS` lists the reasons.
    """
    media = media_rules(plan, bucket)
    rules = _text_rules(plan, media.pop("content_not_taken", None)) | media
    if media:
        rendered = with_blocks(rendered)
    image_rules = _image_rules(plan.limits)
    if image_rules:
        rendered = rendered.with_columns(_images=_image_facts(rendered["extra"]))
    present = {name: rule for name, rule in (rules | image_rules).items() if rule is not None}
    return reject(rendered, **present).drop("_images", BLOCKS, strict=False)


def _over(value: pl.Expr, limit: Number | None) -> Broken | None:
    return Broken(value > limit.value, value, limit.value) if limit else None


def _under(value: pl.Expr, limit: Number | None) -> Broken | None:
    return Broken(value < limit.value, value, limit.value) if limit else None


def _text_rules(plan: Plan, content: Broken | None) -> dict[str, Broken | None]:
    limits = plan.limits
    caption = pl.col("text").fill_null("").str.len_chars()
    return {
        "too_many_tokens": _too_many_tokens(limits),
        "too_many_characters": _too_many_characters(limits),
        "record_too_heavy": _over(pl.col("line").str.len_bytes(), limits.line_bytes_max),
        "content_not_taken": content,
        "reserved_word": _reserved_word(plan),
        "caption_too_short": _under(caption, limits.caption_chars_min),
        "caption_too_long": _over(caption, limits.caption_chars_max),
    }


def tokens_per_record(limits: Limits) -> int | None:
    """The most tokens that a whole record may have; None if not documented."""
    bounds = [limits.tokens_max.value] if limits.tokens_max else []
    if limits.input_tokens_max and limits.output_tokens_max:
        bounds.append(limits.input_tokens_max.value + limits.output_tokens_max.value)
    return int(min(bounds)) if bounds else None


def _too_many_tokens(limits: Limits) -> Broken | None:
    most = tokens_per_record(limits)
    tokens = pl.col("tokens")
    return Broken(tokens > most, tokens, most) if most else None


def _too_many_characters(limits: Limits) -> Broken | None:
    """AWS also limits characters, to so many per token: "Input size exceeded in file"."""
    tokens = tokens_per_record(limits)
    if tokens is None or limits.chars_per_token is None:
        return None
    most = int(tokens * limits.chars_per_token.value)
    labelled = pl.col("messages").is_not_null()
    texts = pl.when(labelled).then(_texts("")).otherwise(pl.col("text"))
    characters = texts.str.len_chars()
    return Broken(characters > most, characters, most)


def _texts(gap: str) -> pl.Expr:
    """System prompt and all turns as one text, joined by `gap`."""
    turns = pl.col("messages").list.eval(pl.element().struct.field("text")).list.join(gap)
    return pl.concat_str("system", turns, separator=gap, ignore_nulls=True)


def _reserved_word(plan: Plan) -> Broken | None:
    """The rule against reserved words, also inside others: "Operating System: x" has `System:`.

    Reasoning and tool results are only in the line, so it is searched if the plan accepts them.
    """
    reserved = plan.reserved_words
    if reserved is None:
        return None
    searched = _texts(GAP)
    if {"reasoning", "tools"} & set(plan.content):
        searched = pl.concat_str(searched, "line", separator=GAP, ignore_nulls=True)
    flags = "" if reserved.case_sensitive else "(?i)"
    pattern = f"{flags}({'|'.join(map(re.escape, reserved.words))})"
    word = searched.str.extract(pattern, 1)
    return Broken(word.is_not_null(), word, f"none of {' '.join(reserved.words)}")


def _image_rules(limits: Limits) -> dict[str, Broken | None]:
    """Rules over `_images`, each about the record's worst image; empty without image limits."""
    width, height = pl.element().struct.field("width"), pl.element().struct.field("height")
    images = pl.col("_images").list
    smallest = images.eval(pl.min_horizontal(width, height)).list.min()
    largest = images.eval(pl.max_horizontal(width, height)).list.max()
    pixels = images.eval(width * height).list.max()
    heaviest = images.eval(pl.element().struct.field("bytes")).list.max()
    count = pl.max_horizontal(images.len(), pl.col("images").list.len())
    rules = {
        "too_many_images": _over(count, limits.images_max),
        "image_format": _image_format(limits),
        "image_too_heavy": _over(heaviest, limits.image_bytes_max),
        "image_too_small": _under(smallest, limits.image_side_min),
        "image_too_large": _over(largest, limits.image_side_max),
        "image_too_many_pixels": _over(pixels, limits.image_pixels_max),
        "image_bad_ratio": _image_bad_ratio(limits),
    }
    return {name: rule for name, rule in rules.items() if rule is not None}


def _image_format(limits: Limits) -> Broken | None:
    if limits.image_formats is None:
        return None
    allowed = list(limits.image_formats.value)
    formats = pl.col("_images").list.eval(pl.element().struct.field("format"))
    other = formats.list.eval(pl.element().filter(~pl.element().is_in(allowed))).list.first()
    return Broken(other.is_not_null(), other, ", ".join(allowed))


def _image_bad_ratio(limits: Limits) -> Broken | None:
    """The rule for width to height; its value is the ratio of the widest or else tallest image."""
    if limits.image_ratio_min is None or limits.image_ratio_max is None:
        return None
    least, most = limits.image_ratio_min.value, limits.image_ratio_max.value
    ratio = pl.element().struct.field("width") / pl.element().struct.field("height")
    ratios = pl.col("_images").list.eval(ratio)
    tallest, widest = ratios.list.min(), ratios.list.max()
    worst = pl.when(widest > most).then(widest).otherwise(tallest)
    return Broken((widest > most) | (tallest < least), worst, f"{least} to {most}")


def _image_facts(extra: pl.Series) -> pl.Series:
    """The measured images of each record; null if `extra` does not have that shape."""
    decoded = _decoded(extra)
    if decoded is not None:
        return decoded
    each = [
        _decoded(extra[i : i + 1]) for i in range(len(extra))
    ]  # one bad record must not hide others
    return pl.concat(
        pl.Series([None], dtype=pl.List(IMAGE)) if one is None else one for one in each
    )


def _decoded(extra: pl.Series) -> pl.Series | None:
    """The decoded images; None unless every text is one JSON object of that shape."""
    try:
        images = extra.str.json_decode(FACTS).struct.field("images")
    except pl.exceptions.ComputeError:
        return None
    return images if len(images) == len(extra) else None
