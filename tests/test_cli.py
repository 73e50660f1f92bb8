"""The command line as scripts see it: exit codes, one line for a fault, JSON logs, signals."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SAMPLE, Command, imported_with

from pipeline.prepare import checked_output

RECIPE = """
name: tea
sources: [{path: docs/}]
stages: [clean, dedup_exact]
targets: {corpus: {format: pretraining}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A recipe of two documents."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("Rinse the kettle before you use it for the first time.")
    (tmp_path / "docs/b.txt").write_text("Press the lotus button twice to choose green tea.")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def test_a_good_run_prints_its_result_on_stdout_only(bedrock_prep: Command, project: Path) -> None:
    """Progress is on stderr; the result can be piped."""
    done = bedrock_prep("prepare", project / "recipe.yaml", "--output", project / "out", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["targets"] == {"corpus": {"train": 2}}
    assert Path(told["uri"]).is_dir()
    assert "publishing" in done.stderr


def test_json_logs_are_one_object_a_line(bedrock_prep: Command, project: Path) -> None:
    """Also when the run fails: the last line says why and with which exit code."""
    (project / "recipe.yaml").write_text(RECIPE.replace("docs/", "nowhere/"))
    done = bedrock_prep("prepare", project / "recipe.yaml", "--log", "json")
    assert done.returncode == 4
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert events[-1]["event"] == "error"
    assert events[-1]["exit_code"] == 4
    assert "nowhere/" in events[-1]["message"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--wokers", "2"), "--wokers"),
        (("--workers", "0"), "--workers"),
        (("--log",), "--log"),
        (("two.yaml",), "two.yaml"),
    ],
)
def test_a_wrong_command_line_is_one_json_line_too(
    bedrock_prep: Command, project: Path, words: tuple[str, ...], named: str
) -> None:
    """A scheduler's log has no boxes in it."""
    done = bedrock_prep("prepare", project / "recipe.yaml", "--log", "json", *words)
    [event] = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, event["exit_code"], done.stdout) == (2, 2, "")
    assert named in event["message"]
    assert re.search("; see bedrock-prep( prepare)? --help$", event["message"])


