"""Every target: golden lines, and what holds for any record whatever."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import jsonschema_rs
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.record import SCHEMA, frame
from pipeline.schemas_dir import load_schema
from pipeline.targets import REASONS, TARGETS
from pipeline.targets.contract import Place

PLACE = Place("s3://bucket/runs/1/t/images/", "111122223333")


def turns(*texts: str) -> list[dict[str, str]]:
    """User and assistant in turn."""
    return [{"role": ("user", "assistant")[i % 2], "text": text} for i, text in enumerate(texts)]


TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from('"\\/\n\r\t\0\x1f\x7f\x85\u2028\u2029\ufeff{}[]:, <>&é😀\ufffe'),
    ),
    max_size=12,
)
TURN = st.none() | st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "", None]),
        "text": st.none() | TEXT,
    }
)
GOOD_TURNS = st.lists(TEXT, max_size=5).map(
    lambda texts: [
        {"role": ("user", "assistant")[i % 2], "text": text} for i, text in enumerate(texts)
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
BLOCK = st.sampled_from(
    [
        {"text": "x\u2028"},
        {"toolUse": {"toolUseId": "1", "name": "f", "input": {}}},
        {"image": {}},
        {"a": 1},
        7,
    ]
)
GIVEN = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": st.lists(BLOCK, max_size=2)}
    ),
    max_size=4,
)
EXTRA = (
    st.none()
    | TEXT
    | st.fixed_dictionaries(
        {},
        optional={
            "reasoning": TEXT | JSON,
            "reference_answer": JSON,
            "metadata": JSON,
            "images": st.lists(st.sampled_from([{"format": "png"}, {"format": "jpeg"}, {}, 1])),
            "converse_messages": GIVEN | JSON,
            "tools": JSON,
            "toolConfig": st.none(),
        },
    ).map(json.dumps)
)
RECORD = st.fixed_dictionaries(
    {
        "source": st.just("s"),
        "text": st.none() | TEXT,
        "system": st.none() | TEXT,
        "messages": st.none() | GOOD_TURNS | st.lists(TURN, max_size=4),
        "images": st.none() | st.lists(st.just("a.png"), max_size=3),
        "extra": EXTRA,
    }
)
WORD = TEXT.map(lambda text: f"w{text}")
SOUND = st.fixed_dictionaries(
    {"source": st.just("s"), "text": st.none() | WORD, "system": st.none() | TEXT},
    optional={
        "messages": st.lists(WORD, min_size=1, max_size=4).map(lambda texts: turns(*texts)),
        "images": st.lists(st.just("a.png"), max_size=2),
        "extra": st.sampled_from(
            [
                '{"images":[{"format":"png"},{"format":"jpeg"}]}',
                '{"reasoning":"\\u0085","reference_answer":{"a":1},"metadata":{"b":"\\u2028","c":1.5}}',
            ]
        ),
    },
)
RECORDS = st.lists(SOUND | RECORD, min_size=1, max_size=8)


def rows(*records: dict[str, Any]) -> pl.DataFrame:
    """Records with locators of their own."""
    numbered = ({"source": "s", "locator": f"line={n}"} | r for n, r in enumerate(records, 1))
    return frame(numbered)


def render(name: str, *records: dict[str, Any], **settings: Any) -> pl.DataFrame:
    """Lines of one format."""
    return TARGETS[name](**settings).render(rows(*records), PLACE)


def line(name: str, record: dict[str, Any], **settings: Any) -> str:
    """The only line, or the reason why there is none."""
    rendered = render(name, record, **settings)
    reason = rendered["rejected"].struct.field("reason")[0]
    return rendered["line"][0] if reason is None else reason


CONVERSE = '{"schemaVersion":"bedrock-conversation-2024",'
ID = rows({})["id"][0]
IMAGE = {"images": ["cat.png"], "extra": '{"images":[{"format":"png"}]}'}
LOCATION = f'{{"uri":"s3://bucket/runs/1/t/images/{ID}.png","bucketOwner":"111122223333"}}'

GOLDEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "prompt": (
        "prompt_completion",
        {"messages": turns('Say "hi"/\\', "Chào\u2028bạn\x85\t")},
        '{"prompt":"Say \\"hi\\"/\\\\","completion":"Chào\\u2028bạn\\u0085\\t"}',
    ),
    "prompt with system": (
        "prompt_completion",
        {"system": "Be brief.", "messages": turns("q", "a")},
        '{"prompt":"Be brief.\\n\\nq","completion":"a"}',
    ),
    "conversation": (
        "conversation",
        {"system": "S", "messages": turns("q", "a")},
        CONVERSE + '"system":[{"text":"S"}],"messages":[{"role":"user","content":[{"text":"q"}]},'
        '{"role":"assistant","content":[{"text":"a"}]}]}',
    ),
    "caption as conversation": (
        "conversation",
        {"text": " a cat ", **IMAGE},
        CONVERSE + '"messages":[{"role":"user","content":[{"image":{"format":"png","source":'
        '{"s3Location":' + LOCATION + '}}},{"text":"Describe this image."}]},'
        '{"role":"assistant","content":[{"text":"a cat"}]}]}',
    ),
    "claude": (
        "claude3_messages",
        {"system": "S", "messages": turns("q", "a", "q2", "a2")},
        (
            '{"system":"S","messages":[{"role":"user","content":"q"},'
            '{"role":"assistant","content":"a"},{"role":"user","content":"q2"},'
            '{"role":"assistant","content":"a2"}]}'
        ),
    ),
    "caption": (
        "image_caption",
        {"text": "a cat\n", **IMAGE},
        f'{{"image-ref":"s3://bucket/runs/1/t/images/{ID}.png","caption":"a cat"}}',
    ),
    "pretraining": ("pretraining", {"text": "\n a\tb "}, '{"input":"a\\tb"}'),
    "pretraining text": ("pretraining_text", {"text": "a\x7f"}, '{"text":"a\\u007f"}'),
    "reinforcement": (
        "reinforcement",
        {"system": "S", "messages": turns("2+2?", "4"), "extra": '{"metadata":{"k":1,"o":[1]}}'},
        (
            f'{{"id":"{ID}","messages":[{{"role":"system","content":"S"}},'
            '{"role":"user","content":"2+2?"}],"reference_answer":"4","k":1}'
        ),
    ),
    "reinforcement with an object": (
        "reinforcement",
        {"messages": turns("2+2?"), "extra": '{"reference_answer":{"n":4}}'},
        (
            f'{{"id":"{ID}","messages":[{{"role":"user","content":"2+2?"}}],'
            '"reference_answer":{"n":4}}'
        ),
    ),
    "distillation": (
        "distillation",
        {"messages": turns("why", "because")},
        CONVERSE + '"messages":[{"role":"user","content":[{"text":"why"}]}]}',
    ),
    "batch": (
        "batch_inference",
        {"system": "S", "messages": turns("why", "because")},
        (
            f'{{"recordId":"{ID}","modelInput":{{"system":[{{"text":"S"}}],'
            '"messages":[{"role":"user","content":[{"text":"why"}]}]}}'
        ),
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_golden_lines(case: str) -> None:
    """Byte for byte: keys in AWS's order, compact, nothing optional that is absent."""
    name, record, expected = GOLDEN[case]
    assert line(name, record) == expected


