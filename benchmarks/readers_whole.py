"""The readers beside the bare parsers they stand on, as whole processes with their sandbox.

    python benchmarks/readers_whole.py [FOLDER] [--counts 1,10,100,1000] [--pairs 3]

A process that reads N files by this package (recipe's imports, worker, sandboxed child, frames with
ids over the wire) beside one that does nothing but parse them, in CPU seconds with all children.
FOLDER (default: /usr/share/doc) gives HTML and PDF; Word documents are made of its texts. Files are
taken again from the first when there are not N. The two take turns; the median of ratios is told.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from xml.sax.saxutils import escape

from measure import measured
from readers_beside_parsers import bare_html, bare_pdf, collected

HERE = Path(__file__)
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default '
    'Extension="xml" ContentType="application/xml"/></Types>'
)


def bare_docx(path: Path) -> str:
    """The text of the document's XML, by lxml alone."""
    from lxml import etree

    with zipfile.ZipFile(path) as parts:
        root = etree.fromstring(parts.read("word/document.xml"))
    return "\n".join("".join(one.itertext()) for one in root.iter(f"{{{W}}}p"))


BARE: dict[str, tuple[str, Callable[[Path], str]]] = {
    "html": (".html", bare_html),
    "pdf": (".pdf", bare_pdf),
    "docx": (".docx", bare_docx),
}


def make_docx(source: Path, into: Path) -> None:
    """A Word document of a text: a paragraph for each line, its words in runs of five."""
    paragraphs = []
    for line in source.read_text("utf-8", "replace").splitlines():
        found = escape("".join(c for c in line if c >= " ")).split()
        runs = [" ".join(found[at : at + 5]) for at in range(0, len(found), 5)]
        made = "".join(f'<w:r><w:t xml:space="preserve">{run} </w:t></w:r>' for run in runs)
        paragraphs.append(f"<w:p><w:pPr><w:jc w:val='left'/></w:pPr>{made}</w:p>")
    body = f'<w:document xmlns:w="{W}"><w:body>{"".join(paragraphs)}</w:body></w:document>'
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", TYPES)
        parts.writestr("word/document.xml", body)


def files_of(kind: str, folder: Path, into: Path) -> list[Path]:
    """The documents of one format that are measured."""
    if kind != "docx":
        return [Path(file.path) for file in collected(folder, BARE[kind][0], into)]
    texts = [Path(file.path) for file in collected(folder, ".txt", into)]
    for text in texts:
        make_docx(text, text.with_suffix(".docx"))
    return [text.with_suffix(".docx") for text in texts]


def read_bare(kind: str, paths: list[Path]) -> int:
    return sum(len(BARE[kind][1](path)) for path in paths)


def read_here(kind: str, paths: list[Path]) -> int:
    """As a worker of a run reads them; without digests of the files and without later stages."""
    from pipeline.readers import READERS, sandbox
    from pipeline.source import SourceFile, Unit

    reader = READERS[kind]()
    files = [SourceFile(f"{n}-{p.name}", p, p.stat().st_size, "") for n, p in enumerate(paths)]
    units = [(number, reader, Unit((file,))) for number, file in enumerate(files)]
    chars = sum(int(frame["text"].str.len_chars().sum()) for frame in sandbox.read_units(units))
    sandbox.close()
    return chars


def line(side: str, kind: str, count: int, folder: Path) -> list[str]:
    return [
        sys.executable,
        str(HERE),
        str(folder),
        "--side",
        side,
        "--kind",
        kind,
        "--counts",
        str(count),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("/usr/share/doc"))
    parser.add_argument("--counts", default="1,10,100,1000")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--kind", default=",".join(BARE))
    parser.add_argument("--side", choices=["bare", "here"])
    asked = parser.parse_args()
    counts = [int(count) for count in asked.counts.split(",")]
    if asked.side:  # one of the processes that are measured
        found = sorted(asked.folder.glob(f"*{BARE[asked.kind][0]}"))
        paths = list(islice(cycle(found), counts[0]))
        read = read_bare if asked.side == "bare" else read_here
        assert read(asked.kind, paths)
        return
    print("| format | files | MB | here CPU s | bare CPU s | ratio |\n|---|---|---|---|---|---|")
    for kind in asked.kind.split(","):
        with tempfile.TemporaryDirectory() as into:
            files = files_of(kind, asked.folder, Path(into))
            for count in counts:
                pairs = [
                    [measured(line(side, kind, count, Path(into))).cpu for side in ("here", "bare")]
                    for _ in range(asked.pairs)
                ]
                mb = sum(path.stat().st_size for path in islice(cycle(sorted(files)), count)) / 1e6
                here, bare = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
                ratio = statistics.median(one / other for one, other in pairs)
                print(
                    f"| {kind} | {count} | {mb:.1f} | {here:.2f} | {bare:.2f} | {ratio:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
