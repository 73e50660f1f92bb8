"""Pages that say which program made them of a book: all is content but what is named here.

Extractors take a page for one of a web site, where lists and tables near the top are menus. Pages
of DocBook's and Texinfo's programs have none, and lose their lists to this (a fourth of a page);
their links to other pages and tables of contents stand in elements of known names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

_HEAD_CHARS = 20_000
_GENERATOR = re.compile(r"<meta\s[^>]{0,300}\b(docbook|gtk-doc|devhelp|makeinfo|texi2html)\b", re.I)

_DOCBOOK = (
    *(".navheader", ".navfooter", ".NAVHEADER", ".NAVFOOTER", "table.nav", "table.navigation"),
    *("div.toc", "div.TOC"),
)
_TEXINFO = (
    *("div.header", "div.nav-panel"),
    *("div.contents", "div.shortcontents", ".element-contents", ".element-shortcontents"),
)
_LEFT_OUT = {
    "docbook": ", ".join(_DOCBOOK),
    "gtk-doc": ", ".join(_DOCBOOK),
    "devhelp": ", ".join(_DOCBOOK),
    "makeinfo": ", ".join(_TEXINFO),
    "texi2html": ", ".join(_TEXINFO),
}


def without_navigation(tree: HTMLTree, html: str) -> bool:
    """Take the links to other pages out of a generated page's tree; False for other pages."""
    found = _GENERATOR.search(html, 0, _HEAD_CHARS)
    if found is None or tree.body is None:
        return False
    # `.values()`: to walk the list itself is cubic.
    for node in tree.body.query_selector_all(_LEFT_OUT[found[1].lower()]).values():
        if node.parent is not None:
            node.parent.remove_child(node)
    return True