def test_every_format_has_a_golden_line() -> None:
    """A new format without one would go unread."""
    assert {name for name, _, _ in GOLDEN.values()} == set(TARGETS)


def test_reasoning_stands_before_the_last_answer() -> None:
    """As a content block: Forge refuses AWS's own `reasoning_content` beside `content`."""
    record = {"messages": turns("q", "a"), "extra": '{"reasoning":"hm\\""}'}
    content = json.loads(line("conversation", record))["messages"][1]["content"]
    assert content == [{"reasoningContent": {"reasoningText": {"text": 'hm"'}}}, {"text": "a"}]
    without = json.loads(line("conversation", record, reasoning=False))
    assert without["messages"][1]["content"] == [{"text": "a"}]


def test_given_turns_with_tools_are_used_as_they_are() -> None:
    """OpenAI's tools become a toolConfig; the blocks stay verbatim."""
    messages = [
        {"role": "user", "content": [{"text": "weather?"}]},
        {
            "role": "assistant",
            "content": [{"toolUse": {"toolUseId": "1", "name": "w", "input": {"x": 1}}}],
        },
    ]
    function = {"name": "w", "description": "d", "parameters": {"type": "object"}}
    extra = {
        "converse_messages": messages,
        "tools": [{"type": "function", "function": function}],
    }
    value = json.loads(line("conversation", {"extra": json.dumps(extra)}))
    assert list(value) == ["schemaVersion", "toolConfig", "messages"]
    assert value["messages"] == messages
    spec = value["toolConfig"]["tools"][0]["toolSpec"]
    assert spec == {"name": "w", "description": "d", "inputSchema": {"json": {"type": "object"}}}


