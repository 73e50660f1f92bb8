"""A document is taken out of every run though its source is there, and what hangs on it is told."""

from __future__ import annotations

import io
import json
import random
import shutil
import signal
import zipfile
from pathlib import Path

import pytest
from conftest import latest, tree_bytes
from fault_s3 import OWNER, Object, etag_of, serve_faults
from forked_runs import serve_forks
from pair_nights import START, Nights
from test_incremental import WORDS, Project, lines_of, manifest_of, read

from pipeline.commands.withdraw import Dependants, dependants, find_dependants
from pipeline.errors import RecipeError
from pipeline.progress import Lines
from pipeline.published import open_run
from pipeline.recipe import load_recipe
from pipeline.record import record_id
from pipeline.run import Options, prepare

__all__ = ["read"]

pytestmark = pytest.mark.usefixtures("quick_gate")

SECRET = "The lotus kettle was invented by a certain person in a certain street of Hue."
LONG = "\n".join(f"{SECRET} That was told {number} times, and more often." for number in range(9))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Documents, pairs, and one long document that stands there twice."""
    project = Project(tmp_path / "project", 9)
    for name in ("000-first.txt", "zzz-copy.txt"):
        (project.folder / "docs" / name).write_text(LONG)
    words = [{"prompt": f"Of {word}?", "completion": f"Much of {word}."} for word in WORDS[:3]]
    lines = "".join(json.dumps(pair) + "\n" for pair in words)
    (project.folder / "pairs/three.jsonl").write_text(lines)
    return project


def withdraw(project: Project, *entries: str) -> None:
    """Add entries to the recipe, or take all away."""
    recipe = project.folder / "recipe.yaml"
    text = recipe.read_text().partition("withdraw:")[0]
    recipe.write_text(text + (f"withdraw: {json.dumps(entries)}\n" if entries else ""))


def test_withdrawn_sources_leave_no_trace_but_the_reason(
    project: Project, tmp_path: Path, read: list[str]
) -> None:
    """The lines are those of a run without the files, which are not even read; no copy of the
    text is left with the run or its work; and the nights agree with one run."""
    output = tmp_path / "out"
    project.run(output)
    withdraw(project, "docs/zzz-copy.txt", "docs/000-first.txt")
    read.clear()
    files = project.run(output)
    assert read == []
    assert files == project.run(tmp_path / "once")
    work = [path.read_bytes() for path in (output / ".work").rglob("*") if path.is_file()]
    assert len(work) > 4
    assert not any(SECRET[:40].encode() in data for data in [*work, *files.values()])
    count = manifest_of(files)["stages"][0]
    assert count["stage"] == "read"
    assert count["reasons"]["withdrawn"] == 2
    for name in ("000-first.txt", "zzz-copy.txt"):
        (project.folder / "docs" / name).unlink()
    withdraw(project)
    without = project.run(tmp_path / "without")
    for target in ("corpus", "pairs"):
        assert lines_of(files, target) == lines_of(without, target)


def test_a_record_is_withdrawn_by_its_place_and_comes_back(
    project: Project, tmp_path: Path
) -> None:
    """The other records of the file stay; without the entry the run is what it was."""
    before = project.run(tmp_path / "out")
    withdraw(project, "pairs/three.jsonl (line=2)")
    files = project.run(tmp_path / "out")
    assert files == project.run(tmp_path / "once")
    gone = set(lines_of(before)) - set(lines_of(files))
    assert [json.loads(line)["prompt"] for line in gone] == [f"Of {WORDS[1]}?"]
    assert manifest_of(files)["recipe"]["withdraw"] == ["pairs/three.jsonl (line=2)"]
    withdraw(project)
    (project.folder / "docs/new.txt").write_text("Another text about warm water and a filter.")
    assert project.run(tmp_path / "out") == project.run(tmp_path / "twice")


def test_parentheses_in_names_are_no_bar(project: Project, tmp_path: Path) -> None:
    """The entry that the command tells takes a member of an archive out, whatever it is called;
    a file whose own name ends in one is meant as a whole."""
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("    reader: text\n", ""))
    members = ["letter (1).txt", "letter (2).txt", "letter.txt"]
    with zipfile.ZipFile(project.folder / "docs/a (old).zip", "w") as archive:
        for number, name in enumerate(members):
            archive.writestr(name, f"Letter {number} is about the old kettle of house {number}.")
    plain = project.folder / "docs/of (line=3).txt"
    plain.write_text("The third line is about cold water and a bowl.")
    before = project.run(tmp_path / "out")
    [entry] = asked(tmp_path / "out", record_id("docs/a (old).zip", f"member={members[0]}")).entries
    withdraw(project, entry, "docs/of (line=3).txt")
    files = project.run(tmp_path / "out")
    gone = sorted(set(lines_of(before, "corpus")) - set(lines_of(files, "corpus")))
    assert [json.loads(line)["input"].split()[1] for line in gone] == ["0", "third"]


def test_a_night_reads_only_what_is_newly_withdrawn_in_part(
    project: Project, tmp_path: Path, read: list[str]
) -> None:
    """And the night after, which withdraws the same, nothing but what is new."""
    project.run(tmp_path / "out")
    withdraw(project, "docs/000-first.txt")
    project.run(tmp_path / "out")
    (project.folder / "docs/new.txt").write_text("Another text about warm water and a filter.")
    read.clear()
    project.run(tmp_path / "out")
    assert read == ["docs/new.txt"]


def test_an_entry_that_names_nothing_is_told(project: Project, tmp_path: Path) -> None:
    """It may be a slip; a source that is gone is no reason to stop."""
    withdraw(project, "docs/000-first.txt", "docs/0000-first.txt")
    told = project.prepare(str(tmp_path / "out"))
    assert [line for line in told if line.startswith("withdraw:")] == [
        "withdraw: docs/0000-first.txt: no source contains it"
    ]


@pytest.mark.parametrize("entry", ["0831cd5b20c8644b4200", "0831cd5b20c8644b4200.0001", " "])
def test_an_id_is_no_entry(project: Project, entry: str) -> None:
    """It does not say which source holds the record; the command does."""
    withdraw(project, entry)
    with pytest.raises(RecipeError, match=r"recipe\.yaml:.*withdraw: .*(is an id|is empty)"):
        load_recipe(project.folder / "recipe.yaml")


def asked(output: Path, what: str, *, duplicates: bool = False) -> Dependants:
    """What hangs on something in the latest run."""
    return find_dependants(open_run(str(output)), what, duplicates=duplicates)


def told_as_json(output: Path, what: str) -> str:
    """The command's answer for machines."""
    return dependants(str(output), what, duplicates=False, as_json=True)


