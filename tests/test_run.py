"""A whole run: nothing lost, the same bytes however it is run, and after any kill."""

from __future__ import annotations

import gc
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import ROOT, Command, latest, read_jsonl, tree_bytes
from dying import DyingLook, DyingPass

from pipeline import execution as execution_module
from pipeline import shards
from pipeline.errors import ConflictError, DataError, StorageError
from pipeline.gate.gate import GateProcess
from pipeline.lock import hold
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, Outcome, prepare
from pipeline.work_folder import work_folder

pytestmark = pytest.mark.usefixtures("warm_gate")  # `clean` is made before, by the gate as it is

RECIPE = """
name: small
sources:
  - path: docs/
  - path: pairs.jsonl
    reader: jsonl
stages:
  - clean
  - language: {allow: [en, vi]}
  - redact
  - dedup_exact
  - contradictions
  - chunk: {max_tokens: 60, overlap: 8}
targets:
  corpus: {format: pretraining}
  pairs: {format: prompt_completion}
split: {validation: 0.2, test: 0.1, group_by: document}
gate: {min_records: 5}
"""
SENTENCES = [
    "The kettle boils a litre of water in four minutes and then keeps it warm.",
    "Press the lotus button twice to choose the temperature for green tea.",
    "Rinse the filter under the tap once a week, and never use soap on it.",
    "Ấm đun nước tự ngắt khi hết nước, nên bạn không phải lo lắng điều gì cả.",
    "Hãy tráng ấm bằng nước sạch trước khi pha trà lần đầu tiên trong ngày.",
    "Warranty claims are answered within five working days from your letter.",
]


def _own(sentence: str, number: int, step: int) -> str:
    """The sentence with numbers of its own after every third word: no chunk is like another."""
    words = sentence.split()
    return " ".join(f"{w} {number}-{step}" if at % 3 == 0 else w for at, w in enumerate(words))


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty documents and sixty pairs, some of them bad."""
    folder = tmp_path_factory.mktemp("made") / "project"
    (folder / "docs" / "sub").mkdir(parents=True)
    for number in range(40):
        lines = [_own(SENTENCES[(number + step) % 6], number, step) for step in range(12)]
        where = "sub/" if number % 3 else ""
        (folder / f"docs/{where}{number:02d}.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "docs/empty.txt").write_text("")
    shutil.copy(folder / "docs/00.txt", folder / "docs/copy.txt")
    pairs = [
        json.dumps({"prompt": f"How long is step {n}?", "completion": SENTENCES[n % 6] + f" ({n})"})
        for n in range(60)
    ]
    pairs += [
        "{broken",
        pairs[0],
        json.dumps({"prompt": "How long is step 3?", "completion": "No."}),
    ]
    (folder / "pairs.jsonl").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def clean(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of one plain run that nothing disturbs; not to be changed."""
    output = tmp_path_factory.mktemp("clean") / "out"
    run(made_project, output)
    return output


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made_project, tmp_path / "project"))


def run(folder: Path, output: Path | str, workers: int = 1) -> Outcome:
    recipe = load_recipe(folder / "recipe.yaml")
    with Path(os.devnull).open("w") as nowhere:
        options = Options(str(output), workers)
        return prepare(recipe, folder, options, Lines(nowhere, as_json=False))


def test_every_line_and_every_rejection_is_accounted_for(clean: Path) -> None:
    """The manifest's counts balance, and each ingested record is found again."""
    folder = latest(clean)
    manifest = json.loads((folder / "manifest.json").read_text())
    stages = manifest["stages"]
    for stage in stages:
        told = stage["kept"] + stage["rejected"] + stage["merged"] + stage["divided"]
        assert stage["came"] == told, stage
    flow = [stage for stage in stages if not stage["stage"].startswith("targets.")]
    for before, after in itertools.pairwise(flow):
        assert before["kept"] + before["chunks"] == after["came"]
    rejected = pl.read_parquet(folder / "rejected.parquet")
    lineage = pl.read_parquet(folder / "lineage.parquet")
    told = set(rejected["document"]) | set(lineage["document"])
    assert len(told) == stages[0]["came"] == 42 + 63
    assert rejected["reason"].null_count() == 0
    assert {"read.empty_file", "read.bad_json", "duplicate", "contradiction"} <= set(
        rejected["reason"]
    )
    merged = rejected.filter(pl.col("merged_into").is_not_null())
    assert merged.height == 2
    assert set(merged["merged_into"]) <= told


