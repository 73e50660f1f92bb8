"""The check on AWS's own mistakes, and rule by rule where a data set says more than a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from check_sets import conversation, dumped, media, minimal, turn

from pipeline.bedrock.cards import find_card
from pipeline.check import CheckResult, check_files

NOVA = find_card("nova-lite").plan("sft")
SMALL = ("too-few-records", "fewer-than-recommended")


def verdict(folder: Path, data: bytes, **options: Any) -> CheckResult:
    """The check of a file of these bytes."""
    path = folder / "train.jsonl"
    path.write_bytes(data)
    return check_files([path], **options)


def told(result: CheckResult) -> list[tuple[int | None, str]]:
    """Line and rule of every fault."""
    return [(fault.line, fault.rule) for fault in result.faults]


AWS_MISTAKES = {
    "claude": (
        "claude3_messages",
        (
            '{"system": "You are an helpful one.","messages":[{"role": "user", "content": "hi"},'
            '{"role": "assistant", "content": "hello"},]}'
        ),
        "trailing-comma",
    ),
    "rft": (
        "reinforcement",
        '{"messages":[{"role":"user","content":"a}],"reference_answer":{"b":"c"}}',
        "broken-json",
    ),
    "distillation": (
        "distillation",
        (
            '{"schemaVersion":"bedrock-conversion-2024",'
            '"messages":[{"role":"user","content":[{"text":"why is the sky blue"}]}]}'
        ),
        "schema-version",
    ),
    "nova 2 reasoning": (
        "conversation",
        (
            '{"schemaVersion":"bedrock-conversation-2024","messages":[{"role":"user","content":'
            '[{"text":"a"}]},{"role":"assistant","reasoning_content":[],"content":[{"text":"b"}]}]}'
        ),
        "unknown-key",
    ),
    "nova file name": ("conversation", "// train.jsonl", "comment"),
}


@pytest.mark.parametrize("name", AWS_MISTAKES)
def test_mistakes_in_aws_own_examples_are_caught(name: str, tmp_path: Path) -> None:
    """Each was published as an example to follow."""
    form, line, rule = AWS_MISTAKES[name]
    assert told(verdict(tmp_path, f"{line}\n".encode(), format_name=form)) == [(1, rule)]


def test_the_error_of_the_service_comes_true_before_the_job(tmp_path: Path) -> None:
    """ "must follow {prompt, completion} format", with the line and the format that it is."""
    lines = [dumped(minimal("conversation", 1)), dumped(minimal("prompt_completion", 1))]
    result = verdict(tmp_path, b"\n".join(lines), format_name="prompt_completion")
    assert told(result) == [(1, "wrong-format")]
    assert "conversation instead of prompt_completion" in result.faults[0].message


def test_faults_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    """A million faults do not fill the memory, and their number is told."""
    data = b'{"prompt":"a"}\n' * 3000
    result = verdict(tmp_path, data, format_name="prompt_completion")
    assert result.counts == {"missing-key": 3000}
    assert len(result.faults) == 20
    assert result.files[0].faulty == 3000
    assert result.count("error") == 3000


def test_lines_and_records_are_counted(tmp_path: Path) -> None:
    """A blank line is a line and no record; a line that is not JSON stands for one."""
    data = b'{"prompt":"a","completion":"b"}\n\n{"prompt"\n'
    facts = verdict(tmp_path, data, format_name="prompt_completion").files[0]
    assert (facts.lines, facts.records, facts.faulty, facts.whole) == (3, 2, 2, True)


def test_allowed_rules_are_noted(tmp_path: Path) -> None:
    """The caller lives with them; they no longer stand in the way."""
    lines = [dumped(minimal("conversation", n)) for n in range(8)]
    lines[3] = dumped(minimal("conversation", 3) | {"system": [{"text": "s"}]})
    assert told(verdict(tmp_path, b"\n".join(lines), plan=NOVA)) == [
        (None, "fewer-than-recommended"),
        (4, "optional-fields"),
    ]
    allowed = verdict(tmp_path, b"\n".join(lines), plan=NOVA, allow=["optional-fields"])
    assert allowed.ok
    assert allowed.severities["optional-fields"] == "note"


def test_media_must_stand_in_the_data_sets_own_bucket(tmp_path: Path) -> None:
    """Which is known once the place of the data set is."""
    record = conversation(turn("user", media("image"), "q"), turn("assistant", "a"))
    data = b"\n".join([dumped(record)] * 8)
    here = verdict(tmp_path, data, plan=NOVA, location="s3://data-bucket/x/", allow=SMALL)
    assert here.ok
    there = verdict(tmp_path, data, plan=NOVA, location="s3://other-bucket/x/", allow=SMALL)
    assert there.counts["media-bucket"] == 8


def test_tokens_are_counted_where_the_guess_leaves_it_open(tmp_path: Path) -> None:
    """Only there; a count settles it either way."""
    asked: list[str] = []

    def count(number: int) -> Any:
        return lambda texts: [asked.append(text) or number for text in texts]  # type: ignore[func-returns-value]

    line = minimal("conversation", 1)
    line["messages"][0]["content"][0]["text"] = "a" * 140_000
    data = b"\n".join([dumped(line), *[dumped(minimal("conversation", n)) for n in range(9)]])
    assert verdict(tmp_path, data, plan=NOVA).tokens == {
        "fit": 9,
        "may_not_fit": 1,
        "do_not_fit": 0,
    }
    fits = verdict(tmp_path, data, plan=NOVA, count_tokens=count(10))
    assert fits.tokens == {"fit": 10, "may_not_fit": 0, "do_not_fit": 0}
    assert len(asked) == 2
    over = verdict(tmp_path, data, plan=NOVA, count_tokens=count(40_000))
    assert over.tokens == {"fit": 9, "may_not_fit": 0, "do_not_fit": 1}
    assert over.counts["too-many-tokens"] == 1


def test_the_source_of_a_limit_is_the_cards(tmp_path: Path) -> None:
    """Not the rule's own guess at it."""
    data = dumped(minimal("conversation", 1))
    fault = next(f for f in verdict(tmp_path, data, plan=NOVA).faults if f.rule == SMALL[0])
    assert NOVA.limits.records_min is not None
    assert fault.source == NOVA.limits.records_min.source
    assert (fault.value, fault.threshold) == ("1", "8")


def test_results_are_plain_values(tmp_path: Path) -> None:
    """For --json."""
    result = verdict(tmp_path, b'{"prompt":"\xff"}', format_name="prompt_completion")
    plain = json.loads(json.dumps(result.as_json()))
    assert plain["ok"] is False
    assert plain["faults"][0]["rule"] == "not-utf-8"
    assert Counter(plain["counts"]) == Counter({"not-utf-8": 1})


_CHILD = """
import resource, sys
from pathlib import Path
from pipeline.check import check_files
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert check_files([Path(sys.argv[1])], format_name="prompt_completion").ok
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the data takes no more than a few megabytes beside."""
    grown = []
    for count in (5_000, 50_000):
        path = tmp_path / f"{count}.jsonl"
        record = dumped({"prompt": "p" * 900, "completion": "c" * 100}) + b"\n"
        path.write_bytes(record * count)
        line = [sys.executable, "-c", _CHILD, str(path)]
        child = subprocess.run(line, capture_output=True, text=True, check=True)
        grown.append(int(child.stdout))
    assert grown[1] - grown[0] < 20_000  # KiB
