"""`estimate`: costs are counted by hand here, and no price is made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_run import change_manifest, copy_run, run_folder

from pipeline.bedrock.cards import find_card, load_cards
from pipeline.commands.estimate import estimate_costs
from pipeline.costs.break_even import Calls
from pipeline.costs.estimate import ITEMS, Question, Tokens, estimate
from pipeline.costs.tokens import file_tokens
from pipeline.costs.told import told_estimate
from pipeline.errors import DataError, RecipeError, StorageError
from pipeline.tokens import TURN_OVERHEAD, token_bound, token_estimate


def question(model: str, word: str | None = None, **more: Any) -> Question:
    card = find_card(model)
    tokens = Tokens(records=10, bound=200_000, estimate=150_000)
    asked: dict[str, Any] = {"card": card, "plan": card.plan(word), "tokens": tokens, "epochs": 2}
    return Question(**(asked | more))


def test_training_costs_tokens_times_epochs_times_price() -> None:
    """Nova 2 Lite at 0.00378 a thousand: the bound and the likely cost."""
    made = estimate(question("nova-2-lite"))
    assert made.training.usd == pytest.approx(200 * 2 * 0.00378)
    assert made.training_likely_usd == pytest.approx(150 * 2 * 0.00378)
    assert (made.training.date, made.training.confidence) == ("2026-08-02", "third_party")


def test_the_callers_price_wins_and_says_so() -> None:
    made = estimate(question("nova-2-lite"), {"train_per_1k_tokens": 0.01})
    assert made.training.usd == pytest.approx(4.0)
    assert made.training.confidence == "user"
    price = made.prices["train_per_1k_tokens"]
    assert price is not None and price.confidence == "user"


def test_a_missing_price_is_named_and_never_made_up(tmp_path: Path) -> None:
    """Llama 3.3 has none for training: no cost, the item's name, and how to give it."""
    path = tmp_path / "train.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    made = estimate_costs(str(path), model="llama-3-3-70b")
    assert made.training.usd is None and made.training_likely_usd is None
    assert "train_per_1k_tokens" in made.missing
    assert "give --price train_per_1k_tokens=USD" in told_estimate(made)
    assert json.loads(json.dumps(made.as_json()))["training"]["usd"] is None


@pytest.mark.parametrize("name", sorted(load_cards()))
def test_every_price_comes_from_a_card_with_date_and_confidence(name: str) -> None:
    """For every model and customization; what no card has stays None."""
    card = find_card(name)
    for plan in card.customizations.values():
        made = estimate(question(name, plan.customization), calls=Calls(1000, 1000))
        for item, price in made.prices.items():
            assert item in ITEMS
            assert price is None or price in card.prices
            assert price is None or (price.date and price.confidence)
        if made.training.item in made.missing:
            assert made.training.usd is None


def test_break_even_against_the_longer_prompt() -> None:
    """1,500 tokens saved at 0.0003 a thousand are 0.00045 a call; storage is 1.95 a month."""
    own = {"base_input_per_1k_tokens": 0.0003}
    made = estimate(question("nova-2-lite"), own, Calls(100_000, 1500))
    on_demand, hourly, monthly = made.break_even
    assert on_demand.hosting == "on_demand"
    assert on_demand.saved_usd_a_call == pytest.approx(0.00045)
    assert on_demand.calls_a_month == 4334  # 1.95 / 0.00045 = 4333.3
    assert on_demand.months == pytest.approx(200 * 2 * 0.00378 / (45 - 1.95))
    assert hourly.fixed_usd_a_month == pytest.approx(1.95 + 730 * 60.5)
    assert monthly.hosting == "provisioned_1_month_hour"
    assert hourly.months is None  # 45 dollars saved a month never pay for 44,166
    assert "not paid back" in told_estimate(made)


