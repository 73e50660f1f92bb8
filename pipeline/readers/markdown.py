"""Markdown: a file is a document, and stays Markdown, including code fences.

YAML front matter (a first block between `---` lines that is a YAML mapping) is not text for a
model to learn, and is left out; its `title` becomes the first heading if the document has none.
A first block that is not a mapping is text between two thematic breaks, and stays. TOML between
`+++` lines, as Hugo and Zola write it, is front matter too.

Reasons: `read.empty_file` (also for a file that is only front matter), `read.too_large`
(value: bytes), `read.binary` (value: the kind), `read.bad_encoding` (value: what was tried).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from pipeline.readers import encoding
from pipeline.readers.rows import Row, UnreadableError
from pipeline.readers.text import TextReader, document
from pipeline.source import SourceFile

REASONS = dict(encoding.REASONS)

EXTENSIONS = (".md", ".markdown", ".mdx")

_MAX_FRONT = 16_384
_MAX_TOML = 8_192  # the time for a key of n parts grows with the square of n
"""The most characters of front matter that are given to a parser; larger blocks stay text."""

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_FRONT_TOML = re.compile(r"\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?(?:^ {0,3}\1|\Z)", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]|^\S[^\n]*\n {0,3}(?:=+|-+)[ \t]*\r?$", re.M)


class MarkdownReader(TextReader):
    """Markdown files, one record each, front matter left out."""

    name: ClassVar[str] = "markdown"

    def claims(self, file: SourceFile, head: bytes) -> bool:  # noqa: ARG002
        """Claim files by name: .md, .markdown, .mdx."""
        return file.uri.lower().endswith(EXTENSIONS)

    def rows(self, file: SourceFile) -> Iterator[Row]:
        """Yield the document without its front matter as one record."""
        text, codec = encoding.read_document(file, self.max_bytes, self.encoding)
        body = without_front_matter(text)
        if not body or body.isspace():
            raise UnreadableError("read.empty_file", file.size)
        yield document(file, body, codec)

    def as_it_is(self, file: SourceFile) -> bytes | None:
        """The bytes of a file in UTF-8 without front matter; None if `rows` must read the file."""
        data = super().as_it_is(file)
        return None if data is None or data.startswith((b"---", b"+++")) else data


def without_front_matter(text: str) -> str:
    """The document without its front matter; the title there becomes a heading if it has none."""
    is_toml = text.startswith("+++")
    pattern, most = (_FRONT_TOML, _MAX_TOML) if is_toml else (_FRONT, _MAX_FRONT)
    match = pattern.match(text, 0, most)
    if match is None:
        return text
    title = (_toml_title if is_toml else _title)(match[1])
    if title is None:
        return text
    body = text[match.end() :].lstrip("\r\n")
    if not title or not body.strip() or _HEADING.search(_FENCE.sub("", body)):
        return body
    return f"# {title}\n\n{body}"


def _title(front: str) -> str | None:
    """The title in a YAML mapping; "" when it has none, None when the block is not a mapping.

    The block is composed, never constructed: no tag is run and no alias is expanded.
    """
    import yaml

    try:
        tree = yaml.compose(front, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    if tree is None:
        return ""
    if not isinstance(tree, yaml.MappingNode):
        return None
    for key, value in tree.value:
        if key.value == "title" and isinstance(value, yaml.ScalarNode):
            return " ".join(str(value.value).split())
    return ""


def _toml_title(front: str) -> str | None:
    """The title in a TOML document; "" when it has none, None when the block is not TOML."""
    import tomllib

    try:
        title = tomllib.loads(front).get("title", "")
    except (ValueError, RecursionError):
        return None
    return " ".join(title.split()) if isinstance(title, str) else ""
