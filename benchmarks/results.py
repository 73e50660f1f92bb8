"""Write RESULTS.md and growth.svg from what run_all.py has measured."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.kernels import describe

LIBRARIES = ("polars", "pyarrow", "great-expectations", "jsonschema-rs", "orjson")
HEAD = """# Results

Written by `make benchmarks`; do not edit. Whole processes, including start-up and imports. CPU
seconds are those of a process and all processes that it starts, MB are 10^6 bytes of text, memory
is that of the process tree (PSS). Every peer ran in turn with ours, which is listed above it, on
the same documents (and, if ours has a second row, ours also on three times as many). Medians are
shown: compare within a table, not between machines. Peers use two workers where they can.

"""
NEAR_HEAD = (
    "| tool | MB | runs | CPU s | MB/s a core | ours takes a MB | wall s | peak MB "
    "| recall ≥ 0.7 | ≥ 0.8 | precision ≥ 0.7 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)
ALL_HEAD = (
    "| tool | MB | runs | CPU s | MB/s a core | ours takes a MB | wall s | peak MB |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|"
)
DOCUMENTS = "clean, quality, dedup_exact, dedup_near, chunk"
PAIRS = "clean, dedup_exact, dedup_near, contradictions"
WHOLE = (
    "{stages}, split, target, check, lineage, gate, report, manifest: "
    "{cpu:.1f} CPU s, **{rate:.1f} MB/s a core**, wall {wall:.1f} s, peak {peak:.0f} MB "
    "(median of {runs}). A stage's seconds include writing its output to disk.\n"
)
REST = "start-up of every process, the gate's own"
FILTERS = (
    "Gopher's and C4's quality rules, as `benchmarks/ours.py all` and datatrove have them; for "
    "data-juicer, which has no such families, six of its own filters.\n"
)
RULES = "[rules.md](rules.md) explains the differences.\n"
WIDTH, HEIGHT, EDGE = 640, 320, 56


def machine() -> str:
    """Describe the machine and the library versions, as one line."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    cores = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"{model}, {cores}, Python {platform.python_version()}; {libraries}; {describe()}.\n"