@pytest.mark.parametrize(
    ("custom", "left", "a_call"),
    [
        (0.0003, None, 0.00045),
        (0.0003, 4000, 0.00045),
        (0.0006, None, None),
        (0.0006, 1000, 0.00045 - 0.0003),
        (0.0006, 2000, 0.00045 - 0.0006),
        (0.0001, 1000, 0.00045 + 0.0002),
    ],
)
def test_break_even_by_the_custom_models_own_price(
    custom: float, left: int | None, a_call: float | None
) -> None:
    """What is left of a prompt costs more, or less; a model unit is billed by the hour alone."""
    own = {"base_input_per_1k_tokens": 0.0003, "custom_input_per_1k_tokens": custom}
    made = estimate(question("nova-2-lite"), own, Calls(100_000, 1500, left))
    found = {one.hosting: one for one in made.break_even}
    if a_call is None:
        assert "on_demand" not in found
        assert any(
            "give --prompt-tokens" in note and "price differs" in note for note in made.notes
        )
    else:
        assert found["on_demand"].saved_usd_a_call == pytest.approx(a_call)
        assert (found["on_demand"].calls_a_month is None) == (a_call < 0)
    unit = found["provisioned_no_commitment_hour"]
    assert unit.saved_usd_a_call == pytest.approx((1500 + (left or 0)) * 0.0003 / 1000)


def test_a_prompt_that_saves_nothing_never_pays() -> None:
    own = {"base_input_per_1k_tokens": 0.0003}
    made = estimate(question("nova-2-lite"), own, Calls(100_000, 0))
    assert made.break_even[0].calls_a_month is None
    assert "never pays off" in told_estimate(made)


def test_break_even_wants_the_base_models_price() -> None:
    """The custom model's own rate is another price: it does not stand in."""
    made = estimate(question("nova-2-lite"), calls=Calls(100_000, 1500))
    assert made.break_even == []
    assert made.missing == ["base_input_per_1k_tokens"]


def test_image_models_bill_steps_and_batches() -> None:
    """Nova Canvas: 500 steps of 8 images at 0.005; without steps the note says what is missing."""
    made = estimate(question("nova-canvas", steps=500, batch_size=8))
    assert made.training.usd == pytest.approx(500 * 8 * 0.005)
    made = estimate(question("nova-canvas", batch_size=8))
    assert made.training.usd is None and any("--steps" in note for note in made.notes)


def test_reinforcement_hours_are_not_foretold() -> None:
    made = estimate(question("nova-2-lite", "rft"), {"train_hour": 30.0})
    assert made.training.usd is None
    assert any("cannot be predicted" in note for note in made.notes)


def test_prices_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        estimate(question("nova-lite"), {"train_per_1k_token": 1.0, "train_hour": -1.0})
    assert "did you mean 'train_per_1k_tokens'" in caught.value.faults[0]
    assert "not an amount" in caught.value.faults[1]
    for price in ("train_hour", "train_hour=cheap"):
        with pytest.raises(RecipeError, match="ITEM=USD"):
            estimate_costs(str(tmp_path), prices=[price])
    with pytest.raises(RecipeError, match="needs --calls-per-month too"):
        estimate_costs(str(tmp_path), prompt_tokens_saved=5)
    with pytest.raises(RecipeError, match=r"--prompt-tokens: needs --calls-per-month too"):
        estimate_costs(str(tmp_path), prompt_tokens=5)


