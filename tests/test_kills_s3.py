"""kill -9 while a run is published to a real S3 server (SeaweedFS): run again, and all is there.

No unfinished upload is left, and a reader sees nothing, the old run or the new one, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from forked_runs import Forks
from seaweed import KEY, serve_seaweed
from small_run import change_manifest, copy_run, relist, run_folder
from test_kills import Reader, write_project

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SEED", "20261125"))
BUCKET = "sen-tea-kills"
BASE = f"s3://{BUCKET}/tea"
Property = Callable[[str, object], None]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve_seaweed() as url:
        yield url


@pytest.fixture(scope="module")
def s3(endpoint: str) -> Iterator[Any]:
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=KEY, aws_secret_access_key=KEY,
        region_name="us-east-1",
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


def objects(s3: Any) -> dict[str, str]:
    """All keys with their ETags, which are digests of the bytes."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def reset(s3: Any, held: Mapping[str, bytes | str]) -> None:
    """The bucket as it was: no other object, no unfinished upload."""
    for key in objects(s3).keys() - held.keys():
        s3.delete_object(Bucket=BUCKET, Key=key)
    for key in held:
        if key.endswith("LATEST"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=held[key])
    for item in pending(s3):
        s3.abort_multipart_upload(Bucket=BUCKET, Key=item["Key"], UploadId=item["UploadId"])


