"""Listing and pinning sources, locally and on a real S3 server; publishing to both."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from pipeline import inputs
from pipeline.bedrock.access import Location
from pipeline.errors import ConflictError, RecipeError, SourceChanged, StorageError
from pipeline.globs import whole
from pipeline.options import Options
from pipeline.progress import Lines
from pipeline.publish import publish, read_latest, read_manifest
from pipeline.recipe import load_recipe
from pipeline.run import prepare
from pipeline.s3.sources import wanted
from pipeline.storage import Aws, Listed, list_sources, open_place, pin, source_uri

Bucket = tuple[Any, str]


def put_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def uris(spec: str, folder: Path) -> list[str]:
    return [listed.uri for listed in list_sources(spec, folder, Aws())]


def test_a_folder_a_glob_and_a_file_are_listed_sorted(tmp_path: Path) -> None:
    """Hidden files stay out; names are relative to the recipe."""
    put_files(tmp_path, "d/b.txt", "d/a.txt", "d/sub/c.md", "d/.hidden", "d/.git/config")
    assert uris("d/", tmp_path) == ["d/a.txt", "d/b.txt", "d/sub/c.md"]
    assert uris("d/*.txt", tmp_path) == ["d/a.txt", "d/b.txt"]
    assert uris("d/**/*.md", tmp_path) == ["d/sub/c.md"]
    assert uris("d/a.txt", tmp_path) == ["d/a.txt"]


def test_what_a_folder_holds_and_is_not_read_is_counted(tmp_path: Path) -> None:
    """Hidden names, links to folders and to nothing, a pipe; a link to a file is read."""
    put_files(tmp_path, "d/a.txt", "d/.hidden", "d/.git/config", "d/sub/.b", "other/b.txt")
    (tmp_path / "d/linked").symlink_to(tmp_path / "other")
    (tmp_path / "d/dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d/file").symlink_to(tmp_path / "other/b.txt")
    os.mkfifo(tmp_path / "d/sub/pipe")
    passed_over: Counter[str] = Counter()
    listed = list_sources("d", tmp_path, Aws(), passed_over)
    assert [one.uri for one in listed] == ["d/a.txt", "d/file"]
    by_glob: Counter[str] = Counter()
    assert [one.uri for one in list_sources("d/*", tmp_path, Aws(), by_glob)] == [
        "d/a.txt",
        "d/file",
    ]
    assert not by_glob, "a folder that a glob means is none of its own"
    assert passed_over == {
        "hidden files and folders": 3,
        "links to folders": 1,
        "links that lead nowhere": 1,
        "devices, pipes and sockets": 1,
    }


@pytest.mark.usefixtures("quick_gate")
def test_a_run_says_what_it_has_not_read(tmp_path: Path) -> None:
    put_files(tmp_path, "d/a.txt", "d/.hidden")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "name: a\nsources: [{path: d}]\nstages: [clean]\ntargets: {t: {format: pretraining}}\n"
    )
    told = io.StringIO()
    options = Options(str(tmp_path / "out"), 1)
    prepare(load_recipe(path), tmp_path, options, Lines(told, as_json=False))
    assert "not read: 1 hidden files and folders\n" in told.getvalue()


TREE = ("a.md", "b.txt", "sub/c.md", "sub/deep/d.md", "sub/.e.md", ".git/f.md", "sub/.g/h.md")


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("d/*.md", "a.md"),
        ("d/**/*.md", "a.md sub/c.md sub/deep/d.md"),
        ("d/**.md", "a.md sub/c.md sub/deep/d.md"),
        ("d/**", "a.md b.txt sub/c.md sub/deep/d.md"),
        ("d/*/*", "sub/c.md"),
        ("d/sub/**/d.md", "sub/deep/d.md"),
        ("d/[ab].*", "a.md b.txt"),
        ("d/?.txt", "b.txt"),
        ("d/.git/*", ".git/f.md"),
        ("d", "a.md b.txt sub/c.md sub/deep/d.md"),
        ("d/sub/.e.md", "sub/.e.md"),
    ],
)
def test_a_pattern_means_the_same_in_a_folder_and_in_s3(
    tmp_path: Path, spec: str, meant: str
) -> None:
    """`*` within a name, `**` over folders, nothing that is hidden below what is named."""
    put_files(tmp_path, *(f"d/{name}" for name in TREE))
    expected = [f"d/{name}" for name in sorted(meant.split())]
    assert uris(spec, tmp_path) == expected
    assert sorted(key for key in (f"d/{name}" for name in TREE) if wanted(key, whole(spec))) == (
        expected
    )
    pattern = Location("b", spec).objects("aws")
    for key in expected:  # and the policy lets it be read
        assert any(fnmatchcase(f"arn:aws:s3:::b/{key}", one) for one in pattern)


def test_a_pattern_that_means_nothing_is_a_fault_of_the_recipe(tmp_path: Path) -> None:
    """Exit code 2, not a bug of ours."""
    with pytest.raises(RecipeError, match="no file has such a name"):
        list_sources("d/\0*.md", tmp_path, Aws())


def test_links_to_files_are_listed_and_those_to_folders_are_not_followed(tmp_path: Path) -> None:
    """A link that leads to nothing or to itself is as if it were not there; so is a pipe."""
    put_files(tmp_path, "d/a.txt", "beside/b.txt")
    for name, target in (
        ("file", "a.txt"), ("folder", "../beside"), ("nowhere", "gone"), ("itself", "itself"),
    ):  # fmt: skip
        (tmp_path / "d" / name).symlink_to(target)
    os.mkfifo(tmp_path / "d/pipe")
    assert uris("d/", tmp_path) == ["d/a.txt", "d/file"]
    assert uris("d/*", tmp_path) == ["d/a.txt", "d/file"]


def test_a_source_outside_the_recipe_keeps_its_absolute_name(tmp_path: Path) -> None:
    """So that the same file has the same id for every recipe."""
    put_files(tmp_path, "elsewhere/a.txt", "here/recipe.yaml")
    assert uris("../elsewhere", tmp_path / "here") == [f"{tmp_path}/elsewhere/a.txt"]


def test_names_that_are_no_text_are_encoded(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and controls, cannot reach a log or a report as they are."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.txt"))
    path.write_text("x")
    assert source_uri(path, tmp_path) == "%FF%0A.txt"
    assert source_uri(tmp_path / "100%\n.txt", tmp_path) == "100%25%0A.txt"


def test_a_missing_source_is_a_storage_error(tmp_path: Path) -> None:
    """Exit code 4, with the path as the recipe has it."""
    for spec in ("nothing", "no/*.txt"):
        with pytest.raises(StorageError, match=r"no file found"):
            list_sources(spec, tmp_path, Aws())


def test_a_local_source_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    """The size that was listed and what is read must agree."""
    put_files(tmp_path, "a.txt")
    (listed,) = list_sources("a.txt", tmp_path, Aws())
    pinned = pin(listed, tmp_path, Aws())
    assert (pinned.size, len(pinned.sha256)) == (5, 64)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(StorageError):
        pin(listed, tmp_path, Aws())


def test_s3_prefixes_and_globs_are_listed(bucket: Bucket, s3_endpoint: str, tmp_path: Path) -> None:
    """More keys than one page of a listing holds, and none of a prefix that only begins alike."""
    client, name = bucket
    for number in range(30):
        client.put_object(Bucket=name, Key=f"docs/{number:02d}.txt", Body=b"x")
    client.put_object(Bucket=name, Key="docs2/no.txt", Body=b"x")
    client.put_object(Bucket=name, Key="docs/sub/a.md", Body=b"x")
    aws = Aws(endpoint_url=s3_endpoint)
    listed = list_sources(f"s3://{name}/docs", tmp_path, aws)
    assert len(listed) == 31
    assert [one.uri for one in list_sources(f"s3://{name}/docs/**.md", tmp_path, aws)] == [
        f"s3://{name}/docs/sub/a.md"
    ]


def test_s3_reads_the_version_that_was_listed(
    bucket: Bucket, s3_endpoint: str, tmp_path: Path
) -> None:
    """An object that is replaced after the listing stops the run; a pinned one stays."""
    client, name = bucket
    client.put_object(Bucket=name, Key="a.txt", Body=b"first")
    aws = Aws(endpoint_url=s3_endpoint)
    (listed,) = list_sources(f"s3://{name}/a.txt", tmp_path, aws)
    assert pin(listed, tmp_path, aws).path.read_bytes() == b"first"
    client.put_object(Bucket=name, Key="a.txt", Body=b"other")
    assert pin(listed, tmp_path, aws).path.read_bytes() == b"first"
    stale = Listed(listed.uri, 5, None, '"0123456789abcdef0123456789abcdef"')
    with pytest.raises(SourceChanged):
        pin(stale, tmp_path, aws)


def test_s3_faults_name_the_cause(s3_endpoint: str, tmp_path: Path) -> None:
    """A bucket that is not there, an endpoint that does not answer or is not safe."""
    with pytest.raises(StorageError, match="bucket does not exist"):
        list_sources("s3://no-such-bucket-here/x", tmp_path, Aws(endpoint_url=s3_endpoint))
    with pytest.raises(RecipeError, match="https"):
        list_sources("s3://bucket/x", tmp_path, Aws(endpoint_url="http://example.com"))
    with pytest.raises(RecipeError, match="not an S3 URI"):
        list_sources("s3://B/x", tmp_path, Aws(endpoint_url=s3_endpoint))


def staged(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "train.jsonl").write_text(text)
    listed = {"path": "train.jsonl", "sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"text": text, "files": [listed]}))
    return folder


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The same promises at both kinds of place."""
    if request.param == "folder":
        (tmp_path / "out" / ".work").mkdir(parents=True)
        return open_place(str(tmp_path / "out"), Aws())
    _, name = request.getfixturevalue("bucket")
    endpoint = request.getfixturevalue("s3_endpoint")
    return open_place(f"s3://{name}/prefix", Aws(endpoint_url=endpoint))