def test_what_hangs_on_a_document_is_told(project: Project, tmp_path: Path) -> None:
    """Its lines and chunks, the duplicate that comes back, or the one that still says the same."""
    output = tmp_path / "out"
    project.run(output)
    first = asked(output, "docs/000-first.txt")
    assert first.entries == ["docs/000-first.txt"]
    assert first.chunks == first.lines["corpus"] > 1
    assert [row["source"] for row in first.comes_back] == ["docs/zzz-copy.txt"]
    assert not first.stands_for_it
    one = record_id("docs/000-first.txt", "")
    assert asked(output, one) == asked(output, f"{one}.0001") == first
    copy = asked(output, record_id("docs/zzz-copy.txt", ""))
    assert copy.entries == ["docs/zzz-copy.txt"]
    assert not copy.lines
    assert {row["source"] for row in copy.stands_for_it} == {"docs/000-first.txt"}
    told = dependants(
        str(output), "docs/000-first.txt", duplicates=False, as_json=False
    ).splitlines()
    assert told[-2:] == ["withdraw:", '  - "docs/000-first.txt"']
    withdraw(project, *first.entries)
    files = project.run(output)
    assert SECRET.encode() in b"".join(lines_of(files, "corpus"))
    assert asked(output, "docs/zzz-copy.txt").lines == first.lines


def test_what_says_the_same_goes_as_well(project: Project, tmp_path: Path) -> None:
    """Copies of copies too: one that was merged into the copy would be the next to come back."""
    near = LONG.replace("more often", "less often", 1)
    for name, text in (("near", near), ("near-copy", near)):
        (project.folder / f"docs/zz-{name}.txt").write_text(text)
    output = tmp_path / "out"
    project.run(output)
    family = {
        "docs/000-first.txt",
        "docs/zzz-copy.txt",
        "docs/zz-near.txt",
        "docs/zz-near-copy.txt",
    }
    found = {source: asked(output, source, duplicates=True).entries for source in family}
    assert found == dict.fromkeys(family, sorted(family))
    kept = [source for source in family if asked(output, source).lines]
    assert len(kept) == 1
    assert len(asked(output, kept[0]).comes_back) < 3, "one was merged by way of another"
    told = dependants(str(output), kept[0], duplicates=True, as_json=False)
    assert "was merged into it and is removed too: docs/" in told
    withdraw(project, *found[kept[0]])
    assert SECRET.encode() not in b"".join(project.run(output).values())


def test_the_entry_of_a_record_names_its_place(project: Project, tmp_path: Path) -> None:
    """Every record of a run has an entry that names it and nothing else."""
    project.run(tmp_path / "out")
    wanted = "pairs/three.jsonl (line=3)"
    found = asked(tmp_path / "out", record_id("pairs/three.jsonl", "line=3"))
    assert found.entries == [wanted]
    as_json = json.loads(told_as_json(tmp_path / "out", "pairs/three.jsonl"))
    assert as_json["entries"] == ["pairs/three.jsonl"]
    assert as_json["run"] == latest(tmp_path / "out").name
    with pytest.raises(RecipeError, match="has no such record"):
        asked(tmp_path / "out", "pairs/four.jsonl")


