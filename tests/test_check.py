"""The check on hostile input, on AWS's own mistakes, and against slower ways to the same answer."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from check_sets import conversation, dumped, media, minimal, turn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_target_lines import PLACE, SOUND, rows

from pipeline.bedrock.cards import find_card
from pipeline.check import CheckResult, check_files
from pipeline.checks import file_check
from pipeline.checks.chunks import read_chunks
from pipeline.checks.strict_json import duplicate_key, may_have_duplicates, parse
from pipeline.checks.words import WordSearch
from pipeline.errors import RecipeError, StorageError
from pipeline.targets import TARGETS
from pipeline.tokens import token_bound

NOVA = find_card("nova-lite").plan("sft")
SMALL = ("too-few-records", "fewer-than-recommended")
QUIET = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def verdict(folder: Path, data: bytes, **options: Any) -> CheckResult:
    """The check of a file of these bytes."""
    path = folder / "train.jsonl"
    path.write_bytes(data)
    return check_files([path], **options)


def told(result: CheckResult) -> list[tuple[int | None, str]]:
    """Line and rule of every fault."""
    return [(fault.line, fault.rule) for fault in result.faults]


# ---- AWS's own examples -------------------------------------------------------------------

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
    assert "conversation, where prompt_completion is wanted" in result.faults[0].message


# ---- hostile input ------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff", b"\0",
        b"NaN", b"\\ud800", b"\\u0022", b'"prompt"', b'"completion"', b'"a"', b"//", b"'",
        "\u2028".encode(), "\x85".encode(), b"1e999", b"-0", b"null", b'"messages"', b'"role"',
        b'"content"', b'"text"', b'"user"', b'"image"', b"[" * 1100, b"9" * 5000,
    ]
)  # fmt: skip
NOISE = st.lists(PIECES | st.binary(max_size=6), max_size=30).map(b"".join)
LINES = [dumped(minimal(form, 1)) for form in ("prompt_completion", "conversation")]


@st.composite
def broken_lines(draw: st.DrawFn) -> bytes:
    """Good lines with bytes cut, changed and put in."""
    data = b"\n".join(draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4)))
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(NOISE) + data[at + draw(st.integers(0, 9)) :]


@pytest.mark.parametrize("form", TARGETS)
@QUIET
@given(data=NOISE | broken_lines())
def test_no_bytes_bring_it_down(form: str, data: bytes, tmp_path: Path) -> None:
    """A verdict for anything; what passes is JSON Lines to Python's own parser."""
    result = verdict(tmp_path, data, format_name=form)
    if result.ok:
        for line in data.decode().rstrip("\n").split("\n"):
            assert isinstance(json.loads(line), dict)
    assert result.counts.keys() == result.severities.keys()
    assert result.files[0].lines == len(data.splitlines()) or b"\r" in data or result.counts


@QUIET
@given(value=st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["messages", "role", "content", "text", "image", "system", "user", "id",
                         "toolUse", "toolResult", "source", "toolConfig", "tools", "prompt"]),
        inner | st.sampled_from(["user", "assistant", "bedrock-conversation-2024"]), max_size=3),
    max_leaves=15,
))  # fmt: skip
def test_no_shape_brings_it_down(value: Any, tmp_path: Path) -> None:
    """Values of the wrong type wherever they can stand, for the plans with the most rules."""
    for model, word in (("nova-2-lite", "sft"), ("nova-2-lite", "rft"), ("llama-3-2-11b", "sft")):
        plan = find_card(model).plan(word)
        assert not verdict(tmp_path, json.dumps(value).encode(), plan=plan).ok


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file is a storage error; an unknown name is a usage error."""
    with pytest.raises(StorageError, match=r"nowhere\.jsonl"):
        check_files([tmp_path / "nowhere.jsonl"], format_name="pretraining")
    with pytest.raises(RecipeError, match="no such format"):
        verdict(tmp_path, b"", format_name="alpaca")
    with pytest.raises(RecipeError, match="takes conversation"):
        verdict(tmp_path, b"", plan=NOVA, format_name="pretraining")
    with pytest.raises(RecipeError, match="no such rule: spelling"):
        verdict(tmp_path, b"", plan=NOVA, allow=["spelling"])
    with pytest.raises(RecipeError, match="name a model"):
        verdict(tmp_path, b"")


# ---- against slower ways ------------------------------------------------------------------

KEY = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"a\\\\"', '"\\""', '":"', '"a:"', '""'])
SCALAR = st.sampled_from(['"x"', '"\\"a\\":"', '"\\\\"', '"\\u0022a"', '"{"', "1", "null", '" : "'])
SPACE = st.sampled_from(["", " ", "\t "])


def _object(pairs: list[tuple[str, str]], space: str) -> str:
    return "{" + ",".join(f"{space}{key}{space}:{value}" for key, value in pairs) + "}"


VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.builds(_object, st.lists(st.tuples(KEY, inner), max_size=3), SPACE)
        | st.lists(inner, max_size=2).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=6,
)


@settings(max_examples=600, deadline=None)
@given(texts=st.lists(VALUE, min_size=1, max_size=3))
def test_duplicate_keys_are_found_as_by_pairs(texts: list[str]) -> None:
    """The quick way never passes one; the exact way agrees with Python's pairs."""

    def doubled(text: str) -> bool:
        found: list[bool] = []
        json.loads(text, object_pairs_hook=lambda p: found.append(len(dict(p)) < len(p)))
        return any(found)

    lines = [text.encode() for text in texts]
    values = parse(lines)
    assert values is not None
    if not may_have_duplicates(b"\n".join(lines), values):
        assert not any(map(doubled, texts))
    for text in texts:
        assert (duplicate_key(text.encode()) is not None) == doubled(text)


