"""Bedrock's own answers over HTTP: exact tokens, and models that have changed since the cards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Command

from pipeline.bedrock.cards import find_card, load_cards
from pipeline.bedrock.count_tokens import bedrock_counter, file_counter, runtime_model_id
from pipeline.bedrock.live import drift, live_models
from pipeline.check import check_files
from pipeline.errors import PrepError, RecipeError

LISTED = {
    "FINE_TUNING": [("amazon.nova-lite-v1:0:300k", "LEGACY"), ("acme.new-model-v1:0", "ACTIVE")],
    "CONTINUED_PRE_TRAINING": [("amazon.nova-micro-v1:0:128k", "ACTIVE")],
    "DISTILLATION": [("amazon.nova-lite-v1:0:300k", "LEGACY")],
}


class Answers(BaseHTTPRequestHandler):
    """ListFoundationModels and CountTokens; a token is a character here."""

    asked: list[str]

    def do_GET(self) -> None:
        kind = self.path.partition("byCustomizationType=")[2]
        models = [
            {"modelId": model, "modelArn": f"arn:aws:bedrock:::foundation-model/{model}",
             "modelLifecycle": {"status": status}}
            for model, status in LISTED[kind]
        ]  # fmt: skip
        self.answer({"modelSummaries": models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append(self.path)
        text = body["input"]["converse"]["messages"][0]["content"][0]["text"]
        self.answer({"inputTokens": len(text)})

    def answer(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    Answers.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_tokens_are_counted_by_the_model_itself(endpoint: str) -> None:
    """One call a text, by the id that the runtime knows."""
    count = bedrock_counter(find_card("nova-lite"), endpoint_url=endpoint)
    assert list(count(["abc", "trà"])) == [3, 3]
    assert all("amazon.nova-lite-v1" in path and "300k" not in path for path in Answers.asked)


def test_every_card_has_a_runtime_id() -> None:
    """Without the context length that only customization jobs name."""
    ids = {card.name: runtime_model_id(card) for card in load_cards().values()}
    assert ids["nova-2-lite"] == "amazon.nova-2-lite-v1:0"
    assert ids["gpt-oss-20b"] == "openai.gpt-oss-20b"
    assert not [name for name in ids.values() if name.endswith("k")]


def test_only_records_that_may_not_fit_are_counted(endpoint: str, tmp_path: Path) -> None:
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
    count = bedrock_counter(find_card("nova-lite"), endpoint_url=endpoint)
    counted = check_files([path], plan=plan, count_tokens=count)
    assert counted.tokens["may_not_fit"] == 0
    assert counted.tokens["do_not_fit"] == 4
    assert len(Answers.asked) <= 4 * 2


def test_drift_between_cards_and_bedrock_is_told(endpoint: str) -> None:
    """New models, new life cycles, customizations that came or went."""
    told = {(one.model, one.what) for one in drift(live_models("us-east-1", endpoint), "us-east-1")}
    assert ("acme.new-model-v1", "Bedrock lists it, no card does") in told
    assert ("nova-lite", "Bedrock says LEGACY, the card says active") in told
    assert ("nova-micro", "Bedrock lists CONTINUED_PRE_TRAINING, the card does not") in told
    assert ("nova-pro", "the card offers FINE_TUNING, Bedrock does not list it") in told


def test_models_live_prints_the_drift(endpoint: str, bedrock_prep: Command) -> None:
    """For machines too."""
    done = bedrock_prep("models", "--live", "--endpoint-url", endpoint, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"model": "acme.new-model-v1", "what": "Bedrock lists it, no card does"} in told["drift"]
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