def test_a_published_run_is_pointed_to(place: Any, tmp_path: Path) -> None:
    """Nothing is there before; then LATEST names the run and its manifest's digest."""
    assert read_latest(place) is None
    publish(place, staged(tmp_path / "s", "one"), "aaaa", None)
    there = read_latest(place)
    assert there is not None
    manifest = read_manifest(place, "aaaa")
    assert manifest is not None
    assert (there.run, there.manifest_sha256) == ("aaaa", manifest[1])
    assert place.read("runs/aaaa/train.jsonl")[0] == b"one"
    with place.open("runs/aaaa/train.jsonl") as opened:
        assert opened.read() == b"one"
    assert place.open("runs/bbbb/train.jsonl") is None


def test_a_place_tells_what_was_published_and_when(place: Any, tmp_path: Path) -> None:
    """Runs with a manifest, and none that is still on its way."""
    assert place.published() == []
    started = time.time()
    publish(place, staged(tmp_path / "s1", "one"), "aaaa", None)
    publish(place, staged(tmp_path / "s2", "two"), "bbbb", read_latest(place))
    if place.uri.startswith("s3://"):
        place.swap("runs/cccc/train.jsonl", b"half", None)
    told = dict(place.published())
    assert sorted(told) == ["aaaa", "bbbb"]
    assert all(started - 2 <= when <= time.time() + 2 for when in told.values())


