"""The gate: Great Expectations in its own process, over numbers that Polars derived."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.errors import LawBroken, PrepError
from pipeline.gate.gate import TargetLimits, check_gate
from pipeline.recipe_settings import Gate

METRICS = pl.Schema(
    {
        **dict.fromkeys(["target", "id", "document", "source", "locator"], pl.String),
        **dict.fromkeys(["split", "language"], pl.String),
        **dict.fromkeys(["tokens", "bytes", "turns", "images"], pl.Int64),
    }
)
COUNTS = {"came": 10, "rejected": 1}

# Imported by the child before anything else: writes down what it sees, and ends it on a connection.
SPY = """
import json, os, pathlib, sys
told = pathlib.Path(os.environ["SPY"])
told.joinpath("seen.json").write_text(json.dumps({
    "aws": sorted(name for name in os.environ if name.startswith("AWS_")),
    "terminal": sys.stdin.isatty(),
    "analytics": os.environ.get("GX_ANALYTICS_ENABLED"),
}))
def hook(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"}:
        told.joinpath("connected").write_text(f"{event} {args!r}")
        os._exit(9)
sys.addaudithook(hook)
"""


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A record's measures that break nothing, with changes."""
    return {
        "target": "assistant",
        "id": f"{number:020d}",
        "document": f"d{number}",
        "source": "documents/faq.md",
        "locator": f"line={number}",
        "split": "train" if number % 4 else "validation",
        "language": "vi" if number % 2 else "en",
        "tokens": 100 + number,
        "bytes": 400,
        "turns": 2,
        "images": 0,
    } | changes


def held(
    rows: list[dict[str, Any]],
    folder: Path,
    gate: Gate,
    limits: dict[str, TargetLimits] | None = None,
) -> dict[str, Any]:
    """Write the rows and hold them against the gate."""
    folder.mkdir()
    metrics = folder.with_suffix(".parquet")
    pl.DataFrame(rows, schema=METRICS).write_parquet(metrics)
    targets = limits or {"assistant": TargetLimits(max_tokens=4000, line_bytes_max=9000)}
    return check_gate(gate, targets, metrics, COUNTS, folder)


def by_name(told: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The checks by target and name; each stands once."""
    checks = {(one["target"], one["check"]): one for one in told["checks"]}
    assert len(checks) == len(told["checks"])
    return checks


def spy_on_child(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make every Python that starts from here run `code` first."""
    folder.mkdir()
    folder.joinpath("sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("SPY", str(folder))


BROKEN = [
    row(1, id="same"),
    row(2, id="same"),
    row(3, id=None),
    row(5, document="torn", split="train"),
    row(6, document="torn", split="validation"),
    row(7, document=None),
    row(9, document=None, split="validation"),
    row(10, source=None),
    row(11, split="dev"),
    row(13, split=None),
    row(14, tokens=0),
    row(15, tokens=4001),
    row(17, tokens=None),
    row(18, bytes=9001),
    row(19, bytes=None),
    row(20, turns=None),
    row(21, turns=1),
    row(22, images=3),
    row(23, tokens=900),
    row(25, target="corpus", id="same", document="torn", split="test"),
    *(row(number, target="many", tokens=9000) for number in range(50)),
]
BROKEN_GATE = Gate(
    max_rejected=0.05,
    min_records=16,
    max_tokens=899,
    min_languages_share={"vi": 0.9, "en": 0.1, '$x"{}': 0.0},
)
BROKEN_LIMITS = {
    "assistant": TargetLimits(max_tokens=4000, line_bytes_max=9000, min_turns=2, max_images=2),
    "corpus": TargetLimits(),
    "many": TargetLimits(max_tokens=8000),
    "nothing": TargetLimits(),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The gate's answer to data that breaks every check, and its folder."""
    folder = tmp_path_factory.mktemp("gate") / "broken"
    return held(BROKEN, folder, BROKEN_GATE, BROKEN_LIMITS), folder


def test_clean_data_passes_without_network_or_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is broken; the child connects nowhere, sees no AWS_*, and nothing imports GX here."""
    spy_on_child(tmp_path / "spy", monkeypatch, SPY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for the child")
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("json.py").write_text("raise SystemExit('a module of the working folder')")
    before = set(sys.modules)
    told = held([row(number) for number in range(8)], tmp_path / "gate", Gate(max_rejected=0.1))
    assert told["passed"]
    assert all(check["passed"] for check in told["checks"])
    assert told["failing"] == {}
    assert told["engine"].startswith("great_expectations 1.")
    assert "not the texts" in told["about"]
    assert not (tmp_path / "spy" / "connected").exists()
    seen = json.loads((tmp_path / "spy" / "seen.json").read_text())
    assert seen == {"aws": [], "terminal": False, "analytics": "False"}
    assert "great_expectations" not in set(sys.modules) - before


def test_every_fault_is_counted_by_its_own_check(broken: tuple[dict[str, Any], Path]) -> None:
    """Each planted fault is found, in its own number, in its own check, and nowhere else."""
    told, _ = broken
    checks = by_name(told)
    unexpected = {
        name: check["unexpected"]
        for (target, name), check in checks.items()
        if target == "assistant" and check["unexpected"]
    }
    assert not told["passed"]
    assert unexpected == {
        "id_present": 1,
        "id_unique": 2,
        "document_present": 2,
        "document_in_one_split": 2,
        "source_present": 1,
        "split_valid": 2,
        "tokens_known": 1,
        "tokens_within_limit": 2,
        "line_bytes_known": 1,
        "line_bytes_within_limit": 1,
        "turns_known": 1,
        "turns_enough": 1,
        "images_within_limit": 1,
        "tokens_within_gate": 2,
    }
    assert all(
        check["passed"] == (not check["unexpected"])
        for check in checks.values()
        if check["records"] is not None
    )


def test_every_expectation_that_is_generated_was_made_to_fail(
    broken: tuple[dict[str, Any], Path],
) -> None:
    """None of them is there only to pass."""
    generated = {name.replace('$x"{}', "vi") for _, name in by_name(broken[0])}
    failed = {name for (_, name), check in by_name(broken[0]).items() if not check["passed"]}
    assert failed == generated


def test_targets_are_held_apart(broken: tuple[dict[str, Any], Path]) -> None:
    """The same id and document in another target are no fault; its training file is empty."""
    told, _ = broken
    failed = {
        name
        for (target, name), check in by_name(told).items()
        if target == "corpus" and not check["passed"]
    }
    assert failed == {"train_records_enough", "language_share_en_enough"}


def test_counts_are_observed(broken: tuple[dict[str, Any], Path]) -> None:
    """Shares and record counts come with what was observed and what was asked."""
    checks = by_name(broken[0])
    train = checks["assistant", "train_records_enough"]
    assert (train["observed"], train["bounds"]) == (14, {"min": 16, "max": None})
    vietnamese = checks["assistant", "language_share_vi_enough"]
    assert vietnamese["observed"] == pytest.approx(12 / 19)
    assert checks["assistant", "language_share_en_enough"]["passed"]
    rejected = checks["all targets", "rejected_share_allowed"]
    assert (rejected["passed"], rejected["observed"]) == (False, 0.1)


def test_failing_records_are_named(broken: tuple[dict[str, Any], Path]) -> None:
    """Every broken check of records lists exactly the records that break it, by place."""
    failing = broken[0]["failing"]
    places = {name: [one["locator"] for one in rows] for name, rows in failing.items()}
    assert places["assistant.id_unique"] == ["line=1", "line=2"]
    assert places["assistant.id_present"] == ["line=3"]
    assert places["assistant.document_in_one_split"] == ["line=5", "line=6"]
    assert places["assistant.tokens_within_limit"] == ["line=14", "line=15"]
    assert places["assistant.tokens_known"] == ["line=17"]
    assert places["assistant.turns_enough"] == ["line=21"]
    assert not any(name.startswith("corpus.") for name in places)


def test_same_data_same_bytes(
    broken: tuple[dict[str, Any], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder, time zone and hash seed give the same files, and no table is left behind."""
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    again = held(BROKEN, tmp_path / "again", BROKEN_GATE, BROKEN_LIMITS)
    assert again == broken[0]
    names = sorted(path.name for path in (tmp_path / "again").iterdir())
    assert names == ["gate.json", "suite.json"]
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (broken[1] / name).read_bytes()


def test_no_records_at_all(broken: tuple[dict[str, Any], Path]) -> None:
    """A target without a record: its training file is too small, and no share divides by zero."""
    checks = by_name(broken[0])
    failed = {
        n for (target, n), check in checks.items() if target == "nothing" and not check["passed"]
    }
    assert failed == {
        "train_records_enough",
        "language_share_vi_enough",
        "language_share_en_enough",
    }


def test_a_long_list_of_failing_records_is_cut(broken: tuple[dict[str, Any], Path]) -> None:
    """Only the first 20 of many are listed; the count tells all."""
    told = broken[0]
    assert by_name(told)["many", "tokens_within_limit"]["unexpected"] == 50
    shown = told["failing"]["many.tokens_within_limit"]
    assert [one["id"] for one in shown] == [f"{number:020d}" for number in range(20)]


def test_a_dead_child_is_an_error_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that cannot be held ends the run with the cause; an old answer is not believed."""
    dying = (
        "import os, sys; print('first\\nno memory left', file=sys.stderr, flush=True); os._exit(7)"
    )
    spy_on_child(tmp_path / "spy", monkeypatch, dying)
    folder = tmp_path / "gate"
    folder.mkdir()
    folder.joinpath("gate.json").write_text('{"passed": true, "checks": []}')
    metrics = tmp_path / "metrics.parquet"
    pl.DataFrame([row(1)], schema=METRICS).write_parquet(metrics)
    with pytest.raises(PrepError, match="ended with 7: no memory left"):
        check_gate(Gate(), {"assistant": TargetLimits()}, metrics, COUNTS, folder)
    assert [path.name for path in folder.iterdir()] == ["suite.json"]


def test_records_of_an_unknown_target_are_our_bug(tmp_path: Path) -> None:
    """No record may pass unseen because its target is not in the gate's list."""
    with pytest.raises(LawBroken, match="corpus"):
        held([row(1, target="corpus")], tmp_path / "gate", Gate())
