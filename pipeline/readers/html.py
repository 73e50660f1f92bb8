"""HTML: a page is a document; its text is kept, its navigation is not.

Scripts, styles, mark-up and hidden content (`hidden`, `display: none`) are left out; lists, tables
and preformatted text keep their lines; a formula becomes its TeX, or its MathML on one line.

`extract: main` takes the main content. It takes the whole text where the main content is much too
small: under 200 characters and under a tenth of the whole. By the same measure, it takes content
that stays hidden until a script shows it. Pages of DocBook and Texinfo lose only their navigation
and tables of contents (`pipeline.readers.html_generated`); other pages keep their content lists
(`pipeline.readers.html_lists`). The title is put on top, unless the first line repeats it.

The encoding is found from a byte order mark, strict UTF-8, the page's own `charset` or XML
declaration, or two detectors that agree; `extra` then names it, as for plain text. XHTML may close
an element within its start tag, such as `<script src="x.js"/>`. An end tag is added to such an
element, because HTML would take everything that follows for its content.

The parser is quadratic in the attributes of a tag and in the depth of the tree (100,000
attributes: over 20 s), so both are counted first, by a scan that reads tags as the HTML
tokenizer does.

Reasons: `read.empty_file`, `read.too_large` (value: bytes), `read.binary` (value: the kind),
`read.bad_encoding` (value: what was tried), `read.html_too_complex` (value: what was counted,
threshold: the limit), `read.bad_html` (value: the parser's message), `read.no_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.kernels.markup import tag_extremes
from pipeline.readers import encoding
from pipeline.readers.html_generated import without_navigation
from pipeline.readers.html_hidden import without_hidden
from pipeline.readers.html_lines import with_lines
from pipeline.readers.html_lists import with_lists
from pipeline.readers.html_math import replace_formulas
from pipeline.readers.per_file import PerFileReader
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.text import MAX_BYTES, Encoding, document
from pipeline.source import SourceFile

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

REASONS = {
    **encoding.REASONS,
    "read.html_too_complex": "a tag has too many attributes, or tags are nested too deeply",
    "read.bad_html": "the HTML parser could not read the page",
    "read.no_text": "it contains no text",
}

EXTENSIONS = (".html", ".htm", ".xhtml")

MAX_ATTRIBUTES = 5_000
MAX_DEPTH = 5_000  # half a second
_SHORTEST_ATTRIBUTE = 2  # a blank and a letter

_SMALL_CHARS = 200
_SMALL_SHARE = 0.1

_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.I | re.S,
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML_CHARSET = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")
_CHARSET_BYTES = 1_024  # the HTML standard requires the charset within them

_NO_TEXT = ("img", "area", "svg", "object", "video", "audio", "embed")

_XHTML = "http://www.w3.org/1999/xhtml"
_XHTML_CHARS = 1_024
# Not in a script's own strings, such as `$("<script/>")`: there an end tag would end the script.
_ENDED = re.compile(
    r"<(?<![\"']<)(title|script|style|textarea|iframe|noscript|noframes|xmp)"
    r"((?:\s(?:[^<>]*[\"'\s])?)?)/>",
    re.I,
)


class HtmlReader(PerFileReader):
    """Web pages, one record each: the text without mark-up, scripts and navigation."""

    name: ClassVar[str] = "html"

    extract: Literal["main", "full"] = Field(
        default="main", description="the main content, or all text with navigation and footers"
    )
    encoding: Encoding | None = Field(
        default=None, description="the encoding of all files; if omitted, detected for each file"
    )
    max_bytes: int = Field(default=MAX_BYTES, gt=0, description="larger files are rejected")

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Claim files by name (.html, .htm, .xhtml), or by a doctype or `<html` at the start."""
        return file.uri.lower().endswith(EXTENSIONS) or _START.match(head, 0, 4_096) is not None

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the page as one record."""
        data = encoding.read_bytes(file, self.max_bytes)
        html, codec = decoded(data, self.encoding)
        yield document(file, page_text(html, self.extract), codec)


def decoded(data: bytes, declared: str | None = None, sent: str | None = None) -> tuple[str, str]:
    """Decode a page: its text without NULs, and its codec; raises `UnreadableError`.

    `declared` is binding; `sent` is the charset that came with the page, and replaces the one that
    the page itself names.
    """
    hint = codec_of(sent) if sent else _declared_charset(data)
    html, codec = encoding.decode(data, declared, hint, nul=True)
    return html.replace("\0", "") if "\0" in html else html, codec


def page_text(html: str, extract: str, *, titled: bool = True) -> str:
    """Extract the text of a page, `main` or `full`; raises `UnreadableError`.

    `titled` puts the title on top; the titles of chapters and messages are recorded elsewhere.
    """
    from resiliparse.parse.html import HTMLParserException

    if html.startswith("<?xml") or html.find(_XHTML, 0, _XHTML_CHARS) >= 0:
        html = _ENDED.sub(r"<\1\2></\1>", html)
    _refuse_too_complex(html)
    html = with_lines(html)
    if extract == "main":
        html = with_lists(html)
    try:
        tree = _parsed(html)
        text = _main(tree, html) if extract == "main" else _full(tree, html)
    except HTMLParserException as error:
        raise UnreadableError("read.bad_html", error) from error
    if not text.strip():
        raise UnreadableError("read.no_text")
    return _with_title(" ".join((tree.title or "").split()), text) if titled else text


def _parsed(html: str) -> HTMLTree:
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html)
    replace_formulas(tree, html)
    return tree


def _refuse_too_complex(html: str) -> None:
    attributes, depth = tag_extremes(html, MAX_ATTRIBUTES * _SHORTEST_ATTRIBUTE, MAX_DEPTH)
    if attributes > MAX_ATTRIBUTES:
        raise UnreadableError("read.html_too_complex", f"{attributes} attributes", MAX_ATTRIBUTES)
    if depth > MAX_DEPTH:
        raise UnreadableError("read.html_too_complex", f"depth {depth}", MAX_DEPTH)


def _extracted(tree: HTMLTree, *, main: bool) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    text = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=main,
        list_bullets=True,
        alt_texts=True,  # otherwise whole figures are left out, with the code and captions in them
        skip_elements=_NO_TEXT,
        links=False,
        form_fields=False,
        noscript=False,
    )
    return str(text).strip()


def _main(tree: HTMLTree, html: str) -> str:
    """The main content, or all text where the main content was clearly missed."""
    generated = without_navigation(tree, html)
    text = _full(tree, html) if generated else _extracted(tree, main=True)
    if len(text) >= _SMALL_CHARS:
        return text
    return _unless_missed(text, _full(_parsed(html) if generated else tree, html))


def _full(tree: HTMLTree, html: str) -> str:
    """All text that is shown, or also the hidden text where scripts clearly show it later."""
    hides = without_hidden(tree, html)
    text = _extracted(tree, main=False)
    if not hides or len(text) >= _SMALL_CHARS:
        return text
    return _unless_missed(text, _extracted(_parsed(html), main=False))


def _unless_missed(text: str, whole: str) -> str:
    return whole if len(text) < _SMALL_SHARE * len(whole) else text


def _with_title(title: str, text: str) -> str:
    """The text with the page's title on top, unless the first line repeats the title.

    A first line "Green tea" repeats the title "Green tea | Shop".
    """
    first = " ".join(text.partition("\n")[0].split()).casefold()
    repeated = first and (first in title.casefold() or title.casefold() in first)
    return text if repeated or not title else f"{title}\n\n{text}"


def _declared_charset(data: bytes) -> str | None:
    """The codec that the page or its XML declaration names; None if there is none or it is
    impossible."""
    match = _CHARSET.search(data, 0, _CHARSET_BYTES) or _XML_CHARSET.match(data, 0, _CHARSET_BYTES)
    return codec_of(match[1].decode(errors="replace")) if match else None


def codec_of(charset: str) -> str | None:
    """The codec that the web uses for a charset's name; None if there is none, or for UTF-16."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    codec = map_encoding_to_html5(charset, fallback_utf8=False)
    # A charset declaration that could be read as ASCII is not in UTF-16 (HTML standard, 13.2.3.2).
    return None if codec is None or codec.startswith("utf") else encoding.larger(codec)
