"""A state that is damaged, refused, strange, another's, or left half done heals, or is told."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import fault_s3
import pytest
from fault_s3 import FaultS3, Object, etag_of
from test_incremental import RECIPE, Project
from test_state import (
    CANARY,
    OLD,
    STATE,
    fetched,
    project_in,
    run,
    state_of,
    stored,
    upload,
    write_recipe,
)
from test_state import s3 as bucket_server
from test_state import server as one_server

from pipeline import execution
from pipeline.errors import RecipeError
from pipeline.memory import Share
from pipeline.readers import ranges
from pipeline.s3.objects import S3Objects

pytestmark = pytest.mark.usefixtures("quick_gate")
s3, server = bucket_server, one_server  # fixtures
SMALL = Share(1, 4000)
EVIL = b"evil"
EVIL_SHA = hashlib.sha256(EVIL).hexdigest()


def rename(project: Project, s3: FaultS3, name: str, **aws: object) -> None:
    """Another run of the same sources."""
    write_recipe(project, s3, RECIPE.replace("name: nightly", f"name: {name}"), **aws)


@pytest.mark.parametrize("how", ["refused", "rotten"])
def test_one_object_that_cannot_be_read_is_put_there_anew(
    tmp_path: Path, s3: FaultS3, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a key that is shut off, an archive, a broken disk: the others are taken over."""
    monkeypatch.setattr(execution, "share_memory", lambda *_: SMALL)
    project = project_in(tmp_path, s3, 7, give_up_after=0.2)
    first, _ = run(project, s3, tmp_path / "one", state=STATE)
    bucket = s3.bucket("kept")
    sha256 = next(one["sha256"] for one in state_of(s3)["files"] if ".kept." in one["path"])
    key = f"state/objects/{sha256}"
    there, real = bucket.objects[key], fault_s3.get
    if how == "rotten":
        bucket.objects[key] = Object(there.data[:-1] + b"?", there.etag, there.sums)

    def get(request: fault_s3.Request) -> fault_s3.Answer:
        same = bucket.objects.get(key) is there and request.key == key
        return fault_s3.refused(403, "AccessDenied") if same else real(request)

    if how == "refused":
        monkeypatch.setattr(fault_s3, "get", get)
    fetched(s3)
    rename(project, s3, "second", give_up_after=0.2)
    _, told = run(project, s3, tmp_path / "two", state=STATE)
    assert any("cannot be fetched completely" in line for line in told)
    assert 0 < len(fetched(s3)) < len(project.files())  # those of one task
    state_of(s3)
    rename(project, s3, "third", give_up_after=0.2)
    _, told = run(project, s3, tmp_path / "three", state=STATE)
    assert fetched(s3) == []
    assert not any("cannot" in line for line in told)
    write_recipe(project, s3, give_up_after=0.2)
    assert run(project, s3, tmp_path / "four", state=STATE)[0] == first


def test_an_object_of_another_size_is_put_there_anew(tmp_path: Path, s3: FaultS3) -> None:
    """Also one that nobody has fetched: this machine has all."""
    project = project_in(tmp_path, s3, 7)
    run(project, s3, tmp_path / "work", state=STATE)
    key = f"state/objects/{state_of(s3)['files'][0]['sha256']}"
    s3.bucket("kept").objects[key].data = b"short"
    rename(project, s3, "second")
    run(project, s3, tmp_path / "work", state=STATE)
    state_of(s3)


