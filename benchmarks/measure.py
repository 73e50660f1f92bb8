"""Measure a process and all processes that it starts: CPU seconds, wall seconds, peak memory."""

from __future__ import annotations

import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.1  # seconds between two samples of memory


@dataclass(frozen=True)
class Cost:
    """The cost of running a process, including all its descendants."""

    cpu: float  # user and system seconds
    wall: float
    peak: float  # MB (10^6 bytes); a page that several processes share counts once (PSS)


def tree_memory(root: int) -> int:
    """Bytes of a process and all its descendants; a shared page counts once (PSS)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += pss(pid)
        waiting += children.get(pid, [])
    return total


def pss(pid: int) -> int:
    """Proportional set size of one process in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def measured(line: Sequence[str]) -> Cost:
    """Run a command and return its cost; raises CalledProcessError if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak = time.monotonic(), [0]
    child = subprocess.Popen(
        line,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def watch() -> None:
        while child.poll() is None:
            peak[0] = max(peak[0], tree_memory(child.pid))
            time.sleep(INTERVAL)

    watcher = threading.Thread(target=watch)
    watcher.start()
    watcher.join()
    wall = time.monotonic() - started
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, line)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, peak[0] / 1e6)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of CPU time and of wall time, each by itself, and the highest peak."""
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        max(cost.peak for cost in costs),
    )
