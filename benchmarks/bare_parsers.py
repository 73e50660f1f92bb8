"""The parsers that our readers are built on, alone: `python bare_parsers.py KIND TIMES FILE…`.

It reads the files TIMES times and prints the number of their characters. Nothing of this package is
imported here, so that such a process costs as little as a program that gets text out of these files
can. Formats without a parser of their own (RTF, whose reader is our own) are not included.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
ODF = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def decoded(data: bytes) -> str:
    """Detect the encoding and decode, with resiliparse alone."""
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    return bytes_to_str(data, detect_encoding(data) or "utf-8")


def html_text(data: bytes) -> str:
    """Decode, parse and extract the main content, with resiliparse alone."""
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(decoded(data), main_content=True)


def bare_html(path: Path) -> str:
    return html_text(path.read_bytes())


def bare_pdf(path: Path) -> str:
    """Every page's text in PDFium's order."""
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def bare_text(path: Path) -> str:
    return decoded(path.read_bytes())


def bare_docx(path: Path) -> str:
    """The text of the document's XML, with lxml alone."""
    return _paragraphs(path, "word/document.xml", f"{{{W}}}p")


def bare_odt(path: Path) -> str:
    return _paragraphs(path, "content.xml", f"{{{ODF}}}p")


def _paragraphs(path: Path, member: str, tag: str) -> str:
    from lxml import etree

    with zipfile.ZipFile(path) as parts:
        root = etree.fromstring(parts.read(member))
    return "\n".join("".join(one.itertext()) for one in root.iter(tag))


def bare_pptx(path: Path) -> str:
    """The text of each slide's XML, with lxml alone."""
    from lxml import etree

    with zipfile.ZipFile(path) as parts:
        slides = [name for name in parts.namelist() if name.startswith("ppt/slides/slide")]
        roots = [etree.fromstring(parts.read(name)) for name in slides]
    return "\n".join("".join(one.itertext()) for root in roots for one in root.iter("{*}p"))


def bare_xlsx(path: Path) -> str:
    """The cells of the first sheet, with shared strings looked up, with lxml alone."""
    from lxml import etree

    with zipfile.ZipFile(path) as parts:
        strings = etree.fromstring(parts.read("xl/sharedStrings.xml"))
        sheet = etree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    shared = ["".join(one.itertext()) for one in strings]
    rows = []
    for row in sheet.iter("{*}row"):
        cells = (("".join(cell.itertext()), cell.get("t")) for cell in row)
        rows.append("\t".join(shared[int(text)] if kind == "s" else text for text, kind in cells))
    return "\n".join(rows)


def bare_epub(path: Path) -> str:
    """The text of each page of the book, with resiliparse."""
    with zipfile.ZipFile(path) as parts:
        pages = [name for name in parts.namelist() if name.endswith("html")]
        return "\n".join(html_text(parts.read(name)) for name in pages)


def bare_email(path: Path) -> str:
    """The first plain text of a message, with the standard library."""
    import email
    from email import policy

    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    return body.get_content() if body else ""


BARE: dict[str, Callable[[Path], str]] = {
    "html": bare_html,
    "pdf": bare_pdf,
    "docx": bare_docx,
    "odt": bare_odt,
    "pptx": bare_pptx,
    "xlsx": bare_xlsx,
    "epub": bare_epub,
    "email": bare_email,
    "text": bare_text,
    "markdown": bare_text,
}

if __name__ == "__main__":
    read = BARE[sys.argv[1]]
    print(sum(len(read(Path(name))) for name in sys.argv[3:] * int(sys.argv[2])))
