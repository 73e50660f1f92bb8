"""State in S3: a machine that has seen none of the earlier runs takes over what they have made."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
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
)
from test_incremental import RECIPE, Project, manifest_of
from test_incremental import read as read_by_text_reader

from pipeline.errors import RecipeError, SourceChanged, StorageError
from pipeline.state_file import StateFile

pytestmark = pytest.mark.usefixtures("quick_gate")
read = read_by_text_reader  # a fixture

SOAK = bool(os.environ.get("SOAK"))
STATE = "s3://kept/state"
OLD = "2020-01-01T00:00:00.000Z"
Property = Callable[[str, object], None]
CANARY = "The canary sang of Sen tea at seven in the morning, and nobody was to know of it."


@pytest.fixture(scope="module")
def server() -> Iterator[FaultS3]:
    with serve_faults() as server:
        yield server


@pytest.fixture
def s3(server: FaultS3, monkeypatch: pytest.MonkeyPatch) -> FaultS3:
    """Without any bucket; the product waits a twentieth of its time before the second try, and
    deletes three objects at once where S3 takes a thousand."""
    server.buckets.clear()
    monkeypatch.setattr("pipeline.s3.objects.AT_ONCE", 3)
    monkeypatch.setattr("pipeline.s3.client.FIRST_WAIT", 0.005)
    return server


def write_recipe(project: Project, s3: FaultS3, text: str = RECIPE, **aws: object) -> None:
    """The recipe with its sources in one bucket and its output in another."""
    beside = {
        "publish": {"uri": "s3://nights/out", "expected_bucket_owner": OWNER},
        "aws": {
            "endpoint_url": s3.url, "region": "us-east-1", "source_bucket_owner": OWNER,
            "concurrency": 2, **aws,
        },
    }  # fmt: skip
    added = "".join(f"{key}: {json.dumps(value)}\n" for key, value in beside.items())
    text = text.replace("path: ", "path: s3://raw/")
    (project.folder / "recipe.yaml").write_text(text + added, encoding="utf-8")


def upload(project: Project, s3: FaultS3, *folders: str) -> None:
    """The project's files as they are now are the source objects."""
    held = {}
    for folder in folders or ("docs", "pairs"):
        for path in sorted((project.folder / folder).rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                held[path.relative_to(project.folder).as_posix()] = Object(data, etag_of(data), {})
    s3.bucket("raw").objects = held


def project_in(tmp_path: Path, s3: FaultS3, seed: int, **aws: Any) -> Project:
    """A project whose sources are in S3."""
    project = Project(tmp_path / "project", seed)
    write_recipe(project, s3, **aws)
    upload(project, s3)
    return project


def run(
    project: Project, s3: FaultS3, work: Path, **options: Any
) -> tuple[dict[str, bytes], list[str]]:
    """One run on a machine whose work folder this is: the files published, what was told."""
    s3.bucket("nights").objects.pop("out/LATEST", None)  # nothing is done before
    for key in [key for key in s3.bucket("nights").objects if key.startswith("out/runs/")]:
        del s3.bucket("nights").objects[key]
    told = project.prepare("s3://nights/out", work=work, **options)
    seen = seen_by_reader(s3.bucket("nights"), "out")
    assert seen
    return seen, told


def fetched(s3: FaultS3) -> list[str]:
    """The source objects that were asked for since last time."""
    bucket = s3.bucket("raw")
    keys = [asked.removeprefix("GET ") for asked in bucket.asked if asked.startswith("GET ")]
    bucket.asked.clear()
    return sorted(key for key in keys if key in bucket.objects)


def state_of(s3: FaultS3) -> dict[str, Any]:
    """The state, each object that it names held against its digest."""
    objects = s3.bucket("kept").objects
    told: dict[str, Any] = json.loads(objects["state/state.json"].data)
    for one in told["files"]:
        data = objects[f"state/objects/{one['sha256']}"].data
        assert hashlib.sha256(data).hexdigest() == one["sha256"]
        assert len(data) == one["bytes"]
    return told


def stored(s3: FaultS3) -> set[str]:
    above = "state/objects/"
    keys = s3.bucket("kept").objects
    return {key.removeprefix(above) for key in keys if key.startswith(above)}


@pytest.mark.parametrize("seed", range(3))
def test_nights_on_new_machines_end_in_the_bytes_of_one_run(
    tmp_path: Path, s3: FaultS3, read: list[str], seed: int
) -> None:
    """Documents come, change and go; only what is new is fetched and read, by any machine."""
    project = project_in(tmp_path, s3, seed)
    run(project, s3, tmp_path / "first", state=STATE)
    for night in range(3):
        before = s3.bucket("raw").objects
        fetched(s3)
        project.night()
        upload(project, s3)
        now = s3.bucket("raw").objects
        new = {key for key in now if key not in before or before[key].etag != now[key].etag}
        read.clear()
        by_night, _ = run(project, s3, tmp_path / f"machine-{night}", state=STATE)
        assert fetched(s3) == sorted(new)
        assert {uri.removeprefix("s3://raw/") for uri in read} <= new
        kept = {one["sha256"] for one in state_of(s3)["files"]}
        assert stored(s3) == kept
        assert by_night == run(project, s3, tmp_path / f"once-{night}")[0]
    assert s3.bucket("kept").wrong == []


def test_a_machine_that_lives_on_fetches_nothing_of_the_state(tmp_path: Path, s3: FaultS3) -> None:
    """What it has saved itself is there; of what has not changed, nothing is uploaded again."""
    project = project_in(tmp_path, s3, 3)
    run(project, s3, tmp_path / "work", state=STATE)
    bucket = s3.bucket("kept")
    files = {one["path"]: one["sha256"] for one in state_of(s3)["files"]}
    bucket.asked.clear()
    (project.folder / "pairs/zzz.jsonl").write_text('{"prompt": "Tea?", "completion": "Green."}\n')
    upload(project, s3)
    run(project, s3, tmp_path / "work", state=STATE)
    asked = Counter(one.split(" ")[0] for one in bucket.asked if "objects/" in one)
    assert asked["GET"] == 0
    kept = {one["path"]: one["sha256"] for one in state_of(s3)["files"]}
    same = [name for name, sha256 in files.items() if kept.get(name) == sha256]
    assert asked["PUT"] <= len(kept) - len(same)


def test_work_that_was_removed_is_fetched_again(
    tmp_path: Path, s3: FaultS3, read: list[str]
) -> None:
    """The machine has saved the state itself, but has no longer all of it."""
    project = project_in(tmp_path, s3, 3)
    first, _ = run(project, s3, tmp_path / "work", state=STATE)
    next(tmp_path.glob("work/*/pass-00/*.kept.arrow")).unlink()
    shutil.rmtree(tmp_path / f"work/{manifest_of(first)['run']}")
    read.clear()
    assert run(project, s3, tmp_path / "work", state=STATE)[0] == first
    assert read == []


def test_a_retry_on_another_machine_goes_on_from_the_state(
    tmp_path: Path, s3: FaultS3, read: list[str]
) -> None:
    """Publishing has failed after the state was saved: the same run again reads nothing."""
    project = Project(tmp_path / "project", 3)
    write_recipe(project, s3, give_up_after=0.1)
    upload(project, s3)
    s3.bucket("nights").fault = Fault("503", 6, persistent=True)
    with pytest.raises(StorageError, match="busy"):
        project.prepare("s3://nights/out", work=tmp_path / "one", state=STATE)
    assert seen_by_reader(s3.bucket("nights"), "out") is None
    s3.bucket("nights").fault = None
    assert read
    read.clear()
    fetched(s3)
    again, _ = run(project, s3, tmp_path / "two", state=STATE)
    assert read == fetched(s3) == []
    assert again == run(project, s3, tmp_path / "once")[0]
    assert not (tmp_path / "two/restored").exists()


def test_full_takes_nothing_over_and_saves(tmp_path: Path, s3: FaultS3, read: list[str]) -> None:
    project = project_in(tmp_path, s3, 4)
    first, _ = run(project, s3, tmp_path / "one", state=STATE)
    run_before = state_of(s3)
    documents = len(list((project.folder / "docs").iterdir()))
    assert len(read) == documents
    fetched(s3)
    again, _ = run(project, s3, tmp_path / "two", state=STATE, full=True)
    assert len(fetched(s3)) == len(project.files())
    assert len(read) == 2 * documents
    assert again == first
    assert state_of(s3)["run"] == run_before["run"]


def remove_an_object(bucket: Bucket, key: str) -> None:
    del bucket.objects[key]


def put_another_there(bucket: Bucket, key: str) -> None:
    data = bucket.objects[key].data[:-1] + b"?"
    bucket.objects[key] = Object(data, etag_of(data), {})


@pytest.mark.parametrize("harm", [remove_an_object, put_another_there])
@pytest.mark.parametrize("kind", ["pinned.arrow", "pinned.json", ".kept.", ".units.", ".json"])
def test_a_damaged_state_is_not_believed(
    tmp_path: Path, s3: FaultS3, harm: Callable[[Bucket, str], None], kind: str
) -> None:
    """An object is gone, or is another: made anew, and whole in the state that is saved then."""
    project = project_in(tmp_path, s3, 5)
    first, _ = run(project, s3, tmp_path / "one", state=STATE)
    named = [one for one in state_of(s3)["files"] if kind in one["path"]]
    harm(s3.bucket("kept"), f"state/objects/{named[-1]['sha256']}")
    again, _ = run(project, s3, tmp_path / "two", state=STATE)
    assert again == first
    state_of(s3)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no JSON", "is damaged"),
        (
            b'{"format": 9, "code": "", "output": "", "run": "", "files": [], "gone": []}',
            "format 9",
        ),
        (b"[]", "is damaged"),
    ],
)
def test_what_is_no_state_is_told_and_written_over(
    tmp_path: Path, s3: FaultS3, data: bytes, why: str
) -> None:
    project = project_in(tmp_path, s3, 6)
    s3.bucket("kept").objects["state/state.json"] = Object(data, etag_of(data), {})
    _, told = run(project, s3, tmp_path / "work", state=STATE)
    (line,) = [line for line in told if "state.json" in line]
    assert why in line
    assert "goes on without it" in line
    state_of(s3)


