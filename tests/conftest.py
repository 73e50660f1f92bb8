"""What several tests need: a checkout's paths, small recipes, a real S3 server on the loopback."""

from __future__ import annotations

import ast
import compileall
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from forked_runs import Forks, serve_forks
from hypothesis import settings
from warm_gate import WarmGate, serve_gates

# A deadline measures the machine, which may be busy with other work.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Of several workers none has more than a core: on two threads small frames took a twelfth more
    # processor time. Commands that tests start are threaded as they are for everybody.
    with patch.dict(os.environ, POLARS_MAX_THREADS="1"):
        import polars as pl

        pl.thread_pool_size()

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_data"
RECIPES = tuple(sorted(path.stem for path in SAMPLE.glob("*.yaml")))

LONG = ("kills_s3", "faults", "kills", "run", "state", "incremental", "taken_over", "state_faults")
"""Files that take half a minute to two: begun first, so that no worker waits for one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once: where PYTHONDONTWRITEBYTECODE is set, as CI often has it, each of
    a thousand processes would compile it for itself."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(ROOT / "pipeline", quiet=2)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have counted (faults, kills, rounds) stands at the end, whoever ran them."""
    for report in terminalreporter.getreports("passed"):
        for name, told in report.user_properties:
            if name == "tried" and report.when == "call":
                terminalreporter.write_line(f"tried: {told}")


@pytest.fixture(scope="session", autouse=True)
def _no_aws_account() -> None:
    """Tests never reach for real credentials or the instance's metadata."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_ACCESS_KEY_ID"] = "testing"
    os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real HTTP S3 server (moto's) on a free loopback port, for the whole session."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    """(client, name) of a new bucket."""
    import re

    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    name = re.sub("[^a-z0-9]", "-", request.node.name.lower())[:50].strip("-") + "-b"
    client.create_bucket(Bucket=name)
    yield client, name
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            client.delete_object(Bucket=name, Key=item["Key"])
    client.delete_bucket(Bucket=name)
    client.close()


@pytest.fixture(scope="session")
def names_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spaCy pipeline that has learnt a few names; not to be changed."""
    from spacy_models import trained

    return trained(tmp_path_factory.mktemp("names") / "model")


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def bedrock_prep() -> Command:
    """Run a command line of the console script in a process of its own."""

    def run(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "pipeline", *map(str, words)]
        settings: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True}
        return subprocess.run(line, **(settings | more), check=False)

    return run


@pytest.fixture(scope="session")
def sample_outputs(
    tmp_path_factory: pytest.TempPathFactory, bedrock_prep: Command, worker_id: str
) -> dict[str, Path]:
    """The output folder of each sample recipe, run as a user would, once for all workers of
    pytest-xdist; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "samples"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second waits
        for name in RECIPES:
            done = folder / f"{name}.done"
            if not done.exists():
                words = ("prepare", SAMPLE / f"{name}.yaml", "--output", folder / name)
                ended = bedrock_prep(*words)
                assert ended.returncode == 0, ended.stderr
                done.touch()
    return {name: folder / name for name in RECIPES}


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Commands in forks of one process that has imported all; see `forked_runs`."""
    with serve_forks(tmp_path_factory.mktemp("forks")) as server:
        yield server


def imported_with(modules: str, of: Sequence[str]) -> list[str]:
    """Which of some modules a new process has once it has imported others (`"os, sys"`)."""
    code = f"import sys, {modules}; print([m for m in {list(of)!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: list[str] = ast.literal_eval(done.stdout)
    return found


def tree_bytes(folder: Path) -> dict[str, bytes]:
    """Every published file of an output, by name; work files are not part of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".work" not in path.relative_to(folder).parts
    }


def latest(output: Path) -> Path:
    """The folder of the run that LATEST points to."""
    return output / "runs" / json.loads((output / "LATEST").read_bytes())["run"]


def read_jsonl(path: Path) -> list[Any]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="session")
def _warm_gates() -> Iterator[type[WarmGate]]:
    with serve_gates() as gate:
        yield gate


@pytest.fixture
def warm_gate(_warm_gates: type[WarmGate], monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate as it is, without its import in each run."""
    from pipeline import execution

    monkeypatch.setattr(execution, "GateProcess", _warm_gates)


@pytest.fixture
def quick_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's process takes seconds to start and has its own tests."""
    from pipeline import execution
    from pipeline.gate import run as gate_run

    told = {"passed": True, "engine": "none", "about": "none", "checks": [], "failing": {}}

    def check_gate(*words: Any) -> dict[str, Any]:
        (words[4] / "suite.json").write_text("{}")
        return told

    monkeypatch.setattr(execution, "GateProcess", contextlib.nullcontext)
    monkeypatch.setattr(gate_run, "check_gate", check_gate)
