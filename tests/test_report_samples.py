"""The report's waterfall, its texts and its numbers: they balance, are masked, and agree."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import METRICS, REJECTED, Elements, Run

from pipeline.errors import LawBroken
from pipeline.reasons import all_reasons
from pipeline.record import frame, rejection
from pipeline.report.groups import measure_contradictions
from pipeline.report.html import render_page
from pipeline.report.judged import just_kept, measure_changes
from pipeline.report.reasons_vi import REASONS_VI
from pipeline.report.scores import measure_scores, nearest_kept
from pipeline.report.targets import GATE_FAULTS
from pipeline.report.texts import AHEAD, COMPARED, compare, excerpt, find_texts, shown
from pipeline.report.waterfall import waterfall
from pipeline.report.words import Words
from pipeline.shards import write_frame
from pipeline.stage import SAMPLES
from pipeline.targets import LOSSES

LOSS = st.lists(st.integers(0, 400), max_size=6)


@st.composite
def ledgers(draw: Any) -> list[dict[str, Any]]:
    """Stages that follow one another, some of which divide, and a target's."""
    count, stages = draw(st.integers(0, 3000)), []
    names = [f"s{n}" for n in range(draw(st.integers(1, 5)))]
    for name in [*names, "targets.a", "targets.a.select"]:
        reasons: dict[str, int] = {}
        left = count
        for number, loss in enumerate(draw(LOSS)):
            if 0 < loss <= left:
                reasons[f"{name}.r{number}"] = loss
                left -= loss
        shared = not name.startswith("targets")
        divided = draw(st.integers(0, left)) if shared and draw(st.booleans()) else 0
        chunks = divided * 2
        stages.append(
            {
                "stage": name,
                "came": count,
                "kept": left - divided,
                "rejected": sum(reasons.values()),
                "merged": 0,
                "divided": divided,
                "chunks": chunks,
                "reasons": reasons,
            }
        )
        count = left - divided + chunks
    return stages


@given(ledgers())
def test_every_leg_balances_to_the_record_and_to_100_per_cent(stages: list[dict[str, Any]]) -> None:
    """Whatever the ledger: losses and what is left are what came, in records and in shares."""
    legs = waterfall(stages, set())
    for leg in legs:
        for steps in (leg["steps"], leg["brief"]):
            assert sum(step["records"] for step in steps) + leg["left"] == leg["came"]
            tenths = [round(step["share"] * 10) for step in steps] + [round(leg["share"] * 10)]
            assert sum(tenths) == 1000
            assert len(leg["brief"]) <= 8
        told = {(s["stage"], s["reason"]): s["records"] for s in leg["steps"]}
        asked = {(s["stage"], r): n for s in stages for r, n in s["reasons"].items()}
        assert told.items() <= asked.items()
    assert sum(len(leg["steps"]) for leg in legs) == sum(len(s["reasons"]) for s in stages)
    assert legs[-1]["target"] == "a"


def test_a_leg_that_does_not_balance_is_our_bug() -> None:
    """Two stages of which the second got fewer than the first let go on."""
    one = {"merged": 0, "rejected": 0, "divided": 0, "chunks": 0, "reasons": {}}
    stages = [
        one | {"stage": "a", "came": 9, "kept": 9},
        one | {"stage": "b", "came": 8, "kept": 8},
    ]
    with pytest.raises(LawBroken, match="9 records came in, 9 should be left, but 8 are left"):
        waterfall(stages, set())


def work_folder(folder: Path) -> Path:
    """Shards of two passes: a document that changed, one that was merged, and a conversation."""
    for name in ("pass-00", "pass-01", "rendered"):
        (folder / name).mkdir(parents=True)
    turns = [{"role": "user", "text": "Hi?"}, {"role": "assistant", "text": "Ring 0912 345 678"}]
    rows: list[dict[str, Any]] = [
        {"source": "a", "locator": "", "id": "a", "text": "as it came"},
        {"source": "b", "locator": "", "id": "b", "text": "write to an@sen.vn \n\n today"},
        {"source": "c", "locator": "", "id": "c", "messages": turns, "system": "Be kind"},
    ]
    write_frame(folder / "pass-00" / "00000-0000.kept.arrow", frame(rows))
    merged = rows[1] | {"rejected": rejection("duplicate")}
    write_frame(
        folder / "pass-01" / "00000-0000.rejected.arrow",
        frame([merged]).with_columns(stage=pl.lit("dedup")),
    )
    later = frame([rows[0] | {"text": "as it left"}])
    write_frame(folder / "pass-01" / "00000-0000.kept.arrow", later)
    write_frame(folder / "pass-01" / "00000-0000.sketch.arrow", pl.DataFrame({"id": ["zzz"]}))
    return folder