def test_the_deltas_that_shipped_it_are_named(project: Project, tmp_path: Path) -> None:
    """A later delta has no line of it; the run of its chain that shipped it is told all the same,
    and the withdrawn line is counted."""
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("{format: prompt", "{mode: delta, format: prompt"))
    first = manifest_of(project.run(tmp_path / "out"))
    pair = {"prompt": "Of steam?", "completion": "Much of steam."}
    (project.folder / "pairs/more.jsonl").write_text(json.dumps(pair) + "\n")
    project.run(tmp_path / "out")
    found = asked(tmp_path / "out", "pairs/three.jsonl")
    assert "pairs" not in found.lines
    assert found.shipped == [{"run": first["run"], "target": "pairs", "lines": 3}]
    withdraw(project, *found.entries)
    last = manifest_of(project.run(tmp_path / "out"))
    assert last["targets"]["pairs"]["delta"]["withdrawn"] == 3


def test_killed_while_it_is_withdrawn_and_run_again(project: Project, tmp_path: Path) -> None:
    """Wherever the run was killed: readers see the old run or the new one, the next run's bytes
    are those of one that was not disturbed, and its work holds nothing of the text."""
    recipe, output, old = project.folder / "recipe.yaml", tmp_path / "out", tmp_path / "old"
    command = ["prepare", str(recipe), "--output", str(output), "--workers", "1"]
    with serve_forks(tmp_path / "forks") as forks:
        assert forks.run(*command)["code"] == 0
        shutil.copytree(output, old)
        withdraw(project, "docs/zzz-copy.txt", "docs/000-first.txt")
        listed = tmp_path / "steps"
        assert forks.run(*command, failpoint=f"list:{listed}")["code"] == 0
        before, after = latest(old).name, latest(output).name
        expected, steps = tree_bytes(output), len(listed.read_text().splitlines())
        for number in [*random.Random(7).sample(range(1, steps), 6), steps]:
            shutil.rmtree(output)
            shutil.copytree(old, output)
            told = forks.run(*command, failpoint=f"kill:{number}")
            assert told["code"] == -signal.SIGKILL, (number, told)
            assert latest(output).name in {before, after}
            assert forks.run(*command)["code"] == 0, number
            assert tree_bytes(output) == expected, number
            work = [path for path in (output / ".work").rglob("*") if path.is_file()]
            assert not [path for path in work if SECRET[:40].encode() in path.read_bytes()], number
        assert forks.run("withdraw", str(output), "docs/zzz-copy.txt")["code"] == 0
        told = forks.run("withdraw", str(output), "docs/never.txt")
        assert told["code"] == 2
        assert "has no such record id, source or line" in told["stderr"]
        assert forks.run("withdraw", str(tmp_path / "nowhere"), "docs/zzz-copy.txt")["code"] == 4


def test_no_copy_of_a_withdrawn_object_is_kept(tmp_path: Path) -> None:
    """What is fetched of S3 stays with the work for the next night, but not what is withdrawn."""
    with serve_faults() as s3:
        bucket = s3.bucket("tea")
        for name in ("one", "two"):
            data = f"Of the {name} kettle and of warm water in it. {SECRET}".encode()
            bucket.objects[f"in/{name}.txt"] = Object(data, etag_of(data), {})
        recipe = {
            "name": "remote",
            "sources": [{"path": "s3://tea/in/"}],
            "targets": {"corpus": {"format": "pretraining"}},
            "aws": {"endpoint_url": s3.url, "region": "us-east-1", "source_bucket_owner": OWNER},
        }
        for entries, kept in (([], 2), (["s3://tea/in/one.txt"], 1)):
            path = tmp_path / "recipe.yaml"
            path.write_text(json.dumps(recipe | {"withdraw": entries}))
            options = Options(str(tmp_path / "out"), 1)
            prepare(load_recipe(path), tmp_path, options, Lines(io.StringIO(), as_json=False))
            spool = [one for one in (tmp_path / "out/.work/spool").iterdir() if not one.suffix]
            assert len(spool) == kept
    assert b"two kettle" in spool[0].read_bytes()


def test_a_large_file_that_is_withdrawn_is_one_record_and_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To cut it, it would have to be read; its pieces would be several records of one id."""
    monkeypatch.setattr("pipeline.readers.ranges.RANGE_BYTES", 600)
    nights = Nights(tmp_path, "targets: {p: {format: prompt_completion}}\n")
    (tmp_path / "more.jsonl").write_text('{"prompt": "Which tea?", "completion": "Lotus tea."}\n')
    nights.rest += "withdraw: [q/q.jsonl]\n"
    monkeypatch.setattr(
        "pair_nights.START", START.replace("q.jsonl}", "q.jsonl}, {path: more.jsonl}")
    )
    told = nights.run(40).manifest
    assert told["stages"][0]["reasons"] == {"withdrawn": 1}
    assert told["targets"]["p"]["records"] == {"train": 1}