def test_lineage_names_the_line_that_stands_there(project: Path, clean: Path) -> None:
    """Target, split and line of each row lead to the text of that record."""
    folder = latest(clean)
    lineage = pl.read_parquet(folder / "lineage.parquet")
    lines = {
        (target, split): read_jsonl(folder / target / f"{split}.jsonl")
        for target in ("corpus", "pairs")
        for split in ("train", "validation", "test")
    }
    assert lineage.height == sum(len(held) for held in lines.values())
    for row in lineage.filter(pl.col("target") == "corpus").iter_rows(named=True):
        text = (project / row["source"]).read_text(encoding="utf-8")
        start, end = row["locator"].removeprefix("chars=").split("-")
        line = lines["corpus", row["split"]][row["line"] - 1]["input"]
        assert line == text[int(start) : int(end)].strip()


def test_no_document_is_in_two_splits(clean: Path) -> None:
    """Its chunks stay together; the manifest has the proof, and it is true."""
    folder = latest(clean)
    lineage = pl.read_parquet(folder / "lineage.parquet")
    splits = lineage.group_by("target", "document").agg(pl.col("split").n_unique())["split"]
    assert splits.max() == 1
    assert set(lineage["split"]) == {"train", "validation", "test"}
    manifest = json.loads((folder / "manifest.json").read_text())
    proof = manifest["split"]
    assert (proof["documents"], proof["in_two_splits"]) == (splits.len(), 0)
    assert proof["similarity"]["kept_together_from"] == 0.8
    assert proof["similarity"]["greatest"] < 0.8
    places = dict(lineage.select("id", "split").iter_rows())
    between = proof["similarity"]["between"]
    assert [places[end["id"]] for end in between] == [end["split"] for end in between]
    assert [end["split"] == "train" for end in between] == [True, False]