@QUIET
@given(data=broken_lines(), size=st.integers(1, 80))
def test_chunks_do_not_show(data: bytes, size: int, tmp_path: Path) -> None:
    """The same faults at the same lines whatever is read at once."""
    whole = verdict(tmp_path, data, format_name="prompt_completion")
    with pytest.MonkeyPatch.context() as patch:
        small = functools.partial(read_chunks, chunk_bytes=size)
        patch.setattr(file_check, "read_chunks", small)
        parts = verdict(tmp_path, data, format_name="prompt_completion")
    assert (parts.faults, parts.counts, parts.files) == (whole.faults, whole.counts, whole.files)


@settings(max_examples=300, deadline=None)
@given(
    word=st.sampled_from(list(NOVA.reserved_words.words) if NOVA.reserved_words else []),
    before=st.text(max_size=6),
    after=st.text(max_size=6),
    seed=st.integers(0, 10**6),
)
def test_reserved_words_are_found_however_spelled(
    word: str, before: str, after: str, seed: int
) -> None:
    """In any case, inside other words, and with any of their letters written as escapes."""
    chance = random.Random(seed)
    cased = "".join(chance.choice([c.lower(), c.upper()]) for c in word)
    spelled = "".join(f"\\u{ord(c):04x}" if chance.random() < 0.2 else c for c in cased)
    line = json.dumps({"text": f"{before}%s{after}"}).replace("%s", spelled, 1).encode()
    assert NOVA.reserved_words is not None
    search = WordSearch(NOVA.reserved_words)
    assert search.may_be_in(line)
    assert search.candidates([line]) == [0]
    content = conversation(turn("user", json.loads(line)["text"]))
    assert word in {found for found, _ in search.faults(content, "conversation")}


def test_reserved_words_where_they_are_looked_for(tmp_path: Path) -> None:
    """System, both roles, reasoning and tool results; not arguments or descriptions."""
    plan = find_card("nova-2-lite").plan("sft")
    spec = {"name": "f", "description": "User: x", "inputSchema": {"json": {"type": "object"}}}
    call = {"toolUse": {"toolUseId": "1", "name": "f", "input": {"user:": "Bot:"}}}
    result = {"toolUseId": "1", "content": [{"text": "thought: x"}, {"json": {"bot:": "bot:"}}]}
    reasoning = {"reasoningContent": {"reasoningText": {"text": "<UNK>"}}}
    record = conversation(
        turn("user", "an Operating System: Linux"),
        turn("assistant", reasoning, call),
        turn("user", {"toolResult": result}),
        turn("assistant", "[eos]"),
        system=[{"text": "user:"}],
        toolConfig={"tools": [{"toolSpec": spec}]},
    )
    found = verdict(tmp_path, dumped(record), plan=plan, allow=SMALL).faults
    words = {f.value for f in found if f.rule == "reserved-word"}
    assert words == {"System:", "<unk>", "Thought:", "[EOS]", "User:"}


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=40) | st.text(st.sampled_from("\u0301ก\u0e33A1!\n\U0001f642é漢"), max_size=40)
)
def test_a_text_never_has_more_tokens_than_its_bytes_allow(text: str) -> None:
    """What lets the check pass short lines without counting."""
    bound = pl.DataFrame({"text": [text]}).select(token_bound(pl.col("text"))).item()
    written = json.dumps(text, ensure_ascii=False).encode()
    assert bound <= 2 * len(written)
    assert bound <= len(json.dumps(text).encode())


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=st.lists(SOUND, min_size=1, max_size=6))
def test_whatever_targets_render_passes(
    name: str, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    """No fault at all, not even a warning."""
    target = TARGETS[name]()
    lines = target.render(rows(*records), PLACE)["line"].drop_nulls().to_list()
    if not lines:
        return
    text = "\n".join(lines) + ("\n" if target.final_newline else "")
    result = verdict(tmp_path, text.encode(), format_name=name)
    assert (result.ok, result.counts) == (True, {})


# ---- one by one ---------------------------------------------------------------------------


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
