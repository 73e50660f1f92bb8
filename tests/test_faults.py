"""S3 that fails: every kind of fault, once and for good, at every request of a small run.

Once ends with the same bytes. For good ends with exit code 4, one line that names the remedy, and
readers who see the run that was there before.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from fault_s3 import (
    KINDS,
    OWNER,
    Bucket,
    Fault,
    FaultS3,
    Object,
    etag_of,
    seen_by_reader,
    serve_faults,
    sha256,
)
from forked_runs import Forks
from small_run import copy_run, run_folder

from pipeline.commands.publish import abort_pending
from pipeline.errors import ConflictError, PrepError, RecipeError, SourceChanged, StorageError
from pipeline.inputs import gather_inputs
from pipeline.publish import publish, read_latest, read_manifest
from pipeline.recipe import load_recipe
from pipeline.storage import Aws, known_file, list_sources, open_place, pin

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SEED", "20261125"))
Property = Callable[[str, object], None]
TARGETS = {"corpus": {"format": "pretraining"}}
PART = 5 << 20  # the least that S3 takes
LARGE = PART + 1
REMEDY = {
    "500": "busy",
    "503": "busy",
    "slow_down": "busy",
    "expired": "sign in again",
    "region": "aws.region",
    "denied": f"does not belong to {OWNER}",
    "skew": "clock",
    "reset": "network",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[FaultS3]:
    with serve_faults() as server:
        yield server


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product waits 0.1 s before its second try; here a twentieth of it."""
    monkeypatch.setattr("pipeline.s3.client.FIRST_WAIT", 0.005)
    monkeypatch.setattr("pipeline.s3.upload.PART_BYTES", PART)


@dataclass(frozen=True)
class Made:
    """Two staged runs and two sources; the old run as it stands in a bucket."""

    old: Path
    new: Path
    sources: dict[str, bytes]


def stage(folder: Path, text: bytes, large: bytes) -> Path:
    """A folder that could be published: small files, one in two parts, an empty one."""
    return stage_files(
        folder,
        {"a/train.jsonl": text * 9, "report.html": text, "empty.txt": b"", "large.bin": large},
    )


def stage_files(folder: Path, files: dict[str, bytes]) -> Path:
    """The files, and the manifest that lists them."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    listed = [
        {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    (folder / "manifest.json").write_text(json.dumps({"files": listed}))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("staged")
    chance = random.Random(SEED)
    sources = {"in/a.txt": chance.randbytes(300_000), "in/b.txt": b"Sen tea.\n"}
    old = stage(folder / "old", b"old\n", b"old")
    return Made(old, stage(folder / "new", b"new\n", chance.randbytes(LARGE)), sources)


@functools.cache
def contents(staged: Path) -> dict[str, bytes]:
    return {
        path.relative_to(staged).as_posix(): path.read_bytes()
        for path in staged.rglob("*")
        if path.is_file()
    }


def fill(bucket: Bucket, made: Made) -> None:
    """The sources, and the old run with LATEST on it."""
    held = dict(made.sources)
    held |= {f"out/runs/old/{name}": data for name, data in contents(made.old).items()}
    digest = hashlib.sha256(held["out/runs/old/manifest.json"]).hexdigest()
    held["out/LATEST"] = json.dumps({"run": "old", "manifest_sha256": digest}).encode()
    bucket.objects = {
        key: Object(data, etag_of(data), {"x-amz-checksum-sha256": sha256(data)})
        for key, data in held.items()
    }


def small_run(aws: Aws, name: str, made: Made, spool: Path) -> dict[str, bytes]:
    """All that a run does with S3: look, list, fetch, publish. Returns what it has read."""
    place = open_place(f"s3://{name}/out", aws)
    place.examine()
    listed = list_sources(f"s3://{name}/in", spool, aws)
    read = {one.uri: pin(one, spool, aws).path.read_bytes() for one in listed}
    latest = read_latest(place)
    assert read_manifest(place, "new") is None or latest
    publish(place, made.new, "new", latest)
    return {uri.removeprefix(f"s3://{name}/"): data for uri, data in read.items()}


def patient(s3: FaultS3, worker: int = 0) -> Aws:
    """A client of one's own for each worker: it keeps on."""
    return Aws(
        region="us-east-1", endpoint_url=s3.url, bucket_owner=OWNER, concurrency=1,
        give_up_after=30, stall_after=0.5 + worker / 1000,
    )  # fmt: skip