LINES: dict[str, list[dict[str, Any]]] = {
    "prompt_completion": [{"prompt": "Trà sen là gì?", "completion": "A tea scented with lotus."}],
    "pretraining": [{"input": "Tea grows on hills. " * 40}],
    "conversation": [
        {
            "schemaVersion": "bedrock-conversation-2024",
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "Hello"}, {"image": {"format": "png"}}]},
                {"role": "assistant", "content": [{"text": "Xin chào"}]},
            ],
        }
    ],
    "image_caption": [{"image-ref": "s3://b/a.png", "caption": "A cup of tea."}],
}
TEXTS = {
    "prompt_completion": ["Trà sen là gì?", "A tea scented with lotus."],
    "pretraining": ["Tea grows on hills. " * 40],
    "conversation": ["Be brief.", "Hello", "Xin chào"],
    "image_caption": ["A cup of tea."],
}


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_files_tokens_are_those_of_its_texts(name: str, tmp_path: Path) -> None:
    """Over more lines than are read at once; no key, role or URI is counted."""
    path = tmp_path / "train.jsonl"
    times = 2001
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES[name]) * times)
    frame = pl.DataFrame({"text": TEXTS[name]})
    bound = frame.select((token_bound(pl.col("text")) + TURN_OVERHEAD).sum()).item()
    likely = frame.select((token_estimate(pl.col("text")) + TURN_OVERHEAD).sum()).item()
    images = times if name in {"conversation", "image_caption"} else 0
    assert file_tokens(path, [name]) == Tokens(times, bound * times, likely * times, images)


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    for bad in ("[1]", "{", ""):
        path.write_text('{"prompt": "a", "completion": "b"}\n' + bad + "\n")
        with pytest.raises(DataError, match=r"train\.jsonl:2: is not a JSON object"):
            estimate_costs(str(path), model="nova-lite")


def test_turns_that_are_none_hold_no_images(tmp_path: Path) -> None:
    """It is for `check` to say what is wrong with them."""
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages": 5}\n{"messages": null}\n{"messages": "a"}\n{"messages": {}}\n')
    assert file_tokens(path, ["conversation"]) == Tokens(4, 0, 0, 0)