def test_several_images_get_names_of_their_own() -> None:
    """And their order is the record's."""
    extra = '{"images":[{"format":"png"},{"format":"JPEG"}]}'
    record = {"messages": turns("q", "a"), "images": ["a", "b"], "extra": extra}
    content = json.loads(line("conversation", record))["messages"][0]["content"]
    uris = [block["image"]["source"]["s3Location"]["uri"] for block in content[:2]]
    assert [uri.rsplit("/", 1)[1] for uri in uris] == [f"{ID}.png", f"{ID}-2.jpg"]
    assert [block["image"]["format"] for block in content[:2]] == ["png", "jpeg"]
    assert content[2] == {"text": "q"}


@pytest.mark.parametrize(
    ("name", "record", "settings", "reason"),
    [
        ("prompt_completion", {}, {}, "no_completion"),
        ("prompt_completion", {"messages": turns("q")}, {}, "no_completion"),
        ("prompt_completion", {"messages": turns("q", " \n")}, {}, "empty_turn"),
        ("prompt_completion", {"messages": turns("q", "a", "b", "c")}, {}, "more_than_one_turn"),
        ("prompt_completion", {"messages": turns("q", "a")[1:]}, {}, "turns_out_of_order"),
        (
            "prompt_completion",
            {"messages": turns("q", "a"), "system": "S"},
            {"system": "reject"},
            "system_not_allowed",
        ),
        ("prompt_completion", {"messages": turns("q", "a"), **IMAGE}, {}, "images_not_allowed"),
        ("claude3_messages", {"extra": '{"converse_messages":[]}'}, {}, "tools_not_allowed"),
        ("conversation", {"messages": turns("q", "a"), "images": ["x"]}, {}, "image_not_prepared"),
        ("conversation", {"extra": '{"converse_messages":[]}'}, {}, "no_completion"),
        ("conversation", {"extra": '{"converse_messages":[1]}'}, {}, "broken_turns"),
        (
            "conversation",
            {
                "messages": turns("q", "a"),
                "images": ["x"],
                "extra": '{"images":[{"format":"png"}],"reasoning":"r"}',
            },
            {},
            "reasoning_with_images",
        ),
        ("image_caption", {"text": "cat"}, {}, "no_image"),
        ("image_caption", {"text": " ", **IMAGE}, {}, "no_caption"),
        ("image_caption", {"text": "c", "images": ["a", "b"]}, {}, "more_than_one_image"),
        ("pretraining", {"text": " "}, {}, "no_text"),
        ("reinforcement", {"messages": turns("q")}, {}, "no_reference_answer"),
        ("reinforcement", {"messages": turns("q"), "extra": "[]"}, {}, "broken_extra"),
        ("distillation", {}, {}, "no_prompt"),
        ("distillation", {"messages": turns("q", "a", "q")}, {}, "more_than_one_turn"),
    ],
)
def test_what_a_format_cannot_say_is_rejected_by_name(
    name: str, record: dict[str, Any], settings: dict[str, Any], reason: str
) -> None:
    """Never raised, never silently cut."""
    assert line(name, record, **settings) == reason