def pending(s3: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return found


def look(s3: Any, prefix: str = "tea") -> str | None:
    """The run that LATEST leads to, each of its files held against the manifest."""

    def read(name: str) -> bytes:
        body: bytes = s3.get_object(Bucket=BUCKET, Key=f"{prefix}/{name}")["Body"].read()
        return body

    try:
        told = json.loads(read("LATEST"))
    except s3.exceptions.NoSuchKey:
        return None
    manifest = read(f"runs/{told['run']}/manifest.json")
    assert hashlib.sha256(manifest).hexdigest() == told["manifest_sha256"]
    for one in json.loads(manifest)["files"]:
        data = read(f"runs/{told['run']}/{one['path']}")
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one["path"]
    return str(told["run"])


def local_run(folder: Path, large: int) -> tuple[Path, str]:
    """A run with a file that is uploaded in parts; its destination is `BASE`."""
    folder.mkdir()
    output = copy_run(folder)
    job = run_folder(output) / "assistant/job.json"
    job.write_text(job.read_text().replace("s3://sen-tea-data/tea", BASE))
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    recipe = manifest["recipe"] | {"publish": {"uri": BASE}}
    (run_folder(output) / "large.bin").write_bytes(random.Random(SEED).randbytes(large))
    change_manifest(output, recipe=recipe)
    relist(output)
    return output, manifest["run"]


def test_publish_is_killed_at_every_step(
    s3: Any, endpoint: str, forks: Forks, tmp_path: Path, record_property: Property
) -> None:
    """The upload of small files, of parts, of manifest and LATEST; before and after each answer."""
    output, run = local_run(tmp_path / "local", (9 << 20) + 1)
    other = {"run": "old", "manifest_sha256": hashlib.sha256(b'{"files": []}').hexdigest()}
    held = {
        "tea/runs/old/manifest.json": b'{"files": []}',
        "tea/LATEST": json.dumps(other).encode(),
    }
    for key, data in held.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    words = [
        "publish",
        output,
        BASE,
        "--endpoint-url",
        endpoint,
        "--region",
        "us-east-1",
    ]
    listed = tmp_path / "steps"
    told = forks.run(*words, failpoint=f"list:{listed}")
    assert told["code"] == 0, told["stderr"]
    expected, steps = objects(s3), listed.read_text().splitlines()
    assert "send UploadPart" in steps
    numbers = range(1, len(steps) + 1)
    if not SOAK:  # every fourth one, from a place that changes with the seed
        numbers = range(1 + SEED % 4, len(steps) + 1, 4)
    reader = Reader(lambda: look(s3), pause=0.05)
    for number in numbers:
        reset(s3, held)
        with reader.reading():
            told = forks.run(*words, failpoint=f"kill:{number}")
            assert told["code"] == -signal.SIGKILL, (number, told)
            told = forks.run(*words)
            assert told["code"] == 0, (number, steps[number - 1], told)
        assert objects(s3) == expected, (number, steps[number - 1])
        assert pending(s3) == [], (number, steps[number - 1])
    assert reader.wrong == []
    assert reader.seen <= {"old", run}
    record_property(
        "tried", f"kill -9 of publish to SeaweedFS: {len(numbers)} of {len(steps)} steps, "
        f"a reader looked {reader.looks} times",
    )  # fmt: skip


def whole_state(s3: Any) -> set[str]:
    """The files that the state names, each object held against its digest; none without a state."""
    held = objects(s3)
    if "state/state.json" not in held:
        return set()
    told = json.loads(s3.get_object(Bucket=BUCKET, Key="state/state.json")["Body"].read())
    for one in told["files"]:
        key = f"state/objects/{one['sha256']}"
        data = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one
    return {one["path"] for one in told["files"]}


def without_state(found: dict[str, str]) -> dict[str, str]:
    return {key: etag for key, etag in found.items() if not key.startswith("state/")}


@pytest.mark.parametrize("keeping", [False, True], ids=["", "with a state"])
def test_a_run_from_s3_to_s3_is_killed_and_goes_on(
    s3: Any, endpoint: str, forks: Forks, tmp_path: Path, keeping: bool, record_property: Property
) -> None:
    """Sources and output in S3: at a sample of all steps, or with SOAK=1 every one, and at random
    moments. A state is whole at any time, and what goes on may be another machine."""
    recipe = write_project(tmp_path / "project", "green", documents=10)
    told = json.loads(recipe.read_text())
    for path in sorted((tmp_path / "project").rglob("*")):
        if path.suffix in {".txt", ".jsonl"}:
            s3.upload_file(str(path), BUCKET, f"in/{path.relative_to(tmp_path / 'project')}")
    told["sources"] = [
        {"path": f"s3://{BUCKET}/in/docs/"},
        {"path": f"s3://{BUCKET}/in/pairs.jsonl", "reader": "jsonl"},
    ]
    told["aws"] = {"endpoint_url": endpoint, "region": "us-east-1"}
    recipe.write_text(json.dumps(told))
    before = {key: data for key, data in objects(s3).items() if key.startswith("in/")}
    reset(s3, before)
    work = tmp_path / "work"

    def prepare(**asked: Any) -> dict[str, Any]:
        words = [
            "prepare",
            recipe,
            "--output",
            f"s3://{BUCKET}/out",
            "--work",
            work,
        ]
        words += ["--state", f"s3://{BUCKET}/state"] if keeping else []
        return forks.run(*words, "--workers", "1", "--log", "text", **asked)

    listed = tmp_path / "steps"
    clean = prepare(failpoint=f"list:{listed}")
    assert clean["code"] == 0, clean["stderr"]
    expected, steps = without_state(objects(s3)), listed.read_text().splitlines()
    left = {path.name for path in work.rglob("*")}
    files = whole_state(s3)
    assert bool(files) == keeping
    chance, whole = random.Random(SEED), clean["seconds"]
    numbers = list(range(1, len(steps) + 1))
    at_steps = numbers if SOAK else sorted(chance.sample(numbers, 6))
    kills: list[dict[str, Any]] = [{"failpoint": f"kill:{number}"} for number in at_steps]
    tried = Counter[str]()
    while kills or tried["signal_after"] < (100 if SOAK else 4):
        kill = kills.pop() if kills else {"signal_after": chance.uniform(0, whole)}
        reset(s3, before)
        shutil.rmtree(work)
        killed = prepare(**kill)
        if killed["code"] == -signal.SIGKILL:
            tried[next(iter(kill))] += 1
        else:
            assert "failpoint" not in kill, (kill, killed)
            whole *= 0.8  # it came too late
        assert look(s3, "out") is None or without_state(objects(s3)) == expected
        assert whole_state(s3) in (set(), files), kill
        moved = keeping and chance.random() < 0.5
        if moved:
            shutil.rmtree(work, ignore_errors=True)  # another machine; there may be none yet
        ended = prepare()
        assert ended["code"] == 0, (kill, ended)
        assert without_state(objects(s3)) == expected, kill
        assert whole_state(s3) == files, kill
        assert pending(s3) == [], kill
        names = {path.name for path in work.rglob("*")}
        assert names <= left if moved else names == left, kill
    kept = ", with a state" if keeping else ""
    record_property(
        "tried", f"kill -9 from S3 to S3{kept}: {tried['failpoint']} of {len(steps)} steps, "
        f"{tried['signal_after']} random moments",
    )  # fmt: skip


@pytest.mark.parametrize("same", [True, False], ids=["same run", "other runs"])
def test_two_runs_together(
    s3: Any, endpoint: str, forks: Forks, tmp_path: Path, same: bool, record_property: Property
) -> None:
    """From two machines (two work folders): one publishes; the other finds the same or exits 5."""
    rounds, fives = 100 if SOAK else 4, 0
    recipes = []
    for number in range(2):
        recipe = write_project(tmp_path / f"{number}", "green" if same else f"green-{number}")
        told = json.loads(recipe.read_text())
        told["aws"] = {"endpoint_url": endpoint, "region": "us-east-1"}
        recipe.write_text(json.dumps(told))
        recipes.append(recipe)
    for number in range(rounds):
        prefix = f"two-{same}-{number}".lower()
        lines = [
            ["prepare", str(recipe), "--work", str(tmp_path / f"work-{number}-{at}"),
             "--output", f"s3://{BUCKET}/{prefix}", "--workers", "1"]
            for at, recipe in enumerate(recipes)
        ]  # fmt: skip
        first = forks.run(*lines[0], beside=lines[1:])
        both = [first, *first["beside"]]
        codes = sorted(one["code"] for one in both)
        assert codes in ([[0, 0]] if same else [[0, 5], [0, 0]]), both
        if codes == [0, 5]:
            fives += 1
            (refused,) = [one["stderr"] for one in both if one["code"]]
            assert "another run has published" in refused
        assert look(s3, prefix) is not None
        assert pending(s3) == []
    kind = "the same run" if same else "other runs"
    record_property("tried", f"{kind} twice together on S3: {rounds} rounds, {fives} exits 5")