def test_of_two_runs_from_the_same_state_one_is_refused(place: Any, tmp_path: Path) -> None:
    """Who read LATEST before another run swapped it does not overwrite it."""
    before = read_latest(place)
    publish(place, staged(tmp_path / "s1", "one"), "aaaa", before)
    with pytest.raises(ConflictError):
        publish(place, staged(tmp_path / "s2", "two"), "bbbb", before)
    there = read_latest(place)
    assert there is not None
    assert there.run == "aaaa"


def test_a_run_that_was_killed_before_latest_is_pointed_to(place: Any, tmp_path: Path) -> None:
    """Its folder is there already: only the pointer is missing."""
    folder = staged(tmp_path / "s", "one")
    place.add_folder(folder, "runs/aaaa")
    publish(place, folder, "aaaa", None)
    there = read_latest(place)
    assert there is not None
    assert there.run == "aaaa"


def test_a_damaged_pointer_is_said_so(place: Any) -> None:
    """A half-written LATEST is not taken for none."""
    place.swap("LATEST", b"{", None)
    with pytest.raises(StorageError, match="damaged"):
        read_latest(place)


@pytest.mark.parametrize("patience", [9.0, -1.0], ids=["one by one", "several at once"])
def test_sources_are_pinned_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """Each once, wherever several begin to be read at once."""
    names = [f"d/{number:04d}.txt" for number in range(3 * inputs.HANDFUL + 7)]
    put_files(tmp_path, *names)
    monkeypatch.setattr(inputs, "PATIENCE", patience)
    listed = list_sources("d/", tmp_path, Aws())
    pinned = list(inputs._pin_all(listed, tmp_path, Aws()))
    assert [one.uri for one in pinned] == names
    assert [one.sha256 for one in pinned] == [hashlib.sha256(n.encode()).hexdigest() for n in names]
