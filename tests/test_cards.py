"""Model cards and schemas: the committed YAML and JSON, and how a card is found."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.bedrock.cards import (
    base_id,
    customization,
    find_card,
    load_cards,
    refuse_closed,
    with_batch_size,
    with_quota,
)
from pipeline.errors import RecipeError
from pipeline.schemas_dir import load_schema, schema_path

CARD_FILES = sorted(schema_path("models").glob("*.yaml"))
CARD_SCHEMA = jsonschema.Draft202012Validator(load_schema("model-card.schema.json"))
FINE, CPT = "FINE_TUNING", "CONTINUED_PRE_TRAINING"
DISTILL, RFT = "DISTILLATION", "REINFORCEMENT_FINE_TUNING"

MODELS = {  # name: (model id, status, open, customizations)
    "nova-2-lite": ("amazon.nova-2-lite-v1:0:256k", "active", True, [FINE, RFT]),
    "nova-micro": ("amazon.nova-micro-v1:0:128k", "active", True, [FINE, DISTILL]),
    "nova-lite": ("amazon.nova-lite-v1:0:300k", "active", True, [FINE, DISTILL]),
    "nova-pro": ("amazon.nova-pro-v1:0:300k", "active", True, [FINE, DISTILL]),
    "nova-canvas": ("amazon.nova-canvas-v1:0", "eol", False, [FINE]),
    "nova-reel": ("amazon.nova-reel-v1:1", "eol", False, []),
    "nova-premier": ("amazon.nova-premier-v1:0:1000k", "active", False, []),
    "titan-image-v1": ("amazon.titan-image-generator-v1:0", "removed", False, [FINE]),
    "titan-image-v2": ("amazon.titan-image-generator-v2:0", "eol", False, [FINE]),
    "titan-multimodal-embeddings": ("amazon.titan-embed-image-v1:0", "active", True, [FINE]),
    "titan-text-premier": ("amazon.titan-text-premier-v1:0:32k", "removed", False, [FINE]),
    "titan-text-express": ("amazon.titan-text-express-v1:0:8k", "removed", False, [FINE, CPT]),
    "titan-text-lite": ("amazon.titan-text-lite-v1:0:4k", "removed", False, [FINE, CPT]),
    "claude-3-haiku": ("anthropic.claude-3-haiku-20240307-v1:0:200k", "eol", False, [FINE]),
    "llama-3-1-8b": ("meta.llama3-1-8b-instruct-v1:0:128k", "legacy", False, [FINE, DISTILL]),
    "llama-3-1-70b": ("meta.llama3-1-70b-instruct-v1:0:128k", "legacy", False, [FINE, DISTILL]),
    "llama-3-2-1b": ("meta.llama3-2-1b-instruct-v1:0:128k", "eol", False, [FINE, DISTILL]),
    "llama-3-2-3b": ("meta.llama3-2-3b-instruct-v1:0:128k", "eol", False, [FINE, DISTILL]),
    "llama-3-2-11b": ("meta.llama3-2-11b-instruct-v1:0:128k", "eol", False, [FINE]),
    "llama-3-2-90b": ("meta.llama3-2-90b-instruct-v1:0:128k", "eol", False, [FINE]),
    "llama-3-3-70b": ("meta.llama3-3-70b-instruct-v1:0:128k", "legacy", False, [FINE, DISTILL]),
    "llama-2-13b": ("meta.llama2-13b-v1:0:4k", "removed", False, [FINE]),
    "llama-2-70b": ("meta.llama2-70b-v1:0:4k", "removed", False, [FINE]),
    "cohere-command": ("cohere.command-text-v14:7:4k", "removed", False, [FINE]),
    "cohere-command-light": ("cohere.command-light-text-v14:7:4k", "removed", False, [FINE]),
    "gpt-oss-20b": ("openai.gpt-oss-20b", "active", True, [RFT]),
    "qwen3-32b": ("qwen.qwen3-32b", "active", True, [RFT]),
}

NUMBERS = [  # card, customization, limit, enforced, looser or None
    ("nova-2-lite", FINE, "records_min", 200, 8),
    ("nova-2-lite", FINE, "records_max", 20000, None),
    ("nova-2-lite", FINE, "tokens_max", 32000, None),
    ("nova-2-lite", FINE, "video_seconds_max", 90, 900),
    ("nova-2-lite", FINE, "image_side_min", 25, None),
    ("nova-2-lite", FINE, "image_formats", ("png", "jpeg", "gif"), ("png", "jpeg", "gif", "webp")),
    ("nova-2-lite", FINE, "document_bytes_max", 10_000_000, None),
    ("nova-2-lite", RFT, "records_min", 100, None),
    ("nova-2-lite", RFT, "validation_records_min", 100, None),
    ("nova-micro", FINE, "records_min", 8, None),
    ("nova-micro", FINE, "validation_records_max", 1000, None),
    ("nova-micro", FINE, "images_max", None, None),
    ("nova-micro", DISTILL, "tokens_max", 32000, None),
    ("nova-lite", FINE, "records_max", 20000, None),
    ("nova-lite", FINE, "images_max", 10, None),
    ("nova-lite", FINE, "image_bytes_max", 10_000_000, None),
    ("nova-lite", FINE, "video_bytes_max", 50_000_000, None),
    ("nova-pro", DISTILL, "records_min", 100, None),
    ("nova-pro", DISTILL, "records_max", 15000, None),
    ("nova-pro", DISTILL, "train_bytes_max", 1_000_000_000, 2_000_000_000),
    ("nova-pro", DISTILL, "line_bytes_max", 16_000, None),
    ("nova-canvas", FINE, "records_min", 5, None),
    ("nova-canvas", FINE, "caption_chars_min", 3, None),
    ("nova-canvas", FINE, "caption_chars_max", 1024, None),
    ("nova-canvas", FINE, "image_pixels_max", 12_582_912, None),
    ("titan-image-v2", FINE, "image_bytes_max", 50_000_000, None),
    ("titan-multimodal-embeddings", FINE, "records_min", 1000, None),
    ("titan-multimodal-embeddings", FINE, "records_max", 50_000, 500_000),
    ("titan-multimodal-embeddings", FINE, "caption_chars_max", 2560, None),
    ("titan-multimodal-embeddings", FINE, "image_side_min", 128, None),
    ("titan-multimodal-embeddings", FINE, "image_pixels_max", 12_528_912, None),
    ("titan-multimodal-embeddings", FINE, "image_ratio_max", 4.0, None),
    ("titan-text-premier", FINE, "records_max", 20000, None),
    ("titan-text-express", FINE, "tokens_max", 4096, None),
    ("titan-text-lite", CPT, "records_max", 100_000, None),
    ("titan-text-lite", CPT, "train_bytes_max", 10_000_000_000, None),
    ("claude-3-haiku", FINE, "records_min", 32, None),
    ("claude-3-haiku", FINE, "validation_records_min", 32, None),
    ("claude-3-haiku", FINE, "train_bytes_max", 10_000_000_000, None),
    ("llama-3-1-8b", FINE, "records_min", 100, None),
    ("llama-3-1-70b", DISTILL, "tokens_max", 16000, None),
    ("llama-3-1-8b", DISTILL, "tokens_max", 32000, None),
    ("llama-3-2-11b", FINE, "image_side_max", 8192, None),
    ("llama-3-2-90b", FINE, "tokens_max", 10000, None),
    ("llama-3-3-70b", FINE, "tokens_max", 16000, None),
    ("llama-2-70b", FINE, "records_max", 10000, None),
    ("cohere-command", FINE, "output_tokens_max", 2048, None),
    ("gpt-oss-20b", RFT, "records_min", 100, None),
    ("qwen3-32b", RFT, "records_max", 20000, None),
]


@pytest.mark.parametrize("path", CARD_FILES, ids=lambda path: path.stem)
def test_a_card_file_holds_to_the_card_schema(path: Path) -> None:
    card = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in CARD_SCHEMA.iter_errors(card)] == []
    assert card["name"] == path.stem


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("customizations", "FINE_TUNING", "limits", "records_min"), "source", None),
        (("customizations", "FINE_TUNING", "limits"), "record_min", {"value": 1}),
        (("customizations", "FINE_TUNING", "limits", "tokens_max"), "value", "32k"),
        (("customizations", "FINE_TUNING"), "formats", ["chat"]),
        (("lifecycle",), "status", "retired"),
        (("prices", 0), "date", None),
    ],
)
def test_the_card_schema_refuses_a_spoilt_card(path: tuple[Any, ...], key: str, value: Any) -> None:
    """A number without source or date, an unknown limit, a wrong type, word or status."""
    card = yaml.safe_load((schema_path("models") / "nova-lite.yaml").read_text(encoding="utf-8"))
    assert CARD_SCHEMA.is_valid(card)
    place = card
    for step in path:
        place = place[step]
    place.pop(key, None)
    if value is not None:
        place[key] = value
    assert not CARD_SCHEMA.is_valid(card)


def test_every_model_has_its_card_with_id_status_and_customizations() -> None:
    cards = load_cards()
    assert {
        name: (c.model_id, c.lifecycle.status, c.open_for_new_jobs, list(c.customizations))
        for name, c in cards.items()
    } == MODELS
    assert list(cards) == sorted(cards)


@pytest.mark.parametrize(("name", "word", "limit", "enforced", "looser"), NUMBERS)
def test_the_stricter_number_is_enforced_and_the_looser_one_is_told(
    name: str, word: str, limit: str, enforced: Any, looser: Any
) -> None:
    number = getattr(load_cards()[name].plan(word).limits, limit)
    assert (number and number.value) == enforced
    assert (number and number.disagrees and number.disagrees.value) == looser


def test_train_and_validation_count_together_where_the_card_says() -> None:
    cards = load_cards()
    assert cards["llama-3-1-8b"].plan("sft").limits.records_min.counts == "together"
    assert cards["nova-lite"].plan("sft").limits.records_max.counts == "together"
    assert cards["nova-lite"].plan("sft").limits.records_min.counts == "train"


def test_reserved_words_of_nova_are_the_union_and_ignore_case() -> None:
    nova = load_cards()["nova-lite"].plan("sft").reserved_words
    expected = "System: User: Bot: Assistant: Thought: [EOS] <image> <video> <unk>"
    assert set(nova.words) == set(expected.split()) and not nova.case_sensitive
    claude = load_cards()["claude-3-haiku"].plan("sft").reserved_words
    assert claude.words == ("\nHuman:", "\nAssistant:") and claude.case_sensitive


def test_a_card_is_frozen_and_strict() -> None:
    card = load_cards()["nova-lite"]
    with pytest.raises(ValidationError):
        card.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        type(card).model_validate_json(card.model_dump_json()[:-1] + ',"shape": 1}')


def test_cards_load_in_a_fresh_process_within_a_tenth_of_a_second() -> None:
    """Five times the promise, since the machine that tests may be busy."""
    code = (
        "import time, yaml, orjson; from pipeline.bedrock import cards; t = time.process_time();"
        "cards.load_cards(); print(time.process_time() - t)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.5


@pytest.mark.parametrize(
    "name",
    [
        "nova-lite",
        "Nova_Lite",
        " nova-lite ",
        "amazon.nova-lite-v1:0:300k",
        "amazon.nova-lite-v1:0",
        "amazon.nova-lite-v1",
        "amazon.nova-lite-v1:0:24k",
        "us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:111122223333:custom-model/amazon.nova-lite-v1:0:300k/abcdef123456",
    ],
)
def test_a_card_is_found_by_name_id_or_arn(name: str) -> None:
    assert find_card(name).name == "nova-lite"


def test_every_card_is_found_by_each_of_its_names() -> None:
    for card in load_cards().values():
        for name in (card.name, card.model_id, base_id(card.model_id), *card.aliases):
            assert find_card(str(name)) is card


def test_an_unknown_model_names_the_nearest_and_the_open_ones() -> None:
    with pytest.raises(RecipeError, match=r"did you mean nova-lite\?.*open for new jobs.*nova-pro"):
        find_card("nova-lit")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_finds_a_card_or_a_recipe_error(text: str) -> None:
    try:
        assert find_card(text).name in MODELS
    except RecipeError as error:
        assert "no model card" in str(error)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["FINE_TUNING", "fine-tuning", "sft", "SFT", "Fine Tuning"], FINE),
        (["CONTINUED_PRE_TRAINING", "continued-pre-training", "cpt"], CPT),
        (["DISTILLATION", "distillation"], DISTILL),
        (["REINFORCEMENT_FINE_TUNING", "reinforcement-fine-tuning", "rft"], RFT),
    ],
)
def test_a_customization_has_many_names(words: list[str], expected: str) -> None:
    assert {customization(word) for word in words} == {expected}


def test_an_unknown_customization_gets_a_hint() -> None:
    with pytest.raises(RecipeError, match="did you mean FINE_TUNING"):
        customization("fine-tunning")


def test_a_plan_knows_its_model_and_a_missing_one_names_the_offers() -> None:
    plan = find_card("nova-lite").plan("distillation")
    assert (plan.card, plan.customization, plan.formats) == (
        "nova-lite",
        DISTILL,
        ("distillation",),
    )
    with pytest.raises(RecipeError, match="nova-lite does not offer CONTINUED_PRE_TRAINING; it"):
        find_card("nova-lite").plan("cpt")
    with pytest.raises(RecipeError, match="cannot be customized"):
        find_card("nova-premier").plan("sft")


def test_without_a_word_the_plan_is_fine_tuning_or_the_only_one() -> None:
    assert find_card("nova-lite").plan().customization == FINE
    assert find_card("gpt-oss-20b").plan().customization == RFT


def test_closed_models_are_refused_with_open_ones_of_the_format() -> None:
    cards = load_cards()
    with pytest.raises(RecipeError, match=r"eol \(end of life 2026-09-30\).*titan-multimodal"):
        refuse_closed(cards["nova-canvas"])
    with pytest.raises(
        RecipeError, match=r"no open model accepts prompt_completion; open .*nova-pro"
    ):
        refuse_closed(cards["llama-3-1-8b"], word="sft")
    with pytest.raises(RecipeError, match=r"accept distillation: nova-lite \(DISTILLATION\)"):
        refuse_closed(cards["llama-3-1-8b"], word="distillation")
    refuse_closed(cards["nova-canvas"], allow_legacy=True)
    refuse_closed(cards["nova-lite"])
    with pytest.raises(RecipeError, match="cannot be customized"):
        refuse_closed(cards["nova-reel"], allow_legacy=True)


def test_a_quota_replaces_a_limit_and_leaves_the_card_alone() -> None:
    card = find_card("nova-lite")
    own = with_quota(card.plan("sft"), {"records_max": 50_000})
    limit = own.limits.records_max
    assert (limit.value, limit.counts, limit.confidence) == (50_000, "together", "user")
    assert card.plan("sft").limits.records_max.value == 20_000


def test_quota_faults_come_all_at_once() -> None:
    plan = find_card("nova-lite").plan("distillation")
    quota = {"record_max": 1, "records_max": True, "records_min": -1, "line_bytes_max": 32_000}
    with pytest.raises(RecipeError) as caught:
        with_quota(plan, quota)
    faults = caught.value.faults
    assert len(faults) == 4
    assert "did you mean records_max" in faults[0]
    assert "AWS does not adjust" in faults[3]


def test_the_token_limit_follows_the_batch_size() -> None:
    plan = find_card("titan-text-lite").plan("sft")
    assert with_batch_size(plan, 2).limits.tokens_max.value == 4096
    assert with_batch_size(plan, 3).limits.tokens_max.value == 2048
    with pytest.raises(RecipeError, match="batchSize: 7 is over 6"):
        with_batch_size(plan, 7)
    nova = find_card("nova-lite").plan("sft")
    assert with_batch_size(nova, 1) is nova


# Target schemas: each held by the library the product uses and by an independent one.

URI = {"s3Location": {"uri": "s3://bucket/path/img.png", "bucketOwner": "111122223333"}}
VERSION = "bedrock-conversation-2024"


def block(kind: str, form: str) -> dict[str, Any]:
    return {kind: {"format": form, "source": URI}}


def talk(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A conversation with these blocks in its user turn."""
    user = {"role": "user", "content": [{"text": "What is the capital of Mars?"}, *blocks]}
    answer = {"role": "assistant", "content": [{"text": "Mars does not have a capital."}]}
    return {"schemaVersion": VERSION, "messages": [user, answer], **more}


