"""How our processes start and end: settings of allocator, garbage collector and threads."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

KEEP_MEMORY = "dirty_decay_ms:10000,muzzy_decay_ms:10000"
"""Polars' allocator returns memory to the system only after this time: the next shard reuses what
one has freed, and getting new pages from the system takes a tenth of a worker's time."""

SETTINGS = {
    "_RJEM_MALLOC_CONF": KEEP_MEMORY,
    "OPENBLAS_NUM_THREADS": "1",  # no linear algebra is used, and its threads spin while waiting
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # searching all packages for plugins takes 0.04 s
}


def settle_process() -> None:
    """Configure a command's main process, before it imports Polars and pydantic."""
    _hold_streams()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    _look_rarely()


def _hold_streams() -> None:
    """Open the null device for closed standard streams, so that no other file takes their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def collect_rarely() -> None:
    """Collect garbage after 500,000 new objects instead of 700, and never among the modules.

    Rows are many and contain no cycles; searching them took 3 % of a run. Only for processes that
    are entirely ours: objects that are garbage by now are never collected.
    """
    gc.freeze()
    _look_rarely()


def _look_rarely() -> None:
    gc.set_threshold(500_000, 20, 20)


def leave(code: int) -> NoReturn:
    """Exit at once: unloading all modules would take 0.1 s of a short command's 0.6 s."""
    atexit._run_exitfuncs()
    try:
        print(end="", flush=True)
    except BrokenPipeError:  # the reader has gone
        pass
    except OSError:  # the disk is full, so the last output is lost
        code = code or 4
    os._exit(code)