def test_the_manifest_lists_every_file_with_its_digest(clean: Path) -> None:
    """And LATEST names the manifest's own digest."""
    folder = latest(clean)
    data = (folder / "manifest.json").read_bytes()
    pointer = json.loads((clean / "LATEST").read_text())
    assert pointer["manifest_sha256"] == hashlib.sha256(data).hexdigest()
    listed = {file["path"]: file for file in json.loads(data)["files"]}
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert set(listed) == set(there) - {"manifest.json"}
    for name, file in listed.items():
        content = there[name].read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("workers", "shard_bytes"), [(1, 1), (1, 3_000), (2, 2_000), (4, 10_000), (2, 1 << 24)]
)
def test_workers_and_shards_do_not_change_a_byte(
    project: Path,
    clean: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    shard_bytes: int,
) -> None:
    """One record a shard or all of them, one process or four."""
    monkeypatch.setattr(execution_module, "share_memory", lambda *_: Share(workers, shard_bytes))
    run(project, tmp_path / "other", workers)
    assert tree_bytes(tmp_path / "other") == tree_bytes(clean)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Ho_Chi_Minh"},
        {"PYTHONHASHSEED": "77", "LC_ALL": "vi_VN.UTF-8", "TZ": "UTC", "POLARS_MAX_THREADS": "1"},
    ],
)
def test_the_environment_does_not_change_a_byte(
    project: Path,
    clean: Path,
    tmp_path: Path,
    bedrock_prep: Command,
    environment: dict[str, str],
) -> None:
    """Hash seed, locale, time zone, threads, and the place of the checkout."""
    moved = tmp_path / "elsewhere"
    copied_in_another_order(project, moved)
    done = bedrock_prep(
        "prepare", "recipe.yaml", "--output", tmp_path / "other",
        cwd=moved, env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert tree_bytes(tmp_path / "other") == tree_bytes(clean)


def copied_in_another_order(source: Path, target: Path) -> None:
    """The same files, made in reverse order, so that the folder lists them otherwise."""
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def test_a_second_run_redoes_nothing(project: Path, tmp_path: Path) -> None:
    """The same work has the same name; a changed input has another."""
    first = run(project, tmp_path / "out")
    before = tree_bytes(tmp_path / "out")
    second = run(project, tmp_path / "out")
    assert (first.reused, second.reused, second.run) == (False, True, first.run)
    assert tree_bytes(tmp_path / "out") == before
    (project / "docs/00.txt").write_text("The kettle has changed and boils in three minutes now.")
    third = run(project, tmp_path / "out")
    assert third.run != first.run
    assert latest(tmp_path / "out").name == third.run
    assert set(before) - {"LATEST"} <= set(tree_bytes(tmp_path / "out"))


def test_finished_passes_are_not_done_twice(
    project: Path, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that stopped after its passes takes them up; a torn shard is made again."""

    class StopError(Exception):
        pass

    def stop(*_: Any) -> Any:
        raise StopError

    with monkeypatch.context() as stopped, pytest.raises(StopError):
        stopped.setattr(execution_module, "finish", stop)
        run(project, tmp_path / "out")
    torn = next((tmp_path / "out/.work").rglob("pass-00/*.kept.arrow"))
    torn.write_bytes(torn.read_bytes()[:-1])
    made: list[Path] = []
    real = shards.write_frame
    for module in ("parts", "fragments"):
        monkeypatch.setattr(
            f"pipeline.{module}.write_frame",
            lambda path, frame: made.append(path) or real(path, frame),
        )
    run(project, tmp_path / "out")
    assert {path.parent.name for path in made} == {"pass-00"}
    assert tree_bytes(tmp_path / "out") == tree_bytes(clean)


@pytest.mark.parametrize("part", range(8))
def test_killed_anywhere_and_run_again_gives_the_same_bytes(
    project: Path, clean: Path, tmp_path: Path, part: int
) -> None:
    """kill -9 at eight moments; the next run leaves the same tree and no stray file."""
    line = [
        sys.executable,
        "-m",
        "pipeline",
        "prepare",
        "recipe.yaml",
        "--output",
        tmp_path / "out",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [*map(str, line), "--workers", "2"], cwd=project, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    time.sleep(1.0 + 0.45 * part)
    child.send_signal(signal.SIGKILL)
    child.wait()
    seen = tree_bytes(tmp_path / "out")
    assert "LATEST" not in seen or seen == tree_bytes(clean)
    run(project, tmp_path / "out")
    assert tree_bytes(tmp_path / "out") == tree_bytes(clean)
    left = {path.name for path in (tmp_path / "out").rglob("*.part")}
    assert not left


@pytest.mark.parametrize(
    ("where", "dying"), [("execution.Pass", DyingPass), ("deciding.Look", DyingLook)]
)
def test_a_worker_that_dies_is_told_in_one_line(
    project: Path,
    clean: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    dying: type,
) -> None:
    """In a pass, or while a vote is taken: exit code 4, and the next run goes on."""
    monkeypatch.setattr(execution_module, "share_memory", lambda *_: Share(2, 2_000))
    with (
        monkeypatch.context() as deadly,
        pytest.raises(StorageError, match="a worker process was killed"),
    ):
        deadly.setattr(f"pipeline.{where}", dying)
        run(project, tmp_path / "out", 2)
    assert not (tmp_path / "out/LATEST").exists()
    run(project, tmp_path / "out", 2)
    assert tree_bytes(tmp_path / "out") == tree_bytes(clean)


def test_a_gate_that_is_not_met_publishes_nothing(project: Path, tmp_path: Path) -> None:
    """Exit code 3, with the evidence in the work folder and the old LATEST untouched."""
    run(project, tmp_path / "out")
    before = tree_bytes(tmp_path / "out")
    text = RECIPE.replace("min_records: 5", "min_records: 5000")
    (project / "recipe.yaml").write_text(text, encoding="utf-8")
    said = io.StringIO()
    with pytest.raises(DataError, match=r"not published: .*gate") as caught:
        options = Options(output=str(tmp_path / "out"), workers=1)
        prepare(load_recipe(project / "recipe.yaml"), project, options, Lines(said, as_json=False))
    assert "left out: read: " in said.getvalue()
    assert tree_bytes(tmp_path / "out") == before
    evidence = Path(str(caught.value).rsplit("The evidence: ", 1)[1])
    assert evidence.is_file()


def test_work_files_are_private(clean: Path) -> None:
    """Texts stand in the work folder: only the owner may enter. What the passes have
    made is left for the next run, and nothing else."""
    assert (clean / ".work").stat().st_mode & 0o777 == 0o700
    texts = list((clean / ".work").rglob("*.rejected.arrow"))
    assert texts
    kept = list((clean / ".work").rglob("*.kept.arrow"))
    assert {path.parent.name for path in kept} == {"pass-00", "pass-01"}
    assert not list((clean / ".work").rglob("*.votes.*"))
    for folder in {path.parent for path in [*texts, *kept]}:
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_a_storage_error_whichever_library_meets_it(tmp_path: Path) -> None:
    """Polars tells of one in an error of its own."""
    options = Options(output=str(tmp_path / "out"), workers=1)
    for write in (
        lambda: pl.DataFrame({"id": ["a"]}).write_parquet("/dev/full"),
        lambda: Path("/dev/full").write_bytes(b"a"),
    ):
        with pytest.raises(StorageError, match="No space left on device"), work_folder(options):
            write()
    with pytest.raises(ZeroDivisionError), work_folder(options):
        1 / 0  # noqa: B018 - what is none of the system's errors stays what it is


def test_a_call_leaves_the_process_as_it_was(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs night after night in one process keeps its collector, signals and environment."""
    monkeypatch.setattr(execution_module, "GateProcess", GateProcess)  # as it is, not warm

    def state() -> tuple[object, ...]:
        signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return gc.get_freeze_count(), gc.get_threshold(), dict(os.environ), signals, Path.cwd()

    before = state()
    run(project, tmp_path / "out", workers=2)
    assert state() == before


def test_two_runs_at_once_do_not_share_an_output(project: Path, tmp_path: Path) -> None:
    """The second is told who holds it, and ends with exit code 5."""
    (tmp_path / "out/.work").mkdir(parents=True)
    with hold(tmp_path / "out/.work", "out"), pytest.raises(ConflictError, match="process"):
        run(project, tmp_path / "out")
    run(project, tmp_path / "out")


def test_a_run_on_s3_is_the_same_as_on_disk(
    project: Path, clean: Path, tmp_path: Path, bucket: Any, s3_endpoint: str
) -> None:
    """Sources and output on a real S3 server; only the names of the places differ."""
    client, name = bucket
    for path in project.rglob("*"):
        if path.is_file() and path.name != "recipe.yaml":
            client.upload_file(str(path), name, f"in/{path.relative_to(project)}")
    text = RECIPE.replace("path: docs/", f"path: s3://{name}/in/docs/")
    text = text.replace("path: pairs.jsonl", f"path: s3://{name}/in/pairs.jsonl")
    text += f"aws: {{endpoint_url: '{s3_endpoint}'}}\n"
    remote = tmp_path / "remote"
    remote.mkdir()
    (remote / "recipe.yaml").write_text(text, encoding="utf-8")
    recipe = load_recipe(remote / "recipe.yaml")
    options = Options(f"s3://{name}/out", 1, work=tmp_path / "work")
    outcome = prepare(recipe, remote, options, Lines(sys.stderr, as_json=True))
    again = prepare(recipe, remote, options, Lines(sys.stderr, as_json=True))
    assert (outcome.reused, again.reused) == (False, True)
    for target in ("corpus", "pairs"):
        there, here = [], []
        for split in ("train", "validation", "test"):
            key = f"out/runs/{outcome.run}/{target}/{split}.jsonl"
            there += client.get_object(Bucket=name, Key=key)["Body"].read().splitlines()
            here += (latest(clean) / target / f"{split}.jsonl").read_bytes().splitlines()
        assert sorted(there) == sorted(here)  # ids differ with the names of the sources
    pointer = json.loads(client.get_object(Bucket=name, Key="out/LATEST")["Body"].read())
    assert pointer["run"] == outcome.run


LIMITED = """
name: limited
sources: [{path: pairs.jsonl, reader: jsonl}]
stages: [clean, label, dedup_exact]
targets:
  assistant: {model: nova-lite, quota: {records_max: 25}, overflow: %s}
split: {validation: 0.2, test: 0.1, group_by: record}
publish: {uri: "s3://tea-bucket/data"}
job: {role_arn: "arn:aws:iam::111122223333:role/R", output_uri: "s3://tea-bucket/models"}
"""


def test_too_many_records_stop_the_run(project: Path, tmp_path: Path) -> None:
    """Bedrock would say so hours later; nothing is published."""
    (project / "recipe.yaml").write_text(LIMITED % "fail", encoding="utf-8")
    with pytest.raises(DataError, match="25"):
        run(project, tmp_path / "out")
    assert not (tmp_path / "out/LATEST").exists()


def test_a_selection_keeps_what_fits_and_rejects_the_rest(project: Path, tmp_path: Path) -> None:
    """With a reason for each, and a ledger that balances."""
    (project / "recipe.yaml").write_text(LIMITED % "select", encoding="utf-8")
    manifest = run(project, tmp_path / "out").manifest
    records = manifest["targets"]["assistant"]["records"]
    assert records["train"] + records["validation"] == 25
    chosen = next(s for s in manifest["stages"] if s["stage"] == "targets.assistant.select")
    assert chosen["came"] == chosen["kept"] + chosen["rejected"]
    rejected = pl.read_parquet(latest(tmp_path / "out") / "rejected.parquet")
    assert (rejected["reason"] == "over_records_max").sum() == chosen["rejected"] > 0


def test_parts_are_data_sets_for_successive_jobs(project: Path, tmp_path: Path) -> None:
    """Together they hold every record once; the first has a job, the next continue its model."""
    (project / "recipe.yaml").write_text(LIMITED % "parts", encoding="utf-8")
    manifest = run(project, tmp_path / "out").manifest
    folder = latest(tmp_path / "out")
    names = list(manifest["targets"])
    assert names == ["assistant-1", "assistant-2", "assistant-3"]
    lineage = pl.read_parquet(folder / "lineage.parquet")
    assert set(lineage["target"]) == set(names)
    assert lineage["id"].is_unique().all()
    for name in names:
        counts = manifest["targets"][name]["records"]
        assert counts.get("train", 0) + counts.get("validation", 0) <= 25
    assert [(folder / name / "job.json").exists() for name in names] == [True, False, False]
