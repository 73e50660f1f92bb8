"""A model card's limits: which records and data sets break them, with value and threshold."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bedrock.cards import find_card, load_cards, with_quota
from pipeline.bedrock.limits import REASONS, data_set_faults, reject_over_limits
from pipeline.record import SCHEMA, frame, rejection

NOVA = find_card("nova-lite").plan("sft")
NOVA_2 = find_card("nova-2-lite").plan("sft")
HAIKU = find_card("claude-3-haiku").plan("sft")
TITAN_IMAGE = find_card("titan-multimodal-embeddings").plan("sft")
CANVAS = find_card("nova-canvas").plan("sft")
DISTILLATION = find_card("nova-lite").plan("distillation")


def record(**columns: Any) -> dict[str, Any]:
    return {"source": "a.jsonl", "locator": "line=1", **columns}


def rendered(*rows: dict[str, Any]) -> pl.DataFrame:
    """Records with a line each; `line` may be given, the rest is `record.SCHEMA`."""
    lines = pl.Series("line", [row.pop("line", "{}") for row in rows], dtype=pl.String)
    return frame(rows).with_columns(lines)


def marks(plan: Any, *rows: dict[str, Any]) -> list[tuple[str, str, str] | None]:
    """(reason, value, threshold) of each row, or None where it is kept."""
    out = reject_over_limits(rendered(*rows), plan)
    assert out.columns == [*SCHEMA, "line"]
    own = {mark["reason"] for mark in out["rejected"] if mark} - {"no_completion"}
    assert own <= REASONS.keys()
    keys = ("reason", "value", "threshold")
    return [mark and tuple(mark[key] for key in keys) for mark in out["rejected"]]


def turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "text": text} for i, text in enumerate(texts)]


def image(**facts: Any) -> dict[str, Any]:
    """A record with one measured image, 640 x 480 where nothing else is said."""
    measured = {"width": 640, "height": 480, "format": "png", "bytes": 9000} | facts
    return record(text="a caption", images=["a.png"], extra=json.dumps({"images": [measured]}))


def test_tokens_over_the_limit_are_rejected_and_at_the_limit_kept() -> None:
    rows = [record(tokens=count) for count in (32_000, 32_001, None)]
    assert marks(NOVA, *rows) == [None, ("too_many_tokens", "32001", "32000"), None]


def test_input_and_output_limits_bound_the_whole_record() -> None:
    plan = find_card("cohere-command").plan("sft")
    rows = [record(tokens=count) for count in (6144, 6145)]
    assert marks(plan, *rows) == [None, ("too_many_tokens", "6145", "6144")]


def test_characters_are_counted_where_aws_counts_them() -> None:
    """Six a token for Llama 3.1: in code points, over system and turns, or the text alone."""
    plan = find_card("llama-3-1-8b").plan("sft")
    limit = "96000"
    rows = [
        record(system="\u00e0" * 5, messages=turns("x" * 95_994, "y")),
        record(system="\u00e0" * 5, messages=turns("x" * 95_994, "yy")),
        record(text="x" * 96_001),
    ]
    over = ("too_many_characters", "96001", limit)
    assert marks(plan, *rows) == [None, over, over]


def test_a_line_is_measured_in_bytes() -> None:
    rows = [record(line="\u00e0" * 8000), record(line="\u00e0" * 8000 + "x"), record(line=None)]
    assert marks(DISTILLATION, *rows) == [None, ("record_too_heavy", "16001", "16000"), None]


NOVA_WORDS = "none of System: User: Bot: Assistant: Thought: [EOS] <image> <video> <unk>"


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"messages": turns("Operating System: Linux", "x")}, "System:"),
        ({"messages": turns("x", "USER: hello")}, "USER:"),
        ({"messages": turns("x", "a [eos] b")}, "[eos]"),
        ({"system": "see <Image>", "messages": turns("x", "y")}, "<Image>"),
        ({"system": "my thought: none"}, "thought:"),
        ({"messages": turns("the user says", "ok : bot")}, None),
        ({"messages": turns("User", ": split")}, None),
        ({"line": '{"note": "user: x"}', "messages": turns("a", "b")}, None),
        ({}, None),
    ],
)
def test_a_reserved_word_of_nova_is_found_in_any_case_and_inside_words(
    columns: dict[str, Any], word: str | None
) -> None:
    expected = word and ("reserved_word", word, NOVA_WORDS)
    assert marks(NOVA, record(**columns)) == [expected]


def test_tools_and_reasoning_are_searched_in_the_line() -> None:
    line = '{"reasoningContent": {"reasoningText": {"text": "Thought: add"}}}'
    row = record(messages=turns("a", "b"), line=line)
    assert marks(NOVA_2, row) == [("reserved_word", "Thought:", NOVA_WORDS)]


def test_a_reserved_word_of_claude_is_a_line_of_its_own_and_keeps_its_case() -> None:
    rows = [
        record(messages=turns("a\nHuman: b", "c")),
        record(messages=turns("a", "\nAssistant: c")),
        record(messages=turns("a\nhuman: b", "Human: c")),
    ]
    assert [mark and mark[:2] for mark in marks(HAIKU, *rows)] == [
        ("reserved_word", "\nHuman:"),
        ("reserved_word", "\nAssistant:"),
        None,
    ]


def test_a_caption_is_measured_in_characters() -> None:
    rows = [image() | {"text": text} for text in ("\u00e0\u00e0", "\u00e0bc", "x" * 1025, None)]
    fitting = [row | {"extra": None} for row in rows]
    assert marks(CANVAS, *fitting) == [
        ("caption_too_short", "2", "3"),
        None,
        ("caption_too_long", "1025", "1024"),
        ("caption_too_short", "0", "3"),
    ]
    assert marks(TITAN_IMAGE, record(text=""), record(text="x" * 2561)) == [
        None,
        ("caption_too_long", "2561", "2560"),
    ]


IMAGES = [  # plan, facts, mark
    (TITAN_IMAGE, {"width": 128, "height": 128}, None),
    (TITAN_IMAGE, {"width": 127, "height": 128}, ("image_too_small", "127", "128")),
    (TITAN_IMAGE, {"width": 4097, "height": 4000}, ("image_too_large", "4097", "4096")),
    (TITAN_IMAGE, {"width": 512, "height": 128}, None),
    (TITAN_IMAGE, {"width": 513, "height": 128}, ("image_bad_ratio", "4.0078125", "0.25 to 4.0")),
    (TITAN_IMAGE, {"width": 128, "height": 640}, ("image_bad_ratio", "0.2", "0.25 to 4.0")),
    (
        TITAN_IMAGE,
        {"width": 4096, "height": 3059},
        ("image_too_many_pixels", "12529664", "12528912"),
    ),
    (TITAN_IMAGE, {"bytes": 5_000_000}, None),
    (TITAN_IMAGE, {"bytes": 5_000_001}, ("image_too_heavy", "5000001", "5000000")),
    (TITAN_IMAGE, {"format": "webp"}, ("image_format", "webp", "jpeg, png")),
    (NOVA, {"format": "webp"}, None),
    (NOVA_2, {"format": "webp"}, ("image_format", "webp", "png, jpeg, gif")),
    (NOVA, {"width": 24, "height": 9000}, ("image_too_small", "24", "25")),
    (NOVA, {"width": 9000, "height": 25}, None),
    (NOVA, {"width": None, "height": None, "format": None, "bytes": None}, None),
]


@pytest.mark.parametrize(("plan", "facts", "mark"), IMAGES, ids=lambda value: str(value)[:40])
def test_an_image_is_held_against_the_card(
    plan: Any, facts: dict[str, Any], mark: tuple[str, str, str] | None
) -> None:
    assert marks(plan, image(**facts)) == [mark]


def test_the_worst_of_many_images_is_told_and_too_many_are_counted() -> None:
    small = {"width": 20, "height": 30, "format": "png", "bytes": 1}
    fine = {"width": 30, "height": 30, "format": "png", "bytes": 1}
    two = record(extra=json.dumps({"images": [fine, small]}))
    eleven = record(extra=json.dumps({"images": [fine] * 11}))
    unmeasured = record(images=[f"{i}.png" for i in range(11)])
    assert marks(NOVA, two, eleven, unmeasured, record(extra=json.dumps({"images": []}))) == [
        ("image_too_small", "20", "25"),
        ("too_many_images", "11", "10"),
        ("too_many_images", "11", "10"),
        None,
    ]


@pytest.mark.parametrize(
    "extra", ["", "not json", "[1]", '{"images": "x"}', '{"images": [7]}', "{"]
)
def test_extra_of_another_shape_is_no_error_and_hides_no_other_image(extra: str) -> None:
    rows = [record(extra=extra), image(width=1), record(extra='{"tools": [1]}')]
    assert marks(NOVA, *rows) == [None, ("image_too_small", "1", "25"), None]


def test_text_models_have_no_image_rules() -> None:
    plan = find_card("nova-micro").plan("sft")
    assert marks(plan, image(width=1, bytes=10**10, format="bmp")) == [None]


def test_a_mark_that_is_there_stays_and_order_is_kept() -> None:
    before = rejection("no_completion")
    rows = [record(tokens=1), record(tokens=99_999, rejected=before), record(tokens=99_998)]
    out = reject_over_limits(rendered(*rows), NOVA)
    reasons = [mark and mark["reason"] for mark in out["rejected"]]
    assert reasons == [None, "no_completion", "too_many_tokens"]
    assert out["tokens"].to_list() == [1, 99_999, 99_998]


def test_an_own_quota_is_enforced() -> None:
    own = with_quota(NOVA, {"tokens_max": 10})
    assert marks(own, record(tokens=11)) == [("too_many_tokens", "11", "10")]


def test_an_empty_frame_passes_every_plan() -> None:
    for card in load_cards().values():
        for plan in card.customizations.values():
            assert reject_over_limits(rendered(), plan).height == 0


HOSTILE = st.text(alphabet="aB:<>[]\\.\n\x00\x1f\u017f\u0130\u2028\U0001f600 SyteUrm", max_size=40)


@given(st.lists(st.tuples(HOSTILE | st.none(), HOSTILE, HOSTILE), max_size=4))
def test_reserved_words_are_found_as_plain_python_finds_them(texts: list[Any]) -> None:
    words = [word.lower() for word in NOVA.reserved_words.words]

    def held(text: str | None) -> bool:
        folded = (text or "").lower().replace("\u017f", "s")
        return any(word in folded for word in words)

    rows = [record(system=system, messages=turns(a, b)) for system, a, b in texts]
    found = [mark is not None for mark in marks(NOVA, *rows)] if rows else []
    assert found == [any(map(held, row)) for row in texts]


# The data set as a whole.


def rules(plan: Any, media: Any = (), **counts: int) -> list[tuple[str, Any, Any]]:
    faults = data_set_faults(counts, plan, media)
    assert all(fault.message and fault.source for fault in faults)
    return [(fault.rule, fault.value, fault.threshold) for fault in faults]


def test_the_least_and_the_most_records() -> None:
    assert rules(NOVA, train=7) == [("too_few_records", 7, 8)]
    assert rules(NOVA, train=8) == []
    assert rules(NOVA, train=20_000) == []
    assert rules(NOVA, train=20_001) == [("too_many_records", 20_001, 20_000)]
    assert rules(NOVA_2, train=199) == [("too_few_records", 199, 200)]
    assert rules(TITAN_IMAGE, train=50_001) == [("too_many_records", 50_001, 50_000)]
    assert rules(with_quota(TITAN_IMAGE, {"records_max": 60_000}), train=50_001) == []


def test_train_and_validation_count_together_where_the_card_says() -> None:
    llama = find_card("llama-3-1-8b").plan("sft")
    assert rules(llama, train=90, validation=10) == []
    assert rules(llama, train=90, validation=9) == [("too_few_records", 99, 100)]
    assert rules(llama, train=9_900, validation=101) == [("too_many_records", 10_001, 10_000)]
    assert rules(NOVA, train=7, validation=1) == [("too_few_records", 7, 8)]
    assert rules(NOVA, train=19_990, validation=11) == [("too_many_records", 20_001, 20_000)]


def test_validation_has_limits_of_its_own() -> None:
    assert rules(HAIKU, train=32, validation=31) == [("too_few_validation_records", 31, 32)]
    assert rules(HAIKU, train=32, validation=1001) == [("too_many_validation_records", 1001, 1000)]
    cohere = find_card("cohere-command").plan("sft")
    assert rules(cohere, train=10_001) == [("too_many_train_records", 10_001, 10_000)]


def test_validation_is_refused_where_the_model_takes_none_and_ignored_where_it_does_nothing() -> (
    None
):
    assert rules(TITAN_IMAGE, train=1000, validation=1) == [("validation_not_taken", 1, 0)]
    assert rules(NOVA_2, train=20_000, validation=500) == []


def test_files_are_held_in_bytes() -> None:
    gigabyte = 1_000_000_000
    heavy = rules(DISTILLATION, train=100, train_bytes=gigabyte + 1)
    assert heavy == [("train_file_too_heavy", gigabyte + 1, gigabyte)]
    assert rules(DISTILLATION, train=100, train_bytes=gigabyte) == []
    heavy = rules(HAIKU, train=32, validation=32, validation_bytes=gigabyte + 1)
    assert heavy == [("validation_file_too_heavy", gigabyte + 1, gigabyte)]


def test_one_kind_of_media_in_a_data_set() -> None:
    assert rules(NOVA, train=8, media={"video", "image"}) == [("mixed_media", "image, video", 1)]
    assert rules(NOVA, train=8, media={"image"}) == []


def test_a_fault_names_numbers_model_remedy_and_source() -> None:
    (fault,) = data_set_faults({"train": 7}, NOVA)
    assert fault.message.startswith("7, where nova-lite takes at least 8: add records")
    assert fault.source.startswith("https://docs.aws.amazon.com/")


def test_nothing_known_breaks_nothing() -> None:
    for card in load_cards().values():
        for plan in card.customizations.values():
            assert data_set_faults({}, plan) == []


def test_tools_and_reasoning_go_only_to_models_that_take_them() -> None:
    """A record that a model is not trained on is its reject, not the end of the run."""
    from pipeline.bedrock.cards import find_card
    from pipeline.record import frame

    lines = ['{"messages":[]}', '{"toolConfig":{"tools":[]}}', '{"x":"say \\"toolUse\\":{}"}']
    records = frame([{"source": str(n), "tokens": 5} for n in range(3)])
    rendered = records.with_columns(line=pl.Series(lines))
    held = reject_over_limits(rendered, find_card("nova-lite").plan("sft"))
    reasons = [mark and mark["reason"] for mark in held["rejected"].to_list()]
    assert reasons == [None, "content_not_taken", None]
    taken = reject_over_limits(rendered, find_card("nova-2-lite").plan("sft"))
    assert taken["rejected"].null_count() == 3