def test_texts_are_found_as_they_last_were_and_masked(tmp_path: Path) -> None:
    """What a person could be reached by is masked; `plain` shows it, `none` shows nothing."""
    work = work_folder(tmp_path)
    asked = ["a", "b", "c", "not there"]
    masked = find_texts(work, asked, "masked")
    assert masked == {
        "a": "as it left",
        "b": "write to [EMAIL] \n\n today",
        "c": "system: Be kind\nuser: Hi?\nassistant: Ring [PHONE]",
    }
    assert "an@sen.vn" in find_texts(work, asked, "plain")["b"]
    assert find_texts(work, asked, "none") == {}


@pytest.mark.parametrize("length", [COMPARED - 12, COMPARED + AHEAD - 12])
def test_half_a_value_is_not_shown(length: int) -> None:
    """What is before it is, also where masking has made the text much shorter."""
    one = "an.nguyen.van@example.com "
    head = (one * (length // len(one))).ljust(length, "x")
    [text] = shown([f"{head} hong.tran.thi@example.org and so on" + " more" * 2000], "masked")
    assert text.startswith("[EMAIL] " * (min(length, COMPARED) // len(one)))
    assert "hong" not in text
    assert "@" not in text


def test_every_kind_that_redact_knows_is_masked() -> None:
    """Also those that no recipe asked for."""
    [text] = shown(["call 10.20.30.40 or an@sen.vn"], "masked")
    assert text == "call [IP] or [EMAIL]"


def test_an_excerpt_is_one_line_of_240_characters() -> None:
    """White space becomes a blank; a cut is marked."""
    assert excerpt("a\n\n b\t c") == "a b c"
    cut = excerpt("x" * 1000)
    assert cut is not None
    assert (len(cut), cut[-1]) == (240, "…")
    assert excerpt(None) is None


WORDS_OF_TEXT = st.lists(
    st.sampled_from(["tea", "tea ", "\n", "is", " ", "trà", "茶", "."]), max_size=60
)


@given(WORDS_OF_TEXT.map("".join), WORDS_OF_TEXT.map("".join))
def test_a_comparison_tells_both_texts(before: str, after: str) -> None:
    """Without what is left out, its pieces are the one text and the other."""
    pieces = compare(before, after)
    whole = all(kind != "…" for kind, _ in pieces)
    sides = ["".join(text for kind, text in pieces if kind in side) for side in ("=-", "=+")]
    if whole:
        assert sides == [before, after]
    assert all(kind in "=-+…" for kind, _ in pieces)
    if before == after:
        assert not any(kind in "-+" for kind, _ in pieces)


def test_a_small_difference_in_a_long_text_is_shown_with_little_around_it() -> None:
    """A reader sees the word that differs, not a page."""
    words = [f"word{n}" for n in range(400)]
    other = [*words[:200], "DIFFERENT", *words[201:]]
    pieces = compare(" ".join(words), " ".join(other))
    assert ["-", "word200"] in pieces
    assert ["+", "DIFFERENT"] in pieces
    assert sum(len(text) for _, text in pieces) < 300


def test_scores_have_bounds_and_bins_that_hold_every_record(tmp_path: Path) -> None:
    """A measure whose name a setting bounds has its threshold; no record falls out of the bins."""
    measured = pl.DataFrame({"id": [f"{n}" for n in range(1000)], "words": range(1000)})
    measured = measured.with_columns(symbol_ratio=pl.col("words") / 1000, told=pl.lit("x"))
    measured.write_parquet(tmp_path / "quality.parquet")
    recipe = {"stages": [{"quality": {"min_words": 20, "max_symbol_ratio": 0.4}}]}
    words, symbols = measure_scores(tmp_path, recipe)
    least = {"side": "min", "setting": "min_words", "value": 20, "nearest": []}
    assert words["bounds"] == [least]
    most = {"side": "max", "setting": "max_symbol_ratio", "value": 0.4, "nearest": []}
    assert symbols["bounds"] == [most]
    for score in (words, symbols):
        assert sum(one["records"] for one in score["histogram"]) == score["records"] == 1000
        assert len(score["histogram"]) <= 26
    assert (words["min"], words["p50"], words["max"]) == (0, 500, 999)
    assert measure_scores(tmp_path / "nowhere", recipe) == []


def test_thresholds_of_published_rules_are_drawn_too(tmp_path: Path) -> None:
    """Those of a family have settings of their own; both sides of one measure are told."""
    pl.DataFrame({"id": ["1"], "gopher_words": [60.0]}).write_parquet(
        tmp_path / "quality.2.parquet"
    )
    family = {"rules": ["gopher_quality"], "gopher_quality": {"min_words": 51}}
    stages = [{"quality": {}}, {"clean": {}}, {"quality": family}]
    bounds = measure_scores(tmp_path, {"stages": stages})[0]["bounds"]
    told = [(one["side"], one["value"]) for one in bounds]
    assert told == [("min", 51), ("max", 100_000)]


def test_the_kept_records_nearest_to_a_threshold_are_named(tmp_path: Path) -> None:
    """On its good side, whole or in chunks, and none that a later stage has set aside."""
    ids = [f"{n:020d}" for n in range(100)]
    rows = pl.DataFrame({"id": ids, "words": range(100)})
    rows.write_parquet(tmp_path / "quality.parquet")
    kept = [f"{one}.0001" if n == 23 else one for n, one in enumerate(ids) if n not in {20, 22}]
    places = pl.DataFrame({"id": kept}).with_columns(source=pl.lit("a.md"), locator=pl.col("id"))
    places.write_parquet(tmp_path / "metrics.parquet")
    scores = measure_scores(tmp_path, {"stages": [{"quality": {"min_words": 20}}]})
    nearest_kept(scores, tmp_path, tmp_path / "metrics.parquet")
    [bound] = scores[0]["bounds"]
    assert [one["value"] for one in bound["nearest"]] == [21, 23, 24]
    assert bound["nearest"][1]["locator"] == f"{ids[23]}.0001"


def test_contradictions_stand_beside_the_first_answer(tmp_path: Path) -> None:
    """By prompt, the one with the most other answers first."""
    run = Run(tmp_path / "run")
    row = run.rejected[0] | {"reason": "contradiction", "stage": "contradictions"}
    answers = {"a": ["a", "b"], "c": ["c", "d", "e"]}
    run.rejected = [
        row | {"id": own, "value": first, "merged_into": None}
        for first, group in answers.items()
        for own in group
    ]
    metrics, rejected = tmp_path / "metrics.parquet", tmp_path / "rejected.parquet"
    pl.DataFrame(run.metrics, schema=METRICS).write_parquet(metrics)
    pl.DataFrame(run.rejected, schema=REJECTED).write_parquet(rejected)
    told = measure_contradictions(metrics, rejected)
    assert (told["groups"], told["records"]) == (2, 3)
    shown = [(one["id"], [member["id"] for member in one["members"]]) for one in told["largest"]]
    assert shown == [("c", ["d", "e"]), ("a", ["b"])]


DRIFT = {
    "before": "0123abcd",
    "rejected": 0.0123,
    "merged": 0.0,
    "sources_removed": 0.25,
    "targets": {
        "corpus": {"records_before": 90, "records_after": 98, "tokens": 0.31, "languages": 0.05},
        "new": {"records_before": 0, "records_after": 4, "tokens": None, "languages": None},
    },
}


@pytest.mark.parametrize(("language", "word"), [("en", "clearly different"), ("vi", "đã khác")])
def test_drift_is_told_at_a_glance_and_in_full(tmp_path: Path, language: str, word: str) -> None:
    """The worst distance of each target in a word; the first run has nothing to compare with."""
    run = Run(tmp_path / "run")
    run.manifest["drift"] = DRIFT
    told, words = run.summary(), Words(language)
    page = render_page(told, language)
    glance = page[: page.index("<main>")]
    assert f"corpus: 90 → 98 · {word} ({words.measure(0.31)})" in glance
    assert "new: 0 → 4<" in glance
    assert f"+{words.measure(0.0123)}" in glance
    section = page[page.index('<section id="drift"') :]
    assert "0123abcd" in section
    assert words("stable") in section
    assert words("first_run") in render_page(told | {"drift": None}, language)


def test_changes_have_counts_and_masked_samples(tmp_path: Path) -> None:
    """Counted by kind; at most three samples each, compared after masking."""
    row = {"stage": "clean", "source": "a.md", "locator": "", "kind": "control"}
    texts = {"before": "a\x07 b an@sen.vn", "after": "a b an@sen.vn"}
    rows = [row | texts | {"id": f"{n}"} for n in range(5)]
    pl.DataFrame(rows, schema={"stage": pl.String, **SAMPLES}).write_ipc(tmp_path / "samples.arrow")
    told = measure_changes({"clean": {"control": 7}}, tmp_path / "samples.arrow", "masked")
    [change] = told["shown"]
    assert (change["kind"], change["changes"], len(change["samples"])) == ("control", 7, 3)
    text = "".join(text for _, text in change["samples"][0]["pieces"])
    assert "[EMAIL]" in text
    assert "sen.vn" not in text
    told = measure_changes({"clean": {"control": 7}}, tmp_path / "samples.arrow", "none")
    assert told["shown"][0]["samples"] == []


def test_what_a_limit_only_just_lets_through_comes_first(tmp_path: Path) -> None:
    """Records over the limit are none of it, ties are broken by id."""
    tokens = [10, 90, 100, 100, 101, 50]
    rows = (
        pl.DataFrame({"tokens": tokens})
        .with_row_index("n")
        .with_columns(
            target=pl.lit("a"),
            id=pl.col("n").cast(pl.String),
            source=pl.lit("s"),
            locator=pl.lit(""),
        )
    )
    rows.write_parquet(tmp_path / "metrics.parquet")
    [told] = just_kept(tmp_path / "metrics.parquet", {"a": 100})
    assert [(one["id"], one["tokens"]) for one in told["samples"][:3]] == [
        ("3", 100),
        ("2", 100),
        ("1", 90),
    ]


def test_the_samples_of_a_reason_are_those_nearest_to_its_threshold(tmp_path: Path) -> None:
    """What was only just rejected is what a reviewer wants to see."""
    run = Run(tmp_path / "run")
    for number, value in enumerate((1, 19, 3, 18, 2, 17)):
        row = run.rejected[0] | {"id": f"{900 + number}", "reason": "too_short"}
        run.rejected.append(row | {"stage": "quality", "value": str(value), "threshold": "20"})
    run.manifest["stages"][0] |= {"came": 13, "kept": 12}
    quality = {"stage": "quality", "came": 12, "kept": 6, "rejected": 6, "merged": 0}
    run.manifest["stages"].insert(
        1, quality | {"divided": 0, "chunks": 0, "reasons": {"too_short": 6}}
    )
    told = run.summary()["reasons"]["shown"][0]
    assert [one["value"] for one in told["samples"]] == ["19", "18", "17", "3", "2"]


def test_every_reason_is_told_in_vietnamese() -> None:
    """A Vietnamese reader is not left with English meanings."""
    assert (all_reasons() | LOSSES) - REASONS_VI.keys() == set()


def test_every_fault_of_the_gate_is_told_in_vietnamese() -> None:
    """In the page's own words; others are quoted and marked as English."""
    assert {f"gate.{name}" for name in GATE_FAULTS} <= REASONS_VI.keys()


NUMBER = re.compile(r"(?<![\w.,-])\d[\d.,]*")
CONSTANTS = {"100", "100.0", "0.1", "0.25", "1,000"}
"""Numbers of the page's own words: `sum to 100 %`, `per 1,000 tokens`."""


READ_OUT = {"aria-label", "title", "alt"}


class Texts(Elements):
    """A page with each piece of its text apart."""

    def __init__(self, page: str) -> None:
        self.texts: list[str] = []
        super().__init__(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def with_unique_numbers(tree: Any, numbers: Any) -> Any:
    """The same tree with every number another one, and no digit left in a text."""
    if isinstance(tree, dict):
        return {key: with_unique_numbers(value, numbers) for key, value in tree.items()}
    if isinstance(tree, list):
        return [with_unique_numbers(value, numbers) for value in tree]
    if isinstance(tree, str):
        return re.sub(r"\d", "x", tree)
    if isinstance(tree, bool) or tree is None:
        return tree
    return next(numbers) if isinstance(tree, int) else next(numbers) + 0.5


def numbers_in(tree: Any) -> set[float]:
    """Every number of a tree."""
    if isinstance(tree, dict | list):
        values = tree.values() if isinstance(tree, dict) else tree
        return set().union(*(numbers_in(value) for value in values)) if values else set()
    is_number = isinstance(tree, int | float) and not isinstance(tree, bool)
    return {tree} if is_number else set()


def written(numbers: set[float], words: Words) -> set[str]:
    """Every way in which the page may write these numbers."""
    told = {words.measure(number) for number in numbers}
    told |= {words.number(number, digits) for number in numbers for digits in (0, 1, 2)}
    return told | {words.size(int(number)).split()[0] for number in numbers}


def test_every_number_of_the_page_is_one_of_the_summary(tmp_path: Path) -> None:
    """With every number of the summary changed to one of its own, the page shows only those."""
    run = Run(tmp_path / "run")
    assert run.gate is not None
    run.gate["checks"][0] |= {"passed": False, "unexpected": 2}
    changed = with_unique_numbers(run.summary(), itertools.count(1_000_003, 7))
    page = Texts(render_page(changed))
    known = written(numbers_in(changed), Words("en")) | CONSTANTS
    told = page.texts + [value for name, value in page.values if value and name in READ_OUT]
    seen = {number.rstrip(".,") for text in told for number in NUMBER.findall(text)}
    assert len(seen) > 100
    assert [(one, t) for one in seen - known for t in told if one in t] == []
