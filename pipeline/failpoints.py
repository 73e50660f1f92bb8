"""Failpoints: I/O steps at which a test may kill this process or make the step fail.

They do nothing unless the environment variable is set when the process starts; then a step costs
one comparison.

    BEDROCK_PREP_FAILPOINT=kill:17       SIGKILL at the 17th step
    BEDROCK_PREP_FAILPOINT=ENOSPC:17     only that step fails, as if the disk were full
    BEDROCK_PREP_FAILPOINT=EIO:17+       that step and all later ones fail
    BEDROCK_PREP_FAILPOINT=list:FILE     the name of each step is appended to FILE
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

VARIABLE = "BEDROCK_PREP_FAILPOINT"


class Failpoint:
    """What happens at which step of this process; the steps of all threads are counted together."""

    def __init__(self, text: str) -> None:
        self.action, _, at = text.partition(":")
        self.file = Path(at) if self.action == "list" else None
        self.for_ever = at.endswith("+")
        self.at = 0 if self.file else int(at.rstrip("+"))
        self.reached = 0
        self.lock = threading.Lock()

    def reach(self, name: str) -> None:
        """Count one step, and act if it is the one."""
        with self.lock:
            self.reached += 1
            number = self.reached
            if self.file is not None:
                with self.file.open("a", encoding="utf-8") as file:
                    file.write(f"{name}\n")
                return
        if number == self.at or (self.for_ever and number > self.at):
            self._strike(name)

    def _strike(self, name: str) -> None:
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, self.action)
        raise OSError(number, os.strerror(number), name)


_armed: Failpoint | None = None


def arm(text: str | None) -> None:
    """Set or clear the failpoint of this process."""
    global _armed
    _armed = Failpoint(text) if text else None


def step(name: str) -> None:
    """Announce an I/O step that is about to be taken."""
    if _armed is not None:
        _armed.reach(name)


arm(os.environ.get(VARIABLE))
