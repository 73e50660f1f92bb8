"""What the HTML and PDF readers lose and leave in 20 named files, and what other extractors do.

    python benchmarks/reader_quality.py [--peers FOLDER]

The files are documentation from Debian packages (/usr/share/doc; `PAGES` and `BOOKS` name them).
No extractor decides what counts as content: a page's own mark-up says which elements are
navigation (and which are tables of contents, which are not counted), and a book in PDF is compared
with the HTML edition of the same book. Peers run in the environment FOLDER/texts
(`peers/install.sh`). Prints Markdown with these shares:

- lost: characters in words of the content that are missing from the text;
- left: characters in words of navigation or of running lines that are left in the text;
- order: four-word runs of the content that occur in the text in the right order.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.readers import READERS
from pipeline.source import SourceFile

DOC = Path("/usr/share/doc")
HERE = Path(__file__).parent

MIME = "shared-mime-info/shared-mime-info-spec"
NODE = ("column2 header toc-picker", "toc")
PAGES: dict[str, tuple[str, str]] = {
    "valgrind/html/cl-manual.html": ("nav", "toc"),
    "valgrind/html/hg-manual.html": ("nav", "toc"),
    "valgrind/html/mc-manual.html": ("nav", "toc"),
    "nodejs/api/console.html": NODE,
    "nodejs/api/readline.html": NODE,
    "nodejs/api/zlib.html": NODE,
    "libxslt1-dev/gtk-doc/html/libxslt/libxslt-xslt.html": ("navigation", "toc"),
    "libffi8/html/Closure-Example.html": ("header", "contents"),
    "libffi8/html/The-Basics.html": ("header", "contents"),
    f"{MIME}.html/x34.html": ("NAVHEADER NAVFOOTER", "TOC"),
    "nettle-dev/nettle.html": ("header", "contents element-contents"),
    "bzip2/manual.html": ("", "toc"),
    "zlib1g-dev/examples/zlib_how.html": ("", ""),
}
"""For each page, classes or ids of the elements that are navigation, and of those that are tables
of contents."""

BOOKS: dict[str, str] = {
    "bzip2/manual.pdf.gz": "bzip2/manual.html",
    "fontconfig/fontconfig-user.pdf.gz": "fontconfig/fontconfig-user.html",
    "nettle-dev/nettle.pdf.gz": "nettle-dev/nettle.html",
    f"{MIME}.pdf": f"{MIME}.html/*.html",
    "valgrind/valgrind_manual.pdf.gz": "valgrind/html/*.html",
    "libtasn1-doc/libtasn1.pdf": "",
    "zlib1g-dev/crc-doc.1.0.pdf.gz": "",
}
"""The HTML edition of each book; if it has none, the text that PDFium extracts is the content."""

NAVIGATION = "nav navigation header NAVHEADER NAVFOOTER"
CONTENTS = "toc TOC contents element-contents"
EDGE, ON_PAGES = 2, 0.2  # a running line: lines from a page's edge, and share of the pages


@dataclass(frozen=True)
class Expected:
    """The words that an extracted text should have, and those that it should not have."""

    content: list[str]
    left_out: Counter[str]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def parted(page: bytes, navigation: str, contents: str) -> tuple[str, str]:
    """The text of a page's content, and that of its navigation."""
    from lxml import html

    parser = html.HTMLParser(encoding="utf-8")
    content: list[str] = []
    aside: list[str] = []

    def walk(element: Any, into: list[str]) -> None:
        named = {element.get("id"), *(element.get("class") or "").split()}
        if named & set(navigation.split()):
            into = aside
        elif named & set(contents.split()):
            into = []
        into.append(element.text or "")
        for child in element:
            if isinstance(child.tag, str) and child.tag not in ("script", "style"):
                walk(child, into)
            into.append(child.tail or "")

    walk(html.document_fromstring(page, parser=parser).find("body"), content)
    return " ".join(content), " ".join(aside)


def running_lines(path: Path) -> Counter[str]:
    """The words of lines at the edge of a page that are repeated on many pages.

    Numbers are not counted, because page numbers also occur in the table of contents.
    """
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    pages = [page.get_textpage().get_text_range().split("\r\n") for page in document]
    edges = [{*page[:EDGE], *page[-EDGE:]} for page in pages if len(page) > 2 * EDGE]
    keys = Counter(key for lines in edges for key in {re.sub(r"\d+", "#", one) for one in lines})
    repeated = {key for key, count in keys.items() if count >= max(3, ON_PAGES * len(pages))}
    found: Counter[str] = Counter()
    for lines in edges:
        for line in lines:
            if re.sub(r"\d+", "#", line) in repeated:
                found.update(word for word in words(line) if not word.isdecimal())
    return found


