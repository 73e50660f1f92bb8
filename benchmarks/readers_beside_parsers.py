"""The readers and the bare parsers they are built on: CPU seconds and texts of real documents.

    python benchmarks/readers_beside_parsers.py [FOLDER]

FOLDER (default: /usr/share/doc) is searched for HTML, PDF and plain text; packed files are
unpacked first. Each format is read three times in turn, in this process; the smallest CPU time
counts. Prints Markdown. `missing`: the number of words of the bare parser's text that the reader's
text lacks.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from bare_parsers import bare_html, bare_pdf, bare_text

from pipeline.readers import READERS
from pipeline.source import SourceFile

MOST_FILES, MOST_BYTES = 300, 40_000_000


FORMATS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "html": (".html", bare_html),
    "pdf": (".pdf", bare_pdf),
    "text": (".txt", bare_text),
}


def collected(folder: Path, suffix: str, into: Path) -> list[SourceFile]:
    """Unpack and pin the documents of one format, up to `MOST_FILES` and `MOST_BYTES`."""
    files: list[SourceFile] = []
    total = 0
    for path in sorted(folder.rglob("*")):
        packed = path.name.endswith(suffix + ".gz")
        if not (packed or path.suffix == suffix) or not path.is_file():
            continue
        data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        if not data.strip() or len(files) == MOST_FILES or total + len(data) > MOST_BYTES:
            continue
        own = into / f"{len(files)}{suffix}"
        own.write_bytes(data)
        total += len(data)
        name = path.relative_to(folder).as_posix()
        files.append(SourceFile(name, own, len(data), hashlib.sha256(data).hexdigest()))
    return files


def texts(reader: str, files: list[SourceFile]) -> Iterator[str]:
    """The reader's text of each file; empty for a file that it rejects."""
    one = READERS[reader]()
    for file in files:
        frames = [frame for unit in one.units([file]) for frame in one.read(unit)]
        yield "\n".join(text for frame in frames for text in frame["text"] if text)


def bare_texts(parse: Callable[[Path], str], files: list[SourceFile]) -> Iterator[str]:
    for file in files:
        yield parse(Path(file.path))


def timed(texts: Callable[[], Iterator[str]]) -> tuple[float, list[str]]:
    """CPU seconds, and the texts."""
    start = time.process_time()
    read = list(texts())
    return time.process_time() - start, read


def missing(ours: str, theirs: str) -> int:
    """The number of words of `theirs` that `ours` lacks or has less often."""
    return sum((Counter(theirs.split()) - Counter(ours.split())).values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("/usr/share/doc"))
    folder = parser.parse_args().folder
    named: list[str] = []
    print("| format | files | MB | text MB | reader CPU s | parser CPU s | ratio | files/s |")
    print("|---|---|---|---|---|---|---|---|")
    for reader, (suffix, parse) in FORMATS.items():
        with tempfile.TemporaryDirectory() as into:
            files = collected(folder, suffix, Path(into))
            if not files:
                continue
            runs = [
                (
                    timed(lambda: texts(reader, files)),  # noqa: B023
                    timed(lambda: bare_texts(parse, files)),  # noqa: B023
                )
                for _ in range(3)
            ]
            ours, bare = (min(run[k][0] for run in runs) for k in (0, 1))
            got, theirs = runs[0][0][1], runs[0][1][1]
            size, text = sum(f.size for f in files) / 1e6, sum(map(len, got)) / 1e6
            print(
                f"| {reader} | {len(files)} | {size:.1f} | {text:.1f} | {ours:.2f} | {bare:.2f} "
                f"| {ours / bare:.2f} | {len(files) / ours:.0f} |"
            )
            step = max(1, len(files) // 7)
            named += [
                f"| {file.uri} | {len(b.split())} | {len(a.split())} | {missing(a, b)} |"
                for file, a, b in list(zip(files, got, theirs, strict=True))[::step][:7]
            ]
    print("\n| document | words, parser | words, reader | missing |\n|---|---|---|---|")
    print("\n".join(named))


if __name__ == "__main__":
    main()
