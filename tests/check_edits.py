"""Changes to one record, each of which breaks one rule and no other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from check_sets import (
    Record,
    Target,
    call,
    media,
    minimal,
    openai_tool,
    thought,
    tool_config,
    turn,
)

TURNS = {"conversation", "claude3_messages"}
Edit = Callable[[Record], Any]


def edits(target: Target) -> Iterator[tuple[str, Edit]]:
    """Changes to the third record that break one rule of its shape or content."""
    form = target.format
    other = "pretraining" if form == "prompt_completion" else "prompt_completion"
    yield "wrong-format", lambda r: (r.clear(), r.update(minimal(other, 1)))
    first = "messages" if form in TURNS or form == "distillation" else None
    if first is None:
        key = list(minimal(form, 1))[-1]
        yield "missing-key", lambda r: r.pop(key)
    else:
        yield "missing-key", lambda r: r[first][0].pop("content")
    if form != "reinforcement":
        yield "unknown-key", lambda r: r.update(note="x")
    yield from _plain_edits(form)
    if form in {"conversation", "distillation"}:
        yield from _converse_edits()
    if form == "conversation":
        yield from _media_edits(target)
    if form == "reinforcement":
        yield from _reinforcement_edits(target)
    yield from _size_edits(target)
    reserved = target.plan.reserved_words
    for word in reserved.words if reserved else ():
        yield "reserved-word", _said(form, f"an{word}x")
        if not reserved.case_sensitive:  # type: ignore[union-attr]
            yield "reserved-word", _said(form, f"an{word.upper()}x")
            yield "reserved-word", _said(form, f"an{word.lower()}x")


def _said(form: str, text: str) -> Edit:
    """The prompt, replaced."""

    def edit(record: Record) -> None:
        if form in {"conversation", "distillation"}:
            record["messages"][0]["content"][0]["text"] = text
        elif form in {"claude3_messages", "reinforcement"}:
            record["messages"][0]["content"] = text
        else:
            record[{"image_caption": "caption"}.get(form, next(iter(record)))] = text

    return edit


def _plain_edits(form: str) -> Iterator[tuple[str, Edit]]:
    if form == "image_caption":
        yield "wrong-type", lambda r: r.update(caption=1)
        yield "media-uri", lambda r: r.update({"image-ref": "https://x.org/cat.png"})
        yield "media-uri", lambda r: r.update({"image-ref": "s3://data-bucket/a cat.png"})
        yield "image-name", lambda r: r.update({"image-ref": "s3://data-bucket/cat.GIF"})
        yield "image-name", lambda r: r.update({"image-ref": "s3://data-bucket/cat.svg"})
        return
    yield "empty-text", _said(form, " \n")
    yield "empty-text", _said(form, "")
    if form not in TURNS | {"distillation", "reinforcement"}:
        yield "wrong-type", _said(form, ["x"])  # type: ignore[arg-type]
        return
    yield "wrong-type", lambda r: r.update(messages={})
    yield "unknown-role", lambda r: r["messages"][0].update(role="User")
    if form != "reinforcement":
        text: Any = "s" if form == "claude3_messages" else [{"text": "s"}]
        system = {"role": "system", "content": text}
        yield "system-in-messages", lambda r: r["messages"].insert(0, system)
        yield "system-in-messages", lambda r: r["messages"].append(system)
    yield "unknown-key", lambda r: r["messages"][0].update(name="x")
    if form == "distillation":
        yield "turn-order", lambda r: r["messages"][0].update(role="assistant")
        yield "content-kind", lambda r: r["messages"][0].update(content=[media("image")])
    if form in TURNS:
        yield "too-few-turns", lambda r: r["messages"].clear()
        yield "too-few-turns", lambda r: r["messages"].pop()
        yield "turn-order", lambda r: r["messages"].extend(r["messages"][::-1])
        yield "turn-order", lambda r: r["messages"].append(r["messages"][0])
        yield "turn-order", lambda r: r["messages"].reverse()


def _converse_edits() -> Iterator[tuple[str, Edit]]:
    yield "schema-version", lambda r: r.update(schemaVersion="bedrock-conversion-2024")
    yield "several-system-prompts", lambda r: r.update(system=[{"text": "a"}, {"text": "b"}])
    yield "empty-list", lambda r: r["messages"][0].update(content=[])
    yield "empty-list", lambda r: r.update(system=[])
    yield "unknown-key", lambda r: r["messages"][0].update(reasoning_content="x")


def _media_edits(target: Target) -> Iterator[tuple[str, Edit]]:
    def put(*blocks: Record) -> Edit:
        return lambda r: r["messages"][0]["content"].extend(copy.deepcopy(blocks))

    def answer(*blocks: Record) -> Edit:
        return lambda r: r["messages"][1]["content"].extend(copy.deepcopy(blocks))

    bad_uri, no_owner = media("image"), media("image")
    bad_uri["image"]["source"]["s3Location"]["uri"] = "s3://data-bucket/a b.png"
    del no_owner["image"]["source"]["s3Location"]["bucketOwner"]
    yield "one-block-each", put({})
    yield "one-block-each", put({"text": "a", **media("image")})
    yield "block-in-wrong-turn", answer(media("image"))
    yield "block-in-wrong-turn", put(thought())
    yield "mixed-media", put(media("image"), media("video"))
    yield "media-format", put(media("image", form="bmp"))
    yield "media-uri", put(bad_uri)
    yield "bucket-owner", put(no_owner)
    yield "tools-undeclared", answer(call())
    yield "reasoning-with-media", lambda r: (put(media("image"))(r), answer(thought())(r))
    if "tools" not in target.plan.content:
        yield "content-kind", lambda r: r.update(toolConfig=tool_config("look"))
    if not target.nova and "image" not in target.plan.content:
        yield "content-kind", put(media("image"))


def _reinforcement_edits(target: Target) -> Iterator[tuple[str, Edit]]:
    system = {"role": "system", "content": "s"}
    yield "system-not-first", lambda r: r["messages"].append(system)
    yield "no-user-turn", lambda r: r.update(messages=[system])
    yield "reference-answer", lambda r: r.update(reference_answer="")
    yield "reference-answer", lambda r: r.update(reference_answer=7)
    if target.nova:
        yield "unknown-role", lambda r: r["messages"].append({"role": "tool", "content": "t"})
    two = [openai_tool(), openai_tool()]
    shapeless = openai_tool()
    shapeless["function"]["parameters"] = {"type": "object"}
    yield "tool-name-twice", lambda r: r.update(tools=two)
    yield "tool-shape", lambda r: r.update(tools=[shapeless])
    yield "schema", lambda r: r.update(tools=[openai_tool() | {"type": "method"}])
    yield "empty-list", lambda r: r.update(tools=[])
    yield "empty-list", lambda r: r.update(messages=[])


def _size_edits(target: Target) -> Iterator[tuple[str, Edit]]:
    limits, form = target.limits, target.format
    tokens = limits.input_tokens_max or limits.tokens_max
    if tokens and not limits.line_bytes_max:
        cap = int(tokens.value)
        yield "too-many-tokens", _said(form, "9" * (3 * cap))
        yield "perhaps-too-many-tokens", _said(form, "a" * int(cap * 4.4))
    if limits.chars_per_token:
        yield "too-many-characters", _said(form, "a" * 6 * (16000 * 2 + 1))
    if limits.line_bytes_max:
        yield "line-too-long", _said(form, "a" * int(limits.line_bytes_max.value))
        yield "too-many-blocks", lambda r: r["messages"][0]["content"].append({"text": "b"})
        yield (
            "too-many-turns",
            lambda r: r["messages"].extend([turn("assistant", "a"), turn("user", "b")]),
        )
    if limits.caption_chars_min and limits.caption_chars_min.value:
        yield "caption-too-short", _said(form, "ab")
    if limits.caption_chars_max:
        yield "caption-too-long", _said(form, "é" * (int(limits.caption_chars_max.value) + 1))
