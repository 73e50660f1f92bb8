"""Pages that DocBook or Texinfo programs generated from a book: all is content but the navigation.

Extractors assume a page of a web site, where lists and tables near the top are menus. Generated
pages have no menus, and would lose their lists (a quarter of a page). Their links to other pages
and their tables of contents are in elements of known names, which are listed here.
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
    """Remove the navigation from the tree of a generated page; False for other pages.

    `html` is the page that the tree was parsed from.
    """
    generator = _GENERATOR.search(html, 0, _HEAD_CHARS)
    if generator is None or tree.body is None:
        return False
    # Copied to a list: to get an item of the parser's own collection, it walks all items before it.
    for node in tree.body.query_selector_all(_LEFT_OUT[generator[1].lower()])[:]:
        if node.parent is not None:
            node.parent.remove_child(node)
    return True
