"""Content that a page never shows: elements with `hidden` or with the style `display: none`.

E-mails hide the preview text for the list of messages this way, and books hide alternatives.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree

_MARKS = ("none", "hidden")
_NONE = re.compile(r"(?:^|[;\s])display\s*:\s*none\b", re.I)
_MAY_BE_FOUND = "until-found"  # the browser's search opens it
_WHOLE = ("html", "body")  # hiding the whole page until a script shows it hides nothing


def without_hidden(tree: HTMLTree, html: str) -> bool:
    """Remove hidden elements from the tree of the page `html`; False if there are none.

    Most pages contain one of the two words; searching such a page takes a twentieth of the time
    that parsing it takes.
    """
    if not any(mark in html for mark in _MARKS) or tree.body is None:
        return False
    any_hidden = False
    for node in tree.body.query_selector_all("[hidden], [style*='none' i]")[:]:
        if node.parent is not None and _is_hidden(node):
            node.parent.remove_child(node)
            any_hidden = True
    return any_hidden


def _is_hidden(node: ElementNode) -> bool:
    if node.tag in _WHOLE:
        return False
    state = node.getattr("hidden")
    if state is not None and state.lower() != _MAY_BE_FOUND:
        return True
    return _NONE.search(node.getattr("style") or "") is not None
