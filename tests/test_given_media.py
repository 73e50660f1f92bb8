"""Conversations about images, videos and documents that lie in S3: from a line to a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from check_sets import conversation, media, turn

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.limits import REASONS as LIMIT_REASONS
from pipeline.bedrock.limits import reject_over_limits
from pipeline.bedrock.media_limits import BLOCKS, KINDS, with_blocks
from pipeline.check import check_files
from pipeline.readers.conventions import fields, layout
from pipeline.readers.rows import UnreadableError
from pipeline.record import frame
from pipeline.stages import STAGES
from pipeline.targets import LOSSES, REASONS, TARGETS
from pipeline.targets.contract import Place

OWNER = "111122223333"
PLACE = Place("s3://data-bucket/runs/0/t/images/", OWNER)
HOMELESS = Place("s3://data-bucket/runs/0/t/images/", None)


def about(kind: str, *more: Any, form: str = "", bucket: str = "data-bucket") -> dict[str, Any]:
    """A question about a file, and its answer."""
    block = media(kind, form=form, bucket=bucket)
    return conversation(turn("user", block, *more, "What is it?"), turn("assistant", "A cat."))


def read(row: dict[str, Any]) -> dict[str, Any]:
    return {"source": "a.jsonl", **fields(row, layout(set(row)), "a.jsonl")}


def rendered(*rows: dict[str, Any], target: str = "conversation", place: Place = PLACE) -> Any:
    records = STAGES["label"]()(frame([read(row) for row in rows]))
    return TARGETS[target]().render(records, place)


def line_or_reason(row: dict[str, Any], **more: Any) -> Any:
    [one] = rendered(row, **more).to_dicts()
    return json.loads(one["line"]) if one["line"] else one["rejected"]["reason"]


@pytest.mark.parametrize("kind", ["image", "video", "document"])
def test_media_pass_through_to_the_line(kind: str, tmp_path: Path) -> None:
    """As they came, and `check` accepts them; redaction leaves their places alone."""
    row = about(kind)
    records = STAGES["redact"]()(STAGES["clean"]()(frame([read(row)] * 200)))
    lines = TARGETS["conversation"]().render(records, PLACE)["line"].to_list()
    assert json.loads(lines[0]) == row
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(lines) + "\n")
    plan = find_card("nova-2-lite").plan("sft")
    assert check_files([path], plan=plan, location="s3://data-bucket/runs/").counts == {}


def test_the_owner_of_the_bucket_is_filled_in() -> None:
    """From the recipe, where the block names none; AWS's Forge SDK demands it."""
    row = about("video")
    del row["messages"][0]["content"][0]["video"]["source"]["s3Location"]["bucketOwner"]
    assert line_or_reason(row) == about("video")
    assert line_or_reason(row, place=HOMELESS) == "media_without_owner"
    assert line_or_reason(about("video"), place=HOMELESS) == about("video")


THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm"}}}


@pytest.mark.parametrize(
    ("row", "target", "reason"),
    [
        (about("video", media("image")), "conversation", "mixed_media"),
        (
            conversation(turn("user", media("document"), "q"), turn("assistant", THOUGHT, "a")),
            "conversation",
            "reasoning_with_media",
        ),
        (about("document"), "distillation", "media_not_allowed"),
        (about("image"), "batch_inference", "media_not_allowed"),
        (about("video"), "prompt_completion", "media_not_allowed"),
    ],
)
def test_what_cannot_be_said_is_told(row: dict[str, Any], target: str, reason: str) -> None:
    """By a name that is explained."""
    assert line_or_reason(row, target=target) == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("model", "row", "reason"),
    [
        ("nova-2-lite", about("video"), None),
        ("nova-2-lite", about("video", media("video")), "too_many_videos"),
        ("nova-2-lite", about("document", media("document")), "too_many_documents"),
        ("nova-2-lite", about("video", form="webm"), "media_format"),
        ("nova-2-lite", about("image", form="webp"), "media_format"),
        ("nova-lite", about("image", form="webp"), None),
        ("nova-lite", about("document"), "content_not_taken"),
        ("nova-micro", about("image"), "content_not_taken"),
        ("nova-lite", about("video", bucket="another-bucket"), "media_elsewhere"),
        ("llama-3-2-11b", about("image", bucket="another-bucket"), None),
        ("nova-lite", conversation(turn("user", 'say "video":{'), turn("assistant", "a")), None),
    ],
)
def test_the_models_limits_hold(model: str, row: dict[str, Any], reason: str | None) -> None:
    """The record is set aside, with what was found."""
    plan = find_card(model).plan("sft")
    held = reject_over_limits(rendered(row), plan, "data-bucket")
    [mark] = held["rejected"].to_list()
    assert (mark and mark["reason"]) == reason
    assert reason is None or reason in LIMIT_REASONS


