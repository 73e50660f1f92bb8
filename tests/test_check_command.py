"""`check` as people and machines run it: the table, files in S3, exact counts of tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from check_sets import conversation, dumped, joined, minimal, turn
from conftest import Command

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.count_tokens import file_counter
from pipeline.check import CheckResult, check_files
from pipeline.commands.check import Asked, check, told_result
from pipeline.errors import StorageError

NOVA = find_card("nova-lite").plan("sft")
GOOD = [dumped(minimal("conversation", n)) for n in range(100)]


def asked(*files: str, **more: Any) -> Asked:
    """A question as the command line puts it."""
    plain: dict[str, Any] = dict.fromkeys(["customization", "format", "validation", "location"])
    usual: dict[str, Any] = {"model": "nova-lite", "allow_legacy": False, "allow": []}
    return Asked(list(files), **usual | plain | more)


def test_people_get_places_and_a_table_of_remedies(bedrock_prep: Command, tmp_path: Path) -> None:
    """Every fault with its line; each rule once, counted, with what to do and its source."""
    lines = [*GOOD, *[b'{"messages":[],}'] * 30, b"", dumped(minimal("prompt_completion", 1))]
    path = tmp_path / "train.jsonl"
    path.write_bytes(joined(lines, "conversation"))
    done = bedrock_prep("check", path, "--model", "nova-lite")
    assert done.returncode == 3
    told = done.stdout.splitlines()
    assert f"{path}:101: error: trailing-comma:" in done.stdout
    assert f"{path}:131: error: blank-line:" in done.stdout
    assert f"{path}:132: error: wrong-format:" in done.stdout
    rows = [line.split(None, 3) for line in told if line.partition(" ")[0] == "trailing-comma"]
    assert rows[0][:3] == ["trailing-comma", "error", "30"]
    assert rows[0][3].startswith("remove it; --fix does it  [https://")
    assert told[-1] == "nova-lite (FINE_TUNING): refused: 32 errors, 0 warnings"
    assert "Traceback" not in done.stderr


def test_machines_get_json_and_the_same_verdict(bedrock_prep: Command, tmp_path: Path) -> None:
    """All that the table tells, and exit code 3."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(joined([*GOOD, b"[1]"], "conversation"))
    done = bedrock_prep("check", path, "--model", "nova-lite", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["counts"]) == (3, False, {"json-array": 1})
    assert [(fault["line"], fault["rule"]) for fault in told["faults"]] == [(101, "json-array")]
    path.write_bytes(joined(GOOD, "conversation"))
    done = bedrock_prep("check", path, "--model", "nova-lite", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


def test_files_in_s3_are_checked_where_they_stand(
    bucket: tuple[Any, str], s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files; names, media and places are held against the bucket that they are in."""
    client, name = bucket
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    picture = {"format": "png", "source": {"s3Location": {
        "uri": "s3://another-bucket/a.png", "bucketOwner": "111122223333"}}}  # fmt: skip
    record = conversation(turn("user", {"image": picture}, "q"), turn("assistant", "a"))
    client.put_object(Bucket=name, Key="t/train.jsonl", Body=joined(GOOD, "conversation"))
    client.put_object(Bucket=name, Key="t/validation.jsonl", Body=joined(GOOD[:9], "conversation"))
    client.put_object(Bucket=name, Key="t/media.jsonl", Body=joined([dumped(record)] * 100, ""))
    client.put_object(Bucket=name, Key="t/train.jsonl.gz", Body=b"\x1f\x8b\x08\x00 and so on")
    uri = f"s3://{name}/t/"
    both = check(asked(f"{uri}train.jsonl", validation=f"{uri}validation.jsonl"))
    assert (both.ok, [file.records for file in both.files]) == (True, [100, 9])
    assert check(asked(f"{uri}media.jsonl")).counts == {"media-bucket": 100}
    assert set(check(asked(f"{uri}train.jsonl.gz")).counts) == {"file-name", "gzip"}
    assert both.files[1].file == f"{uri}validation.jsonl"
    for prefix in (uri, uri[:-1], f"{uri}*.jsonl"):
        assert "folder" in check(asked(prefix)).counts
    with pytest.raises(StorageError):
        check(asked(f"{uri}no-such.jsonl"))


def test_what_comes_through_a_pipe_is_read(bedrock_prep: Command, tmp_path: Path) -> None:
    """It is kept for as long as it is checked, and called as it was."""
    words = ("check", "/dev/stdin", "--format", "conversation", "--allow", "file-name")
    whole, broken = (joined(lines, "conversation") for lines in (GOOD, [*GOOD, b"garbage"]))
    for data, code, told in ((whole, 0, "100 records"), (broken, 3, "/dev/stdin:101: error: ")):
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)
        done = bedrock_prep(*words, stdin=reading)
        os.close(reading)
        assert (done.returncode, told in done.stdout) == (code, True), done.stdout


def counted(folder: Path, count: Any, *texts: str, count_all: bool = False) -> CheckResult:
    """The check of records with these prompts, counted."""
    path = folder / "train.jsonl"
    lines = [dumped(conversation(turn("user", t), turn("assistant", "a"))) for t in texts]
    path.write_bytes(joined([*lines, *GOOD], "conversation"))
    return check_files([path], plan=NOVA, count_tokens=count, count_all=count_all)


def test_counts_tell_how_good_the_guess_was(tmp_path: Path) -> None:
    """Tokens of what was counted, beside the estimate and the bound of the same records."""
    result = counted(tmp_path, lambda texts: [len(text) // 5 for text in texts], "a" * 140_000)
    assert result.calibration["records"] == 1
    assert 0 < result.calibration["of_estimate"] < 1.5
    assert 0 < result.calibration["most_of_bound"] < 1
    assert any(line.startswith("counted: 1 records have ") for line in told_result(result))
    assert counted(tmp_path, None, "a" * 140_000).calibration == {}


def test_a_model_that_breaks_the_bound_raises_it(tmp_path: Path) -> None:
    """What fitted by the bound is counted too, once the bound was seen to be too low."""
    almost = "9" * 31_000  # a token a digit: within the limit of 32,000, by the bound
    assert counted(tmp_path, lambda texts: [0 for _ in texts], almost).calibration == {}
    dense = lambda texts: [2 * len(text) for text in texts]  # noqa: E731
    result = counted(tmp_path, dense, "9" * 33_000, almost)
    assert result.counts["too-many-tokens"] == 2
    assert result.calibration["most_of_bound"] > 1.9


def test_a_tokenizer_file_counts_instead(tmp_path: Path) -> None:
    """Words, as this tokenizer has it: ten thousand long ones fit, whatever AWS's rule says."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    count = file_counter(path)
    assert list(count(["a b c", ""])) == [3, 0]
    long_words = "incomprehensibilities " * 10_000
    assert counted(tmp_path, None, long_words).counts == {"too-many-tokens": 1}
    assert counted(tmp_path, count, long_words).ok
    dense = "a " * 33_000
    assert counted(tmp_path, count, dense).ok  # by our own bound, which knows no such tokenizer
    assert counted(tmp_path, count, dense, count_all=True).counts == {"too-many-tokens": 1}
