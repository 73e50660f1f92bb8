"""Work that kills the process it is done in, as a system does that has no memory left."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from pipeline.passes import Look, Pass


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class DyingPass(Pass):
    """A pass of which no task is ever done."""

    def run(self, task: Any) -> Any:
        _die()


class DyingLook(Look):
    """A second look that nobody survives."""

    def run(self, task: Any) -> Any:
        _die()
