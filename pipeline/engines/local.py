"""The default engine: processes on this machine."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from pipeline.engines.process import KEEP_MEMORY, collect_rarely

Task = TypeVar("Task")
Result = TypeVar("Result")

PR_SET_PDEATHSIG = 1


class Workers:
    """Worker processes, kept for all passes because starting one takes a second.

    A single worker is this process itself. Several workers are spawned processes (a fork with
    Polars' threads in it may hang), started when there is work for them, each with its share of
    the cores for Polars' threads. Used as a context manager, which stops them at its end.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.pool is None:
            return
        if kind is not None:
            _stop(self.pool)
        self.pool.shutdown()

    def stay_alone(self) -> None:
        """Do all work in this process, unless workers are running: starting one takes a second."""
        if self.pool is None:
            self.most = 1

    def map(
        self, work: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """(position, result) of every task, in the order in which they finish.

        `work`, tasks and results must be picklable. An exception in a task is raised here; if a
        worker dies, concurrent.futures.process.BrokenProcessPool is raised.
        """
        if min(self.most, len(tasks)) <= 1:
            yield from ((position, work(task)) for position, task in enumerate(tasks))
            return
        if self.pool is None:
            self.pool = ProcessPoolExecutor(
                self.most,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_quiet_child,
            )
        with _settings_of_workers(self.most):
            running = {
                self.pool.submit(work, task): position for position, task in enumerate(tasks)
            }
            try:
                for future in as_completed(running):
                    yield running.pop(future), future.result()
            except BaseException:
                _stop(self.pool)
                raise


class _settings_of_workers:  # noqa: N801 - reads as a verb in a with statement
    """A context in which new processes get an equal share of the cores for Polars' threads."""

    def __init__(self, workers: int) -> None:
        share = str(max(1, (os.cpu_count() or 1) // workers))
        settings = {"POLARS_MAX_THREADS": share, "_RJEM_MALLOC_CONF": KEEP_MEMORY}
        self.settings = {name: value for name, value in settings.items() if name not in os.environ}

    def __enter__(self) -> None:
        os.environ.update(self.settings)

    def __exit__(self, *_: object) -> None:
        for name in self.settings:
            del os.environ[name]


def _quiet_child() -> None:
    """Set a worker up to leave signals to its parent, and to die with it, even if it is killed."""
    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Kill the workers at once: the next run repeats what they were doing."""
    for child in list((pool._processes or {}).values()):
        child.kill()
    pool.shutdown(wait=True, cancel_futures=True)
