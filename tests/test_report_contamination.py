"""The report's section of contamination: counted as found, shown masked, both sides marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import Run, overlap

from pipeline.report.contamination import KINDS, SAMPLES_MOST, SETS_MOST
from pipeline.report.html import render_page
from pipeline.report.texts import AHEAD, BESIDE, PASSAGE, passages


def text_of(pieces: list[list[str]]) -> str:
    """What the pieces say, one after another."""
    return "".join(text for _, text in pieces)


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_a_passage_is_marked_where_it_is(text: str, one: int, other: int) -> None:
    """Its text is the marked piece, and what stands beside it is the text's own."""
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    [pieces] = passages([(text, start, end)], "plain")
    if start == end:
        assert pieces == []
        return
    marked = [told for kind, told in pieces if kind == "!"]
    assert marked == [text[start:end]]
    assert text_of(pieces) == text[max(start - BESIDE, 0) : end + BESIDE]
    assert (pieces[0] == ["…", ""]) == (start > BESIDE)
    assert (pieces[-1] == ["…", ""]) == (end + BESIDE < len(text))


@pytest.mark.parametrize("start", range(1, 60, 7))
@pytest.mark.parametrize("end", range(1, 60, 7))
def test_a_value_is_masked_wherever_a_passage_parts_it(start: int, end: int) -> None:
    """No part of it is shown on either side of a border."""
    text = "Write to hong.tran.thi@example.org about the kettle, or call nobody."
    first, last = sorted((start, end + 1))
    for before in (0, BESIDE, AHEAD - 20, AHEAD, 3 * AHEAD):
        [pieces] = passages(
            [("x " * (before // 2) + text, before + first, before + last)], "masked"
        )
        shown = text_of(pieces)
        assert not {"hong", "tran", "thi", "example.org"} & set(shown.replace("@", ".").split("."))
        assert "hong" not in shown
        assert "example" not in shown


def test_a_long_passage_is_shown_by_its_beginning() -> None:
    """However long it is, little of it is told, and that there is more."""
    text = "a word " * 4000
    [pieces] = passages([(text, 70, len(text) - 70)], "masked")
    assert [kind for kind, _ in pieces] == ["=", "!", "…"]
    assert len(pieces[1][1]) == PASSAGE


def test_records_are_counted_once_in_each_set_and_the_page_marks_both_sides(
    tmp_path: Path,
) -> None:
    """By kind, with the few that are shown in the order of kinds; the set that meets most first."""
    run = Run(tmp_path / "run")
    evaluation = run.manifest["evaluation"]
    evaluation["more"] = evaluation[run.text]
    evaluation["none"] = evaluation[run.text]
    run.overlaps += [overlap(n, "more", "share", share=0.75) for n in range(1, 5)]
    run.overlaps += [overlap(5, "more", "exact", share=1.0)]
    told = run.summary()["contamination"]
    assert (told["records"], told["sets"], told["items"], told["hidden"]) == (5, 3, 27, 0)
    by_name: dict[str, Any] = {one["set"]: one for one in told["shown"]}
    assert list(by_name) == ["more", run.text, "none"]
    assert by_name["more"]["kinds"] == dict.fromkeys(KINDS, 0) | {"exact": 1, "share": 4}
    kinds = [sample["kind"] for sample in by_name["more"]["samples"]]
    assert kinds == ["exact", *["share"] * SAMPLES_MOST]
    assert [sample["share"] for sample in by_name["more"]["samples"]] == [100.0, 75.0, 75.0]
    assert by_name["none"]["records"] == 0
    [sample] = by_name[run.text]["samples"]
    assert sample["pieces"] == [["=", "("], ["!", run.text], ["=", ")"]]
    assert sample["item_pieces"] == [["=", "["], ["!", run.text], ["=", "]"]]
    page = render_page(run.summary())
    assert page.count("<mark>") == 2
    assert f"<mark>{run.text}</mark>" in page


def test_of_many_sets_those_are_shown_that_records_meet(tmp_path: Path) -> None:
    """The page stays small, and says how many sets it does not show."""
    run = Run(tmp_path / "run")
    told = run.manifest["evaluation"][run.text]
    run.manifest["evaluation"] |= {f"set-{n:03}": told for n in range(90)}
    run.overlaps += [overlap(9, "set-089")]
    summary = run.summary()["contamination"]
    assert len(summary["shown"]) == SETS_MOST
    assert summary["hidden"] == 91 - SETS_MOST
    assert {one["set"] for one in summary["shown"][:2]} == {run.text, "set-089"}


def test_without_texts_to_show_the_places_are_told(tmp_path: Path) -> None:
    """`samples: none` shows no text of either side."""
    run = Run(tmp_path / "run")
    run.manifest["recipe"] = {"name": "x", "report": {"samples": "none"}}
    [sample] = run.summary()["contamination"]["shown"][0]["samples"]
    assert (sample["pieces"], sample["item_pieces"]) == (None, None)
    assert "<mark>" not in render_page(run.summary())


def test_a_run_without_evaluation_sets_says_so(tmp_path: Path) -> None:
    """It is not said that nothing was found where nothing was looked for."""
    run = Run(tmp_path / "run")
    del run.manifest["evaluation"]
    run.overlaps = []
    told = run.summary()["contamination"]
    assert (told["sets"], told["shown"]) == (0, [])
    assert "names no evaluation set" in render_page(run.summary())
