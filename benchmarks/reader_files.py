"""Documents for the readers' benchmarks: real ones, and some made from their texts.

HTML, PDF, text and Markdown files are used unchanged, spread evenly over the folder. Word, ODT and
RTF documents and messages are made from its longer texts, with a paragraph for each line; slides
and tables as described in `office_files.py`; books (EPUB) from its HTML pages, eight chapters
each.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from xml.sax.saxutils import escape

from bare_parsers import ODF, W
from office_files import write_pptx, write_xlsx

SUFFIXES = {"html": ".html", "pdf": ".pdf", "text": ".txt", "markdown": ".md"}
SMALLEST = 4_000  # bytes of a text that becomes a document
CHAPTERS = 8
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default '
    'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)


def real(folder: Path, suffix: str, count: int, smallest: int = 1) -> list[bytes]:
    """The unpacked bytes of at most `count` files, spread over the folder."""
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.name.endswith((suffix, suffix + ".gz")) and path.is_file()
        if not path.is_symlink() and path.stat().st_size >= smallest
    ]
    step = max(1, len(paths) // count)
    chosen = (paths[::step] + [path for at, path in enumerate(paths) if at % step])[:count]
    found = [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in sorted(chosen)
    ]
    return [data for data in found if data.strip()]


def lines_of(data: bytes) -> list[str]:
    """The lines of a text, without characters that XML does not allow."""
    text = data.decode("utf-8", "replace")
    return ["".join(c for c in line if c >= " ") for line in text.splitlines()]


def zipped(path: Path, members: Mapping[str, str | bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in members.items():
            parts.writestr(name, data)


def make_docx(data: bytes, path: Path) -> None:
    """Write a Word document with a paragraph for each line, its words in runs of five."""
    paragraphs = []
    for line in lines_of(data):
        found = escape(line).split()
        runs = [" ".join(found[at : at + 5]) for at in range(0, len(found), 5)]
        made = "".join(f'<w:r><w:t xml:space="preserve">{run} </w:t></w:r>' for run in runs)
        paragraphs.append(f"<w:p><w:pPr><w:jc w:val='left'/></w:pPr>{made}</w:p>")
    body = f'<w:document xmlns:w="{W}"><w:body>{"".join(paragraphs)}</w:body></w:document>'
    members = {"[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS, "word/document.xml": body}
    zipped(path, members)


def make_odt(data: bytes, path: Path) -> None:
    office = ODF.replace(":text:", ":office:")
    body = "".join(f"<t:p>{escape(line)}</t:p>" for line in lines_of(data))
    content = (
        f'<o:document-content xmlns:o="{office}" xmlns:t="{ODF}" o:version="1.2"><o:body><o:text>'
        f"{body}</o:text></o:body></o:document-content>"
    )
    zipped(path, {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def make_rtf(data: bytes, path: Path) -> None:
    lines = (line.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}") for line in
             lines_of(data))  # fmt: skip
    coded = ("".join(c if c < "\x7f" else f"\\u{ord(c)}?" for c in line) for line in lines)
    path.write_text("{\\rtf1\\ansi " + "\\par\n".join(coded) + "}", "ascii")


def make_email(data: bytes, path: Path) -> None:
    lines, own = lines_of(data), zlib.crc32(data)
    message = EmailMessage()
    message["From"], message["To"] = f"Writer {own} <writer-{own}@example.org>", "b@example.org"
    message["Subject"] = " ".join(" ".join(lines).split()[:8])[:100]
    message["Date"] = datetime.fromtimestamp(own % 2_000_000_000, UTC)
    message["Message-ID"] = f"<{own}@example.org>"
    message.set_content("\n".join(lines))
    path.write_bytes(message.as_bytes())


def make_epub(pages: list[bytes], path: Path) -> None:
    names = [f"{number}.xhtml" for number in range(len(pages))]
    items = "".join(
        f'<item id="i{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names
    )
    spine = "".join(f'<itemref idref="i{name}"/>' for name in names)
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    own: dict[str, str | bytes] = {"mimetype": "application/epub+zip"}
    own |= {"META-INF/container.xml": CONTAINER, "book.opf": book}
    zipped(path, own | dict(zip(names, pages, strict=True)))


MADE: dict[str, tuple[str, Callable[[bytes, Path], None]]] = {
    "docx": (".docx", make_docx),
    "odt": (".odt", make_odt),
    "rtf": (".rtf", make_rtf),
    "pptx": (".pptx", lambda data, path: write_pptx(lines_of(data), path)),
    "xlsx": (".xlsx", lambda data, path: write_xlsx(lines_of(data), path)),
    "email": (".eml", make_email),
}


def files_of(kind: str, folder: Path, count: int, into: Path) -> list[Path]:
    """Write at most `count` files of one format into a folder; returns their paths."""
    if kind == "epub":
        pages = real(folder, ".html", CHAPTERS * count)
        books = [pages[at : at + CHAPTERS] for at in range(0, len(pages), CHAPTERS)]
        for number, book in enumerate(books):
            make_epub(book, into / f"{number:05}.epub")
        return sorted(into.glob("*.epub"))
    suffix, make = MADE.get(
        kind, (SUFFIXES.get(kind, ""), lambda data, path: path.write_bytes(data))
    )
    made_of = real(folder, ".txt", count, SMALLEST) if kind in MADE else real(folder, suffix, count)
    for number, data in enumerate(made_of):
        make(data, into / f"{number:05}{suffix}")
    return sorted(into.glob(f"*{suffix}"))