def hasty(s3: FaultS3, worker: int = 0) -> Aws:
    """The same, that gives up soon."""
    return replace(patient(s3, worker), give_up_after=0.05, stall_after=9 + worker / 1000)


def requests_of_a_run(s3: FaultS3, made: Made, spool: Path) -> list[set[str]]:
    """The faults that can be made of each request of a run without any, in order."""
    s3.buckets.pop("clean", None)
    bucket = s3.bucket("clean")
    fill(bucket, made)
    assert small_run(patient(s3), "clean", made, spool) == made.sources
    assert seen_by_reader(bucket, "out") == contents(made.new)
    assert bucket.wrong == []
    return list(bucket.possible)


def attempt(s3: FaultS3, made: Made, fault: Fault, worker: int, spool: Path) -> bool:
    """Run under a fault, and hold what must be; whether there was such a request.

    Threads that upload may take turns in another order than without a fault.
    """
    name = f"{spool.name.replace('_', '-')}-{'always' if fault.persistent else 'once'}"
    bucket = s3.bucket(name)
    fill(bucket, made)
    bucket.fault = fault
    spool.mkdir()
    aws = hasty(s3, worker) if fault.persistent else patient(s3, worker)
    if fault.kind == "stalled":
        aws = replace(aws, stall_after=0.4 + worker / 1000)
    try:
        read = small_run(aws, name, made, spool)
        ended: PrepError | None = None
        assert read == made.sources, fault
    except PrepError as error:
        ended = error
    told = (fault, str(ended), bucket.asked)
    bucket.fault = None
    if not bucket.struck:
        assert ended is None, told
    elif fault.persistent:
        assert isinstance(ended, StorageError), told
        assert (ended.exit_code, str(ended).count("\n")) == (4, 0), told
        assert REMEDY.get(fault.kind, "") in str(ended), told
        seen = seen_by_reader(bucket, "out")
        allowed = [contents(made.old)] + [contents(made.new)] * (fault.kind == "lost")
        assert seen in allowed, told
        if SOAK or fault.at % 3 == 0:
            assert small_run(patient(s3, worker), name, made, spool) == made.sources
    else:
        assert ended is None, told
    if not fault.persistent or SOAK or fault.at % 3 == 0:
        assert seen_by_reader(bucket, "out") == contents(made.new), told
        assert bucket.uploads == {}, told
    assert bucket.wrong == [], told
    struck = bucket.struck > 0
    s3.buckets.pop(name)
    shutil.rmtree(spool)
    return struck


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "for good"])
def test_every_fault_at_every_request(
    s3: FaultS3,
    made: Made,
    tmp_path: Path,
    persistent: bool,
    record_property: Property,
) -> None:
    requests = requests_of_a_run(s3, made, tmp_path)
    faults = [
        Fault(kind, at, persistent)
        for kind in KINDS
        for at, possible in enumerate(requests, start=1)
        if kind in possible
    ]
    workers = itertools.count()
    own = threading.local()

    def one(fault: Fault) -> tuple[str, bool]:
        if not hasattr(own, "number"):
            own.number = next(workers)
        spool = tmp_path / f"{fault.kind}-{fault.at}"
        tries = (replace(fault, at=at) for at in range(fault.at, 0, -1))
        struck = any(attempt(s3, made, earlier, own.number, spool) for earlier in tries)
        return fault.kind, struck

    with ThreadPoolExecutor(4) as threads:
        tried = Counter(kind for kind, struck in threads.map(one, faults) if struck)
    assert set(tried) == set(KINDS)
    listed = ", ".join(f"{kind} {number}" for kind, number in sorted(tried.items()))
    when = "for good" if persistent else "once"
    record_property(
        "tried", f"S3 faults {when}, over {len(requests)} requests: {tried.total()} ({listed})"
    )