def expected(name: str, path: Path) -> Expected:
    """The expected words of one of the files named above; `path` is its unpacked copy."""
    if name in PAGES:
        content, aside = parted(path.read_bytes(), *PAGES[name])
        return Expected(words(content), Counter(words(aside)))
    editions = sorted(DOC.glob(BOOKS[name])) if BOOKS[name] else []
    pages = [parted(page.read_bytes(), NAVIGATION, CONTENTS)[0] for page in editions]
    if not pages:
        import pypdfium2

        pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(path)]
    return Expected(words(" ".join(pages)), running_lines(path))


def size(counted: Counter[str]) -> int:
    return sum(len(word) * count for word, count in counted.items())


def runs(found: list[str]) -> Counter[str]:
    return Counter(" ".join(found[at : at + 4]) for at in range(len(found) - 3))


def scores(text: str, want: Expected) -> tuple[float, float | None, float]:
    """Lost, left and order, as shares; left is None if nothing had to be left out."""
    extracted, content = words(text), Counter(want.content)
    lost = size(content - Counter(extracted)) / size(content)
    beyond = (Counter(extracted) - content) & want.left_out
    left = size(beyond) / size(want.left_out) if want.left_out else None
    wanted = runs(want.content)
    order = (wanted & runs(extracted)).total() / wanted.total()
    return lost, left, order


def own_texts(reader: str, files: dict[str, Path]) -> tuple[float, dict[str, str]]:
    """CPU seconds and texts of a reader of this package."""
    one, texts = READERS[reader](), {}
    start = time.process_time()
    for name, path in files.items():
        file = SourceFile(name, path, path.stat().st_size, "0" * 64)
        frames = [frame for unit in one.units([file]) for frame in one.read(unit)]
        texts[name] = "\n".join(text for frame in frames for text in frame["text"] if text)
    return time.process_time() - start, texts


def peer_texts(python: Path, peer: str, files: dict[str, Path]) -> tuple[float, dict[str, str]]:
    """The same for a peer, in its own environment."""
    line: list[str | Path] = [python, HERE / "peers" / "texts_of.py", peer, *files.values()]
    reply = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    return reply["cpu"], {name: reply["texts"][str(path)] for name, path in files.items()}


def unpacked(names: Iterable[str], into: Path) -> dict[str, Path]:
    """Unpack the named files into a folder; returns the paths of those that are installed."""
    paths = {}
    for number, name in enumerate(names):
        path = DOC / name
        if path.exists():
            own = into / f"{number}-{path.name.removesuffix('.gz')}"
            data = path.read_bytes()
            own.write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
            paths[name] = own
    return paths


def table(reader: str, files: dict[str, Path], python: Path | None, peers: list[str]) -> None:
    """Print the figures of one format: a row for each file, and one with the means."""
    made = {"here": own_texts(reader, files)}
    if python is not None:
        made |= {peer: peer_texts(python, peer, files) for peer in peers}
    print(f"| {reader}: lost / left / order in % | words | " + " | ".join(made) + " |")
    print("|---|---|" + "---|" * len(made))
    sums: dict[str, list[tuple[float, float | None, float]]] = {tool: [] for tool in made}
    for name, path in files.items():
        want = expected(name, path)
        for tool, (_, texts) in made.items():
            sums[tool].append(scores(texts[name], want))
        cells = " | ".join(_cell(sums[tool][-1]) for tool in made)
        print(f"| {name} | {len(want.content)} | {cells} |")
    means = " | ".join(_cell(tuple(map(_mean, zip(*sums[tool], strict=True)))) for tool in made)
    print(f"| mean | | {means} |")
    print("| CPU s | | " + " | ".join(f"{cpu:.2f}" for cpu, _ in made.values()) + " |\n")


def _mean(shares: tuple[float | None, ...]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _cell(shares: Iterable[float | None]) -> str:
    return " / ".join("–" if share is None else f"{100 * share:.1f}" for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, help="environments of the peers (peers/install.sh)")
    asked = parser.parse_args()
    python = asked.peers / "texts" / "bin" / "python" if asked.peers else None
    if python is not None and not python.exists():
        sys.exit(f"{python}: not there; run benchmarks/peers/install.sh {asked.peers}")
    with tempfile.TemporaryDirectory() as into:
        html = unpacked(PAGES, Path(into))
        table("html", html, python, ["trafilatura", "resiliparse", "kreuzberg"])
        table("pdf", unpacked(BOOKS, Path(into)), python, ["pypdfium2", "kreuzberg"])


if __name__ == "__main__":
    main()
