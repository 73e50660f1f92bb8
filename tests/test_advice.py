"""Fine-tune or RAG: how fast sources change, what prompts repeat, and the verdict from both."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commands.estimate import estimate_costs
from pipeline.costs.advice import LITTLE, VERDICTS, advise
from pipeline.costs.history import DAYS_A_MONTH, History, read_history
from pipeline.costs.repeated import Repeated, find_repeated, shared_opening
from pipeline.costs.told import told_estimate
from pipeline.errors import RecipeError
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare
from pipeline.storage import Aws, open_place

pytestmark = pytest.mark.usefixtures("warm_gate")

RECIPE = """\
name: tea
sources: [{path: "pairs/*.jsonl"}]
stages: [label]
targets: {assistant: {model: nova-lite}}
split: {validation: 0.0}
job:
  role_arn: arn:aws:iam::111122223333:role/BedrockCustomization
  output_uri: s3://sen-tea-data/models
publish: {uri: "s3://sen-tea-data/tea"}
"""
RULES = "You are the tea house's clerk. Be polite, be brief, and answer in the guest's language. "
DAY = 86_400


def pair(number: int, answer: str = "minutes") -> dict[str, Any]:
    """A question with the rules before it and a demand after it."""
    question = f"{RULES}How long does tea number {number} steep? Answer in one line."
    return {"prompt": question, "completion": f"{number} {answer}."}


def write(folder: Path, number: int, answer: str = "minutes") -> None:
    lines = [json.dumps(pair(10 * number + n, answer)) for n in range(10)]
    (folder / "pairs").mkdir(exist_ok=True)
    (folder / "pairs" / f"{number}.jsonl").write_text("\n".join(lines) + "\n")


def run(folder: Path, age_in_days: float) -> None:
    """A run that was published so long ago."""
    (folder / "recipe.yaml").write_text(RECIPE)
    options = Options(output=str(folder / "out"), workers=1)
    recipe = load_recipe(folder / "recipe.yaml")
    made = prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False))
    manifest = folder / "out" / "runs" / made.run / "manifest.json"
    when = manifest.stat().st_mtime - age_in_days * DAY
    os.utime(manifest, (when, when))


def history(share: float | None) -> History:
    """One whose sources change by that share in a month."""
    if share is None:
        return History(1, 0.0, 0, 0, 0, 10.0)
    return History(2, DAYS_A_MONTH, 0, round(share * 1000), 0, 1000.0)


def repeated(tokens: int) -> Repeated:
    return Repeated(100, "Be brief.", 1.0, "", "", tokens)


@pytest.mark.parametrize(
    ("share", "tokens", "labelled", "verdict"),
    [
        (0.01, 400, True, "fine-tune"),
        (0.2, 400, True, "fine-tune"),  # not above
        (0.21, 400, True, "both"),
        (0.9, LITTLE - 1, True, "rag"),
        (0.9, 400, False, "rag"),
        (0.01, 0, False, "fine-tune"),
        (None, 400, True, "unknown"),
    ],
)
def test_the_verdict_follows_its_rule(
    share: float | None, tokens: int, labelled: bool, verdict: str
) -> None:
    """And its reasons hold the numbers that it rests on."""
    made = advise(history(share), repeated(tokens), labelled)
    assert made.verdict == verdict
    assert (f"{share:.1%} a month" if share else "days apart") in made.because[0]
    assert verdict in VERDICTS


def test_the_share_is_of_a_month() -> None:
    """Three of ten sources in ten days are 91 % a month; a single run tells nothing."""
    assert History(3, 10.0, 1, 1, 1, 10.0).share_a_month == pytest.approx(0.3 * 3.04375)
    assert History(1, 0.0, 0, 0, 0, 10.0).share_a_month is None
    assert History(5, 0.2, 9, 9, 9, 10.0).share_a_month is None


def test_a_run_is_advised_from_the_runs_before_it(tmp_path: Path) -> None:
    """Ten sources; in 30 days one changes, one comes: 20 % of 10.5 sources, 19 % a month."""
    for number in range(10):
        write(tmp_path, number)
    run(tmp_path, age_in_days=30)
    write(tmp_path, 3, "hours")
    write(tmp_path, 10)
    run(tmp_path, age_in_days=0)
    own = ["base_input_per_1k_tokens=0.0003"]
    made = estimate_costs(str(tmp_path / "out"), prices=own, calls_per_month=1_000_000)
    advice = made.advice
    assert advice is not None and advice.repeated is not None
    assert (advice.history.added, advice.history.changed, advice.history.removed) == (1, 1, 0)
    assert advice.history.share_a_month == pytest.approx(2 / 10.5 / 30 * DAYS_A_MONTH, rel=1e-3)
    assert advice.verdict == "fine-tune"
    assert made.break_even[0].saved_usd_a_call == pytest.approx(advice.repeated.tokens * 3e-7)
    told = told_estimate(made)
    assert "advice: fine-tune" in told and "on_demand has paid for its training" in told
    often = estimate_costs(str(tmp_path / "out"), rag_above=0.05).advice
    assert often is not None and often.verdict in {"rag", "both"}


def test_runs_of_another_recipe_do_not_count(tmp_path: Path) -> None:
    """What changed from one recipe's sources to another's is no change of knowledge."""
    write(tmp_path, 1)
    run(tmp_path, age_in_days=30)
    [path] = (tmp_path / "out" / "runs").glob("*/manifest.json")
    manifest = json.loads(path.read_bytes()) | {"name": "coffee"}
    path.write_text(json.dumps(manifest))
    os.utime(path, (1e9, 1e9))
    write(tmp_path, 2)
    run(tmp_path, age_in_days=0)
    advice = estimate_costs(str(tmp_path / "out")).advice
    assert advice is not None and advice.history.runs == 1
    assert len(open_place(str(tmp_path / "out"), Aws()).published()) == 2


def test_many_runs_of_another_recipe_do_not_hide_the_runs_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last runs that count are the recipe's own."""
    monkeypatch.setattr("pipeline.costs.history.MOST_RUNS", 2)
    place = open_place(str(tmp_path / "out"), Aws())
    for number, name in enumerate(["tea", "tea", "tea", "coffee", "coffee"]):
        write(tmp_path, number)
        run(tmp_path, age_in_days=0)
        newest = max((tmp_path / "out" / "runs").glob("*/manifest.json"), key=os.path.getmtime)
        newest.write_text(json.dumps(json.loads(newest.read_bytes()) | {"name": name}))
        os.utime(newest, (1e9 + 1e6 * number, 1e9 + 1e6 * number))
    assert read_history(place, "tea").runs == 2
    assert read_history(place, "tea").days == 11.57


