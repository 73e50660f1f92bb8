"""The readers as whole processes, compared with the bare parsers they are built on and a peer.

    python benchmarks/readers_whole.py [FOLDER] [--count html=2000,pdf=100,…]
        [--times text=10,email=10,…] [--pairs 3] [--peers FOLDER]

Three processes read the same files in turn: one reads them as a worker of a run does (recipe's
imports, the sandboxed child, frames with ids over the wire), one with only the parser
(`bare_parsers.py`), and one is the peer that reads most formats (`peers/install.sh`). CPU seconds
include all children; the table has the medians of the runs, and of the ratios of each round.
files/s and MB/s are per CPU second, MB/s of the text that the reader gives. The files come from
FOLDER (default: /usr/share/doc; see `reader_files.py`). Each is read `--times` times, so that for
a format with few files the time to read counts and not the time to start. `start` is the CPU time
that this package's processes take in addition to the bare parser's for the smallest file alone.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bare_parsers import BARE
from measure import measured
from reader_files import files_of

HERE = Path(__file__)
COUNTS = {"html": 2000, "pdf": 100, "docx": 300, "odt": 300, "rtf": 300, "epub": 100}
COUNTS |= {"pptx": 300, "xlsx": 300, "email": 300, "text": 1000, "markdown": 200}
TIMES = {"docx": 10, "odt": 20, "epub": 5, "pptx": 10, "xlsx": 5, "email": 20, "text": 100}
TIMES |= {"markdown": 100, "html": 2}
PEER = "kreuzberg"


def read_here(kind: str, paths: list[Path]) -> int:
    """Read files as a run's worker does, without digests or later stages; returns bytes of text."""
    from pipeline.engines.process import settle_process

    settle_process()  # before Polars is imported, as the command does for itself and its workers

    from pipeline.readers import READERS, sandbox
    from pipeline.source import SourceFile, Unit

    reader = READERS[kind]()
    files = [SourceFile(f"{n}-{p.name}", p, p.stat().st_size, "") for n, p in enumerate(paths)]
    units = [(number, Unit((file,))) for number, file in enumerate(files)]
    if reader.sandboxed:
        frames = sandbox.read_units([(number, reader, unit) for number, unit in units])
    else:
        frames = reader.read_together(units, 8_000_000)  # type: ignore[attr-defined]
    size = sum(int(frame["text"].str.len_bytes().sum()) for frame in frames)
    sandbox.close()
    return size


def lines_of(kind: str, paths: list[Path], times: int, peers: Path | None) -> dict[str, list[str]]:
    """The command of each side, which reads all files `times` times."""
    named = [str(path) for path in paths]
    words = [kind, str(times), *named]
    lines = {"here": [sys.executable, str(HERE), "--side", *words]}
    if kind in BARE:
        lines["bare"] = [sys.executable, str(HERE.with_name("bare_parsers.py")), *words]
    if peers is not None:
        script = str(HERE.parent / "peers" / "texts_of.py")
        python = str(peers / "texts" / "bin" / "python")
        lines["peer"] = [python, script, "--sizes", PEER, *named * times]
    return lines


def start_of(kind: str, paths: list[Path], pairs: int) -> float | None:
    """CPU seconds that this package takes in addition to the bare parser for the smallest file.

    None if the format has no bare parser.
    """
    lines = lines_of(kind, [min(paths, key=lambda path: path.stat().st_size)], 1, None)
    if "bare" not in lines:
        return None
    return statistics.median(
        measured(lines["here"]).cpu - measured(lines["bare"]).cpu for _ in range(pairs)
    )


def table_row(
    kind: str,
    paths: list[Path],
    text: int,
    start: float | None,
    costs: dict[str, list[float]],
) -> str:
    """A row of the table."""
    here = statistics.median(costs["here"])
    mb = sum(path.stat().st_size for path in paths) / 1e6
    row = [kind, str(len(paths)), f"{mb:.1f}", f"{text / 1e6:.1f}", f"{here:.2f}"]
    row += [f"{len(paths) / here:.0f}", f"{text / 1e6 / here:.1f}"]
    row.append(f"{start:.2f}" if start is not None else "–")
    for side in ("bare", "peer"):
        if side not in costs:
            row += ["–", "–"]
            continue
        ratios = [one / other for one, other in zip(costs["here"], costs[side], strict=True)]
        row += [f"{statistics.median(costs[side]):.2f}", f"{statistics.median(ratios):.2f}"]
    return "| " + " | ".join(row) + " |"


def numbers(given: str) -> dict[str, int]:
    """Parse an option such as `html=500,pdf=50`."""
    return {kind: int(count) for kind, count in (one.split("=") for one in given.split(",") if one)}


def main() -> None:
    if sys.argv[1:2] == ["--side"]:  # one of the processes that are measured
        kind, again, *named = sys.argv[2:]
        print(read_here(kind, [Path(name) for name in named] * int(again)))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("/usr/share/doc"))
    parser.add_argument("--count", default="", help="formats and files, as html=500,pdf=50")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="environments of the peers")
    parser.add_argument("--times", default="", help="how often each file is read, as text=10")
    asked = parser.parse_args()
    counts = numbers(asked.count) or COUNTS
    times = TIMES | numbers(asked.times)
    heads = ["format", "files", "MB", "MB of text", "CPU s", "files/s", "MB/s"]
    heads += ["start", "bare", "ratio", PEER, "ratio"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for kind, count in counts.items():
        with tempfile.TemporaryDirectory() as into:
            paths = files_of(kind, asked.folder, count, Path(into))
            if not paths:
                continue
            lines = lines_of(kind, paths, times.get(kind, 1), asked.peers)
            costs: dict[str, list[float]] = {side: [] for side in lines}
            for _ in range(asked.pairs):
                for side, line in lines.items():
                    costs[side].append(measured(line).cpu)
            start = start_of(kind, paths, asked.pairs)
            paths *= times.get(kind, 1)
            print(table_row(kind, paths, read_here(kind, paths), start, costs), flush=True)


if __name__ == "__main__":
    main()