def row(*cells: Any) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def compared(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of ours and the peers; a peer's row follows the rows of ours that ran with it."""
    lines: list[str] = []
    ours: list[float] = []
    for one in rows:
        if "failed" in one:
            lines.append(row(one["tool"], "–", "–", one["failed"], *"–" * 4))
            continue
        share = ""
        if one["tool"] == "ours":
            ours.append(one["rate"])
        else:
            share = ", ".join(f"1/{rate / one['rate']:.1f}" for rate in ours)
            ours.clear()
        cost = f"{one['cpu']:.2f}", f"{one['rate']:.2f}", share
        rest = [f"{one['wall']:.1f}", f"{one['peak']:.0f}"]
        if "0.7" in one:
            shares = one["0.7"]["recall"], one["0.8"]["recall"], one["0.7"]["precision"]
            rest += ["–" if value is None else f"{value:.4f}" for value in shares]
        lines.append(row(one["tool"], f"{one['megabytes']:.1f}", one["runs"], *cost, *rest))
    return lines


def near(result: dict[str, Any]) -> list[str]:
    """The section on near-duplicates: cost, recall, precision."""
    return [
        "\n## Near-duplicates, threshold 0.7\n",
        "Ours is `benchmarks/ours.py near`: the stages as a library, JSONL to JSONL.\n",
        NEAR_HEAD,
        *compared(result["rows"]),
    ]


def everything(result: dict[str, Any]) -> list[str]:
    """The section on quality filters with exact and near-duplicates."""
    return [
        "\n## Quality filters, exact and near-duplicates, JSONL to JSONL\n",
        FILTERS,
        ALL_HEAD,
        *compared(result["rows"]),
    ]


def prepare(result: dict[str, Any], of: str = "documents", named: str = DOCUMENTS) -> list[str]:
    """The section on all of `prepare`, by stage."""
    lines = [
        f"\n## All of `prepare`, {result['megabytes']:.0f} MB of JSONL, {of}\n",
        WHOLE.format(**{**result, "stages": named}),
        "| stage | CPU s | share | MB/s a core |\n|---|--:|--:|--:|",
    ]
    stages = result["stages"]
    known = {**stages, REST: result["cpu"] - sum(stages.values())}
    for name, seconds in sorted(known.items(), key=lambda one: -one[1]):
        rate = result["megabytes"] / max(seconds, 1e-9)
        lines.append(row(name, f"{seconds:.2f}", f"{seconds / result['cpu']:.0%}", f"{rate:.0f}"))
    return lines


def labelled(result: dict[str, Any]) -> list[str]:
    """The same section for labelled pairs."""
    return prepare(result, "pairs", PAIRS)


def growth(result: dict[str, Any]) -> list[str]:
    """The section on how cost and memory grow with the corpus."""
    multiples = result["multiples"]
    first = multiples["1"]["cpu"] / multiples["1"]["megabytes"]
    lines = [
        f"\n## Growth: all of `prepare` with `--memory {result['memory']}`\n",
        "![CPU seconds by megabytes](growth.svg)\n",
        "| MB | CPU s | CPU s per MB | vs 1× | wall s | peak MB |\n|--:|--:|--:|--:|--:|--:|",
    ]
    for one in multiples.values():
        each = one["cpu"] / one["megabytes"]
        cost = f"{one['cpu']:.1f}", f"{each:.4f}", f"{each / first:.2f}"
        lines.append(
            row(f"{one['megabytes']:.0f}", *cost, f"{one['wall']:.0f}", f"{one['peak']:.0f}")
        )
    return lines


def plot(multiples: dict[str, Any]) -> str:
    """CPU seconds by megabytes as SVG, with a dashed straight line through the first point."""
    points = [(one["megabytes"], one["cpu"]) for one in multiples.values()]
    most_x, most_y = max(x for x, _ in points) * 1.05, max(y for _, y in points) * 1.1

    def at(x: float, y: float) -> str:
        across = EDGE + x / most_x * (WIDTH - 2 * EDGE)
        return f"{across:.1f},{HEIGHT - EDGE - y / most_y * (HEIGHT - 2 * EDGE):.1f}"

    marks = []
    for x, y in points:
        across, down = at(x, y).split(",")
        marks.append(f'<circle cx="{across}" cy="{down}" r="4" fill="#1f6feb"/>')
        marks.append(
            f'<text x="{across}" y="{float(down) - 10:.1f}" text-anchor="middle">{y:.0f} s</text>'
        )
        marks.append(
            f'<text x="{across}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{x:.0f}</text>'
        )
    line = " ".join(at(x, y) for x, y in points)
    x, y = points[0]
    straight = f"{at(0, 0)} {at(most_x, min(most_y, y / x * most_x))}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#57606a">'
        f'<polyline points="{straight}" fill="none" stroke="#d0d7de" stroke-dasharray="4"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>{"".join(marks)}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">megabytes of text</text>'
        f'<text x="8" y="20">CPU seconds; dashed: as the first point would grow</text></svg>\n'
    )


PARTS = {
    "near": near,
    "all": everything,
    "prepare": prepare,
    "labelled": labelled,
    "growth": growth,
}


def write(state: Path, folder: Path) -> None:
    """Write RESULTS.md and growth.svg for everything that has been measured so far."""
    known = json.loads(state.read_text())
    peers = ", ".join(f"{name} {number}" for name, number in known["peers"].items())
    lines = [HEAD + machine(), f"Peers: {peers or 'none is installed'}."]
    for part, shown in PARTS.items():
        if known.get(part):
            lines += shown(known[part])
    if known.get("rules"):
        lines += ["\n## Rule by rule: ours and datatrove\n", RULES, known["rules"]["table"]]
    (folder / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    if known.get("growth"):
        (folder / "growth.svg").write_text(plot(known["growth"]["multiples"]), encoding="utf-8")
