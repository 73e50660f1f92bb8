"""How a process of ours begins and ends: its allocator, its collector, its threads."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

KEEP_MEMORY = "dirty_decay_ms:10000,muzzy_decay_ms:10000"
"""Polars' allocator gives memory back after this time: what a shard has freed the next one takes,
and to be handed new pages by the system costs a tenth of a worker's time."""

SETTINGS = {
    "_RJEM_MALLOC_CONF": KEEP_MEMORY,
    "OPENBLAS_NUM_THREADS": "1",  # there is no linear algebra, and its threads spin while they wait
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # to look for them among all packages takes 0.04 s
}


def settle_process() -> None:
    """Settle a command's own process, before it imports Polars and pydantic."""
    _hold_streams()
    for name, own in SETTINGS.items():
        os.environ.setdefault(name, own)
    _look_rarely()


def _hold_streams() -> None:
    """Where a standard stream is closed, nothing else may come to stand in its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def collect_rarely() -> None:
    """Look for cycles among objects after 500,000 new ones, not 700, and not among the modules:
    rows read are many and have none, and to look through them took 3 % of a run. For processes
    that are ours alone: what is garbage by now is never collected."""
    gc.freeze()
    _look_rarely()


def _look_rarely() -> None:
    gc.set_threshold(500_000, 20, 20)


def leave(code: int) -> NoReturn:
    """End now: to take all modules down again takes 0.1 of a short command's 0.6 s."""
    atexit._run_exitfuncs()
    try:
        print(end="", flush=True)
    except BrokenPipeError:  # nobody reads any more
        pass
    except OSError:  # what is printed last has met a full disk
        code = code or 4
    os._exit(code)
