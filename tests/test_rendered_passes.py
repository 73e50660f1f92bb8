"""What `prepare` keeps, `check` accepts: any record, through a target and a model's limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from check_sets import call, conversation, media, result, thought, tool_config, turn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.limits import reject_over_limits
from pipeline.check import check_files
from pipeline.readers.conventions import fields, layout
from pipeline.readers.rows import UnreadableError
from pipeline.record import frame
from pipeline.render import record_tokens, reject_broken_lines
from pipeline.stages import STAGES
from pipeline.targets import TARGETS
from pipeline.targets.contract import Place

BUCKET = "data-bucket"
PLACE = Place(f"s3://{BUCKET}/runs/0/t/images/", "111122223333")

OF_THE_SET = {
    "too-few-records", "fewer-than-recommended", "optional-fields", "mixed-media", "tools-absent",
}  # fmt: skip
"""What only the set of records as a whole can break: the run tells it, and is not published."""

TEXT = st.sampled_from(
    [
        "hi", "What is it?", "User: hello", "an Operating System: Linux", "an <IMAGE>", "[eos]",
        "a\u2028b\x85c\x7f", " ", "", "\n", "漢字" * 40, "a" * 70_000, "9" * 40_000, "é\u0301" * 99,
        '"video":{', "\\nHuman: x", "\n\nHuman: x", "\N{KELVIN SIGN}", "<un\u212a>", "\x00\ufeff",
        "word " * 30_000,
    ]
)  # fmt: skip
FILE = st.builds(
    media,
    st.sampled_from(["image", "video", "document"]),
    form=st.sampled_from(["", "", "png", "webp", "mp4", "webm", "pdf", "bmp"]),
    name=st.sampled_from(["one", "a b", "é"]),
    bucket=st.sampled_from([BUCKET, BUCKET, "another-bucket"]),
)
QUESTION = st.lists(TEXT | FILE | st.just(result()), min_size=1, max_size=3)
ANSWER = st.lists(TEXT | st.just(thought()) | st.just(call()), min_size=1, max_size=3)


@st.composite
def talks(draw: st.DrawFn) -> dict[str, Any]:
    """A Converse record, sound or not."""
    count = draw(st.integers(1, 3))
    pairs = [
        (turn("user", *draw(QUESTION)), turn("assistant", *draw(ANSWER))) for _ in range(count)
    ]
    more: dict[str, Any] = {"toolConfig": tool_config("look")} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        more["system"] = [{"text": draw(TEXT)}]
    return conversation(*(message for pair in pairs for message in pair), **more)


ROW = talks() | st.fixed_dictionaries({"prompt": TEXT, "completion": TEXT}) | (
    st.fixed_dictionaries({"text": TEXT})
)  # fmt: skip
PLANS = [
    ("nova-2-lite", "sft"), ("nova-2-lite", "rft"), ("nova-lite", "sft"), ("nova-micro", "sft"),
    ("nova-lite", "distillation"), ("llama-3-2-11b", "sft"), ("llama-3-1-8b", "sft"),
    ("claude-3-haiku", "sft"), ("titan-text-express", "cpt"), ("qwen3-32b", "rft"),
]  # fmt: skip


def records(rows: list[dict[str, Any]]) -> Any:
    """What can be read of the rows."""
    read = []
    for number, row in enumerate(rows):
        try:
            found = fields(row, layout(set(row)), "a.jsonl")
        except UnreadableError:
            continue
        read.append({"source": "a.jsonl", "locator": f"line={number}", **found})
    return frame(read)


@pytest.mark.parametrize(("model", "word"), PLANS, ids=str)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_what_is_kept_is_accepted(
    model: str, word: str, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """No record that was kept has a fault of its own, whatever the rows held."""
    plan = find_card(model).plan(word)
    target = TARGETS[plan.formats[0]]()
    held = STAGES["label"]()(records(rows)).with_columns(tokens=record_tokens())
    rendered = reject_over_limits(target.render(held, PLACE), plan, BUCKET)
    kept = reject_broken_lines(rendered, target.schema)
    lines = [one["line"] for one in kept.to_dicts() if one["rejected"] is None]
    if not lines:
        return
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(lines) + ("\n" if target.final_newline else ""))
    found = check_files([path], plan=plan, location=f"s3://{BUCKET}/runs/0/t/")
    told = [f for f in found.faults if f.severity == "error" and f.rule not in OF_THE_SET]
    assert told == [], json.dumps(lines)[:2000]