TOOLS = {
    "schemaVersion": VERSION,
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "getItemAvailability",
                    "description": "Whether an item is in stock",
                    "inputSchema": {
                        "json": {
                            "type": "object",
                            "properties": {"item_id": {"type": "string"}},
                            "required": ["item_id"],
                        }
                    },
                }
            }
        ]
    },
    "messages": [
        {"role": "user", "content": [{"text": "Is id-123 there?"}]},
        {
            "role": "assistant",
            "content": [
                {
                    "toolUse": {
                        "toolUseId": "getItemAvailability_0",
                        "name": "getItemAvailability",
                        "input": {"item_id": "id-123"},
                    }
                }
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "getItemAvailability_0", "content": [{"text": "no"}]}}
            ],
        },
        {"role": "assistant", "content": [{"text": "It is not."}]},
    ],
}
REASONING = {
    "schemaVersion": VERSION,
    "messages": [
        {"role": "user", "content": [{"text": "2 + 2?"}]},
        {
            "role": "assistant",
            "content": [{"reasoningContent": {"reasoningText": {"text": "add"}}}, {"text": "4"}],
        },
    ],
}
MATHS: dict[str, Any] = {
    "id": "sample-001",
    "messages": [
        {"role": "system", "content": "You are a helpful math tutor."},
        {"role": "user", "content": "How many?"},
    ],
    "reference_answer": {"final_answer": "72"},
    "task_id": "gsm8k_train_0",
}

