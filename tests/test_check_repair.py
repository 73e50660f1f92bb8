"""What `--fix` does to a file: faults with one right answer go, nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from check_sets import conversation, dumped, minimal, turn
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_check import NOVA
from test_check_hostile import broken_lines

from pipeline.bedrock.cards import find_card
from pipeline.check import Repair, check_files, fix_file
from pipeline.errors import RecipeError, StorageError

MENDED = {
    "byte-order-mark", "carriage-return", "line-separator", "blank-line", "final-newline",
    "trailing-comma", "schema-version", "reserved-word",
}  # fmt: skip
"""Rules of which nothing is left in a repaired file."""


def fixed(folder: Path, data: bytes, **options: Any) -> tuple[bytes, Repair]:
    """The repaired file's bytes, and what was done."""
    path, out = folder / "train.jsonl", folder / "fixed.jsonl"
    path.write_bytes(data)
    out.unlink(missing_ok=True)
    repair = fix_file(path, out, **options)
    return out.read_bytes(), repair


def test_bytes_are_mended_and_told(tmp_path: Path) -> None:
    """Each change with its line and rule."""
    data = b'\xef\xbb\xbf{"input":"a"}\r\n\n{"input":"b\xe2\x80\xa8"}'
    made, repair = fixed(tmp_path, data, format_name="pretraining")
    assert made == b'{"input":"a"}\n{"input":"b\\u2028"}\n'
    assert [(c.line, c.rule) for c in repair.changes] == [
        (1, "byte-order-mark"),
        (1, "carriage-return"),
        (2, "blank-line"),
        (3, "line-separator"),
    ]


def test_a_good_file_stays_as_it_is(tmp_path: Path) -> None:
    """Byte for byte, blanks between tokens and all."""
    data = b'{"prompt": "a", "completion": "\\u0041 1.50 \xc3\xa9"}\n'
    made, repair = fixed(tmp_path, data, format_name="prompt_completion")
    assert (made, repair.counts) == (data, {})


def test_reserved_words_are_rewritten_in_sight(tmp_path: Path) -> None:
    """In texts alone; the case stays, and each change says what became of what."""
    record = conversation(
        turn("user", "Operating system: x <Image> [EOS]"), turn("assistant", "User:User:")
    )
    made, repair = fixed(tmp_path, dumped(record), plan=NOVA)
    texts = [message["content"][0]["text"] for message in json.loads(made)["messages"]]
    assert texts == ["Operating system - x (Image) (EOS)", "User -User -"]
    assert repair.counts["reserved-word"] == 5
    assert repair.changes[0].detail == "system: -> system -"


def test_claudes_marks_are_rewritten(tmp_path: Path) -> None:
    """Only where a line begins with them."""
    record = minimal("claude3_messages", 1)
    record["messages"][0]["content"] = "Human: x\nHuman: y"
    plan = find_card("claude-3-haiku").plan()
    made, _ = fixed(tmp_path, dumped(record), plan=plan)
    assert json.loads(made)["messages"][0]["content"] == "Human: x\nHuman - y"


def test_arrays_become_lines(tmp_path: Path) -> None:
    """On one line, or one record a line between brackets."""
    one = b'[{"input":"a"},{"input":"b"}]'
    many = b'[\n{"input":"a"},\n{"input":"b"}\n]\n'
    for data in (one, many):
        made, _ = fixed(tmp_path, data, format_name="pretraining")
        assert made == b'{"input":"a"}\n{"input":"b"}\n'


def test_keys_and_roles_are_mended_in_the_order_of_aws(tmp_path: Path) -> None:
    """Unknown keys go, roles are lowered, and what was changed is written compact."""
    line = (
        '{"note": 12345678901234567890123, "messages": [{"content": [{"text": "a"}], '
        '"role": "User"}, {"role": "Assistant", "content": [{"text": "b"}]}]}'
    )
    made, repair = fixed(tmp_path, line.encode(), format_name="conversation")
    assert made.startswith(b'{"schemaVersion":"bedrock-conversation-2024","messages":[{')
    assert repair.counts == {"unknown-key": 1, "schema-version": 1, "unknown-role": 2}
    assert check_files([tmp_path / "fixed.jsonl"], format_name="conversation").ok


@pytest.mark.parametrize(
    "line",
    [
        b'{"prompt":"a","prompt":"b","completion":"c"}',
        b'{"prompt":"a","prompt":"b","completion":"c","note":1}',
        b'{"input":"of another format"}',
        b'{"prompt":"\\ud800","completion":"c"}',
        b'{"prompt":"a"',
        b"[1,2]",
        b'{"prompt":"a","completion":"c","n":' + b"9" * 5000 + b"}",
    ],
)
def test_what_has_no_right_answer_stays(line: bytes, tmp_path: Path) -> None:
    """For the check to tell, and a person to decide."""
    made, _ = fixed(tmp_path, line + b"\n", format_name="prompt_completion")
    assert made == line + b"\n"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A file that is there stays."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    with pytest.raises(RecipeError, match="already"):
        fix_file(path, path, format_name="pretraining")
    with pytest.raises(StorageError):
        fix_file(tmp_path / "none.jsonl", tmp_path / "b.jsonl", format_name="pretraining")
    assert path.read_bytes() == b"{}\n"


WORDS = st.sampled_from(
    ["system:", "<USER:>", "[[EOS]]", "<<image>", "bot:bot:", "x", "\n", "[", ":"]
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=broken_lines(), said=st.lists(WORDS, max_size=6).map("".join))
@example(data=b'{"messages":[{"role":"user"},}{"role":"assistant"}]}', said="")
@example(data=b"[" * 5000 + b"{}", said="")
@example(data=b"[" * 5000 + b"]" * 5000, said="")
def test_a_repaired_file_is_stable_and_free_of_what_is_mended(
    data: bytes, said: str, tmp_path: Path
) -> None:
    """A second repair changes nothing."""
    record = minimal("conversation", 1)
    record["messages"][1]["content"][0]["text"] += said
    made, _ = fixed(tmp_path, data + b"\n" + dumped(record), plan=NOVA)
    found = check_files([tmp_path / "fixed.jsonl"], plan=NOVA).counts
    left = {rule for rule in found if rule in MENDED}
    readable = all(_is_json(line) for line in made.splitlines())
    assert not left - ({"trailing-comma", "schema-version"} if not readable else set())
    again, repair = fixed(tmp_path, made, plan=NOVA)
    assert (again, repair.counts) == (made, {})


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):  # nested deeper than the interpreter goes
        return False
    return True