def test_a_file_wants_a_model(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    with pytest.raises(RecipeError, match="name the model with --model"):
        estimate_costs(str(path))
    with pytest.raises(StorageError):
        estimate_costs(str(tmp_path / "nothing"))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return copy_run(tmp_path)


def test_a_run_brings_its_model_epochs_and_tokens(output: Path) -> None:
    """The manifest's bound, an estimate of the same lines, and the recipe's three epochs."""
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    told = manifest["targets"]["assistant"]
    made = estimate_costs(str(output))
    assert (made.model, made.customization, made.epochs) == ("nova-lite", "FINE_TUNING", 3)
    assert made.tokens.bound == told["tokens"]["train"]
    assert made.tokens.records == told["records"]["train"]
    assert made.tokens.estimate is not None and 0 < made.tokens.estimate < made.tokens.bound
    assert made.training.usd == told["cost"]["usd"]
    assert estimate_costs(str(output), epochs=1).training.usd == pytest.approx(
        told["cost"]["usd"] / 3
    )


@pytest.mark.parametrize(
    ("all_targets", "own", "epochs"),
    [
        ({"epochCount": 5}, None, 5),
        ({"epochCount": 5}, {}, 5),
        ({"epochCount": 5}, {"epochCount": "4"}, 4),
        ({"epochCount": 5}, {"learningRate": 0.00001}, 2),
    ],
)
def test_epochs_are_those_of_the_job(
    output: Path, all_targets: dict[str, Any], own: dict[str, Any] | None, epochs: int
) -> None:
    """A target's own hyperparameters stand in place of the recipe's, as in its job.json."""
    path = run_folder(output) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    job = manifest["recipe"]["job"]
    manifest["recipe"]["job"] = job | {"hyperparameters": all_targets}
    target = manifest["recipe"]["targets"]["assistant"]
    target["job"] = None if own is None else job | {"hyperparameters": own}
    path.write_text(json.dumps(manifest))
    assert estimate_costs(str(output), target="assistant").epochs == epochs


def test_another_model_is_asked_about_the_same_run(output: Path) -> None:
    made = estimate_costs(str(output), model="nova-2-lite", target="plain")
    assert (made.model, made.customization) == ("nova-2-lite", "FINE_TUNING")
    with pytest.raises(RecipeError, match="has no model"):
        estimate_costs(str(output), target="plain")
    with pytest.raises(RecipeError, match="the run has assistant, plain"):
        estimate_costs(str(output), target="nothing")


def test_of_several_targets_one_is_named(output: Path) -> None:
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    targets = manifest["targets"] | {"second": manifest["targets"]["assistant"]}
    change_manifest(output, targets=targets)
    with pytest.raises(RecipeError, match="name one with --target"):
        estimate_costs(str(output))
    with pytest.raises(RecipeError, match="name one with --target"):
        estimate_costs(str(output), model="nova-lite")


def test_epochs_that_nobody_knows_are_told(output: Path) -> None:
    """Distillation documents no default: one epoch is counted, and the note says so."""
    made = estimate_costs(str(output), model="nova-micro", customization="distillation")
    assert made.epochs == 3  # the run's own
    made = estimate(question("nova-micro", "distillation", epochs=1, epochs_known=False))
    assert any("no default of epochs" in note for note in made.notes)
    assert any("teacher" in note for note in made.notes)


def test_a_price_that_is_given_is_used_or_named() -> None:
    """A commitment that no card prices, and an item that nothing is billed by."""
    own = {"base_input_per_1k_tokens": 0.0003, "provisioned_6_month_hour": 50.0, "train_hour": 3.0}
    made = estimate(question("nova-2-lite"), own, Calls(100_000, 1500))
    unit = next(one for one in made.break_even if one.hosting == "provisioned_6_month_hour")
    assert unit.fixed_usd_a_month == pytest.approx(1.95 + 730 * 50)
    assert any("the price of train_hour is not used" in note for note in made.notes)
    assert sum("is not used" in note for note in made.notes) == 1


def test_the_recipes_own_prices_are_used_for_its_run(output: Path) -> None:
    """As in the run's manifest; `--price` wins, and another model has other prices."""
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    recipe = manifest["recipe"]
    recipe["targets"]["assistant"]["prices"] = {"train_per_1k_tokens": 7.0}
    change_manifest(output, recipe=recipe)
    made = estimate_costs(str(output))
    assert made.training.price == 7.0
    assert estimate_costs(str(output), prices=["train_per_1k_tokens=8"]).training.price == 8.0
    assert estimate_costs(str(output), model="nova-2-lite").training.price != 7.0


def test_a_distillation_is_bounded_by_the_longest_answers() -> None:
    """10 answers of at most 500 tokens; without their length, nothing is called an upper bound."""
    price = {"train_per_1k_tokens": 0.001}
    made = estimate(question("nova-lite", "distillation", answer_tokens=500), price)
    assert made.training.usd == pytest.approx((200_000 + 10 * 500) * 2 * 0.001 / 1000)
    assert "at most $0.4100, with the longest answers" in told_estimate(made)
    made = estimate(question("nova-lite", "distillation"), price)
    training = next(line for line in told_estimate(made).splitlines() if "  training: " in line)
    assert training == "  training: $0.4000 for the prompts alone"
    assert not made.as_json()["training"]["upper_bound"]
    assert any("set job.max_response_length" in note for note in made.notes)


def test_completions_count_where_their_length_and_price_are_known() -> None:
    """A model unit saves them; on demand their prices differ."""
    own = {
        "base_input_per_1k_tokens": 0.0003,
        "base_output_per_1k_tokens": 0.002,
        "custom_output_per_1k_tokens": 0.0025,
    }
    made = estimate(question("nova-2-lite"), own, Calls(100_000, 1500, 0, 200))
    found = {one.hosting: one.saved_usd_a_call for one in made.break_even}
    assert found["on_demand"] == pytest.approx(0.00045 - 200 * 0.0005 / 1000)
    assert found["provisioned_no_commitment_hour"] == pytest.approx(0.00045 + 200 * 0.002 / 1000)
    assert not any("completion" in note for note in made.notes)
    without = estimate(question("nova-2-lite"), own, Calls(100_000, 1500, 0))
    assert any("give --completion-tokens" in note for note in without.notes)
