"""What a fault says is to be done is true: `--fix` does what it is said to do, and no recipe is
spoken of where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_mutants import mutants
from check_sets import TARGETS, Record, Target, conversation, dumped, minimal, turn
from test_check import told, verdict
from test_check_repair import fixed

from pipeline.bedrock.cards import find_card
from pipeline.check import RULES, check_files

ONE_OF_EACH = {target.format: target for target in TARGETS}
PROMISED = [name for name, rule in RULES.items() if rule.remedy.endswith("--fix does it")]


@pytest.mark.parametrize("target", ONE_OF_EACH.values(), ids=str)
def test_fix_does_what_remedies_promise(target: Target, tmp_path: Path) -> None:
    """Of a rule that says so, nothing is left."""
    for mutant in mutants(target):
        if mutant.rule in PROMISED:
            _, repair = fixed(tmp_path, mutant.data, plan=target.plan, format_name=target.format)
            again = check_files(
                [tmp_path / "fixed.jsonl"], plan=target.plan, format_name=target.format
            )
            assert mutant.rule not in again.counts, f"{mutant.rule}: {mutant.data[:300]!r}"
            assert repair.unread == 0


def test_the_promises_are_known() -> None:
    """So that the test above tests something."""
    assert {"json-array", "two-objects", "trailing-comma", "reserved-word"} <= set(PROMISED)


SYSTEM: dict[str, Record] = {
    "conversation": conversation(turn("system", "s"), turn("user", "q"), turn("assistant", "a")),
    "distillation": conversation(turn("system", "s"), turn("user", "q"), turn("assistant", "a")),
    "claude3_messages": {
        "messages": [
            {"role": role, "content": text}
            for role, text in (("system", "s"), ("user", "q"), ("assistant", "a"))
        ]
    },
}


@pytest.mark.parametrize("form", SYSTEM)
def test_a_system_message_belongs_elsewhere(form: str, tmp_path: Path) -> None:
    """It is told alone, and the first one is moved."""
    data = dumped(SYSTEM[form])
    assert told(verdict(tmp_path, data, format_name=form)) == [(1, "system-in-messages")]
    made, repair = fixed(tmp_path, data, format_name=form)
    assert repair.counts == {"system-in-messages": 1}
    assert b'"system":"s"' in made or b'"system":[{"text":"s"}]' in made
    assert check_files([tmp_path / "fixed.jsonl"], format_name=form).ok


def test_a_system_message_beside_a_system_prompt_stays(tmp_path: Path) -> None:
    """Which of them is meant is not ours to say."""
    record = SYSTEM["conversation"] | {"system": [{"text": "other"}]}
    made, repair = fixed(tmp_path, dumped(record) + b"\n", format_name="conversation")
    assert (made, repair.counts) == (dumped(record) + b"\n", {})


def test_an_id_does_not_make_another_format(tmp_path: Path) -> None:
    """A conversation with one has a key too many, which --fix removes."""
    record = minimal("conversation", 1) | {"id": "x"}
    del record["schemaVersion"]
    found = {
        rule for _, rule in told(verdict(tmp_path, dumped(record), format_name="conversation"))
    }
    assert found == {"missing-key", "unknown-key"}
    fixed(tmp_path, dumped(record), format_name="conversation")
    assert check_files([tmp_path / "fixed.jsonl"], format_name="conversation").ok


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'{"input":"a"},\n{"input":"b"},\n', "trailing-comma"),
        (b'{"input":"a"}{"input":"b"}{"input":"c"}\n', "two-objects"),
        (b'{"input":"a"} {"input":"b"}, {"input":"c"}, {"input":"d"}\n', "two-objects"),
        (b'[{"input":"a"},\n{"input":"b"}]', "json-array"),
        (b'[{\n"input":"a"},\n{"input":"b"}]', "json-array"),
        (b'{"input":"a"}{"input":"b"}{"input"\n', "broken-json"),
    ],
)
def test_broken_lines_are_called_by_what_they_are(data: bytes, rule: str, tmp_path: Path) -> None:
    """And mended, where there is a way."""
    assert set(verdict(tmp_path, data, format_name="pretraining").counts) == {rule}
    _, repair = fixed(tmp_path, data, format_name="pretraining")
    assert bool(repair.unread) == (rule == "broken-json")
    if rule != "broken-json":
        assert check_files([tmp_path / "fixed.jsonl"], format_name="pretraining").ok


def test_remedies_of_foreign_files_speak_of_no_recipe(tmp_path: Path) -> None:
    """Those of files that a recipe made do."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(dumped(minimal("conversation", 1)))
    plan = find_card("nova-2-lite").plan("sft")
    for of_recipe in (False, True):
        result = check_files([path], plan=plan, validation=path, of_recipe=of_recipe)
        said = " ".join(fault.message for fault in result.faults)
        assert "too-few-records" in result.counts
        assert ("see the report" in said) == of_recipe


def test_claudes_words_have_claudes_source(tmp_path: Path) -> None:
    """Not Nova's guide."""
    record = minimal("claude3_messages", 1)
    record["messages"][0]["content"] = "a\nHuman: b"
    plan = find_card("claude-3-haiku").plan()
    result = verdict(tmp_path, dumped(record), plan=plan)
    fault = next(fault for fault in result.faults if fault.rule == "reserved-word")
    assert plan.reserved_words
    assert fault.source == plan.reserved_words.source
    assert "nova" not in fault.source
