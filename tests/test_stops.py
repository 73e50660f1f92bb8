"""Full disks, signals, locks and two runs at once, on this machine's own disk and for real."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, tree_bytes
from fault_s3 import OWNER, Fault, serve_faults
from forked_runs import Forks
from small_run import copy_run, run_folder
from test_kills import Project, read_as_a_reader, write_project

from pipeline import lock, stopping
from pipeline.errors import ConflictError
from pipeline.lock import hold

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SEED", "20261125"))
Property = Callable[[str, object], None]


@pytest.fixture(scope="module")
def project(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("stops")
    recipe = write_project(folder / "project", "green")
    made = Project(forks, recipe, recipe, folder / "none", folder / "after", folder / "after")
    assert made.prepare(recipe)["code"] == 0
    return made


def prepare(project: Project, out: Path, **asked: object) -> dict[str, object]:
    words = [
        "prepare",
        project.new,
        "--output",
        out,
        "--workers",
        "1",
        "--log",
        "text",
    ]
    return project.forks.run(*words, **asked)


def hold_full(project: Project, out: Path, told: dict[str, object]) -> None:
    """Exit code 4, one line without a trace, nothing to be seen."""
    lines = str(told["stderr"]).strip().split("\n")
    assert told["code"] == 4, told
    assert "Traceback" not in str(told["stderr"])
    assert "File too large" in lines[-1] or "No space left" in lines[-1], lines
    assert "os error" not in lines[-1]
    assert read_as_a_reader(out) is None


def test_a_quota_ends_the_run_and_more_room_lets_it_go_on(
    project: Project, tmp_path: Path, record_property: Property
) -> None:
    """RLIMIT_FSIZE, as the kernel enforces it in every library: Polars, Arrow and ours."""
    limits = [100, 1_000, 3_000, 10_000, 30_000]
    largest = max(len(data) for data in tree_bytes(project.after).values())
    for limit in limits:
        out = tmp_path / str(limit)
        told = prepare(project, out, file_limit=limit)
        if limit < largest:
            hold_full(project, out, told)
        assert prepare(project, out)["code"] == 0
        assert tree_bytes(out) == tree_bytes(project.after), limit
    record_property("tried", f"file size limits: {len(limits)}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_ends_the_run_and_more_room_lets_it_go_on(
    project: Project, tmp_path: Path, record_property: Property
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    sizes = [64, 128, 256, 384, 512, 640] if not SOAK else list(range(64, 1024, 32))
    try:
        for size in sizes:
            out = disk / str(size)
            resize = ["mount", "-o", f"remount,size={size}k", str(disk)]
            subprocess.run(resize, check=True)
            told = prepare(project, out)
            if told["code"] != 0:
                hold_full(project, out, told)
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            assert prepare(project, out)["code"] == 0
            assert tree_bytes(out) == tree_bytes(project.after), size
            subprocess.run(["rm", "-rf", str(out)], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        told = prepare(project, disk / "read-only")
        assert told["code"] == 4
        assert "Read-only file system" in str(told["stderr"])
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    record_property("tried", f"full disks: {len(sizes)}, and one that is read-only")


def test_a_work_folder_on_another_disk(project: Project, tmp_path: Path) -> None:
    """A rename does not reach across: the run is copied beside its place first."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system")
    work = shared / f"bedrock-prep-test-{os.getpid()}"
    out = tmp_path / "out"
    words = [
        "prepare",
        project.new,
        "--output",
        out,
        "--work",
        work,
        "--workers",
        "1",
    ]
    try:
        told = project.forks.run(*words)
        assert told["code"] == 0, told["stderr"]
        assert tree_bytes(out) == tree_bytes(project.after)
        # the output's own lock stands there, and nothing that was copied
        assert {path.name for path in (out / ".work").iterdir()} == {"lock", "lock.expired"}
    finally:
        subprocess.run(["rm", "-rf", str(work)], check=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_run_and_it_goes_on(
    project: Project, tmp_path: Path, number: int
) -> None:
    chance = random.Random(SEED + number)
    stopped = 0
    for at in range(20 if SOAK else 4):
        out = tmp_path / str(at)
        after = chance.uniform(0.02, 0.4)
        told = prepare(project, out, signal_after=after, signal=number)
        assert told["code"] in {0, 128 + number, -number}, told  # -: before main() was reached
        assert float(str(told["seconds"])) < after + 5
        if told["code"] == 128 + number:
            stopped += 1
            assert "run the same command again" in str(told["stderr"])
            assert "Traceback" not in str(told["stderr"])
        assert prepare(project, out)["code"] == 0
        assert tree_bytes(out) == tree_bytes(project.after)
    assert stopped


WITHIN_AN_EXPRESSION = """
def stop(values): os.kill(os.getpid(), signal.SIGTERM)
def app(**_): pl.select(pl.lit(1).map_batches(stop, return_dtype=pl.Int64))
"""
"""Polars raises anew what was raised in its own callbacks."""

AS_A_PANIC = """
def app(**_):
    try: os.kill(os.getpid(), signal.SIGTERM)
    except Stopped: raise pl.exceptions.PanicException('called `unwrap()` on an `Err`')
"""
"""Where Polars calls its own Python code it takes no error: a stop there is a panic to it."""


@pytest.mark.parametrize("command", [WITHIN_AN_EXPRESSION, AS_A_PANIC])
def test_a_signal_is_told_as_one_whatever_polars_makes_of_it(command: str) -> None:
    """As a stop, in one line, not as our bug."""
    program = (
        "import os, signal, polars as pl, pipeline.cli as cli\n"
        f"from pipeline.stopping import Stopped\n{command}\ncli.app = app\ncli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (143, 1), done.stderr


WAITS = """
def app(**_):
    import polars
    from pipeline.engines.local import Workers
    with Workers(2) as workers:
        print('waits', flush=True)
        list(workers.map(time.sleep, [60, 60]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_for_workers(number: signal.Signals) -> None:
    """At once, in one line: Polars' own handler of SIGINT asks for waits to go on."""
    program = f"import time, pipeline.cli as cli\n{WAITS}\ncli.app = app\ncli.main()\n"
    line = [sys.executable, "-c", program]
    child = subprocess.Popen(line, cwd=ROOT, stdout=-1, stderr=-1, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "waits\n"
    time.sleep(1)  # until the workers are at it
    started = time.monotonic()
    child.send_signal(number)
    _, told = child.communicate(timeout=30)
    assert time.monotonic() - started < stopping.GRACE - 1
    assert (child.returncode, told.count("\n")) == (128 + number, 1), told


def test_a_signal_ends_an_upload_that_hangs(tmp_path: Path) -> None:
    """The connection would be waited for for a minute."""
    output = copy_run(tmp_path)
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    destination = manifest["recipe"]["publish"]["uri"]
    with serve_faults() as s3:
        bucket = s3.bucket(destination.split("/")[2])
        bucket.fault = Fault("hang", 5, persistent=True)
        line = [sys.executable, "-m", "pipeline", "publish", output, destination,
                "--endpoint-url", s3.url, "--region", "us-east-1"]  # fmt: skip
        child = subprocess.Popen(list(map(str, line)), cwd=ROOT, stderr=subprocess.PIPE, text=True)
        while not bucket.struck:
            time.sleep(0.05)
        started = time.monotonic()
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=30)
        assert time.monotonic() - started < 5
        s3.released.set()
    assert (child.returncode, told.count("\n")) == (143, 1), told
    assert bucket.owner == OWNER


def test_a_lock_that_gives_no_sign_of_life_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its first holder may publish no more."""
    with hold(tmp_path, "out") as first:
        first.confirm()
        with pytest.raises(ConflictError, match=rf"process {os.getpid()} on .* since 2"):
            hold(tmp_path, "out").__enter__()
        os.utime(tmp_path / "lock", (0, time.time() - lock.EXPIRY - 1))
        with hold(tmp_path, "out") as second:
            second.confirm()
            with pytest.raises(ConflictError, match="has taken it over"):
                first.confirm()
            with pytest.raises(ConflictError, match="another run holds it"):
                hold(tmp_path, "out").__enter__()
    with hold(tmp_path, "out") as third:
        third.confirm()


def test_a_lock_file_of_old_is_held_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Last month's file looks expired until its holder's first sign: another may look just then."""
    path = tmp_path / "lock"
    path.touch()
    os.utime(path, (0, 0))
    others: list[threading.Thread] = []
    same_file = lock._same_file

    def looked_at(handle: int, at: Path) -> bool:
        same = same_file(handle, at)
        if not others:  # the second one comes when the first is only just sure
            others.append(threading.Thread(target=lock._take_over, args=(at,)))
            others[0].start()
            others[0].join(0.5)
        return same

    monkeypatch.setattr(lock, "_same_file", looked_at)
    with hold(tmp_path, "out") as first:
        others[0].join()
        first.confirm()
        with pytest.raises(ConflictError, match="another run holds it"):
            hold(tmp_path, "out").__enter__()


def test_a_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "SIGN_EVERY", 0.02)
    with hold(tmp_path, "out"):
        os.utime(tmp_path / "lock", (0, 0))
        time.sleep(0.2)
        assert (tmp_path / "lock").stat().st_mtime > time.time() - 60


def test_two_runs_together_on_disk(
    project: Project, tmp_path: Path, record_property: Property
) -> None:
    """One publishes; the other exits 5 and says who holds the output, or finds the work done."""
    rounds, fives = 100 if SOAK else 6, 0
    for number in range(rounds):
        out = tmp_path / f"out-{number}"
        line = ["prepare", str(project.new), "--output", str(out), "--workers", "1"]
        first = project.forks.run(*line, beside=[line])
        both = [first, *first["beside"]]
        codes = sorted(one["code"] for one in both)
        assert codes in ([0, 5], [0, 0]), both
        if codes == [0, 5]:
            fives += 1
            done, refused = sorted(both, key=lambda one: one["code"])
            message = refused["stderr"].strip().split("\n")[-1]
            assert f"process {done['pid']} on" in message or "just started" in message
        assert tree_bytes(out) == tree_bytes(project.after)
    record_property("tried", f"two runs together on disk: {rounds} rounds, {fives} exits 5")
