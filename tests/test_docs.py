"""The two READMEs tell the truth: their commands are run, their outputs and tables compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from conftest import ROOT, SAMPLE, latest
from PIL import Image

from pipeline import errors
from pipeline.cli import app
from pipeline.generated import generated
from pipeline.prepare import Prepared
from pipeline.readers import READERS
from pipeline.reasons import all_reasons
from pipeline.recipe import Recipe, parse_recipe
from pipeline.run import Outcome
from pipeline.stages import STAGES
from pipeline.targets import TARGETS
from pipeline.yaml_file import load_yaml

READMES = ("README.md", "README.vi.md")
SAMPLES = sorted(path.stem for path in SAMPLE.glob("*.yaml"))
REALLY_RUN = "documents"
NOT_RUN = {"make", "pip"}
"""Programs whose commands are held against the files that define them: `make test` runs this."""

Place = tuple[Path, dict[str, str]]
"""A folder, and the environment of a reader who works in it."""
Done = subprocess.CompletedProcess[str]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """A command of a console block, and what the page says that it prints."""

    command: str
    output: tuple[str, ...]

    @property
    def program(self) -> str:
        """The first word."""
        return self.command.split()[0]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text) if kind == language]


def shown(text: str) -> Iterator[Shown]:
    """Every command of the console blocks, in order."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *output = part.splitlines()
            yield Shown(command, tuple(output))


COMMANDS = [*shown(page("README.md")), *shown(page("docs/report.md"))]
RUN = [one for one in COMMANDS if one.program not in NOT_RUN]
MADE = [one for one in COMMANDS if one.program == "make"]


def as_pattern(output: tuple[str, ...]) -> str:
    """A line of `…` stands for any lines, a `…` in a line for anything up to the line's end."""
    lines = [
        r"(?:.*\n)*"
        if line == "…"
        else ".*".join(re.escape(part) for part in line.split("…")) + " *\n"
        for line in output
    ]
    return "".join(lines)


def agrees(output: tuple[str, ...], printed: str) -> bool:
    return re.fullmatch(as_pattern(output), printed) is not None


def make_targets() -> set[str]:
    return set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str) -> Iterator[Place]:
    """A folder as `make prepare` leaves it, and an environment with the command and a bucket.

    The documents are prepared; the other samples are the golden results, which test_golden holds
    to be what their recipes give.
    """
    folder = tmp_path_factory.mktemp("reader")
    (folder / "bin").mkdir()
    command = folder / "bin" / "bedrock-prep"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
    command.chmod(0o755)
    own = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": s3_endpoint,
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),  # no other run's work and locks
    }
    (folder / "sample_data").symlink_to(SAMPLE)
    for name in SAMPLES:
        if name != REALLY_RUN:
            shutil.copytree(ROOT / "tests/golden" / name, folder / golden(name).uri)
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="your-bucket")
    client.close()
    yield folder, {**os.environ, **own}


def golden(name: str) -> Outcome:
    """What `prepare` comes to for a sample recipe without `--output`."""
    manifest = json.loads((ROOT / "tests/golden" / name / "manifest.json").read_bytes())
    return Outcome(
        manifest["run"], f"out/{manifest['name']}/runs/{manifest['run']}", False, manifest
    )


def run_shown(command: str, place: Place) -> Done:
    folder, environment = place
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def made_and_run(place: Place) -> tuple[str, dict[int, Done]]:
    """What `make prepare` prints, and the finished process of each command by its number.

    Commands on `my-data` and those on the samples have nothing to do with each other: they run
    side by side, each in the page's order.
    """
    own = [number for number, one in enumerate(RUN) if "my-data" in one.command]
    rest = [number for number, one in enumerate(RUN) if "my-data" not in one.command]

    def run_all(numbers: list[int]) -> dict[int, Done]:
        return {number: run_shown(RUN[number].command, place) for number in numbers}

    def make_and_run() -> tuple[str, dict[int, Done]]:
        return make_samples(place), run_all(rest)

    with ThreadPoolExecutor(2) as threads:
        beside = threads.submit(run_all, own)
        made, done = make_and_run()
        return made, done | beside.result()


def make_samples(place: Place) -> str:
    """What `make prepare` prints on stdout."""
    done = run_shown(f"bedrock-prep prepare sample_data/{REALLY_RUN}.yaml", place)
    assert done.returncode == 0, done.stderr
    told = {name: Prepared(golden(name)).as_text() + "\n" for name in SAMPLES if name != REALLY_RUN}
    return "".join((told | {REALLY_RUN: done.stdout})[name] for name in SAMPLES)


@pytest.fixture(scope="session")
def made(made_and_run: tuple[str, dict[int, Done]]) -> str:
    """What `make prepare` prints; from here on its folders are there."""
    return made_and_run[0]


@pytest.mark.parametrize("number", range(len(RUN)), ids=[one.command for one in RUN])
def test_a_command_runs_and_prints_what_the_page_says(
    number: int, made_and_run: tuple[str, dict[int, Done]]
) -> None:
    """Exit code 0 and, line by line, the output shown; `…` stands for what may change."""
    done = made_and_run[1][number]
    assert done.returncode == 0, done.stderr
    assert agrees(RUN[number].output, done.stdout), done.stdout


def test_make_prepare_prints_what_the_page_says(made: str) -> None:
    """Each sample recipe, in the order in which the Makefile runs them."""
    [prepare] = [one for one in MADE if one.command == "make prepare"]
    assert agrees(prepare.output, made), made
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    rules = subprocess.check_output(
        ["make", "--dry-run", "prepare"], cwd=ROOT, env=environment, text=True
    )
    recipes = " ".join(f"sample_data/{name}.yaml" for name in SAMPLES)
    assert f"for recipe in {recipes}; do" in rules
    assert "bin/bedrock-prep prepare $recipe ||" in rules