def using_tools(argument: dict[str, Any], bucket: str = "") -> dict[str, Any]:
    """A call with this argument and its result, about a document in a bucket if one is named."""
    use = {"toolUse": {"toolUseId": "t1", "name": "sum_up", "input": argument}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"json": argument}]}}
    asked = [media("document", bucket=bucket)] if bucket else []
    return conversation(
        turn("user", *asked, "What is it?"),
        turn("assistant", use),
        turn("user", result),
        turn("assistant", "A cat."),
    ) | {"toolConfig": {"tools": [{"toolSpec": {
        "name": "sum_up", "description": "d", "inputSchema": {"json": {"type": "object"}},
    }}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "bucket", "reason"),
    [
        ("nova-2-lite", "", None),
        ("nova-2-lite", "data-bucket", None),
        ("nova-2-lite", "another-bucket", "media_elsewhere"),
    ],
)
def test_a_tools_argument_is_no_medium(model: str, bucket: str, reason: str | None) -> None:
    """Whatever it is called and holds: only blocks of messages count."""
    place = {"s3Location": {"uri": "s3://elsewhere/a.exe"}}
    argument = {"document": {"format": "exe", "source": place}, "video": {}, "image": {"a": 1}}
    row = using_tools(argument, bucket)
    plan = find_card(model).plan("sft")
    [mark] = reject_over_limits(rendered(row), plan, "data-bucket")["rejected"].to_list()
    assert (mark and mark["reason"]) == reason
    told = "media_not_allowed" if bucket else "tools_not_allowed"
    assert line_or_reason(row, target="prompt_completion") == told


def test_what_a_block_holds_is_told_in_one_order() -> None:
    """Also of a block that holds several kinds: not by the hash of their names."""
    kinds = ("document", "video", "image", "toolUse", "reasoningContent")
    block: dict[str, Any] = {kind: {} for kind in kinds}
    line = orjson.dumps({"messages": [{"content": [block]}]}).decode()
    [found] = with_blocks(pl.DataFrame({"line": [line]}))[BLOCKS].to_list()
    assert [one["key"] for one in found] == [key for key in KINDS if key in block]


def test_media_in_the_record_itself_are_not_taken() -> None:
    """Nor what lies elsewhere: Bedrock reads S3."""
    for source in ({"bytes": "aGk="}, {"s3Location": {"uri": "https://x.org/a.mp4"}}, {}):
        row = about("video")
        row["messages"][0]["content"][0]["video"]["source"] = source
        with pytest.raises(UnreadableError, match="unsupported_content"):
            read(row)


@pytest.mark.parametrize(
    ("target", "losses"),
    [
        ("claude3_messages", ["tools_left_out", "reasoning_left_out"]),
        ("prompt_completion", ["tools_left_out", "reasoning_left_out"]),
        ("distillation", ["tools_left_out", "reasoning_left_out"]),
        ("batch_inference", ["tools_left_out", "reasoning_left_out"]),
        ("reinforcement", ["tools_left_out", "reasoning_left_out"]),
    ],
)
def test_unused_tools_and_reasoning_are_told_as_lost(target: str, losses: list[str]) -> None:
    """A format without a place for them drops nothing in silence."""
    turns = [{"role": "user", "text": "q"}, {"role": "assistant", "text": "a"}]
    extra = json.dumps({"toolConfig": {"tools": []}, "reasoning": "hm"})
    records = frame([{"source": "a", "messages": turns, "extra": one} for one in (extra, None)])
    counted = records.select(**TARGETS[target]().losses()).sum().to_dicts()[0]
    assert [name for name in losses if counted[name] == 1] == losses
    assert set(losses) <= LOSSES.keys()


def test_reinforcement_has_tools_for_records_without_any() -> None:
    """Which one of AWS's validators demands; what a record declares stays."""
    function = {"name": "look", "description": "d", "parameters": {"type": "object"}}
    target = TARGETS["reinforcement"](tools=[{"function": function}])
    turns = [{"role": "user", "text": "q"}, {"role": "assistant", "text": "a"}]
    own = {"tools": [{"type": "function", "function": function | {"name": "own"}}]}
    records = frame(
        [
            {"source": str(n), "messages": turns, "extra": extra and json.dumps(extra)}
            for n, extra in enumerate((None, own))
        ]
    )
    told = [json.loads(line)["tools"] for line in target.render(records, PLACE)["line"]]
    assert [tools[0]["function"]["name"] for tools in told] == ["look", "own"]
    assert told[0][0]["type"] == "function"
    with pytest.raises(ValueError, match="no description"):
        TARGETS["reinforcement"](tools=[{"function": {"name": "look"}}])