def test_images_need_a_place_in_s3() -> None:
    """Without one the line would name nothing."""
    rendered = TARGETS["image_caption"]().render(rows({"text": "c", **IMAGE}), Place("", None))
    assert rendered["rejected"].struct.field("reason")[0] == "images_without_prefix"
    place = Place(PLACE.image_prefix, None)
    rendered = TARGETS["conversation"]().render(rows({"text": "c", **IMAGE}), place)
    assert rendered["rejected"].struct.field("reason")[0] == "images_without_owner"


def test_one_system_prompt_for_all_that_have_none() -> None:
    """A record's own prompt wins; a blank one counts as none."""
    records = [{"messages": turns("q", "a"), "system": s} for s in ("own", " ", None)]
    lines = render("conversation", *records, system="all")["line"]
    assert [json.loads(x)["system"][0]["text"] for x in lines] == ["own", "all", "all"]


def validator(name: str) -> Any:
    """The format's own schema."""
    return jsonschema_rs.validator_for(load_schema(TARGETS[name].schema))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=120, deadline=None)
@given(records=RECORDS)
def test_any_record_gives_a_valid_line_or_a_reason(
    name: str, records: list[dict[str, Any]]
) -> None:
    """Exactly one of both; one row for each record; strict JSON on one line; valid by schema."""
    incoming = rows(*records)
    rendered = TARGETS[name]().render(incoming, PLACE)
    assert rendered.columns == [*SCHEMA, "line"]
    assert rendered.drop("line", "rejected").equals(incoming.drop("rejected"))
    for text, rejected in zip(rendered["line"], rendered["rejected"], strict=True):
        assert (text is None) != (rejected is None)
        if text is None:
            assert rejected["reason"] in REASONS
            continue
        assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} for c in text)
        value = json.loads(text)
        assert _written(value) == text
        assert [e.message for e in validator(name).iter_errors(value)] == []


def _written(value: Any) -> str:
    """The line as Python would write it, with DEL, C1 and separators as escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for code in (*range(0x7F, 0xA0), 0x2028, 0x2029):
        text = text.replace(chr(code), f"\\u{code:04x}")
    return text


@settings(max_examples=200, deadline=None)
@given(prompt=TEXT, completion=TEXT)
def test_lines_give_back_the_very_strings(prompt: str, completion: str) -> None:
    """Whatever the characters, for the three shapes of a turn."""
    record = {"messages": turns(prompt, completion)}
    if not prompt.strip() or not completion.strip():
        return
    pair = line("prompt_completion", record)
    if pair == "empty_turn":  # blank to Unicode, though not to Python
        return
    assert json.loads(pair) == {"prompt": prompt, "completion": completion}
    blocks = json.loads(line("conversation", record))["messages"]
    assert [turn["content"] for turn in blocks] == [[{"text": prompt}], [{"text": completion}]]
    strings = json.loads(line("claude3_messages", record))["messages"]
    assert [turn["content"] for turn in strings] == [prompt, completion]


def test_rejected_rows_stay_as_they_are() -> None:
    """A mark that is there already is not replaced."""
    records = rows({"messages": turns("q")}).with_columns(
        rejected=pl.struct(
            reason=pl.lit("too_short"),
            value=pl.lit("1"),
            threshold=pl.lit("2"),
            merged_into=pl.lit(None, dtype=pl.String),
        )
    )
    for name in TARGETS:
        rendered = TARGETS[name]().render(records, PLACE)
        assert rendered["rejected"].struct.field("reason").to_list() == ["too_short"]
        assert rendered["line"].to_list() == [None]


def test_no_records() -> None:
    """An empty shard is not a fault."""
    for name in TARGETS:
        assert TARGETS[name]().render(frame([]), PLACE)["line"].len() == 0