CLI_KINDS = [kind for kind in KINDS if kind not in {"412", "409", "late", "flipped"}]


def write_recipe(folder: Path, s3: FaultS3, name: str, **aws: object) -> Path:
    """Sources and output in S3; no near-duplicates, no images: a run of few seconds."""
    settings = {"endpoint_url": s3.url, "region": "us-east-1"} | aws
    recipe = {
        "name": "faults",
        "sources": [{"path": f"s3://{name}/in/pairs.jsonl", "reader": "jsonl"}],
        "stages": ["clean"],
        "targets": {"plain": {"format": "prompt_completion"}},
        "publish": {"uri": f"s3://{name}/out", "expected_bucket_owner": OWNER},
        "aws": settings | {"source_bucket_owner": OWNER},
    }
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"  # YAML takes JSON
    path.write_text(json.dumps(recipe))
    return path


def seen_after(bucket: Bucket, fault: Fault | None, data: bytes) -> None:
    """The bucket anew, with its source, and a fault to come."""
    bucket.objects = {"in/pairs.jsonl": Object(data, etag_of(data), {})}
    bucket.asked.clear()
    bucket.possible.clear()
    bucket.fault, bucket.struck = fault, 0


def test_a_whole_run_under_faults(
    s3: FaultS3, forks: Forks, tmp_path: Path, record_property: Property
) -> None:
    """`prepare` from S3 to S3: once ends with the same bytes, for good with code 4 and nothing.

    Each kind at one request, chosen by chance; with SOAK=1 at every one.
    """
    lines = [json.dumps({"prompt": f"Tea {n}?", "completion": f"{n} minutes."}) for n in range(50)]
    data = "\n".join(lines).encode()
    bucket = s3.bucket("night")
    patience = {"once": write_recipe(tmp_path / "once", s3, "night", stall_after=0.5)}
    patience["for good"] = write_recipe(
        tmp_path / "for good", s3, "night", stall_after=0.5, give_up_after=0.2
    )

    def prepare(fault: Fault | None, recipe: Path) -> dict[str, Any]:
        seen_after(bucket, fault, data)
        work = tmp_path / "work"
        words = ["--output", "s3://night/out", "--work", str(work), "--workers", "1"]
        told = forks.run("prepare", recipe, *words, "--log", "text")
        shutil.rmtree(work)
        bucket.fault = None
        return told

    wanted = {}
    for when, recipe in patience.items():
        told = prepare(None, recipe)
        assert told["code"] == 0, told
        wanted[when] = seen_by_reader(bucket, "out")
    requests = list(bucket.possible)
    chance = random.Random(SEED)
    tried: Counter[str] = Counter()
    for kind in KINDS:
        places = [at for at, kinds in enumerate(requests, start=1) if kind in kinds]
        for at in places if SOAK else places and [chance.choice(places)]:
            for when, recipe in patience.items():
                fault = Fault(kind, at, when == "for good")
                told = prepare(fault, recipe)
                if not bucket.struck:  # uploads took turns otherwise
                    continue
                tried[when] += 1
                published = seen_by_reader(bucket, "out")
                if when == "once":
                    assert (told["code"], published) == (0, wanted[when]), (fault, told)
                    assert bucket.uploads == {}
                    continue
                last = told["stderr"].strip().split("\n")[-1]
                assert told["code"] == 4, (fault, told)
                assert REMEDY.get(kind, "") in last, (fault, told)
                assert "Traceback" not in told["stderr"], (fault, told)
                assert published is None or (kind == "lost" and published == wanted[when]), fault
    listed = ", ".join(f"{when} {number}" for when, number in tried.items())
    record_property("tried", f"S3 faults of whole runs, over {len(requests)} requests: {listed}")


