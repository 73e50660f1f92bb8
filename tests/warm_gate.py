"""Great Expectations in forks of one process that has imported it: what it says is real.

    python warm_gate.py     reads a folder a line from stdin, holds its suite, answers with a line

For tests that run a recipe in their own process and are not about how the gate's process starts:
its import takes longer than such a run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def serve() -> None:
    """Import, then fork for each line."""
    from pipeline.gate.child import hold
    from pipeline.gate.quick_import import imported

    gx = imported()
    for line in sys.stdin:
        number = os.fork()
        if number == 0:
            code = 1
            try:
                hold(gx, Path(line.rstrip("\n")))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(number, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


class WarmGate:
    """In place of `pipeline.gate.gate.GateProcess`."""

    server: subprocess.Popen[str]

    def __enter__(self) -> WarmGate:
        return self

    def __exit__(self, *_: object) -> None:
        """The server goes on."""

    def hold(self, folder: Path) -> dict[str, Any]:
        """Hold the folder's suite; returns what Great Expectations says."""
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(f"{folder.resolve()}\n")
        self.server.stdin.flush()
        assert self.server.stdout.readline() == "0\n"
        told: dict[str, Any] = json.loads((folder / "gate.json").read_bytes())
        return told


@contextmanager
def serve_gates() -> Iterator[type[WarmGate]]:
    """A server, and the class whose instances ask it."""
    root = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__))], cwd=root,
        env=os.environ | {"PYTHONPATH": root, "GX_ANALYTICS_ENABLED": "False"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield type("WarmGate", (WarmGate,), {"server": process})
    finally:
        process.communicate()


if __name__ == "__main__":
    serve()
