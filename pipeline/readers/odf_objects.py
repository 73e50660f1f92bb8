"""Objects in an OpenDocument file: formulas give their text, others (charts) nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.readers.mathml import formula
from pipeline.readers.rows import UnreadableError
from pipeline.readers.zipped import Parts, attribute, joined, local, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_BYTES = 20_000_000
"""The most bytes of all objects of a document; the rest is not read, as formulas never take so
many."""

_MATHML = b"http://www.w3.org/1998/Math/MathML"


class Objects:
    """The objects of one document while it is being read."""

    def __init__(self, parts: Parts | None) -> None:
        """Take the document's parts; None for a flat file, which contains its objects."""
        self._parts = parts
        self._left = MOST_BYTES
        self._seen: set[str] = set()

    def said(self, element: _Element) -> str:
        """The text of an `object` element if it is a formula, else "".

        A damaged object, and one that was read before, give "". Raises UnreadableError for a
        formula that is nested too deeply.
        """
        embedded = next((child for child in element if local(child) == "math"), None)
        root = self._linked(attribute(element, "href") or "") if embedded is None else embedded
        return formula(root) if root is not None else ""

    def _linked(self, link: str) -> _Element | None:
        name = joined("", f"{link}/content.xml")
        if self._parts is None or name not in self._parts or name in self._seen:
            return None
        self._seen.add(name)
        size = self._parts.archive.getinfo(self._parts.names[name]).file_size
        self._left -= size
        if self._left < 0:
            return None
        try:
            data = self._parts.read(name)
            root = parse_xml(data) if _MATHML in data[:4_096] else None
        except UnreadableError:
            return None
        return root if root is not None and local(root) == "math" else None
