"""One child process of the sandbox, as its parent sees it: start, send, wait, judge its end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.readers import wire, wire_rows
from pipeline.readers.counted import Counted, shared_file

KINDS = (wire.READY, wire.ROWS, wire.FRAME, wire.DONE, wire.FAILED)
PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", "TMPDIR")
OWN = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "HF_HUB_OFFLINE": "1",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",  # an arena for each thread would take 64 MB of address space
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # looking for them takes longer than most files
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}

_PIECE = 1 << 20
_SOON = 0.1
_STARTING_SECONDS = 120.0
_MOST_SAID_BYTES = 65_536
_BUSY = 0.02  # of one core, while an answer is waited for
_WAITS = 10
_MUCH = 0.5  # of the memory allowed: a child that dies above it has died for lack of memory
_ENDING_CHECKS = 500
_NO_MEMORY = (b"memory allocation", b"bad_alloc", b"out of memory", b"MemoryError")


class ParserFault(Exception):
    """Why the unit being read could not be read; `final` when a second try would end the same."""

    def __init__(self, reason: str, value: object = None, final: bool = False) -> None:
        self.reason, self.value, self.final = reason, value, final
        super().__init__(reason, value)


@dataclass(frozen=True)
class Message:
    """A message from the child, in the format of `pipeline.readers.wire`."""

    kind: bytes
    done: int
    frames: int
    payload: bytes

    def frame(self, numbers: pl.Series) -> pl.DataFrame:
        """The message's rows; raises ParserFault if they are not valid.

        `numbers` are the numbers of the batch's units; they replace the places that the child sent
        in the column `unit`.
        """
        try:
            rows = self.kind == wire.ROWS
            frame = wire_rows.unpack(self.payload) if rows else wire.unpack(self.payload)
        except ValueError as error:
            raise ParserFault("read.parser_died", error) from error
        places = frame[wire.UNIT]
        if places.null_count() or (places >= len(numbers)).any():
            raise ParserFault("read.parser_died", "rows of a unit that was not asked for")
        return frame.with_columns(numbers.gather(places).alias(wire.UNIT))

    def refuse(self) -> bool:
        """Raise the ParserFault that the child reports."""
        try:
            failure = json.loads(self.payload)
            reason, value = str(failure["reason"]), failure["value"]
        except (ValueError, KeyError, TypeError) as error:
            fault = f"the child sent an invalid message: {error}"
            raise ParserFault("read.parser_died", fault) from error
        known = reason == "read.out_of_memory"
        raise ParserFault(reason if known else "read.parser_died", value)


class ChildProcess:
    """A child process; creating it starts the child and waits until it is ready."""

    def __init__(self, memory: int, cpu: float) -> None:
        self.units = 0
        self.memory, self.peak = memory, 0
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child lives
        with shared_file() as shared:
            self.counted = Counted(shared.fileno())
            self.child = self._started(str(memory), str(cpu), shared.fileno())
        try:
            ready = self.receive(_STARTING_SECONDS, _MOST_SAID_BYTES)
            limits = json.loads(ready.payload)
            self.holds: list[str] = limits["holds"]
            self.peak = int(limits["peak"])
        except ParserFault as fault:
            self.kill()
            raise RuntimeError(f"the parser process did not start: {self._said()!r}") from fault

    def _started(self, memory: str, cpu: str, shared: int) -> subprocess.Popen[bytes]:
        # -P: the child must not import modules from the folder that we were started in
        module = [sys.executable, "-P", "-m", "pipeline.readers.sandbox_child"]
        return subprocess.Popen(
            [*module, memory, cpu, str(shared)],
            pass_fds=[shared],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            env=_environment(),
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )

    def send(self, line: bytes) -> None:
        """Write to the child; if it is gone, `receive` reports it."""
        assert self.child.stdin is not None
        view = memoryview(line)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[self.child.stdin.write(view) :]

    def receive(self, seconds: float, most: int) -> Message:
        """The next message, with at most `most` bytes; raises ParserFault for anything else.

        `seconds` is how long to wait for it.
        """
        header = self._exactly(wire.HEADER.size, seconds)
        kind, done, frames, length = wire.HEADER.unpack(header)
        if kind not in KINDS or length > most:
            raise ParserFault("read.parser_died", f"an answer of {length} bytes, kind {kind!r}")
        return Message(kind, done, frames, self._exactly(length, seconds))

    def _exactly(self, length: int, seconds: float) -> bytes:
        assert self.child.stdout is not None
        out = self.child.stdout.fileno()
        got = bytearray()
        used: float | None = None  # looked up only for answers that take a while: it is slow
        begun = waits = 0
        while len(got) < length:
            if not select.select([out], [], [], seconds if used is not None else _SOON)[0]:
                if used is None:
                    used, begun = self._cpu_seconds(), self.counted.number
                    continue
                if begun != self.counted.number:  # it has gone on to another unit
                    begun, waits = self.counted.number, 0
                    continue
                # On a busy machine, a working child is not late: its CPU limit will end it.
                before, used = used, self._cpu_seconds()
                waits += 1
                if used - before < _BUSY * seconds or waits > _WAITS:
                    raise ParserFault("read.timeout", "wall")
                continue
            piece = os.read(out, min(_PIECE, length - len(got)))
            if not piece:
                raise self._verdict()
            got += piece
        return bytes(got)

    def resident(self) -> int | None:
        """Bytes of memory that the child holds now; None where the system does not report it."""
        try:
            held = Path(f"/proc/{self.child.pid}/statm").read_bytes().split()[1]
        except (OSError, IndexError):  # no /proc, or a child that is gone
            return None
        return int(held) * resource.getpagesize()

    def _cpu_seconds(self) -> float:
        """CPU seconds that the child has used so far; 0 where the system does not report them."""
        try:
            stat = Path(f"/proc/{self.child.pid}/stat").read_bytes()
        except OSError:
            return 0.0
        user, system = stat.rpartition(b")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _verdict(self) -> ParserFault:
        """Why the child is gone, judging by its exit status, peak memory and last stderr output."""
        peak = self._wait()
        if peak is None:
            return ParserFault("read.parser_died", "the parser no longer answers")
        status, said = self.child.returncode, self._said()
        if status == -signal.SIGXCPU:
            return ParserFault("read.timeout", "CPU", final=True)
        # PDFium and others abort when they get no memory, and say nothing.
        grown = status < 0 and peak - self.peak > _MUCH * self.memory
        if status == -signal.SIGKILL or grown or any(words in said for words in _NO_MEMORY):
            return ParserFault("read.out_of_memory")
        ended = f"exit {status}" if status >= 0 else signal.Signals(-status).name
        return ParserFault("read.parser_died", ended)

    def _wait(self) -> int | None:
        """The child's peak memory in bytes; None if it closed its output but is still running."""
        for _ in range(_ENDING_CHECKS):
            done, status, used = os.wait4(self.child.pid, os.WNOHANG)
            if done:
                self.child.returncode = os.waitstatus_to_exitcode(status)
                return used.ru_maxrss * 1024
            time.sleep(0.01)
        return None

    def _said(self) -> bytes:
        self.stderr.seek(0)
        return self.stderr.read(_MOST_SAID_BYTES)

    def kill(self) -> None:
        """End the child and all processes that it started, and close its files."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        for closable in (self.child.stdin, self.child.stdout, self.stderr, self.counted):
            if closable is not None:
                closable.close()


def _environment() -> dict[str, str]:
    """Only the variables that the child needs: no credentials, no cloud settings."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [path for path in (os.environ.get("PYTHONPATH"), package) if path]
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, **OWN, "PYTHONPATH": os.pathsep.join(paths)}
