"""`teach` over real HTTP: asked once, within a budget, kept through kills, and taken by a run."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Command, latest, read_jsonl, tree_bytes
from fake_bedrock import FakeBedrock, Refused, serve_bedrock
from forked_runs import Forks

from pipeline.bedrock.converse import Reply, converse, known_model
from pipeline.bedrock.spending import Budget, Pace, Rates
from pipeline.bedrock.teacher_region import refuse_misfit, teacher_region
from pipeline.errors import ConflictError, RecipeError, StorageError
from pipeline.stages.teacher_answers import answer_line
from pipeline.teach.file import AnswersFile

RECIPE = """\
name: lesson
sources: [{path: "docs/*.md"}]
stages: [clean, redact, teacher: {min_quote: 10}, label, dedup_exact]
targets: {assistant: {format: prompt_completion}}
split: {validation: 0}
"""
PRICES = ("--price", "base_input_per_1k_tokens=0.001", "--price", "base_output_per_1k_tokens=0.01")
DOCUMENTS = 6


def passage_of(request: dict[str, Any]) -> str:
    said: str = request["messages"][0]["content"][0]["text"]
    return said.removeprefix("<passage>\n").removesuffix("\n</passage>")


def reply(text: str, stop: str = "end_turn", tokens: tuple[int, int] = (100, 20)) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": stop,
        "usage": {"inputTokens": tokens[0], "outputTokens": tokens[1], "totalTokens": sum(tokens)},
        "metrics": {"latencyMs": 5},
    }


def teacher(request: dict[str, Any]) -> dict[str, Any]:
    """Asks about the number of each kettle; a second pair rests on nothing."""
    number = re.search(r"kettle (\d+)", passage_of(request))
    assert number
    quote = f"kettle {number[1]} boils in {number[1]} minutes"
    pairs = [
        {"prompt": f"How fast is kettle {number[1]}?", "completion": "Fast.", "quote": quote},
        {"prompt": "Is it red?", "completion": "Yes.", "quote": "It is painted red"},
    ]
    return reply(json.dumps({"pairs": pairs}))


@pytest.fixture
def bedrock() -> Iterator[FakeBedrock]:
    with serve_bedrock(s3=None) as fake:
        fake.teach = teacher
        yield fake


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for n in range(DOCUMENTS):
        text = (
            f"# Kettle\n\nThe kettle {n} boils in {n} minutes. Write to tea{n}@sen.vn to buy one. "
        )
        (tmp_path / "docs" / f"{n}.md").write_text(text + "It is kept dry and clean. " * 4)
    (tmp_path / "docs" / "copy.md").write_bytes((tmp_path / "docs" / "0.md").read_bytes())
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


@pytest.fixture
def bedrock_prep(forks: Forks) -> Command:
    """Instead of the fixture of this name: a command need not import anything again."""
    return forks.command


@pytest.fixture
def teach(bedrock_prep: Command, bedrock: FakeBedrock, place: Path) -> Command:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        fixed = ("--endpoint-url", bedrock.url, "--workers", "1")
        return bedrock_prep("teach", "recipe.yaml", *options, *fixed, cwd=place)

    return run


def asked(fake: FakeBedrock) -> list[str]:
    return [passage_of(request) for name, request in fake.calls if name == "Converse"]


def test_asked_once_and_taken_by_a_run(
    teach: Command, bedrock_prep: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """Equal passages are one question; what is redacted is not sent; the run calls nobody."""
    told = teach("--max-tokens", "100000", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["passages"], found["answered"], found["new"]) == (6, 6, 6)
    assert (found["tokens_in"], found["tokens_out"]) == (600, 120)
    passages = asked(bedrock)
    assert len(passages) == len(set(passages)) == DOCUMENTS
    assert all("[EMAIL]" in passage and "@" not in passage for passage in passages)
    request = bedrock.calls[0][1]
    assert request["modelId"] == "amazon.nova-pro-v1:0"
    assert request["inferenceConfig"] == {"maxTokens": 2000, "temperature": 0.0}

    again = teach("--max-tokens", "1", "--json")
    assert (again.returncode, json.loads(again.stdout)["new"]) == (0, 0)
    assert len(asked(bedrock)) == DOCUMENTS

    answers = place / "answers.jsonl"
    assert answers.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in place.iterdir()} == {
        "docs",
        "recipe.yaml",
        "answers.jsonl",
        "out",
    }
    run = bedrock_prep("prepare", "recipe.yaml", "--workers", "1", cwd=place)
    assert run.returncode == 0, run.stderr
    assert "teacher.chunks: quote_not_in_source 7" in run.stdout
    lines = read_jsonl(latest(place / "out" / "lesson") / "assistant" / "train.jsonl")
    assert {line["prompt"] for line in lines} == {f"How fast is kettle {n}?" for n in range(6)}
    manifest = json.loads((latest(place / "out" / "lesson") / "manifest.json").read_bytes())
    stages = {one.pop("stage"): one for one in manifest["stages"]}
    counts = ("came", "kept", "rejected", "divided", "chunks")
    assert [stages["teacher"][name] for name in counts] == [7, 0, 0, 7, 14]
    assert [stages["teacher.chunks"][name] for name in counts] == [14, 7, 7, 0, 0]
    [stage] = [one["teacher"] for one in manifest["recipe"]["stages"] if "teacher" in one]
    assert len(stage["answers_sha256"]) == 64
    assert str(place) not in json.dumps(stage)


def test_what_is_known_is_taken_over(
    teach: Command, bedrock_prep: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """With one document more the run is what it is from nothing; half the pairs is not too few."""
    assert teach("--max-tokens", "100000").returncode == 0
    more = ("--workers", "1", "--set", "gate.max_rejected=0.55")
    assert bedrock_prep("prepare", "recipe.yaml", *more, cwd=place).returncode == 0
    (place / "docs" / "7.md").write_text("The kettle 7 is new. " * 10)
    runs = []
    for output in ("out/lesson", "out/anew"):
        run = bedrock_prep("prepare", "recipe.yaml", "--output", output, *more, cwd=place)
        assert run.returncode == 0, run.stderr
        assert "teacher: teacher_not_asked 1" in run.stdout
        assert ("7 of 8 source units are known" in run.stderr) == (output == "out/lesson")
        runs.append(tree_bytes(place / output / "runs" / latest(place / output).name))
    assert runs[0] == runs[1]
    strict = ("--set", "gate.max_rejected=0.45", "--output", "out/strict")
    assert bedrock_prep("prepare", "recipe.yaml", *strict, cwd=place).returncode == 3


def test_pairs_are_held_against_evaluation_sets(
    teach: Command, bedrock_prep: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """Behind the teacher: what it asks is not known before it has answered."""
    asked_there = {"prompt": "How fast is kettle 3, the one that stands in the hall of the house?"}
    (place / "test.jsonl").write_text(json.dumps(asked_there | {"completion": "Fast."}) + "\n")

    def teach_it(request: dict[str, Any]) -> dict[str, Any]:
        pair = {**asked_there, "completion": "Fast.", "quote": passage_of(request)[20:50]}
        return reply(json.dumps({"pairs": [pair]}))

    bedrock.teach = teach_it
    held = RECIPE.replace("label,", "label, decontaminate,")
    held += "evaluation_sets: {test: {path: test.jsonl}}\n"
    (place / "recipe.yaml").write_text(held)
    assert teach("--max-tokens", "100000").returncode == 0
    run = bedrock_prep("prepare", "recipe.yaml", "--workers", "1", cwd=place)
    assert run.returncode == 3
    assert "no record is left for training" in run.stderr


def test_what_is_withdrawn_is_not_asked_about(teach: Command, bedrock: FakeBedrock) -> None:
    """Nor is it sent."""
    told = teach("--max-tokens", "100000", "--set", "withdraw=[docs/1.md]", "--json")
    assert json.loads(told.stdout)["passages"] == DOCUMENTS - 1
    assert not any("kettle 1" in passage for passage in asked(bedrock))


def test_what_is_no_answer_is_not_kept(teach: Command, bedrock: FakeBedrock, place: Path) -> None:
    """A proxy's page, say."""
    bedrock.teach = lambda _: {"message": "Sign in to the guest network"}
    told = teach("--max-tokens", "100000", "--at-once", "1")
    assert told.returncode == 4
    assert "the answer is not from Bedrock" in told.stderr.splitlines()[-1]
    assert "0 of 6 passages are answered and kept" in told.stderr
    assert len(asked(bedrock)) == 1
    assert not (place / "answers.jsonl").exists()


