"""The check on hostile input, and against slower ways to the same answer."""

from __future__ import annotations

import functools
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from check_sets import conversation, dumped, minimal, turn
from conftest import ROOT
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_check import NOVA, SMALL, verdict
from test_target_lines import PLACE, SOUND, rows

from pipeline.bedrock.cards import find_card
from pipeline.check import check_files
from pipeline.checks import file_check
from pipeline.checks.chunks import read_chunks
from pipeline.checks.strict_json import duplicate_key, may_have_duplicates, parse
from pipeline.checks.words import WordSearch
from pipeline.errors import RecipeError, StorageError
from pipeline.targets import TARGETS
from pipeline.tokens import token_bound

QUIET = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


PIECES = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff", b"\0",
        b"NaN", b"\\ud800", b"\\u0022", b'"prompt"', b'"completion"', b'"a"', b"//", b"'",
        "\u2028".encode(), "\x85".encode(), b"1e999", b"-0", b"null", b'"messages"', b'"role"',
        b'"content"', b'"text"', b'"user"', b'"image"', b"[" * 1100, b"9" * 5000,
    ]
)  # fmt: skip
NOISE = st.lists(PIECES | st.binary(max_size=6), max_size=30).map(b"".join)
HOSTILE = ROOT.parent / "shared" / "hostile"
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


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the collection of hostile files is not there")
@pytest.mark.parametrize("form", TARGETS)
def test_no_file_of_the_collection_brings_it_down(form: str, tmp_path: Path) -> None:
    """PDFs, images, archives and broken JSON: each is read to a verdict, by one format or other."""
    files = sorted(path for path in HOSTILE.rglob("*") if path.is_file())
    at = list(TARGETS).index(form)
    link = tmp_path / "train.jsonl"
    for path in files[at :: len(TARGETS)]:
        link.unlink(missing_ok=True)
        link.symlink_to(path)
        result = check_files([link], format_name=form)
        assert result.ok or result.counts, path


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


AFTER_A_RECORD = b'{"prompt":"a","completion":"b"}\n{\n"prompt":"a","completion":"b"}'
"""What begins like a file of one object, but for the record before it."""

BEHIND_THE_END = b'{\n\r\n"prompt":"a","completion":"b"}'
"""A file of one object, with a fault in a line that is not read."""


@QUIET
@example(data=AFTER_A_RECORD, size=1)
@example(data=BEHIND_THE_END, size=1)
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
