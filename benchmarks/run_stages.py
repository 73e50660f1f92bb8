"""Throughput of a whole run by stage, on a folder of real documents.

    python benchmarks/run_stages.py [FOLDER [OPTION …]]      (default /usr/share/doc)

Options go to `prepare`, such as --memory 800MB or --workers 1.

Runs `prepare` in a process of its own and prints, as Markdown: CPU seconds and CPU seconds for
each MB of source by stage, MB/s of the whole, and the peak memory of the process tree.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

RECIPE = """
name: measured
sources: [{{path: {folder}}}]
stages: [clean, language, quality, redact, dedup_exact, {{chunk: {{max_tokens: 512, overlap: 64}}}}]
targets: {{corpus: {{format: pretraining}}}}
split: {{validation: 0.05}}
"""


def tree_memory(root: int) -> int:
    """Bytes of a process and all that it has started; a shared page counts once (PSS)."""
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
    """Proportional set size of one process in bytes; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Run and print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/doc").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        recipe = Path(scratch, "recipe.yaml")
        recipe.write_text(RECIPE.format(folder=folder))
        output = Path(scratch, "out")
        line = [sys.executable, "-m", "pipeline", "prepare", str(recipe), "--output", str(output)]
        line += sys.argv[2:]
        started = time.monotonic()
        child = subprocess.Popen(line, stdout=subprocess.DEVNULL)
        peak = [0]

        def watch() -> None:
            while child.poll() is None:
                peak[0] = max(peak[0], tree_memory(child.pid))
                time.sleep(0.1)

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = child.wait()
        watcher.join()
        wall = time.monotonic() - started
        if code:
            sys.exit(f"prepare ended with {code}")
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print_table(output, usage.ru_utime + usage.ru_stime, wall, peak[0])


def print_table(output: Path, cpu: float, wall: float, peak: int) -> None:
    """The whole first, then each stage."""
    run = json.loads((output / "LATEST").read_text())["run"]
    manifest = json.loads((output / "runs" / run / "manifest.json").read_text())
    timings = json.loads((output / ".work" / run / "timings.json").read_text())
    size = sum(entry["bytes"] for entry in manifest["inputs"]) / 1e6
    print(f"{len(manifest['inputs'])} files, {size:.1f} MB; {platform.machine()}, ", end="")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"wall {wall:.1f} s, CPU {cpu:.1f} s, {size / wall:.1f} MB/s, ", end="")
    print(f"peak of the tree {peak / 1e6:.0f} MB\n")
    print("| stage | CPU s | CPU s/MB | MB/s a core |\n|---|--:|--:|--:|")
    for stage, seconds in timings.items():
        rate = size / seconds if seconds else float("inf")
        print(f"| {stage} | {seconds:.2f} | {seconds / size:.4f} | {rate:.1f} |")


if __name__ == "__main__":
    main()
