"""kill -9 while a run is published to a real S3 server (SeaweedFS): run again, and all is there.

No unfinished upload is left, and a reader sees nothing, the old run or the new one, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from conftest import ROOT
from forked_runs import Forks, serve_forks
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


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with serve_forks(tmp_path_factory.mktemp("forks")) as server:
        yield server


def objects(s3: Any) -> dict[str, bytes]:
    """All keys with their bytes."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def reset(s3: Any, held: dict[str, bytes]) -> None:
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
    words = ["publish", output, BASE, "--endpoint-url", endpoint, "--region", "us-east-1"]
    listed = tmp_path / "steps"
    told = forks.run(*words, failpoint=f"list:{listed}")
    assert told["code"] == 0, told["stderr"]
    expected, steps = objects(s3), listed.read_text().splitlines()
    assert "send UploadPart" in steps
    numbers = range(1, len(steps) + 1)
    if not SOAK:  # every other one, from a place that changes with the seed
        numbers = range(1 + SEED % 2, len(steps) + 1, 2)
    reader = Reader(lambda: look(s3))
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


def test_a_run_from_s3_to_s3_is_killed_and_goes_on(
    s3: Any, endpoint: str, forks: Forks, tmp_path: Path, record_property: Property
) -> None:
    """Sources and output in S3; a sample of all steps, or with SOAK=1 every one."""
    recipe = write_project(tmp_path / "project", "green")
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

    def prepare(failpoint: str | None, work: str) -> dict[str, Any]:
        words = ["prepare", recipe, "--output", f"s3://{BUCKET}/out", "--work", tmp_path / work]
        return forks.run(*words, "--workers", "1", "--log", "text", failpoint=failpoint)

    listed = tmp_path / "steps"
    clean = prepare(f"list:{listed}", "clean")
    assert clean["code"] == 0, clean["stderr"]
    expected, steps = objects(s3), listed.read_text().splitlines()
    numbers = list(range(1, len(steps) + 1))
    if not SOAK:
        numbers = sorted(random.Random(SEED).sample(numbers, 12))
    for number in numbers:
        reset(s3, before)
        killed = prepare(f"kill:{number}", f"work-{number}")
        assert killed["code"] == -signal.SIGKILL, (number, killed)
        ended = prepare(None, f"work-{number}")
        assert ended["code"] == 0, (number, steps[number - 1], ended)
        assert objects(s3) == expected, (number, steps[number - 1])
        assert pending(s3) == []
        assert not list((tmp_path / f"work-{number}").rglob("*.part"))
    record_property("tried", f"kill -9 from S3 to S3: {len(numbers)} of {len(steps)} steps")


@pytest.mark.parametrize("same", [True, False], ids=["same run", "other runs"])
def test_two_runs_together(
    s3: Any, endpoint: str, tmp_path: Path, same: bool, record_property: Property
) -> None:
    """From two machines (two work folders): one publishes; the other finds the same or exits 5."""
    rounds = 50 if SOAK else 2
    program = (
        "import sys, pipeline.run, pipeline.gate, pipeline.execution, boto3, boto3.s3.transfer\n"
        "from forked_runs import RecordedGate\n"
        "from pathlib import Path\n"
        "RecordedGate.records = Path(sys.argv.pop(1))\n"
        "RecordedGate.real = pipeline.gate.GateProcess\n"
        "pipeline.execution.GateProcess = pipeline.gate.GateProcess = RecordedGate\n"
        "from pipeline.cli import main\n"
        "sys.stdin.readline()\n"
        "main()\n"
    )
    recipes = []
    for number in range(2):
        recipe = write_project(tmp_path / f"{number}", "green" if same else f"green-{number}")
        told = json.loads(recipe.read_text())
        told["aws"] = {"endpoint_url": endpoint, "region": "us-east-1"}
        recipe.write_text(json.dumps(told))
        recipes.append(recipe)
    records = tmp_path / "records"
    records.mkdir()
    codes: list[list[int]] = []
    for round_number in range(rounds):
        prefix = f"two-{same}-{round_number}".lower()
        running = []
        for number, recipe in enumerate(recipes):
            work = tmp_path / f"work-{round_number}-{number}"
            line = [sys.executable, "-c", program, records, "prepare", recipe, "--work", work,
                    "--output", f"s3://{BUCKET}/{prefix}", "--workers", "1"]  # fmt: skip
            environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
            running.append(
                subprocess.Popen(
                    list(map(str, line)), env=environment, text=True, stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                )
            )  # fmt: skip
        time.sleep(0.5)
        for one in running:
            assert one.stdin
            one.stdin.write("\n")
            one.stdin.flush()
        messages = [one.communicate()[1] for one in running]
        codes.append(sorted(one.returncode for one in running))
        assert codes[-1] == [0, 0] if same else codes[-1] in ([0, 5], [0, 0]), messages
        assert look(s3, prefix) is not None
        assert pending(s3) == []
    five = sum(5 in both for both in codes)
    record_property("tried", f"two runs together on S3: {rounds} rounds, {five} conflicts")