ACCEPTED: list[tuple[str, Any]] = [
    ("prompt_completion", {"prompt": "What is the capital of France?", "completion": "Paris."}),
    ("pretraining_input", {"input": "AWS stands for Amazon Web Services"}),
    ("pretraining_text", {"text": "AWS stands for Amazon Web Services"}),
    ("image_caption", {"image-ref": "s3://my-bucket/my-pets/cat.png", "caption": "an orange cat"}),
    ("image_caption", {"image-ref": "s3://my-bucket/cat.png", "caption": ""}),
    (
        "claude3_messages",
        {
            "system": "You are an helpful assistant.",
            "messages": [
                {"role": "user", "content": "what is AWS"},
                {"role": "assistant", "content": "it's Amazon Web Services."},
            ],
        },
    ),
    ("converse_text", talk()),
    ("converse_text", talk(system=[{"text": "You are a digital assistant"}])),
    ("converse_image", talk(block("image", "png"))),
    ("converse", talk(block("image", "webp"))),
    ("converse", talk(block("video", "mp4"))),
    ("converse", talk(block("document", "pdf"))),
    ("converse", TOOLS),
    ("converse", REASONING),
    ("reinforcement", MATHS),
    ("reinforcement", {"messages": MATHS["messages"], "ground_truth": [1, 2]}),
    (
        "distillation",
        {
            "schemaVersion": VERSION,
            "system": [{"text": "be brief"}],
            "messages": [{"role": "user", "content": [{"text": "why is the sky blue"}]}],
        },
    ),
    ("distillation", talk()),
    (
        "batch_inference",
        {"recordId": "CALL0000001", "modelInput": {"max_tokens": 1024, "messages": []}},
    ),
]


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


