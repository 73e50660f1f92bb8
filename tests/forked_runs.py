"""A server of forks: whole commands in processes that need not import anything again.

    python forked_runs.py FOLDER     reads a JSON object a line from stdin, answers one to stdout

asked: {"argv": ["prepare", …], "beside": [["prepare", …], …], "failpoint": "kill:17"|null,
        "every_step": folder, "file_limit": bytes, "signal_after": seconds, "signal": number,
        "cwd": folder, "stdout": file}
told:  {"code": 0|-9|…, "stderr": "…", "seconds": …, "beside": [{"code": …, "stderr": …}, …]}

Great Expectations would take most of the time and is not what is tried here: the gate's answer is
recorded once from the real one, for the very suite and numbers, and repeated. Polars has a thread,
with SOAK=1 as many as it wants.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
"""What Python tells of its own I/O: with `every_step` each is a step beside the product's own."""


class RecordedGate:
    """The gate's process, asked once for each suite with its numbers."""

    records: Path
    real: Any

    def __init__(self) -> None:
        self.child: Any = None

    def __enter__(self) -> RecordedGate:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left running."""

    def hold(self, folder: Path) -> dict[str, Any]:
        state = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            if path.name == "suite.json" or path.suffix == ".parquet":
                state.update(path.read_bytes())
        record = self.records / f"{state.hexdigest()}.json"
        if not record.exists():
            with self.real() as real:
                told = real.hold(folder)
            fresh = record.with_suffix(f".{os.getpid()}")  # another run may look just now
            fresh.write_text(json.dumps(told))
            fresh.rename(record)
        told = json.loads(record.read_text())
        (folder / "gate.json").write_text(json.dumps(told))
        return dict(told)


def count_every_step(folder: str) -> None:
    """Python's own I/O below `folder` counts as steps too."""
    from pipeline import failpoints

    busy = False

    def hook(event: str, words: tuple[Any, ...]) -> None:
        nonlocal busy
        if event not in EVENTS or busy or not words:
            return
        if event == "open" and not (isinstance(words[2], int) and words[2] & 3):
            return
        path = os.fsdecode(words[0]) if isinstance(words[0], str | bytes | os.PathLike) else ""
        if path.startswith(folder):
            busy = True
            try:
                failpoints.step(f"{event} {path}")
            finally:
                busy = False

    sys.addaudithook(hook)


def child(asked: dict[str, Any], argv: list[str], err: int) -> None:
    """One command, as the console script runs it; never returns."""
    from pipeline import failpoints
    from pipeline.cli import main

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main() says otherwise: dead, as by python
    os.setsid()
    os.dup2(err, 2)  # a pipe: a limit on files does not reach it
    os.dup2(os.open(asked.get("stdout", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.chdir(asked.get("cwd", "."))
    if asked.get("file_limit"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_limit"], resource.RLIM_INFINITY))
    if asked.get("every_step"):
        count_every_step(asked["every_step"])
    failpoints.arm(asked.get("failpoint"))
    sys.argv = ["bedrock-prep", *argv]
    code = 1
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def start(asked: dict[str, Any], argv: list[str], held: int, go: int) -> tuple[int, int]:
    """A process that begins when `go` is closed; its number and the pipe of its messages."""
    reading, writing = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(go)
        os.read(held, 1)
        child(asked, argv, writing)
    os.close(writing)
    return number, reading


def ended(number: int, messages: int) -> dict[str, Any]:
    """What became of a process."""
    with os.fdopen(messages, errors="replace") as pipe:
        stderr = pipe.read()
    _, status = os.waitpid(number, 0)
    return {"code": os.waitstatus_to_exitcode(status), "stderr": stderr, "pid": number}


def serve(folder: Path) -> None:
    """Import what a run needs, then fork for each line."""
    import boto3.s3.transfer
    import jsonschema_rs
    import langdetect
    import polars
    import pyarrow.parquet

    import pipeline.cli
    import pipeline.cli_bedrock
    import pipeline.commands.publish
    import pipeline.commands.teach
    import pipeline.execution
    import pipeline.folder
    import pipeline.gate.gate
    import pipeline.prepare
    import pipeline.resume

    assert boto3 and jsonschema_rs and langdetect and polars and pyarrow
    pipeline.resume.code_digest()  # reads all of the code, once for all forks
    RecordedGate.records, RecordedGate.real = folder, pipeline.gate.gate.GateProcess
    for module in (pipeline.execution, pipeline.gate.gate):
        module.GateProcess = RecordedGate  # type: ignore[attr-defined]
    gc.collect()
    gc.freeze()  # or each fork's collector copies the pages of all that it looks at
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        held, go = os.pipe()
        lines = [asked["argv"], *asked.get("beside", [])]
        running = [start(asked, argv, held, go) for argv in lines]
        os.close(held)
        os.close(go)  # all of them begin
        started = time.monotonic()
        if asked.get("signal_after") is not None:
            time.sleep(asked["signal_after"])
            os.kill(running[0][0], asked.get("signal", signal.SIGKILL))
        told, *beside = [ended(number, messages) for number, messages in running]
        told |= {"seconds": time.monotonic() - started, "beside": beside}
        print(json.dumps(told), flush=True)


class Forks:
    """The server from the other side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, *argv: object, **asked: Any) -> dict[str, Any]:
        """Run a command; what became of it."""
        line = json.dumps({"argv": [str(word) for word in argv], **asked})
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def command(self, *argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """The same as `subprocess.run` tells it, with what it printed."""
        with tempfile.NamedTemporaryFile("r") as printed:
            told = self.run(*argv, cwd=str(cwd), stdout=printed.name)
            line = list(map(str, argv))
            return subprocess.CompletedProcess(line, told["code"], printed.read(), told["stderr"])


@contextmanager
def serve_forks(folder: Path) -> Iterator[Forks]:
    """A server whose records and messages stand in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    if "SOAK" not in os.environ:  # of such small frames two threads take a third more time
        environment |= {"POLARS_MAX_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), str(folder)], cwd=root, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        assert json.loads(process.stdout.readline())["ready"]
        yield Forks(process)
    finally:
        process.communicate()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