def test_each_fault_ends_the_command_in_one_line(
    s3: FaultS3, forks: Forks, tmp_path: Path, record_property: Property
) -> None:
    """The whole command, each kind for good, from a request that is chosen by chance."""
    output = copy_run(tmp_path)
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    destination = manifest["recipe"]["publish"]["uri"]
    name, _, prefix = destination.removeprefix("s3://").partition("/")
    line = ["publish", str(output), destination, "--endpoint-url", s3.url]
    line += ["--give-up-after", "0.3"]
    line += ["--stall-after", "1", "--region", "us-east-1", "--concurrency", "1"]
    chance = random.Random(SEED)
    for kind in CLI_KINDS:
        s3.buckets.pop(name, None)
        bucket = s3.bucket(name)
        if kind in {"truncated", "stalled"}:  # the only body that is read is that of LATEST
            run = json.dumps({"run": "other", "manifest_sha256": "0"}).encode()
            bucket.objects[f"{prefix}/LATEST"] = Object(run, etag_of(run), {})
        bucket.fault = Fault(kind, chance.randrange(1, 4), persistent=True)
        told = forks.run(*line)
        assert told["code"] == 4, (kind, told)
        assert bucket.struck, kind
        notes = 1 if kind == "denied" else 0  # that it could not be seen who may read there
        assert told["stderr"].count("\n") == 1 + notes, told
        assert REMEDY.get(kind, "") in told["stderr"], told
        assert not [key for key in bucket.objects if key.endswith("manifest.json")]
    record_property("tried", f"S3 faults that ended the command: {len(CLI_KINDS)}")


def test_a_replaced_source_ends_the_run_and_is_named(
    s3: FaultS3, made: Made, tmp_path: Path
) -> None:
    """Also when it is replaced in the middle of a body that broke off: no mixture is read."""
    bucket = s3.bucket("replaced")
    fill(bucket, made)
    aws = patient(s3)
    listed = list_sources("s3://replaced/in", tmp_path, aws)
    bucket.fault = Fault("truncated", len(bucket.asked) + 1)

    def replace_after_first() -> None:
        while not bucket.struck:
            time.sleep(0.001)
        other = b"other" * 100_000
        bucket.objects["in/a.txt"] = Object(other, etag_of(other), {})

    other = threading.Thread(target=replace_after_first)
    other.start()
    monkey = pytest.MonkeyPatch()
    monkey.setattr("pipeline.s3.client.FIRST_WAIT", 0.5)  # time to replace it
    try:
        with pytest.raises(SourceChanged, match=r"in/a.txt: was replaced .* 500000 bytes"):
            pin(listed[0], tmp_path, aws)
    finally:
        monkey.undo()
        other.join()
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".part"]


def test_a_damaged_spool_file_is_fetched_again(s3: FaultS3, made: Made, tmp_path: Path) -> None:
    """It has the right name and size; nothing is believed because a file exists."""
    fill(s3.bucket("spool"), made)
    aws = patient(s3)
    (listed, _) = list_sources("s3://spool/in", tmp_path, aws)
    spooled = pin(listed, tmp_path, aws).path
    spooled.write_bytes(b"x" * listed.size)
    assert pin(listed, tmp_path, aws).path.read_bytes() == made.sources["in/a.txt"]
    asked = len(s3.bucket("spool").asked)
    assert pin(listed, tmp_path, aws).path == spooled
    assert len(s3.bucket("spool").asked) == asked  # what is whole is not fetched again