def with_message(record: dict[str, Any], index: int, **more: Any) -> dict[str, Any]:
    changed = copy.deepcopy(record)
    changed["messages"][index].update(more)
    return changed


REFUSED: list[tuple[str, Any, str]] = [
    ("prompt_completion", {"prompt": "a", "completion": " \n"}, "blank completion"),
    ("prompt_completion", {"prompt": "a", "completion": "b", "id": 1}, "extra key"),
    ("prompt_completion", {"prompt": "a"}, "no completion"),
    ("prompt_completion", {"input": "a", "output": "b"}, "keys of a stale hint"),
    ("pretraining_input", {"text": "a"}, "the other key"),
    ("pretraining_text", {"input": "a"}, "the other key"),
    ("image_caption", {"image-ref": "cat.png", "caption": "x"}, "not in S3"),
    ("image_caption", {"image-ref": "s3://bucket/a b.png", "caption": "x"}, "space in the key"),
    ("image_caption", {"image-ref": "s3://bucket/a%20b.png", "caption": "x"}, "percent in the key"),
    (
        "claude3_messages",
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]},
        "empty text",
    ),
    (
        "claude3_messages",
        {
            "messages": [
                {"role": "user", "content": "a\nHuman: b"},
                {"role": "assistant", "content": "c"},
            ]
        },
        "a reserved turn mark",
    ),
    (
        "claude3_messages",
        {"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]},
        "assistant first",
    ),
    ("converse", talk(schemaVersion="bedrock-conversion-2024"), "AWS's misspelt version"),
    ("converse", without(talk(), "schemaVersion"), "no version"),
    ("converse", talk(system=[]), "empty system"),
    ("converse", talk(system=[{"text": "a"}, {"text": "b"}]), "two systems"),
    (
        "converse",
        with_message(talk(), 1, reasoning_content={"text": "x"}),
        "AWS's message-level reasoning_content",
    ),
    ("converse", with_message(talk(), 0, role="User"), "role in capitals"),
    ("converse", with_message(talk(), 0, content="What?"), "content as text"),
    ("converse", with_message(talk(), 1, content=[block("image", "png")]), "assistant's image"),
    ("converse", talk({"text": ""}), "empty text"),
    ("converse", talk({}), "empty block"),
    ("converse", talk({"text": "a", **block("image", "png")}), "two kinds in a block"),
    ("converse", talk(block("image", "jpg")), "jpg is not jpeg"),
    ("converse", talk(block("document", "docx")), "not a PDF"),
    ("converse", talk(block("image", "png"), block("video", "mp4")), "two media"),
    (
        "converse",
        talk({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}),
        "no bucketOwner",
    ),
    ("converse", without(TOOLS, "toolConfig"), "tools not declared"),
    (
        "converse",
        with_message(
            talk(block("image", "png")),
            1,
            content=[{"reasoningContent": {"reasoningText": {"text": "x"}}}, {"text": "y"}],
        ),
        "reasoning with an image",
    ),
    ("converse", {"schemaVersion": VERSION, "messages": talk()["messages"][:1]}, "one message"),
    ("converse_text", talk(block("image", "png")), "an image"),
    ("converse_text", TOOLS, "tools"),
    ("converse_image", talk(block("video", "mp4")), "a video"),
    ("distillation", talk(schemaVersion="bedrock-conversion-2024"), "AWS's misspelt version"),
    ("distillation", talk(block("image", "png")), "an image"),
    ("distillation", {**talk(), "messages": talk()["messages"] * 2}, "two rounds"),
    ("reinforcement", without(MATHS, "messages"), "no messages"),
    (
        "reinforcement",
        {"messages": [{"role": "system", "content": "only a system"}]},
        "no user",
    ),
    ("reinforcement", {**MATHS, "messages": MATHS["messages"][::-1]}, "system not first"),
    ("reinforcement", {**MATHS, "reference_answer": {}}, "empty reference"),
    ("reinforcement", {**MATHS, "tools": []}, "empty tools"),
    ("reinforcement", with_message(MATHS, 1, name="bob"), "unknown message key"),
    ("batch_inference", {"recordId": "1"}, "no modelInput"),
    ("batch_inference", {"modelInput": {"a": 1}, "model": "x"}, "unknown key"),
]


def verdicts(name: str, record: Any) -> set[bool]:
    schema = load_schema(f"{name}.schema.json")
    return {
        jsonschema.Draft202012Validator(schema).is_valid(record),
        jsonschema_rs.validator_for(schema).is_valid(record),
    }


@pytest.mark.parametrize(("name", "record"), ACCEPTED, ids=lambda value: str(value)[:40])
def test_a_schema_accepts_awss_own_example(name: str, record: Any) -> None:
    assert verdicts(name, record) == {True}


@pytest.mark.parametrize(("name", "record", "fault"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_schema_refuses_what_some_validator_of_aws_refuses(
    name: str, record: Any, fault: str
) -> None:
    assert verdicts(name, record) == {False}, fault


def test_every_schema_is_a_draft_2020_12_schema_with_its_own_id() -> None:
    files = sorted(schema_path("model-card.schema.json").parent.glob("*.schema.json"))
    schemas = [json.loads(file.read_bytes()) for file in files]
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["title"] and schema["description"]
    assert len({schema["$id"] for schema in schemas}) == len(schemas)


def test_an_unknown_schema_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        schema_path("no-such.schema.json")
