"""The quick way of `check`, by outlines, finds what a look at every line finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from check_mutants import mutants
from check_sets import TARGETS, Target, dumped, joined, smallest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.check import check_files
from pipeline.checks import records
from pipeline.kernels import json_text

compiled = pytest.mark.skipif(not json_text.COMPILED, reason="the extension is not built")
LONG = "An answer that is long enough for an outline to have an x in its place, trà xanh. "


def both_ways(path: Path, target: Target, data: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    """All that `check` says of a file of these lines, which is the same either way."""
    path.write_bytes(data)
    found = []
    for quick in (True, False):
        monkeypatch.setattr(json_text, "COMPILED", quick)
        result = check_files([path], plan=target.plan, format_name=target.format)
        found.append((result.faults, result.counts, result.files))
    monkeypatch.setattr(json_text, "COMPILED", True)
    assert found[0] == found[1], data[:300]
    return found[0]


def longer(value: Any) -> Any:
    """The value with all strings but the shortest made long."""
    if isinstance(value, dict):
        return {key: longer(one) for key, one in value.items()}
    if isinstance(value, list):
        return [longer(one) for one in value]
    keeps = not isinstance(value, str) or len(value) > 200 or value in ("user", "assistant", "")
    return value if keeps or value.startswith(("bedrock-", "s3://")) else LONG + value


def lengthened(data: bytes) -> bytes:
    """Lines with long texts; those that are not JSON stay."""
    lines = []
    for line in data.split(b"\n"):
        try:
            lines.append(dumped(longer(json.loads(line))))
        except ValueError:
            lines.append(line)
    return b"\n".join(lines)


@compiled
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_each_mutant_is_told_the_same(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every broken rule, alone in its lines and among long texts."""
    monkeypatch.setattr(records, "FEW", 0)
    for mutant in mutants(target):
        if mutant.plan is None and mutant.second is None and mutant.validation is None:
            path = tmp_path / mutant.name
            both_ways(path, target, mutant.data, monkeypatch)
            both_ways(path, target, lengthened(mutant.data), monkeypatch)


def data_of(target: Target, number: int) -> bytes:
    """Lines of long texts, one after the other, each with a text of its own."""
    lines = [dumped(longer(smallest(target, n))) for n in range(number)]
    return joined(lines, target.format)


TEXTS = [
    one for one in TARGETS if one.format in {"conversation", "prompt_completion", "pretraining"}
]
BITS = (
    *(b'"', b"\\", b"\\n", b"\\x", b"\\ud800", b"\\u12", b"\n", b"\r", b"\t", b"\x00", b"\xff"),
    *(b"\xed\xa0\x80", b"\xc3", b"\xe2\x80\xa8", b"{", b"}", b",", b'"note":1,', b" ", b"<image>"),
    *(b'"prompt":"' + LONG.encode() + b'",', b"[1]", b"NaN", b"0", LONG.encode() * 9),
)


@compiled
@pytest.mark.parametrize("target", TEXTS[:4], ids=str)
@settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bit=st.sampled_from(BITS), at=st.integers(0, 10_000), cut=st.integers(0, 3))
def test_spoiled_lines_are_told_the_same(
    target: Target, tmp_path: Path, bit: bytes, at: int, cut: int
) -> None:
    """Wherever in its lines something stands that should not, or is missing."""
    data = data_of(target, 9)
    at %= len(data)
    with pytest.MonkeyPatch.context() as patched:
        spoiled = data[:at] + bit + data[at + cut :]
        both_ways(tmp_path / "train.jsonl", target, spoiled, patched)


@compiled
@pytest.mark.parametrize("target", TEXTS[:2], ids=str)
def test_lines_that_are_alike_are_not_parsed(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all of this would be of no use."""
    values = records.outline_values(data_of(target, 50).removesuffix(b"\n"), target.format)
    assert values is not None
    assert len(values) == 50
    assert len({id(one) for one in values}) == 1