def test_targets_of_make_on_the_page_exist() -> None:
    """A test must not run `make test`; that the targets are there can be told."""
    assert {one.command.removeprefix("make ") for one in MADE} <= make_targets()


def test_pip_installs_the_command_that_the_page_uses() -> None:
    """`pip install .` gives `bedrock-prep`."""
    assert "pip install ." in [one.command for one in COMMANDS]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"bedrock-prep": "pipeline.cli:main"}


def test_a_wildcard_hides_no_difference() -> None:
    """The comparison itself: text around `…` counts, and so does the number of lines."""
    assert agrees(("a … c", "…", "end"), "a b c\nx\ny\nend\n")
    assert agrees(("a …", "end"), "a 1\nend\n")
    assert not agrees(("a … c", "end"), "a b d\nend\n")
    assert not agrees(("a …", "end"), "a 1\nx\nend\n")
    assert not agrees(("a", "…"), "b\na\n")


@pytest.mark.parametrize("name", READMES)
def test_the_first_command_is_in_sight(name: str) -> None:
    """Within the first 25 lines, and the page stays under 300."""
    lines = page(name).splitlines()
    assert any(line.startswith("$ ") for line in lines[:25])
    assert len(lines) < 300


def test_both_pages_show_the_same() -> None:
    """Same commands and outputs, same recipe, same headings, rows and links, in two languages."""
    english, vietnamese = map(page, READMES)
    assert list(shown(english)) == list(shown(vietnamese))
    assert [load_yaml(block, "")[0] for block in blocks(english, "yaml")] == [
        load_yaml(block, "")[0] for block in blocks(vietnamese, "yaml")
    ]
    for pattern in (r"^#+ ", r"^\|", r"^- "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, vietnamese)]
        assert counts[0] == counts[1], pattern
    ways = [
        [link for link in LINK.findall(text) if link not in READMES]
        for text in (english, vietnamese)
    ]
    assert ways[0] == ways[1]


PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", [*READMES, "DESIGN.md", *PAGES])
def test_links_lead_somewhere(name: str) -> None:
    """Every file that a page links to is there."""
    for link in LINK.findall(page(name)):
        assert link.startswith("https://") or ((ROOT / name).parent / link).exists(), link


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_found_from_the_first_one(name: str) -> None:
    """A page that nothing links to is read by nobody."""
    assert f"({name})" in page("README.md")


def test_the_recipe_on_the_page_is_valid_and_whole() -> None:
    """It has every key of a recipe, and every key that all targets share."""
    [block] = blocks(page("README.md"), "yaml")
    tree, positions = load_yaml(block, "README.md")
    parse_recipe(tree, positions)
    assert set(tree) == set(Recipe.model_fields)
    used = {key for target in tree["targets"].values() for key in target}
    assert used == {"model", "customization", "overflow", "quota", "job", "allow_legacy", "format"}


@pytest.mark.parametrize("name", READMES)
def test_the_tree_on_the_page_is_the_tree_on_disk(name: str, place: Place, made: str) -> None:
    """Every file that it names is in a run, every kind of file of a run is in it."""
    output = place[0] / "out" / "lotus-documents"
    [tree] = [block for block in blocks(page(name), "text") if "LATEST  " in block]
    named = set(re.findall(r"── (\S+\.(?:json|jsonl|parquet|html))\s", tree))
    run = latest(output)
    there = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert named <= there
    assert {one.split("/")[-1] for one in there} == {one.split("/")[-1] for one in named}
    assert {path.name for path in output.iterdir()} == {"LATEST", ".work", "runs"}
    assert (output / ".work").stat().st_mode & 0o777 == 0o700


def test_everything_a_user_may_name_is_documented() -> None:
    """Commands, stages, targets, readers and reasons stand in the reference or the page."""
    text = page("docs/reference.md") + page("README.md")
    commands = {f"bedrock-prep {command}" for command in command_names()}
    for name in commands | {*STAGES, *TARGETS, *READERS, *all_reasons()}:
        assert re.search(rf"[`(]{re.escape(name)}[` )]", text), name


def command_names() -> set[str]:
    group: Any = typer.main.get_command(app)
    return set(group.commands)


@pytest.mark.parametrize("name", READMES)
def test_the_table_of_commands_is_that_of_the_program(name: str) -> None:
    """No command is missing, none is promised."""
    assert (
        set(re.findall(r"^\| `bedrock-prep ([a-z]+)", page(name), re.MULTILINE)) == command_names()
    )


@pytest.mark.parametrize("name", READMES)
def test_the_table_of_exit_codes_is_that_of_the_program(name: str) -> None:
    """0, the codes of the errors, and 128 and the number of the signals that are caught."""
    rows = re.findall(r"^\| ([\d, ]+) \|", page(name), re.MULTILINE)
    told = {int(code) for row in rows for code in row.split(", ")}
    faults = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in faults if issubclass(kind, errors.PrepError)}
    assert told == {0, 130, 143} | codes


def test_what_is_generated_is_fresh() -> None:
    """`make format` would change nothing."""
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, path.name


def test_the_picture_is_a_small_one_of_the_report() -> None:
    """A page loads at once: under 150 kB."""
    path = ROOT / "docs" / "report.png"
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.size == (1100, 900)