def test_what_prompts_repeat_is_found_in_every_shape() -> None:
    """The system prompt, the opening, the ending: in Converse's, OpenAI's and plain records."""
    plain = find_repeated([pair(n) for n in range(9)], "prompt_completion")
    assert plain.opening == f"{RULES}How long does tea number "
    assert plain.ending == " steep? Answer in one line."
    turns = [
        {
            "system": [{"text": RULES}],
            "messages": [{"role": "user", "content": [{"text": f"Tea {n} is what?"}]}],
        }
        for n in range(9)
    ]
    told = find_repeated(turns, "conversation")
    assert (told.system, told.system_share, told.opening) == (RULES, 1.0, "Tea ")
    openai = [
        {"messages": [{"role": "system", "content": RULES}, {"role": "user", "content": f"{n}?"}]}
        for n in range(9)
    ]
    assert find_repeated(openai, "reinforcement").system == RULES
    assert find_repeated([], "conversation").tokens == 0


def test_a_question_that_repeats_is_no_frame() -> None:
    """Nor is what only half of the prompts share, nor a part of a word."""
    assert shared_opening(["What is tea?"] * 9 + ["Why?"]) == ""
    assert shared_opening(["the tea a", "the tea b", "coffee", "water"]) == ""
    assert shared_opening(["teapot", "teacup", "teahouse"]) == ""


@given(st.lists(st.text(alphabet="ab ", max_size=8), max_size=9))
def test_the_opening_is_the_longest_that_most_share(said: list[str]) -> None:
    """Against every beginning of every text, one by one."""
    found = shared_opening(said)
    shared = [
        text[:end]
        for text in said
        for end in range(1, len(text) + 1)
        if text[end - 1] == " " and sum(one.startswith(text[:end]) for one in said) * 2 > len(said)
    ]
    assert not found or found in shared
    if found:
        assert len(found) == max(map(len, shared))


def test_tokens_saved_that_cannot_be_measured_must_be_given(tmp_path: Path) -> None:
    """The lines of a run may have been moved away; then nothing is made up."""
    write(tmp_path, 1)
    run(tmp_path, age_in_days=0)
    [lines] = (tmp_path / "out" / "runs").glob("*/assistant/train.jsonl")
    lines.unlink()
    with pytest.raises(RecipeError, match="give --prompt-tokens-saved"):
        estimate_costs(str(tmp_path / "out"), calls_per_month=1000)
    advice = estimate_costs(str(tmp_path / "out")).advice
    assert advice is not None and "could not be measured" in advice.because[1]