def test_the_same_answers_give_the_same_bytes(
    teach: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """Whatever the order in which they came."""
    files = []
    for at_once in ("1", "6"):
        assert teach("--max-tokens", "100000", "--at-once", at_once).returncode == 0
        files.append((place / "answers.jsonl").read_bytes())
        (place / "answers.jsonl").unlink()
    assert files[0] == files[1]


def test_a_budget_is_not_overrun(teach: Command, bedrock: FakeBedrock, place: Path) -> None:
    """Each call is held at what it could cost; the next time goes on from there."""
    dry = teach("--dry-run", "--json", *PRICES)
    bound = json.loads(dry.stdout)
    assert asked(bedrock) == []
    one_call = bound["open_usd"] / DOCUMENTS
    small = teach("--max-usd", str(one_call * 1.05), "--at-once", "1", *PRICES)
    assert small.returncode == 3
    assert "the budget is not enough for the next call" in small.stderr
    assert "passages are answered and kept" in small.stderr
    done = len(asked(bedrock))
    assert 0 < done < DOCUMENTS
    assert done * 0.0003 <= one_call * 1.05  # 100 tokens in, 20 out
    tokens = (bound["open_tokens_in"] + bound["open_tokens_out"]) // DOCUMENTS
    none = teach("--max-tokens", str(tokens // 2))
    assert none.returncode == 3
    assert len(asked(bedrock)) == done
    rest = teach("--max-usd", "1", *PRICES, "--json")
    assert rest.returncode == 0
    told = json.loads(rest.stdout)
    assert told["new"] == DOCUMENTS - done
    assert told["usd"] == pytest.approx(told["new"] * 0.0003)
    assert len(asked(bedrock)) == DOCUMENTS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "how much may be spent? Give --max-usd or --max-tokens"),
        (("--max-usd", "5"), "no price of nova-pro is known; give --price base_input"),
        (("--max-usd", "5", "--price", "train=1"), "--price train: is not one of base_input"),
        (("--max-usd", "nan", *PRICES), "Invalid value for '--max-usd'"),
        (("--max-usd", "5", "--price", "base_input_per_1k_tokens=nan"), "nan is not a price"),
        (("--dry-run", "--batch", "b"), "give one of them"),
        (("--dry-run", "--set", "stages=[clean]"), "has no stage named teacher"),
        (
            ("--dry-run", "--set", "stages.2.teacher={answers: docs}"),
            "name a file in an existing folder",
        ),
        (
            ("--dry-run", "--set", "stages.2.teacher={answers: no/a.jsonl}"),
            "name a file in an existing folder",
        ),
        (("--dry-run", "--set", "stages.2.teacher={model: nova-por}"), "did you mean nova-pro"),
    ],
)
def test_a_wrong_command_asks_nothing(
    teach: Command, bedrock: FakeBedrock, options: tuple[str, ...], message: str
) -> None:
    """Exit code 2, one line."""
    told = teach(*options)
    assert told.returncode == 2, told.stderr
    assert message in told.stderr
    assert asked(bedrock) == []