@pytest.mark.parametrize(
    "path", ["../escaped.arrow", "/tmp/escaped.arrow", "lock", "pass-00/../../lock", "pass-00/0/x"]
)
def test_a_state_writes_no_other_files(tmp_path: Path, s3: FaultS3, path: str) -> None:
    """Who can write to the bucket could name any: only those of a first pass are taken."""
    project = project_in(tmp_path, s3, 6)
    run(project, s3, tmp_path / "one", state=STATE)
    bucket, evil = s3.bucket("kept"), b"evil"
    sha256 = hashlib.sha256(evil).hexdigest()
    told = state_of(s3)
    told["files"].append({"path": path, "bytes": len(evil), "sha256": sha256})
    data = json.dumps(told).encode()
    bucket.objects[f"state/objects/{sha256}"] = Object(evil, etag_of(evil), {})
    bucket.objects["state/state.json"] = Object(data, etag_of(data), {})
    _, said = run(project, s3, tmp_path / "machine/two", state=STATE)
    assert any(f"lists {path}" in line for line in said)
    here = [one for one in tmp_path.rglob("*") if one.is_file() and one.read_bytes() == evil]
    assert here == []


def test_state_of_other_code_is_not_fetched(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not be taken over; its digests are still true, but all is looked at again."""
    project = project_in(tmp_path, s3, 7)
    first, _ = run(project, s3, tmp_path / "one", state=STATE)
    before = state_of(s3)["made_of"]
    for module in ("pins", "reuse", "resume"):
        monkeypatch.setattr(f"pipeline.{module}.code_digest", lambda: "of another version")
    fetched(s3)
    s3.bucket("kept").asked.clear()
    again, _ = run(project, s3, tmp_path / "two", state=STATE)
    assert len(fetched(s3)) == len(project.files())
    got = [one for one in s3.bucket("kept").asked if one.startswith("GET state/objects/")]
    assert len(got) == 2  # the pins
    assert again == first
    assert state_of(s3)["made_of"] != before


def test_a_source_whose_records_are_made_anew_is_fetched(tmp_path: Path, s3: FaultS3) -> None:
    """Another setting of a stage: all are known by their ETags, and all are read; what was made of
    them by the other setting is of no use, and left where it is."""
    project = project_in(tmp_path, s3, 8)
    run(project, s3, tmp_path / "one", state=STATE)
    write_recipe(project, s3, RECIPE.replace("min_words: 5", "min_words: 6"))
    fetched(s3)
    s3.bucket("kept").asked.clear()
    again, _ = run(project, s3, tmp_path / "two", state=STATE)
    assert len(fetched(s3)) == len(project.files())
    got = [one for one in s3.bucket("kept").asked if one.startswith("GET state/objects/")]
    assert len(got) == 2  # the pins
    assert again == run(project, s3, tmp_path / "once")[0]


def test_a_large_source_that_is_known_is_not_fetched_to_be_cut(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ranges are in the state as well."""
    monkeypatch.setattr("pipeline.readers.ranges.RANGE_BYTES", 300)
    project = Project(tmp_path / "project", 8)
    lines = [f'{{"prompt": "What is {n}?", "completion": "A number."}}\n' for n in range(90)]
    (project.folder / "pairs/large.jsonl").write_text("".join(lines))
    write_recipe(project, s3)
    upload(project, s3)
    run(project, s3, tmp_path / "one", state=STATE)
    (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
    upload(project, s3)
    fetched(s3)
    by_night, _ = run(project, s3, tmp_path / "two", state=STATE)
    assert fetched(s3) == ["docs/new.txt"]
    assert by_night == run(project, s3, tmp_path / "once")[0]


def test_an_etag_that_lies_stops_the_run(tmp_path: Path, s3: FaultS3) -> None:
    """Other bytes under the same ETag, on a server whose ETags are no digests."""
    project = Project(tmp_path / "project", 8)
    write_recipe(project, s3, md5_etags=False)
    upload(project, s3)
    run(project, s3, tmp_path / "one", state=STATE)
    key = next(iter(s3.bucket("raw").objects))
    there = s3.bucket("raw").objects[key]
    s3.bucket("raw").objects[key] = Object(there.data.swapcase(), there.etag, {})
    write_recipe(project, s3, RECIPE.replace("min_words: 5", "min_words: 6"), md5_etags=False)
    with pytest.raises(SourceChanged, match="has changed, though its ETag has not"):
        run(project, s3, tmp_path / "two", state=STATE)
    s3.bucket("raw").objects[key] = Object(there.data.swapcase() + b"!", there.etag, {})
    by_night, _ = run(project, s3, tmp_path / "three", state=STATE)  # its size tells
    assert by_night == run(project, s3, tmp_path / "once")[0]


def test_images_of_s3_are_fetched_where_lines_name_them(tmp_path: Path, s3: FaultS3) -> None:
    """Their records are taken over, but the target publishes their bytes."""
    from PIL import Image

    project = Project(tmp_path / "project", 1)
    shutil.rmtree(project.folder / "docs")
    shutil.rmtree(project.folder / "pairs")
    for number in range(12):
        place = project.folder / f"images/{number % 2}/{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 7, 9)).save(place)
        place.with_suffix(".txt").write_text(f"A plain picture, number {number}.")
    text = "name: pictures\nsources: [{path: images/}]\nstages: [clean, dedup_image]\n"
    write_recipe(project, s3, text + "targets: {captions: {format: image_caption}}\n")
    upload(project, s3, "images")
    run(project, s3, tmp_path / "one", state=STATE)
    Image.new("RGB", (8, 8), (77, 7, 9)).save(project.folder / "images/0/new.png")
    (project.folder / "images/0/new.txt").write_text("A new picture.")
    upload(project, s3, "images")
    by_night, told = run(project, s3, tmp_path / "two", state=STATE)
    assert any("1 of 2 source units are known" in line for line in told)
    assert len([name for name in by_night if "/images/" in name]) == 13
    assert by_night == run(project, s3, tmp_path / "once")[0]


def test_what_is_withdrawn_is_not_kept(tmp_path: Path, s3: FaultS3) -> None:
    """No object of the state holds its text once a run has withdrawn it."""
    project = Project(tmp_path / "project", 9)
    (project.folder / "docs/canary.txt").write_text((CANARY + "\n") * 3)
    write_recipe(project, s3)
    upload(project, s3)

    def telling() -> list[str]:
        objects = s3.bucket("kept").objects.items()
        return [key for key, one in objects if CANARY[:40].encode() in one.data]

    run(project, s3, tmp_path / "one", state=STATE)
    assert telling()
    write_recipe(project, s3, RECIPE + "withdraw: [s3://raw/docs/canary.txt]\n")
    run(project, s3, tmp_path / "two", state=STATE)
    assert telling() == []
    state_of(s3)


def test_objects_of_dead_runs_are_removed_after_a_day(tmp_path: Path, s3: FaultS3) -> None:
    """A younger one may be of a run that is just saving; unfinished uploads go as well."""
    project = project_in(tmp_path, s3, 9)
    bucket = s3.bucket("kept")
    bucket.objects["state/objects/old"] = Object(b"old", etag_of(b"old"), {}, OLD)
    soon = "2999-01-01T00:00:00.000Z"
    bucket.objects["state/objects/young"] = Object(b"young", etag_of(b"young"), {}, soon)
    bucket.uploads["u1"] = ("state/objects/half", {})
    bucket.uploads["u2"] = ("elsewhere/half", {})
    run(project, s3, tmp_path / "one", state=STATE)
    assert stored(s3) - {one["sha256"] for one in state_of(s3)["files"]} == {"young"}
    assert set(bucket.uploads) == {"u2"}


def test_another_run_that_has_saved_meanwhile_stands(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and nothing of the other's is removed."""
    from pipeline.execution import Execution

    project = project_in(tmp_path, s3, 10)
    run(project, s3, tmp_path / "one", state=STATE)
    (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
    upload(project, s3)
    real, other = Execution.run, StateFile("s3://nights/out", "", "", ()).as_json()

    def meanwhile(self: Execution) -> Any:
        s3.bucket("kept").objects["state/state.json"] = Object(other, etag_of(other), {})
        return real(self)

    monkeypatch.setattr(Execution, "run", meanwhile)
    before = stored(s3)
    _, told = run(project, s3, tmp_path / "two", state=STATE)
    (line,) = [line for line in told if "cannot be saved" in line]
    assert "another run" in line
    assert s3.bucket("kept").objects["state/state.json"].data == other
    assert before <= stored(s3)


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "for good"])
def test_faults_of_the_state_are_no_faults_of_the_run(
    tmp_path: Path, s3: FaultS3, persistent: bool, record_property: Property
) -> None:
    """Every kind at a request chosen by chance, or with SOAK=1 at each: the same bytes; what is for
    good is told."""
    project = Project(tmp_path / "project", 11)
    for path in sorted((project.folder / "docs").iterdir())[6:]:
        path.unlink()
    write_recipe(project, s3, stall_after=0.3, give_up_after=0.2 if persistent else 300)
    upload(project, s3)
    run(project, s3, tmp_path / "first", state=STATE)
    (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
    upload(project, s3)
    before = dict(s3.bucket("kept").objects)
    wanted, _ = run(project, s3, tmp_path / "once")
    bucket = s3.bucket("kept")
    chance, tried = random.Random(11), Counter[str]()

    def attempt(fault: Fault | None, name: str) -> tuple[dict[str, bytes], list[str]]:
        bucket.objects, bucket.fault, bucket.struck = dict(before), fault, 0
        bucket.uploads.clear()
        bucket.asked.clear()
        bucket.possible.clear()
        published = run(project, s3, tmp_path / name, state=STATE)
        bucket.fault = None
        shutil.rmtree(tmp_path / name)
        return published

    assert attempt(None, "clean")[0] == wanted
    requests = list(bucket.possible)
    for kind in KINDS:
        places = [at for at, kinds in enumerate(requests, start=1) if kind in kinds]
        for at in places if SOAK else places and [chance.choice(places)]:
            published, told = attempt(Fault(kind, at, persistent), f"{kind}-{at}")
            if not bucket.struck:  # uploads took turns otherwise
                continue
            tried[kind] += 1
            assert published == wanted, (kind, at)
            said = [line for line in told if line.startswith("state ") and "cannot" in line]
            if persistent:
                assert said, (kind, at, told)
            else:
                assert not said, (kind, at, said)
                state_of(s3)
    assert len(tried) >= len(KINDS) - 2
    when = "for good" if persistent else "once"
    record_property("tried", f"faults of the state {when}: {tried.total()} of {len(requests)}")


def test_a_state_on_this_machine_is_refused(tmp_path: Path, bedrock_prep: Command) -> None:
    """The work folder keeps it here."""
    project = Project(tmp_path / "project", 1)
    done = bedrock_prep("prepare", project.folder / "recipe.yaml", "--state", tmp_path / "state")
    assert done.returncode == 2
    assert "is not an s3:// URI" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists()


def test_a_public_bucket_keeps_no_state(tmp_path: Path, s3: FaultS3) -> None:
    project = project_in(tmp_path, s3, 1)
    s3.bucket("kept").public = True
    with pytest.raises(RecipeError, match=r"s3://kept: is public"):
        run(project, s3, tmp_path / "work", state=STATE)
    assert s3.bucket("kept").objects == {}
