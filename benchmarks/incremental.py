"""Nightly runs: what 2 % more documents cost, compared with a run from nothing of the same bytes.

    python benchmarks/incremental.py [DOCUMENTS [NIGHTS [FOLDER]]]
                                     (default 100000 5 ../shared/bench/corpus)
    python benchmarks/incremental.py --files FOLDER [DOCUMENTS [NIGHTS]]
    python benchmarks/incremental.py --folders …    new files in a folder sorted after earlier ones

The first form's FOLDER has docs.parquet with a column `text`; its texts are cut into documents of
about 0.8 KB, each in its own file. The second form uses the HTML, PDF, Word, Markdown and text
files below FOLDER unchanged (default 10000 3). Files are named by a digest, so that new ones are
sorted among the old ones. The first run has all documents except NIGHTS times 2 %; each nightly
run has 2 % more. At the end, one run from nothing has all of them. Prints Markdown: CPU seconds of
all processes, wall seconds, and the peak memory of the process tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from measure import Cost, measured

RECIPE = """
name: nightly
sources: [{path: docs/}]
stages: [clean, language, quality, redact, dedup_exact, dedup_near, {chunk: {max_tokens: 512}}]
targets: {corpus: {format: pretraining}}
split: {validation: 0.05}
"""
LENGTH = 800  # characters of a document
FOLDERS = "--folders" in sys.argv
FORMATS = {".html", ".htm", ".pdf", ".docx", ".md", ".txt"}
SHARE = 0.02  # of all documents, new in each nightly run
REST = 2.5  # seconds; a file changed just before it was read is read again by the next run


def documents(corpus: Path, most: int) -> Iterator[str]:
    """Texts of about 0.8 KB, cut at line ends."""
    made = 0
    for text in pl.read_parquet(corpus / "docs.parquet", columns=["text"])["text"]:
        lines, size = [], 0
        for line in text.split("\n"):
            lines.append(line)
            size += len(line)
            if size >= LENGTH:
                yield "\n".join(lines)
                lines, size, made = [], 0, made + 1
                if made == most:
                    return


def files_below(folder: Path, most: int) -> Iterator[Path]:
    """Files of the formats that are read, in the order of a digest of their names."""
    found = [p for p in folder.rglob("*") if p.suffix in FORMATS and p.is_file()]
    named = {path: hashlib.blake2b(str(path).encode()).digest() for path in found}
    yield from sorted(found, key=named.__getitem__)[:most]


def write(folder: Path, documents: Sequence[str | Path], start: int) -> None:
    """Write a file for each document, named by a digest: new files are among the old ones.

    With `--folders`, they are in a folder that is sorted after the earlier ones. `start` is the
    number of the first document.
    """
    for number, document in enumerate(documents, start):
        name = hashlib.blake2b(str(number).encode(), digest_size=8).hexdigest()
        place = folder / (f"{start:08d}" if FOLDERS else name[:2])
        place.mkdir(parents=True, exist_ok=True)
        if isinstance(document, Path):
            shutil.copyfile(document, place / f"{name}{document.suffix}")
        else:
            (place / f"{name}.txt").write_text(document, encoding="utf-8")


def prepare(recipe: Path, output: Path) -> Cost:
    """Run `prepare` in its own process, after waiting until the files are `REST` seconds old."""
    time.sleep(REST)
    line = [sys.executable, "-m", "pipeline", "prepare", str(recipe), "--output", str(output)]
    return measured([*line, "--log", "text"])


def files_of(output: Path) -> dict[str, str]:
    """The digest of every file of the latest run."""
    run = json.loads((output / "LATEST").read_text())["run"]
    folder = output / "runs" / run
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def asked() -> tuple[Sequence[str | Path], int]:
    """The documents and the number of nightly runs, from the command line."""
    words = [word for word in sys.argv[1:] if word != "--folders"]
    if words[:1] == ["--files"]:
        most, nights = [int(word) for word in words[2:4]] + [10_000, 3][len(words[2:4]) :]
        return list(files_below(Path(words[1]), most)), nights
    most = int(words[0]) if words else 100_000
    corpus = Path(words[2] if len(words) > 2 else "../shared/bench/corpus")
    if not (corpus / "docs.parquet").is_file():
        sys.exit(f"{corpus.resolve()}: holds no docs.parquet; name the folder of a corpus")
    return list(documents(corpus, most)), int(words[1]) if len(words) > 1 else 5


def main() -> None:
    """Do all nightly runs and print the table."""
    texts, nights = asked()
    share = int(len(texts) * SHARE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        first = len(texts) - nights * share
        write(folder / "docs", texts[:first], 0)
        rows = [
            (f"first run, {first:,} documents", prepare(folder / "recipe.yaml", folder / "out"))
        ]
        for night in range(nights):
            start = first + night * share
            write(folder / "docs", texts[start : start + share], start)
            cost = prepare(folder / "recipe.yaml", folder / "out")
            rows.append((f"night {night + 1}, {share:,} more", cost))
        rows.append(
            (f"from nothing, {len(texts):,}", prepare(folder / "recipe.yaml", folder / "once"))
        )
        same = files_of(folder / "out") == files_of(folder / "once")
    print_table(rows, same)


def print_table(rows: list[tuple[str, Cost]], same: bool) -> None:
    """Print each run, compared with the last one, which did all the work at once."""
    whole = rows[-1][1]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| run | CPU s | of a run from nothing | wall s | peak MB |\n|---|--:|--:|--:|--:|")
    for name, cost in rows:
        share = f"{cost.cpu / whole.cpu:.0%}"
        print(f"| {name} | {cost.cpu:.1f} | {share} | {cost.wall:.1f} | {cost.peak:.0f} |")
    print(
        f"\nThe last night's run and the run from nothing: {'the same' if same else 'OTHER'} bytes"
    )
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
