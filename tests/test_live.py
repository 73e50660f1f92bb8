"""Bedrock's own answers over HTTP: exact tokens, and models that have changed since the cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from fake_bedrock import FakeBedrock, Refused, serve_bedrock

from pipeline.bedrock.cards import find_card, load_cards
from pipeline.bedrock.count_tokens import bedrock_counter, file_counter, runtime_model_id
from pipeline.bedrock.live import drift, live_models
from pipeline.check import check_files
from pipeline.errors import PrepError, RecipeError, StorageError

LISTED = {
    "FINE_TUNING": [("amazon.nova-lite-v1:0:300k", "LEGACY"), ("acme.new-model-v1:0", "ACTIVE")],
    "CONTINUED_PRE_TRAINING": [("amazon.nova-micro-v1:0:128k", "ACTIVE")],
    "DISTILLATION": [("amazon.nova-lite-v1:0:300k", "LEGACY")],
}


@pytest.fixture
def bedrock() -> Iterator[FakeBedrock]:
    with serve_bedrock(s3=None) as fake:
        fake.listed = LISTED
        yield fake


def asked_of(fake: FakeBedrock) -> list[dict[str, Any]]:
    """What CountTokens was asked."""
    return [request for name, request in fake.calls if name == "CountTokens"]


def test_tokens_are_counted_by_the_model_itself(bedrock: FakeBedrock) -> None:
    """One call a text, by the id that the runtime knows."""
    count = bedrock_counter(find_card("nova-lite"), endpoint_url=bedrock.url)
    assert list(count(["abc", "trà"])) == [3, 3]
    assert [request["modelId"] for request in asked_of(bedrock)] == ["amazon.nova-lite-v1:0"] * 2


def test_counting_outlasts_throttling(bedrock: FakeBedrock) -> None:
    """Bedrock slows an account down; the client tries again."""
    bedrock.throttle = 1
    assert bedrock_counter(find_card("nova-lite"), endpoint_url=bedrock.url)(["abc"]) == [3]


def test_what_the_service_model_refuses_is_told(bedrock: FakeBedrock) -> None:
    """A customization that Bedrock does not list by is refused by the fake as by the service."""
    with pytest.raises(Refused, match="enum"):
        bedrock.list_models({"byCustomizationType": "REINFORCEMENT_FINE_TUNING"})
    with pytest.raises(Refused, match="not null"):
        bedrock.count_tokens({"modelId": "amazon.nova-lite-v1:0"})


def test_every_card_has_a_runtime_id() -> None:
    """Without the context length that only customization jobs name."""
    ids = {card.name: runtime_model_id(card) for card in load_cards().values()}
    assert ids["nova-2-lite"] == "amazon.nova-2-lite-v1:0"
    assert ids["gpt-oss-20b"] == "openai.gpt-oss-20b-1:0"
    assert not [name for name in ids.values() if name.endswith("k")]


def test_only_records_that_may_not_fit_are_counted(bedrock: FakeBedrock, tmp_path: Path) -> None:
    """A record between the estimate and the bound is decided by the exact count."""
    lines = [
        {"schemaVersion": "bedrock-conversation-2024",
         "messages": [{"role": "user", "content": [{"text": "word " * size}]},
                      {"role": "assistant", "content": [{"text": "Yes."}]}]}
        for size in (10, 28_000)
    ] * 4  # fmt: skip
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    plan = find_card("nova-lite").plan("sft")
    guessed = check_files([path], plan=plan)
    assert guessed.tokens["may_not_fit"] == 4
    count = bedrock_counter(find_card("nova-lite"), endpoint_url=bedrock.url)
    counted = check_files([path], plan=plan, count_tokens=count)
    assert counted.tokens["may_not_fit"] == 0
    assert counted.tokens["do_not_fit"] == 4
    assert len(asked_of(bedrock)) <= 4 * 2


def test_drift_between_cards_and_bedrock_is_told(bedrock: FakeBedrock) -> None:
    """New models, new life cycles, customizations that came or went."""
    told = {
        (one.model, one.what) for one in drift(live_models("us-east-1", bedrock.url), "us-east-1")
    }
    assert ("acme.new-model-v1", "Bedrock lists it, but no card does") in told
    assert ("nova-lite", "Bedrock says LEGACY, but the card says active") in told
    assert (
        "nova-micro",
        "Bedrock lists CONTINUED_PRE_TRAINING, but the card does not offer it",
    ) in told
    assert ("nova-pro", "the card offers FINE_TUNING, but Bedrock does not list it") in told


def test_of_several_ids_of_a_model_the_worst_counts(bedrock: FakeBedrock) -> None:
    """Whatever their order."""
    ids = [("amazon.nova-pro-v1:0", "LEGACY"), ("amazon.nova-pro-v1:0:300k", "ACTIVE")]
    for listed in (ids, ids[::-1]):
        bedrock.listed = {"FINE_TUNING": listed}
        assert live_models("us-east-1", bedrock.url)["amazon.nova-pro-v1"]["status"] == "LEGACY"


def test_a_right_that_no_document_has_is_named(bedrock: FakeBedrock) -> None:
    def refuse(*_: object) -> object:
        raise Refused("AccessDeniedException", "not authorized")

    bedrock.answer = refuse  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageError, match="needs bedrock:ListFoundationModels") as caught:
        live_models("us-east-1", bedrock.url)
    assert "policy" not in str(caught.value)
    with pytest.raises(StorageError, match="needs bedrock:CountTokens"):
        bedrock_counter(find_card("nova-lite"), endpoint_url=bedrock.url)(["a"])


def test_a_list_that_is_not_bedrocks_is_told(bedrock: FakeBedrock) -> None:
    bedrock.answer = lambda *_: (200, {})  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="what answered is not Bedrock"):
        live_models("us-east-1", bedrock.url)


def test_models_live_prints_the_drift(bedrock: FakeBedrock, bedrock_prep: Command) -> None:
    """For machines too."""
    done = bedrock_prep("models", "--live", "--endpoint-url", bedrock.url, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    new = {"model": "acme.new-model-v1", "what": "Bedrock lists it, but no card does"}
    assert new in told["drift"]
    assert "nova-lite" in told["cards"]


def test_an_endpoint_in_the_clear_is_refused() -> None:
    """http:// is for the loopback only."""
    with pytest.raises(RecipeError, match="https"):
        live_models("us-east-1", "http://example.com")


def test_a_tokenizer_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """With the remedy: install the package, or name the right file."""
    (tmp_path / "t.json").write_text("{}")
    for path in (tmp_path / "t.json", tmp_path / "missing.json"):
        with pytest.raises(PrepError, match="--tokenizer"):
            file_counter(path)