def test_throttling_is_waited_out(bedrock: FakeBedrock) -> None:
    """Longer each time, and paced; only what costs nothing is tried for nothing."""
    import boto3

    codes = ["ThrottlingException", "ServiceUnavailableException", "ModelErrorException"]

    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        if codes:
            code = codes.pop(0)
            raise Refused(code, "not now")
        return reply("[]")

    bedrock.teach = refuse
    client = boto3.client("bedrock-runtime", endpoint_url=bedrock.url, config=once())
    slept: list[float] = []
    body = {"messages": [{"role": "user", "content": [{"text": "q"}]}]}
    lost: list[int] = []

    def ask(again: bool = True) -> Reply:
        def lose() -> bool:
            lost.append(len(codes))
            return again

        return converse(client, "amazon.nova-pro-v1:0", body, Pace(), 10, lose, slept.append)

    got = ask()
    assert (got.text, got.tokens_in, lost) == ("[]", 100, [0])
    assert [0.5 * 2**n <= seconds <= 2**n for n, seconds in enumerate(slept)] == [True] * 3
    codes += ["ThrottlingException"] * 20
    with pytest.raises(StorageError, match="still throttles"):
        ask()
    assert len(codes) == 12
    codes[:] = ["ModelErrorException"] * 20
    for again, left in ((False, 19), (True, 11)):
        with pytest.raises(StorageError, match="not now"):
            ask(again)
        assert len(codes) == left