def test_a_known_source_is_digested_before_its_first_use(
    s3: FaultS3, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each process, for its copy may have rotted; it is fetched where it is not there."""
    fill(s3.bucket("known"), made)
    aws = patient(s3)
    (listed, _) = list_sources("s3://known/in", tmp_path, aws)
    spooled = pin(listed, tmp_path, aws)
    known = known_file(listed, spooled.sha256, tmp_path, aws)
    assert str(known.local) == str(spooled.path)
    spooled.path.write_bytes(b"x" * listed.size)
    assert known.path.read_bytes() == made.sources["in/a.txt"]
    asked = len(s3.bucket("known").asked)
    spooled.path.write_bytes(b"x" * listed.size)
    monkeypatch.setattr("pipeline.storage._DIGESTED", set())  # as in another process
    assert known.path.read_bytes() == made.sources["in/a.txt"]
    assert known.path == known.path
    assert len(s3.bucket("known").asked) == asked + 1
    spooled.path.unlink()
    assert Path(str(known.local)).exists() is False
    assert known.head() == made.sources["in/a.txt"][:65_536]


def test_a_wrong_or_missing_owner_is_refused(s3: FaultS3, made: Made, tmp_path: Path) -> None:
    fill(s3.bucket("owner"), made)
    for owner in (None, "999988887777"):
        aws = replace(hasty(s3), bucket_owner=owner)
        with pytest.raises(StorageError, match="access denied"):
            small_run(aws, "owner", made, tmp_path)
    assert seen_by_reader(s3.bucket("owner"), "out") == contents(made.old)


def test_a_public_bucket_is_refused(s3: FaultS3, made: Made, tmp_path: Path) -> None:
    """Unless its block makes the policy void. A server that does not tell is not asked again."""
    bucket = s3.bucket("public")
    fill(bucket, made)
    bucket.public = True
    with pytest.raises(RecipeError, match="is public"):
        small_run(patient(s3), "public", made, tmp_path)
    assert seen_by_reader(bucket, "out") == contents(made.old)
    bucket.restricted = True
    small_run(patient(s3), "public", made, tmp_path)
    assert seen_by_reader(bucket, "out") == contents(made.new)


def test_a_role_that_may_not_look_is_told_so(s3: FaultS3, made: Made) -> None:
    bucket = s3.bucket("blind")
    bucket.fault = Fault("denied", 1)
    (note,) = open_place("s3://blind/out", patient(s3)).examine()
    assert "s3:GetBucketPolicyStatus" in note
    assert bucket.asked == ["GET publicAccessBlock"]


def test_every_write_carries_the_key(s3: FaultS3, made: Made, tmp_path: Path) -> None:
    """Small files, parts, manifest and LATEST: the KMS key with its bucket key."""
    bucket = s3.bucket("sealed")
    fill(bucket, made)
    bucket.kms_key_id = "arn:aws:kms:us-east-1:111122223333:key/1"
    small_run(replace(patient(s3), kms_key_id=bucket.kms_key_id), "sealed", made, tmp_path)
    assert bucket.wrong == []
    assert seen_by_reader(bucket, "out") == contents(made.new)
    publish(open_place("s3://sealed/elsewhere", patient(s3)), made.new, "new", None)
    assert len(bucket.wrong) == len(contents(made.new)) + 1  # and LATEST: each would be noticed


def test_bandwidth_is_bounded(s3: FaultS3, made: Made) -> None:
    bandwidth = 4 << 20
    aws = replace(patient(s3), max_bandwidth=bandwidth, concurrency=2)
    start = time.monotonic()
    publish(open_place("s3://slow/out", aws), made.new, "new", None)
    assert time.monotonic() - start > LARGE / bandwidth * 0.5


@pytest.mark.parametrize(("concurrency", "least"), [(1, 1), (2, 2), (6, 3)])
def test_concurrency_is_bounded(
    s3: FaultS3, tmp_path: Path, concurrency: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 30 files, so many are under way at once and no more; the server takes a while for each."""
    files = {f"{number:02d}.txt": b"Sen tea.\n" for number in range(30)}
    staged = stage_files(tmp_path / "run", files)
    monkeypatch.setattr(s3, "thinks", 0.03)
    s3.most_at_once = 0
    aws = replace(patient(s3), concurrency=concurrency)
    publish(open_place(f"s3://many-{concurrency}/out", aws), staged, "run", None)
    assert least <= s3.most_at_once <= concurrency


@pytest.mark.parametrize(("concurrency", "least"), [(1, 1), (6, 3)])
def test_sources_are_fetched_so_many_at_once(
    s3: FaultS3, tmp_path: Path, concurrency: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon each comes: what is far away is waited for most of the time."""
    name = f"far-{concurrency}"
    data = b"Sen tea.\n"
    held = {f"in/{number:02d}.txt": Object(data, etag_of(data), {}) for number in range(30)}
    s3.bucket(name).objects = held
    text = {"name": "far", "sources": [{"path": f"s3://{name}/in/"}], "targets": TARGETS}
    (tmp_path / "recipe.yaml").write_text(json.dumps(text))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    monkeypatch.setattr(s3, "thinks", 0.01)
    s3.most_at_once = 0
    aws = replace(patient(s3), concurrency=concurrency)
    assert len(list(gather_inputs(recipe, tmp_path, tmp_path, aws).files())) == 30
    assert least <= s3.most_at_once <= concurrency


def test_another_run_is_a_conflict_not_a_fault(s3: FaultS3, made: Made) -> None:
    """Exit code 5: LATEST has moved, or a run of this name stands with other content."""
    bucket = s3.bucket("conflict")
    fill(bucket, made)
    place = open_place("s3://conflict/out", patient(s3))
    before = read_latest(place)
    publish(place, made.new, "new", before)
    with pytest.raises(ConflictError, match="another run has published"):
        publish(place, made.new, "newer", before)
    bucket.objects["out/runs/third/manifest.json"] = Object(b"{}", '"1"', {})
    with pytest.raises(ConflictError, match="another run"):
        place.add_folder(made.new, "runs/third")
    assert bucket.objects["out/runs/third/manifest.json"].data == b"{}"
    other = Object(b"other", etag_of(b"other"), {})
    bucket.objects["out/runs/third/report.html"] = other
    with pytest.raises(ConflictError, match="is published with other content"):
        place.add_folder(made.new, "runs/third")
    assert bucket.objects["out/runs/third/report.html"] is other


def test_files_of_a_dead_run_are_written_over(s3: FaultS3, made: Made) -> None:
    """No manifest stands, so nobody can have read them."""
    bucket = s3.bucket("dead")
    for name in ("report.html", "large.bin"):
        bucket.objects[f"out/runs/new/{name}"] = Object(b"other", etag_of(b"other"), {})
    publish(open_place("s3://dead/out", patient(s3)), made.new, "new", None)
    assert seen_by_reader(bucket, "out") == contents(made.new)


def test_a_staged_file_that_has_changed_is_not_published(
    s3: FaultS3, made: Made, tmp_path: Path
) -> None:
    staged = Path(shutil.copytree(made.new, tmp_path / "staged"))
    (staged / "report.html").write_bytes(b"bad!")
    with pytest.raises(StorageError, match=r"report.html: has changed since it was written"):
        publish(open_place("s3://changed/out", patient(s3)), staged, "new", None)
    assert seen_by_reader(s3.bucket("changed"), "out") is None


def test_abort_removes_what_dead_runs_left(s3: FaultS3, bedrock_prep: Command) -> None:
    bucket = s3.bucket("left")
    bucket.uploads = {
        "u1": ("out/runs/a/large.bin", {}),
        "u2": ("out/runs/b/large.bin", {}),
        "u3": ("elsewhere/large.bin", {}),
    }
    bucket.asked.append("")
    done = bedrock_prep(
        "abort",
        "s3://left/out",
        "--owner",
        OWNER,
        "--endpoint-url",
        s3.url,
        "--region",
        "us-east-1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "s3://left/out/runs/a/large.bin",
        "s3://left/out/runs/b/large.bin",
    ]
    assert set(bucket.uploads) == {"u3"}
    assert abort_pending("s3://left/out", "us-east-1", s3.url, OWNER) == []