def test_help_is_help_in_a_log_of_json(bedrock_prep: Command) -> None:
    """It is asked for, and no fault."""
    done = bedrock_prep("prepare", "--log=json", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("nobody", ["a full disk", "no reader"])
def test_a_log_that_cannot_be_written_ends_no_run(
    bedrock_prep: Command, project: Path, nobody: str
) -> None:
    """And leaves its exit code as it is."""
    if nobody == "a full disk":
        log = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, log = os.pipe()
        os.close(reading)
    words = ("prepare", project / "recipe.yaml", "--output", project / "out", "--log", "json")
    quiet: dict[str, Any] = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": log}
    assert bedrock_prep(*words, **quiet).returncode == 0
    assert (project / "out/LATEST").exists()
    assert bedrock_prep(*words, "--workers", "0", **quiet).returncode == 2
    (project / "docs").rename(project / "gone")
    assert bedrock_prep(*words, **quiet).returncode == 4
    os.close(log)


def test_a_broken_recipe_lists_all_its_faults(bedrock_prep: Command, project: Path) -> None:
    """Exit code 2, a line each, nothing else, nothing written."""
    (project / "recipe.yaml").write_text(
        RECIPE.replace("clean", "clen").replace("name: tea", "nam: t")
    )
    done = bedrock_prep("prepare", project / "recipe.yaml", "--output", project / "out")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all("recipe.yaml:" in line for line in lines)
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["prepare", "no-such-recipe.yaml"], 2),
        (["prepare"], 2),
        (["no-such-command"], 2),
        (["why", "no-such-output", "x"], 4),
        (["report", "no-such-output"], 4),
        (["--version"], 0),
        (["--help"], 0),
    ],
)
def test_each_kind_of_fault_has_its_exit_code(
    bedrock_prep: Command, tmp_path: Path, words: list[str], code: int
) -> None:
    """And never a traceback."""
    done = bedrock_prep(*words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_source_is_one_line(bedrock_prep: Command, project: Path) -> None:
    """Exit code 4, with the path as the recipe has it."""
    (project / "recipe.yaml").write_text(RECIPE.replace("docs/", "nowhere/"))
    done = bedrock_prep("prepare", project / "recipe.yaml", "--output", project / "out")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("source nowhere/: no file found")


def test_a_gate_that_is_not_met_is_exit_code_3(bedrock_prep: Command, project: Path) -> None:
    """With the check that failed and where the evidence is."""
    done = bedrock_prep(
        "prepare", project / "recipe.yaml", "--output", project / "out",
        "--set", "gate.min_records=50",
    )  # fmt: skip
    assert done.returncode == 3
    assert "gate" in done.stderr.splitlines()[-1]
    assert not (project / "out/LATEST").exists()


def test_nothing_is_written_outside_the_output(bedrock_prep: Command, project: Path) -> None:
    """Not beside the recipe, not in the working folder, not in the home folder."""
    home, here = project / "home", project / "here"
    home.mkdir()
    here.mkdir()
    before = set(project.rglob("*"))
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": str(ROOT), "TMPDIR": str(here)}
    done = bedrock_prep(
        "prepare", project / "recipe.yaml", "--output", project / "out", cwd=here, env=environment
    )
    assert done.returncode == 0, done.stderr
    made = set(project.rglob("*")) - before
    assert {path.relative_to(project).parts[0] for path in made} == {"out"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_and_soon(project: Path, number: signal.Signals) -> None:
    """Within five seconds, with the code that shells expect, leaving no process."""
    line = [sys.executable, "-m", "pipeline", "prepare", str(project / "recipe.yaml")]
    child = subprocess.Popen(
        [*line, "--output", str(project / "out")], cwd=ROOT, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stderr is not None
    child.stderr.readline()
    started = time.monotonic()
    child.send_signal(number)
    _, told = child.communicate(timeout=10)
    assert child.returncode == 128 + number
    assert time.monotonic() - started < 5
    assert "run the same command again" in told
    while time.monotonic() - started < 5 and _lives(child.pid):  # until its parent has reaped it
        time.sleep(0.05)
    assert not _lives(child.pid)


def _lives(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_full_disk_is_exit_code_4(bedrock_prep: Command, project: Path) -> None:
    """No file may grow past 2 kB: the run says so and publishes nothing."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    done = bedrock_prep(
        "prepare", project / "recipe.yaml", "--output", project / "out", preexec_fn=limit
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out/runs").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_that_a_library_tells_of_in_its_own_way_is_exit_code_4() -> None:
    """As Polars does when it writes Parquet."""
    code = """
import sys
import polars as pl
from pipeline import cli
sys.argv = ["bedrock-prep", "prepare"]
cli.app = lambda **_: pl.DataFrame({"id": ["a"]}).write_parquet("/dev/full")
cli.main()
"""
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "No space left on device; nothing was published\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_what_cannot_be_printed_is_told_without_a_trace(
    bedrock_prep: Command, tmp_path: Path
) -> None:
    """On a full disk exit code 4; into a pipe that nobody reads and without stdout 0, quietly."""

    def printed(stdout: Any, *words: str | Path, **more: Any) -> tuple[int, str]:
        quiet = {"capture_output": False, "stdout": stdout, "stderr": subprocess.PIPE}
        done = bedrock_prep(*(words or ["models"]), **quiet, **more)
        return done.returncode, done.stderr.splitlines()[-1] if done.stderr else ""

    with Path("/dev/full").open("w") as full:
        assert printed(full) == (4, "standard output: No space left on device")
        code, told = printed(full, "prepare", SAMPLE / "documents.yaml", "--output", tmp_path / "a")
        run = json.loads((tmp_path / "a/LATEST").read_bytes())["run"]
        assert code == 4
        assert told.endswith(f"left on device; {tmp_path}/a/runs/{run} is published all the same")
    printing: list[list[str | Path]] = [["models"]]
    printing.append(["prepare", SAMPLE / "documents.yaml", "--output", tmp_path / "b"])
    for words in printing:
        reading, writing = os.pipe()
        os.close(reading)
        assert printed(writing, *words)[0] == 0
        os.close(writing)
    assert (tmp_path / "b/LATEST").exists()
    assert printed(None, preexec_fn=lambda: os.close(1)) == (0, "")


def test_without_any_stream_a_run_is_made(bedrock_prep: Command, tmp_path: Path) -> None:
    """As some schedulers start programs: no file of the run may come to stand in their place."""

    def close_all() -> None:
        os.closerange(0, 3)

    words = ("prepare", SAMPLE / "documents.yaml", "--output", tmp_path / "out")
    done = bedrock_prep(*words, capture_output=False, preexec_fn=close_all)
    assert done.returncode == 0
    assert (tmp_path / "out/LATEST").exists()


@pytest.mark.parametrize("output", ["gs://bucket/x", "s3:/bucket/x", "S3://bucket/x", "file:///x"])
def test_an_output_that_is_no_place_of_ours_is_refused(
    bedrock_prep: Command, tmp_path: Path, output: str
) -> None:
    """Before any work, and no folder of such a name is made."""
    done = bedrock_prep("prepare", SAMPLE / "documents.yaml", "--output", output, cwd=tmp_path)
    assert done.returncode == 2
    told = f"--output {output}: is neither a folder nor an s3:// prefix\n"
    assert (done.stderr, list(tmp_path.iterdir())) == (told, [])


@pytest.mark.parametrize("output", ["out:1/x", "~/x"])
def test_outputs_with_odd_names(bedrock_prep: Command, tmp_path: Path, output: str) -> None:
    """A colon is one of a name; the home folder is meant as a shell means it."""
    words = ("prepare", SAMPLE / "documents.yaml", "--output", output)
    done = bedrock_prep(*words, cwd=tmp_path, env=dict(os.environ, HOME=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / output.removeprefix("~/") / "LATEST").exists()


def test_a_published_run_that_was_changed_is_told_with_a_remedy(
    bedrock_prep: Command, tmp_path: Path
) -> None:
    """It is not said to be done; the remedy that is told makes it anew."""
    words = ("prepare", SAMPLE / "documents.yaml", "--output", tmp_path / "out")
    assert bedrock_prep(*words).returncode == 0
    (run,) = (tmp_path / "out/runs").iterdir()
    lines = run / "corpus/train.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole + b"more\n")
    changed = bedrock_prep(*words)
    assert changed.returncode == 4
    assert f"remove {run}, and run again" in changed.stderr
    lines.unlink()
    assert "train.jsonl: is gone" in bedrock_prep(*words).stderr
    shutil.rmtree(run)
    assert bedrock_prep(*words).returncode == 0
    assert lines.read_bytes() == whole


def test_starting_is_quick_and_imports_no_slow_library() -> None:
    """What `--help` of a command imports."""
    slow = ["great_expectations", "boto3", "datasets", "PIL", "langdetect", "pandas", "resiliparse"]
    assert imported_with("pipeline.cli, pipeline.prepare", slow) == []


def test_a_run_imports_no_library_that_it_does_not_use(tmp_path: Path) -> None:
    """The last two are what Polars imports for itself when it is given a column of theirs."""
    slow = ["great_expectations", "boto3", "datasets", "pandas", "numpy.ma", "pyarrow.compute"]
    recipe, output = SAMPLE / "documents.yaml", tmp_path / "out"
    code = f"""
import pathlib, sys
from pipeline.prepare import prepare_recipe
prepare_recipe(pathlib.Path({str(recipe)!r}), output={str(output)!r}, workers=1)
print([name for name in {slow!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_a_worker_imports_no_library_that_few_stages_need() -> None:
    """What each process of a run imports before its first shard."""
    worker = "pipeline.passes, pipeline.readers.registry, pipeline.render, pipeline.stages.registry"
    assert imported_with(worker, ["numpy", "pyarrow", "boto3", "langdetect"]) == []


def test_why_answers_for_kept_rejected_merged_and_source(
    bedrock_prep: Command, project: Path
) -> None:
    """By source and by id, for people and for machines."""
    (project / "docs/c.txt").write_text("Rinse the kettle  before you use it for the first time.")
    (project / "docs/d.txt").write_text("")
    bedrock_prep("prepare", project / "recipe.yaml", "--output", project / "out")
    kept = bedrock_prep("why", project / "out", "docs/a.txt").stdout
    assert "kept: corpus/train.jsonl:1" in kept
    assert (
        "rejected by read: read.empty_file" in bedrock_prep("why", project / "out", "d.txt").stdout
    )
    merged = bedrock_prep("why", project / "out", "docs/c.txt").stdout
    assert "merged by dedup_exact: duplicate" in merged
    assert "docs/a.txt" in merged
    own_id = kept.split()[1]
    told = json.loads(bedrock_prep("why", project / "out", own_id, "--json").stdout)
    assert told["lines"][0]["source"] == "docs/a.txt"
    missing = bedrock_prep("why", project / "out", "nothing-like-it")
    assert (missing.returncode, missing.stdout) == (2, "")


def test_init_writes_a_recipe_that_runs(bedrock_prep: Command, tmp_path: Path) -> None:
    """As it is, and only into a folder that is empty."""
    assert bedrock_prep("init", tmp_path / "new").returncode == 0
    done = bedrock_prep("prepare", tmp_path / "new/recipe.yaml", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert bedrock_prep("init", tmp_path / "new").returncode == 2


def test_the_report_is_printed_and_copied(bedrock_prep: Command, project: Path) -> None:
    """In short for a terminal, and whole in Vietnamese."""
    bedrock_prep("prepare", project / "recipe.yaml", "--output", project / "out")
    told = bedrock_prep("report", project / "out")
    assert "corpus: ready" in told.stdout
    done = bedrock_prep("report", project / "out", "--output", project / "vi", "--language", "vi")
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.strip()).read_text(encoding="utf-8")
    assert '<html lang="vi"' in page


@pytest.mark.parametrize("option", ["--output", "--work"])
def test_a_folder_whose_name_is_not_utf_8_is_refused(
    bedrock_prep: Command, project: Path, option: str
) -> None:
    """Before any work, in words that can be printed."""
    named = os.fsdecode(b"out-\xff")
    line = ["prepare", project / "recipe.yaml", option, named]
    done = bedrock_prep(*line, cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr == f"{option} out-\\xff: is not UTF-8; give the folder another name\n"
    assert sorted(path.name for path in project.iterdir()) == ["docs", "recipe.yaml"]


def test_an_output_of_any_other_name_is_written(bedrock_prep: Command, project: Path) -> None:
    """A line end, letters that the terminal's encoding lacks: the gate is asked all the same."""
    output = project / "trà\nsen"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    line = ["prepare", project / "recipe.yaml", "--output", output]
    for said in ("", " (unchanged: done before)"):
        done = bedrock_prep(*line, env=environment)
        assert done.returncode == 0, done.stderr
        run = json.loads((output / "LATEST").read_bytes())["run"]
        assert done.stdout.startswith(f"{output}/runs/{run}{said}\n")


def test_an_s3_output_has_one_name() -> None:
    """With a slash at its end it would be another run."""
    assert checked_output("s3://tea/lotus/") == checked_output("s3://tea/lotus") == "s3://tea/lotus"
