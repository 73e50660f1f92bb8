"""Nights whose output is in S3, whose images are many, whose documents must be forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import latest, tree_bytes
from fault_s3 import OWNER, FaultS3, seen_by_reader, serve_faults
from pair_nights import START, Nights
from test_incremental import RECIPE, Project, lines_of, manifest_of, write_pairs
from test_incremental import read as read_by_text_reader

from pipeline.errors import StorageError
from pipeline.own_output import own_output
from pipeline.source import Listed

pytestmark = pytest.mark.usefixtures("quick_gate")
read = read_by_text_reader  # a fixture

CANARY = "The canary sang of Sen tea at seven in the morning, and nobody was to know of it."


@pytest.fixture(scope="module")
def s3() -> Iterator[FaultS3]:
    with serve_faults() as server:
        yield server


def to_s3(project: Project, s3: FaultS3, text: str = RECIPE) -> None:
    """The recipe with its output in a bucket of the server."""
    beside = {
        "publish": {"uri": "s3://nights/out", "expected_bucket_owner": OWNER},
        "aws": {"endpoint_url": s3.url, "region": "us-east-1"},
    }
    added = "".join(f"{key}: {json.dumps(value)}\n" for key, value in beside.items())
    (project.folder / "recipe.yaml").write_text(text + added, encoding="utf-8")


def published(s3: FaultS3) -> dict[str, bytes]:
    seen = seen_by_reader(s3.bucket("nights"), "out")
    assert seen
    return seen


def run_to_s3(project: Project, s3: FaultS3, work: Path, **options: Any) -> dict[str, bytes]:
    """One night; the files of the run that LATEST leads to."""
    project.prepare("s3://nights/out", work=work, **options)
    return published(s3)


def test_nights_in_s3_end_in_the_bytes_of_one_run(
    tmp_path: Path, s3: FaultS3, read: list[str]
) -> None:
    """Also when the machine, and with it the work folder, is another one from some night on."""
    project = Project(tmp_path / "project", 21)
    to_s3(project, s3)
    for night in range(3):
        work = tmp_path / ("other" if night == 2 else "work")
        read.clear()
        by_night = run_to_s3(project, s3, work)
        documents = len(list((project.folder / "docs").iterdir()))
        assert (len(read) < documents) == (night == 1)
        s3.buckets.pop("nights")
        assert run_to_s3(project, s3, tmp_path / f"once-{night}") == by_night
        project.night()
        (project.folder / f"docs/night-{night}.txt").write_text(f"What came in night {night} only.")


def test_a_delta_in_s3_goes_on_from_the_run_there(tmp_path: Path, s3: FaultS3) -> None:
    """The chain is read from the bucket: no work folder is needed to know what was shipped."""
    s3.buckets.pop("nights", None)
    project = Project(tmp_path / "project", 4)
    to_s3(project, s3, RECIPE.replace("{format: prompt", "{mode: delta, format: prompt"))
    first = run_to_s3(project, s3, tmp_path / "one")
    write_pairs(project, "more.jsonl", ["cup", "pot"])
    second = run_to_s3(project, s3, tmp_path / "another")
    assert len(lines_of(second)) == 2
    assert manifest_of(second)["targets"]["pairs"]["delta"]["chain"] == [manifest_of(first)["run"]]


def test_a_deleted_document_is_forgotten_with_its_dependants(tmp_path: Path) -> None:
    """Its chunks, its evidence and its work go; what it stood for is shipped in its stead."""
    project = Project(tmp_path / "project", 31)
    document = project.folder / "docs/000-canary.txt"
    copy = project.folder / "docs/zzz-copy.txt"
    sentences = [CANARY, *(f"{word.capitalize()} is in it, and more of it." for word in "abcdefgh")]
    document.write_text("\n".join(sentences * 3))
    others = " ".join(sentences[1:] * 3)
    copy.write_text("\n".join(sentences[1:] * 3))
    first = project.run(tmp_path / "out")
    manifest = manifest_of(first)
    assert first["corpus/train.jsonl"].count(CANARY.encode()) >= 1
    document.unlink()
    second = project.run(tmp_path / "out")
    for name, data in second.items():
        assert CANARY.encode() not in data, name
        assert b"000-canary" not in data, name
    for path in (tmp_path / "out/.work").rglob("*"):
        if path.is_file():
            assert CANARY[:40].encode() not in path.read_bytes(), path
    assert manifest["run"] != manifest_of(second)["run"]
    assert second == project.run(tmp_path / "once")
    assert others[:10].encode() in second["corpus/train.jsonl"]


def test_images_that_have_not_changed_are_not_decoded_again(tmp_path: Path) -> None:
    """Their hashes are taken over, and a copy of an old image is found among them."""
    from PIL import Image

    project = Project(tmp_path / "project", 1)
    images = project.folder / "images"
    recipe = {
        "name": "pictures",
        "sources": [{"path": "images/"}],
        "stages": ["clean", "dedup_image"],
        "targets": {"captions": {"format": "image_caption"}},
        "publish": {"uri": "s3://sen-tea/pictures"},
    }
    (project.folder / "recipe.yaml").write_text(json.dumps(recipe))
    for number in range(60):
        folder = images / f"{number % 6}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 7, 9)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"A plain picture, number {number}.")
    project.prepare(str(tmp_path / "out"))
    Image.new("RGB", (8, 8), (1, 7, 9)).save(images / "0/copy.bmp")
    (images / "0/copy.txt").write_text("A copy of number 1.")
    told = project.prepare(str(tmp_path / "out"))
    (known,) = [line for line in told if "are known from earlier runs" in line]
    assert known.split()[:3] == ["5", "of", "6"]
    by_night = tree_bytes(latest(tmp_path / "out"))
    assert by_night == project.run(tmp_path / "once")
    ledger = {one["stage"]: one for one in manifest_of(by_night)["stages"]}
    assert ledger["dedup_image"]["reasons"] == {"duplicate_image": 1}


def test_a_delta_names_the_tuned_model_that_it_goes_on_from(tmp_path: Path) -> None:
    """Parent run and custom model stand in the manifest; the job starts from that model."""
    project = Project(tmp_path / "project", 4)
    account = "arn:aws:bedrock:us-east-1:111122223333"
    model = f"{account}:custom-model/amazon.nova-lite-v1:0:300k/abc123def456"
    job = {"role_arn": "arn:aws:iam::111122223333:role/tune", "output_uri": "s3://sen-tea/models"}
    text = RECIPE.replace(
        "pairs: {format: prompt_completion}",
        "pairs: {mode: delta, model: nova-lite, customization: fine-tuning, overflow: select}",
    )
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(text + f"job: {json.dumps(job)}\npublish: {{uri: s3://sen-tea/tea}}\n")
    first = project.run(tmp_path / "out")
    write_pairs(project, "more.jsonl", [f"cup {n}" for n in range(20)])
    recipe.write_text(
        text
        + f"job: {json.dumps(job | {'base_model': model})}\npublish: {{uri: s3://sen-tea/tea}}\n"
    )
    second = project.run(tmp_path / "out")
    told = manifest_of(second)["targets"]["pairs"]["delta"]
    assert told["parent_run"] == manifest_of(first)["run"]
    assert told["base_model"] == model
    assert json.loads(second["pairs/job.json"])["baseModelIdentifier"] == model


def test_a_run_does_not_read_what_runs_have_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the output lies in the source or the source in the output; `LATEST` is no text."""
    nights = Nights(tmp_path, "targets: {p: {format: prompt_completion}}\n")
    for path in (".", "'**/*.jsonl'", "q"):
        monkeypatch.setattr("pair_nights.START", START.replace("q/q.jsonl", path))
        told = [nights.run(pairs).manifest for pairs in (5, 7)]
        assert [sum(one["targets"]["p"]["records"].values()) for one in told] == [5, 7], path
    listed = [
        Listed(f"s3://tea/{name}", 1, None, "e") for name in ("a", "out/runs/b", "out/LATEST")
    ]
    own = own_output("s3://tea/out/", tmp_path / "work", None)
    assert [one.uri for one in own.leave_out(tmp_path, "s3://tea", listed)] == ["s3://tea/a"]
    assert own.leave_out(tmp_path, "s3://tea/out/runs/b", listed[1:2]) == listed[1:2]
    with pytest.raises(StorageError, match="holds only what"):
        own.leave_out(tmp_path, "s3://tea/out", listed[1:])


@pytest.mark.parametrize(
    ("recipe", "output"), [("data", "srv/out"), ("srv", "srv/out"), ("srv", "data/out")]
)
@pytest.mark.parametrize("path", [".", "'**/*.jsonl'"])
def test_nor_where_a_link_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, output: str, path: str
) -> None:
    """One folder by two names: the recipe is named by one, its output by either."""
    monkeypatch.setattr("pair_nights.START", START.replace("q/q.jsonl", path))
    (tmp_path / "data").mkdir()
    (tmp_path / "srv").symlink_to("data", target_is_directory=True)
    nights = Nights(tmp_path / recipe, "targets: {p: {format: prompt_completion}}\n")
    out = tmp_path / output
    told = [nights.run(pairs, out).manifest for pairs in (5, 7)]
    assert [sum(one["targets"]["p"]["records"].values()) for one in told] == [5, 7]