def test_nights_after_new_code_go_on_from_the_first(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has changed but the code: the pins are noted anew, though they say the same."""
    project = project_in(tmp_path, s3, 7)
    run(project, s3, tmp_path / "one", state=STATE)
    for module in ("pins", "reuse", "resume"):
        monkeypatch.setattr(f"pipeline.{module}.code_digest", lambda: "of another version")
    numbers = []
    for night in range(3):
        fetched(s3)
        run(project, s3, tmp_path / f"night-{night}", state=STATE)
        numbers.append(len(fetched(s3)))
    assert numbers == [len(project.files()), 0, 0]


def test_a_run_that_is_published_already_keeps_a_state(tmp_path: Path, s3: FaultS3) -> None:
    """Where there was none: what sources were read, so that the next night need not fetch them;
    and what is there of the first pass stays."""
    project = project_in(tmp_path, s3, 7)
    project.prepare("s3://nights/out", work=tmp_path / "one", state=STATE)
    whole = {one["path"] for one in state_of(s3)["files"]}
    numbers = []
    for night in range(3):
        if night == 1:
            s3.bucket("kept").objects.clear()
        fetched(s3)
        project.prepare("s3://nights/out", work=tmp_path / f"night-{night}", state=STATE)
        numbers.append(len(fetched(s3)))
        paths = {one["path"] for one in state_of(s3)["files"]}
        assert paths == (whole if night == 0 else {"pinned.arrow", "pinned.json"})
    assert numbers == [0, len(project.files()), 0]
    s3.bucket("kept").objects.clear()  # and the machine that has made it all still has it
    project.prepare("s3://nights/out", work=tmp_path / "one", state=STATE)
    assert {one["path"] for one in state_of(s3)["files"]} == whole


def telling(s3: FaultS3) -> list[str]:
    """The objects that hold the canary."""
    objects = s3.bucket("kept").objects.items()
    return [key for key, one in objects if CANARY[:40].encode() in one.data]


def test_what_a_dead_run_should_have_removed_is_removed(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between naming the new state and removing the old one's: the next run remembers."""
    project = Project(tmp_path / "project", 9)
    (project.folder / "docs/canary.txt").write_text((CANARY + "\n") * 3)
    write_recipe(project, s3)
    upload(project, s3)
    run(project, s3, tmp_path / "one", state=STATE)
    assert telling(s3)
    write_recipe(project, s3, RECIPE + "withdraw: [s3://raw/docs/canary.txt]\n")
    real = S3Objects.remove

    def die(self: S3Objects, names: set[str]) -> None:
        if names:
            raise KeyboardInterrupt

    monkeypatch.setattr(S3Objects, "remove", die)
    with pytest.raises(KeyboardInterrupt):
        run(project, s3, tmp_path / "two", state=STATE)
    monkeypatch.setattr(S3Objects, "remove", real)
    assert telling(s3)
    for one in s3.bucket("kept").objects.values():
        one.modified = "2999-01-01T00:00:00.000Z"  # too young to be swept away as strays
    run(project, s3, tmp_path / "three", state=STATE)
    assert telling(s3) == []
    state_of(s3)


def test_texts_withdrawn_by_a_run_without_the_state_go(tmp_path: Path, s3: FaultS3) -> None:
    """It was published already when the state comes to know of it: the older run's work goes."""
    project = Project(tmp_path / "project", 9)
    (project.folder / "docs/canary.txt").write_text((CANARY + "\n") * 3)
    write_recipe(project, s3)
    upload(project, s3)
    run(project, s3, tmp_path / "one", state=STATE)
    write_recipe(project, s3, RECIPE + "withdraw: [s3://raw/docs/canary.txt]\n")
    run(project, s3, tmp_path / "two")
    project.prepare("s3://nights/out", work=tmp_path / "three", state=STATE)
    assert telling(s3) == []
    state_of(s3)


def test_a_role_that_may_not_delete_is_told_so(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is saved, and once it may delete, what was left goes."""
    project = project_in(tmp_path, s3, 7)
    run(project, s3, tmp_path / "one", state=STATE)
    before = stored(s3)
    body = b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    with monkeypatch.context() as patch:
        patch.setattr(fault_s3, "delete_many", lambda _: fault_s3.Answer(body=body))
        (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
        upload(project, s3)
        _, told = run(project, s3, tmp_path / "two", state=STATE)
    (line,) = [line for line in told if "cannot" in line]
    assert "is saved" in line
    assert "AccessDenied" in line
    assert before - {one["sha256"] for one in state_of(s3)["files"]} <= stored(s3)
    rename(project, s3, "third")
    run(project, s3, tmp_path / "three", state=STATE)
    assert stored(s3) == {one["sha256"] for one in state_of(s3)["files"]}


def test_the_state_of_another_output_is_left_alone(tmp_path: Path, s3: FaultS3) -> None:
    """Two that share a prefix would remove each other's: the second goes on without one."""
    project = project_in(tmp_path, s3, 7)
    run(project, s3, tmp_path / "one", state=STATE)
    before = dict(s3.bucket("kept").objects)
    told = project.prepare("s3://nights/elsewhere", work=tmp_path / "two", state=STATE)
    lines = [line for line in told if line.startswith("state ")]
    assert len(lines) == 2
    assert all("belongs to s3://nights/out" in line for line in lines)
    assert s3.bucket("kept").objects == before


@pytest.mark.parametrize("prefix", ["s3://nights/out/runs", "s3://nights/out/runs/state/"])
def test_a_state_among_the_runs_is_refused(tmp_path: Path, s3: FaultS3, prefix: str) -> None:
    """Bedrock's role, and whoever reads data sets, may read there."""
    project = project_in(tmp_path, s3, 7)
    with pytest.raises(RecipeError, match="name another"):
        run(project, s3, tmp_path / "work", state=prefix)
    with pytest.raises(RecipeError, match="is not an s3:// URI"):
        run(project, s3, tmp_path / "work", state="")


def named(**changed: Any) -> dict[str, Any]:
    return {"path": "pass-00/0.json", "bytes": len(EVIL), "sha256": EVIL_SHA} | changed


@pytest.mark.parametrize(
    "files",
    [
        [named(sha256={})],
        [named(sha256="../../x")],
        [named(bytes="4")],
        [named(bytes=-1)],
        [named(bytes=True)],
        [named(path="pass-00/0" + "0" * 300)],
        [named(path=["pinned.json"])],
        [named(path="pass-00/0\n")],
        [named()] * 8,
        ["pinned.json"],
        {"a": 1},
        7,
    ],
    ids=repr,
)
def test_a_strange_state_is_told_and_written_over(tmp_path: Path, s3: FaultS3, files: Any) -> None:
    """Whoever can write to the bucket can name anything: no trace, no exit code but 0."""
    project = project_in(tmp_path, s3, 7)
    run(project, s3, tmp_path / "one", state=STATE)
    bucket = s3.bucket("kept")
    told = state_of(s3)
    told["files"] = [*told["files"], *files] if isinstance(files, list) else files
    data = json.dumps(told).encode()
    bucket.objects[f"state/objects/{EVIL_SHA}"] = Object(EVIL, etag_of(EVIL), {}, OLD)
    bucket.objects["state/state.json"] = Object(data, etag_of(data), {})
    _, said = run(project, s3, tmp_path / "two", state=STATE)
    assert any("state.json is damaged" in line for line in said)
    assert EVIL_SHA not in stored(s3)
    state_of(s3)


def test_brackets_without_end_are_no_state(tmp_path: Path, s3: FaultS3) -> None:
    project = project_in(tmp_path, s3, 7)
    data = b"[" * 200_000
    s3.bucket("kept").objects["state/state.json"] = Object(data, etag_of(data), {})
    _, said = run(project, s3, tmp_path / "work", state=STATE)
    assert any("state.json is damaged" in line for line in said)
    state_of(s3)


def test_images_of_many_units_are_fetched_once_each(tmp_path: Path, s3: FaultS3) -> None:
    """A neighbour in the next unit, or metadata of all, is named by several."""
    from PIL import Image

    project = Project(tmp_path / "project", 1)
    for name in ("docs", "pairs"):
        shutil.rmtree(project.folder / name)
    (project.folder / "images").mkdir()
    rows = []
    for number in range(300):
        place = project.folder / f"images/{number:03d}.png"
        Image.new("RGB", (4, 4), (number % 256, number // 256, 9)).save(place)
        rows.append({"file_name": place.name, "text": f"A plain picture, number {number}."})
    told = "".join(json.dumps(row) + "\n" for row in rows)
    (project.folder / "images/metadata.jsonl").write_text(told)
    text = "name: pictures\nsources: [{path: images/}]\nstages: [clean]\n"
    text += "targets: {captions: {format: image_caption}}\n"
    write_recipe(project, s3, text, concurrency=8)
    upload(project, s3, "images")
    run(project, s3, tmp_path / "one", state=STATE)
    write_recipe(project, s3, text.replace("pictures", "second"), concurrency=8)
    fetched(s3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "thinks", 0.01)  # time for a second one to ask for the same
        by_night, _ = run(project, s3, tmp_path / "two", state=STATE)
    keys = fetched(s3)
    assert len(keys) == len(set(keys))
    assert by_night == run(project, s3, tmp_path / "once")[0]


def test_a_spooled_copy_that_has_rotted_is_not_cut(
    tmp_path: Path, s3: FaultS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranges of a large file are those of the right bytes, though its name and note stand."""
    monkeypatch.setattr(ranges, "RANGE_BYTES", 600)
    project = Project(tmp_path / "project", 5)
    lines = [f'{{"prompt": "What of {n}?", "completion": "It is {n}."}}\n' for n in range(60)]
    (project.folder / "pairs/large.jsonl").write_text("".join(lines))
    write_recipe(project, s3)
    upload(project, s3)
    run(project, s3, tmp_path / "one")
    (rotting,) = [
        path
        for path in (tmp_path / "one/spool").iterdir()
        if path.read_bytes() == "".join(lines).encode()
    ]
    data = rotting.read_bytes()
    at = data.index(b"\n", 650)
    rotting.write_bytes(data[:at] + b" " + data[at + 1 :])
    monkeypatch.setattr("pipeline.storage._DIGESTED", set())  # by another process
    write_recipe(project, s3, RECIPE.replace("min_words: 5", "min_words: 4"))
    by_night, _ = run(project, s3, tmp_path / "one")
    assert by_night == run(project, s3, tmp_path / "once")[0]