def once() -> Any:
    from botocore.config import Config

    return Config(retries={"max_attempts": 0, "mode": "standard"})


def test_a_refusal_for_all_ends_at_once(teach: Command, bedrock: FakeBedrock) -> None:
    """No rights: one line with the remedy, exit code 4. A wrong model: 2, after three tries."""
    for code, exit_code, tried in (("AccessDeniedException", 4, 1), ("ValidationException", 2, 3)):

        def refuse(_: dict[str, Any], code: str = code) -> dict[str, Any]:
            raise Refused(code, "no")

        bedrock.calls.clear()
        bedrock.teach = refuse
        told = teach("--max-tokens", "100000", "--at-once", "1")
        assert told.returncode == exit_code, told.stderr
        assert "Converse with amazon.nova-pro-v1:0: no" in told.stderr.splitlines()[-1]
        assert len(asked(bedrock)) == tried


def test_one_request_that_is_refused_holds_nothing_up(
    teach: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """Be it the first: the others are asked and kept; the exit code says that one is left."""

    def some(request: dict[str, Any]) -> dict[str, Any]:
        if "kettle 0" in passage_of(request):
            raise Refused("ValidationException", "the prompt was not liked")
        return teacher(request)

    bedrock.teach = some
    for new in (5, 0):
        bedrock.calls.clear()
        told = teach("--max-tokens", "100000", "--at-once", "1")
        assert told.returncode == 3
        assert "1 requests were refused: 5 of 6 passages are answered" in told.stderr
        assert len(asked(bedrock)) == new + 1
    assert len((place / "answers.jsonl").read_bytes().splitlines()) == 5


def test_a_failure_ends_the_calls_under_way(
    teach: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """Also where the budget holds the next call only when they have ended."""
    (place / "docs" / "0.md").write_text("The kettle 0 boils. " + "It is dry. " * 10)
    bound = json.loads(teach("--dry-run", "--json").stdout)
    most = bound["open_tokens_in"] + bound["open_tokens_out"]

    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        if "kettle 0" in passage_of(request):
            raise Refused("AccessDeniedException", "no")
        return teacher(request)

    bedrock.teach = refuse
    budget = str(most * 3 // DOCUMENTS)
    told = teach("--max-tokens", budget, "--at-once", "6")
    assert told.returncode == 4, told.stderr
    assert "bedrock-prep policy" in told.stderr
    assert len((place / "answers.jsonl").read_bytes().splitlines()) == len(asked(bedrock)) - 1


def test_what_is_lost_is_spent(teach: Command, bedrock: FakeBedrock) -> None:
    """An answer that may have been made is not asked for again past the budget."""
    bound = json.loads(teach("--dry-run", "--json").stdout)
    one = (bound["open_tokens_in"] + bound["open_tokens_out"]) // DOCUMENTS

    def lose(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("ModelErrorException", "lost")

    bedrock.teach = lose
    told = teach("--max-tokens", str(one * 5 // 2), "--at-once", "1")
    assert told.returncode == 4, told.stderr
    assert "Converse with amazon.nova-pro-v1:0: lost" in told.stderr
    assert len(asked(bedrock)) == 2


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_loses_no_answer(
    teach: Command, bedrock: FakeBedrock, place: Path, signal_number: int
) -> None:
    """Answers that came are not asked for again; the file is that of a call that was not killed."""
    assert teach("--max-tokens", "100000").returncode == 0
    whole = (place / "answers.jsonl").read_bytes()
    (place / "answers.jsonl").unlink()
    bedrock.calls.clear()
    running: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def deadly(request: dict[str, Any]) -> dict[str, Any]:
        if len(asked(bedrock)) == 4:
            started.wait(60)
            os.kill(running[0].pid, signal_number)
        return teacher(request)

    bedrock.teach = deadly
    command = [sys.executable, "-m", "pipeline", "teach", "recipe.yaml", "--max-tokens", "100000"]
    command += ["--at-once", "1", "--workers", "1", "--endpoint-url", bedrock.url]
    running.append(subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE))
    started.set()
    _, told = running[0].communicate(timeout=120)
    assert running[0].returncode == (-9 if signal_number == signal.SIGKILL else 143), told
    kept = (place / "answers.jsonl.new").read_bytes().splitlines()
    assert len(kept) >= 3
    bedrock.teach = teacher
    bedrock.calls.clear()
    assert teach("--max-tokens", "100000").returncode == 0
    assert len(asked(bedrock)) == DOCUMENTS - len(kept)
    assert (place / "answers.jsonl").read_bytes() == whole
    assert not (place / "answers.jsonl.new").exists()


def test_a_batch_job_says_the_same(teach: Command, bedrock: FakeBedrock, place: Path) -> None:
    """The file out holds the requests that Converse would get; its results make the same file."""
    assert teach("--max-tokens", "100000").returncode == 0
    whole = (place / "answers.jsonl").read_bytes()
    bodies = [request for _, request in bedrock.calls]
    (place / "answers.jsonl").unlink()
    out = teach("--batch", "requests.jsonl")
    assert out.returncode == 0
    assert "requests.jsonl: 6 requests" in out.stdout
    requests = read_jsonl(place / "requests.jsonl")
    assert all(len(line["recordId"]) == 32 for line in requests)
    assert sorted(json.dumps(line["modelInput"]) for line in requests) == sorted(
        json.dumps({name: body[name] for name in ("system", "messages", "inferenceConfig")})
        for body in bodies
    )
    results = [{**line, "modelOutput": teacher(line["modelInput"])} for line in requests]
    bad: list[Any] = [
        {"recordId": requests[0]["recordId"], "error": {"errorCode": 400, "errorMessage": "no"}},
        {"recordId": "CALL0000001", "modelOutput": teacher(requests[0]["modelInput"])},
        {"recordId": requests[0]["recordId"], "modelOutput": {"outputText": "of InvokeModel"}},
        {"recordId": requests[0]["recordId"], "modelOutput": {"output": 3}},
        [],
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*bad, *reversed(results)]) + "{cut sho"
    (place / "requests.jsonl.out").write_text(text)
    (place / "more.jsonl.out.gz").write_bytes(gzip.compress(text.encode()))
    taken = teach("--results", "requests.jsonl.out", "--results", "more.jsonl.out.gz", "--json")
    assert taken.returncode == 0, taken.stderr
    told = json.loads(taken.stdout)
    assert (told["answered"], told["new"], told["tokens_out"]) == (6, 6, 120)
    assert told["faults"] == {
        "error 400": 2, "not a request of this package": 2, "not an answer of Converse": 4,
        "not JSON": 4,
    }  # fmt: skip
    assert (place / "answers.jsonl").read_bytes() == whole
    assert teach("--batch", "rest.jsonl").returncode == 0
    assert (place / "rest.jsonl").read_bytes() == b""


def test_a_file_that_is_none_is_told(teach: Command, bedrock_prep: Command, place: Path) -> None:
    """Before anything is asked, and before a run begins."""
    missing = bedrock_prep("prepare", "recipe.yaml", cwd=place)
    assert missing.returncode == 2
    assert "bedrock-prep teach RECIPE" in missing.stderr
    whole = [answer_line({"key": digit * 32, "model": "m", "text": "t"}) for digit in "ab"]
    for lines, message in (
        ([b'{"prompt": "mine"}\n'], "jsonl:1: is not an answer of a teacher; remove the line"),
        ([whole[0], whole[1].replace(b'"m"', b"m")], "jsonl:2: is not an answer of a teacher"),
        (
            whole[::-1],
            "jsonl:2: is not in the order of the keys; sort the file with `LC_ALL=C sort -u`",
        ),
    ):
        (place / "answers.jsonl").write_bytes(b"".join(lines))
        for told in (teach("--max-tokens", "9"), bedrock_prep("prepare", "recipe.yaml", cwd=place)):
            assert told.returncode == 2
            assert message in told.stderr.splitlines()[-1]
        assert not (place / "answers.jsonl.new").exists()
    gone = teach("--results", "nowhere.jsonl", "--set", "stages.2.teacher.answers=a.jsonl")
    assert gone.returncode == 4
    assert "nowhere.jsonl: No such file" in gone.stderr


def test_answers_are_held_by_one(tmp_path: Path) -> None:
    """A second process is told; a line that a kill has cut is dropped, one that is whole is not."""
    path = tmp_path / "a.jsonl"
    first, second = ({"key": digit * 32, "model": "m", "text": "t"} for digit in "ba")
    with AnswersFile(path) as file:
        assert file.add(first)
        assert not file.add(first)
        with pytest.raises(ConflictError), AnswersFile(path):
            pass
    (tmp_path / "a.jsonl.new").write_bytes(answer_line(second) + answer_line(first)[:-9])
    with AnswersFile(path) as file:
        assert len(file.known) == 2
    assert path.read_bytes() == answer_line(second) + answer_line(first)
    third = {"key": "c" * 32, "model": "m", "text": "t"}
    (tmp_path / "a.jsonl.new").write_bytes(answer_line(third)[:-20] + answer_line(first))
    with AnswersFile(path) as file:
        assert len(file.known) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_pace_spaces_calls() -> None:
    """By requests and by tokens, the slower of both."""
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(requests=60, tokens=6000, clock=lambda: now[0], sleep=sleep)
    for tokens in (10, 500, 10, 10):
        pace.wait(tokens)
    assert slept == [1, 5, 1]
    now[0] += 100
    pace.wait(10)
    assert len(slept) == 3


def test_a_budget_counts_calls_under_way() -> None:
    """At their bound; what they used frees the rest, and what was lost does not."""
    budget = Budget(Rates(1, 10), max_usd=0.05)
    assert budget.hold((10, 2))
    assert not budget.hold((10, 2))
    budget.settle((10, 2), (5, 1))
    assert budget.hold((5, 2))
    assert budget.usd() == pytest.approx(0.015)
    assert not budget.lose((5, 2))
    budget.settle((5, 2), (0, 0))
    assert budget.usd() == pytest.approx(0.04)
    assert budget.hold((10, 0))
    assert not Budget(Rates(None, None), max_usd=1).hold((1, 1))


def test_models_by_any_name() -> None:
    """A card, an id of no card, a profile; a slip is a fault."""
    assert known_model("nova-lite")[1] == "amazon.nova-lite-v1:0"
    for place in ("us", "eu", "apac", "au", "global"):
        card, name = known_model(f"{place}.amazon.nova-premier-v1:0")
        assert (card and card.name, name) == ("nova-premier", f"{place}.amazon.nova-premier-v1:0")
    for written in ("qwen.qwen3-32b-v1:0", "openai.gpt-oss-20b-1:0", "amazon.nova-pro-v1:0"):
        assert known_model(written)[1] == written  # as the user wrote it
    assert known_model("qwen3-32b")[1] == known_model("qwen.qwen3-32b")[1] == "qwen.qwen3-32b-v1:0"
    assert known_model("eu.amazon.nova-lite-v1:0:300k")[1] == "eu.amazon.nova-lite-v1:0"
    other = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert known_model(other) == (None, other)
    with pytest.raises(RecipeError, match="did you mean"):
        known_model("nova-lit")


ARN = "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("model", "asked", "recipe", "session", "region"),
    [
        ("nova-lite", "us-west-2", "eu-west-1", "eu-central-1", "us-west-2"),
        ("nova-lite", None, "eu-west-1", "eu-central-1", "eu-west-1"),
        (ARN, None, None, "eu-central-1", "eu-west-1"),
        ("eu.amazon.nova-lite-v1:0", None, None, "eu-central-1", "eu-central-1"),
        ("nova-lite", None, None, None, "us-east-1"),
        ("eu.amazon.nova-lite-v1:0", None, None, None, None),  # the card's is in the US
    ],
)
def test_the_region_of_a_teacher(
    model: str, asked: str | None, recipe: str | None, session: str | None, region: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Personal texts go to the Region that the user names anywhere, and the card comes last."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    if session:
        monkeypatch.setenv("AWS_DEFAULT_REGION", session)
    card, name = known_model(model)
    assert teacher_region(name, card, asked, recipe, None) == region


def test_a_profile_is_not_asked_outside_its_geography() -> None:
    for model, region in (
        ("eu.amazon.nova-lite-v1:0", "us-east-1"), (ARN, "eu-central-1"),
        ("us.amazon.nova-lite-v1:0", "us-gov-west-1"), ("apac.amazon.nova-lite-v1:0", "eu-west-1"),
    ):  # fmt: skip
        with pytest.raises(RecipeError, match=r"give (a )?--region"):
            refuse_misfit(model, region)
    for model, region in (
        ("eu.amazon.nova-lite-v1:0", "eu-north-1"), (ARN, "eu-west-1"),
        ("global.anthropic.claude-sonnet-4-5", "eu-west-1"), ("amazon.nova-lite-v1:0", "eu-west-1"),
    ):  # fmt: skip
        refuse_misfit(model, region)


def test_the_region_is_told_before_anything_is_sent(
    teach: Command, bedrock: FakeBedrock, place: Path
) -> None:
    """By a dry run, and when asking begins; a profile of another geography is refused."""
    dry = teach("--dry-run", "--region", "eu-west-1")
    assert "answered by nova-pro in eu-west-1" in dry.stdout
    text = RECIPE.replace("min_quote: 10", "min_quote: 10, model: eu.amazon.nova-lite-v1:0")
    (place / "recipe.yaml").write_text(text)
    refused = teach("--max-tokens", "100000", "--region", "us-east-1")
    assert refused.returncode == 2 and "geography eu" in refused.stderr
    assert not bedrock.calls
    done = teach("--max-tokens", "100000", "--region", "eu-west-1")
    assert "sent to eu.amazon.nova-lite-v1:0 in eu-west-1" in done.stderr
    assert {request["modelId"] for _, request in bedrock.calls} == {"eu.amazon.nova-lite-v1:0"}


def test_an_answer_without_usage_counts_with_its_bound(
    teach: Command, bedrock: FakeBedrock
) -> None:
    """Else a gateway that leaves it out would make the budget endless."""
    bound = json.loads(teach("--dry-run", "--json").stdout)["open_tokens_in"] // DOCUMENTS
    most = 3 * (bound + 2000) + 100

    def silent(request: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in teacher(request).items() if key != "usage"}

    bedrock.teach = silent
    stopped = teach("--max-tokens", str(most), "--at-once", "1")
    assert stopped.returncode == 3 and "budget" in stopped.stderr
    assert 1 <= len(asked(bedrock)) <= 3
