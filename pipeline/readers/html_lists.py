"""Content lists on a page, told apart from menus before the main content is extracted.

The extractor takes every `<ul>` near the top for a menu and, further down, every list whose links
are a fifth of its text. A document's changes, steps and parameters were lost with them. Here a list
is content if no more than half of its text is links, or four fifths beside a paragraph. The
extractor still judges lists in a `<header>` or `<footer>`, lists of links, such as menus and tables
of contents, and lists in elements whose names indicate navigation.
"""

from __future__ import annotations

import re

from pipeline.kernels.markup import page_lists

_OPENS = re.compile(r"<[uU][lL][\s>]")
_LINK = re.compile(r"<(/?)[aA](?=[\s>])")
_OTHER_LINKS = re.compile(r"<A[\s>]|<a[^\S ]")
_TEXT_BEFORE = re.compile(r"(?:[^>\s]|</p>|</pre>)\s*\Z", re.I)
_TEXT_BEHIND = re.compile(r"\s*<(?:p|pre)[\s>]", re.I)
_ELSEWHERE = ("header", "footer")

_MOST_LINKS = 0.5  # of a list's text
_MOST_BESIDE_TEXT = 0.8
_NEAR = 200
_BEFORE = 1_000  # characters between the start of a header and a list in it

# The extractor judges a list by its depth and its links: elements with names unknown to HTML make
# it deeper and are not links. The `<div>` ends a paragraph, as the list would have.
_OPEN = "<div></div><x-list><x-list><x-list>"
_CLOSE = "</x-list></x-list></x-list><div></div>"


def with_lists(html: str) -> str:
    """The page with its content lists rewritten so that the extractor keeps them."""
    if _OPENS.search(html) is None:
        return html
    elsewhere = [name for name in _ELSEWHERE if f"<{name}" in html]
    pieces: list[str] = []
    done = 0
    for start, end, letters, linked, links in page_lists(html):
        share = linked / letters if letters > 0 else float(links > 0)
        if _is_content(html, start, end, share, elsewhere):
            inside = html[start:end]
            pieces += html[done:start], _OPEN, _with_no_links(inside) if links else inside, _CLOSE
            done = end
    return "".join((*pieces, html[done:])) if pieces else html


def _is_content(html: str, start: int, end: int, share: float, elsewhere: list[str]) -> bool:
    """Whether the list from `start` to `end` is content, and not part of the page, such as a menu.

    `share` is the share of its text that is links; `elsewhere` names elements around such lists.
    """
    if share > _MOST_LINKS and (share > _MOST_BESIDE_TEXT or not _is_beside_text(html, start, end)):
        return False
    return not any(_is_in(name, html, start) for name in elsewhere)


def _with_no_links(inside: str) -> str:
    """The list with its `<a>` elements renamed; the usual spellings take a faster path."""
    if _OTHER_LINKS.search(inside) is not None:
        return _LINK.sub(r"<\1x-link", inside)
    return inside.replace("<a ", "<x-link ").replace("<a>", "<x-link>").replace("</a>", "</x-link>")


def _is_in(name: str, html: str, at: int) -> bool:
    before = max(0, at - _BEFORE)
    opened = html.rfind(f"<{name}", before, at)
    return opened >= 0 and html.find(f"</{name}", opened, at) < 0


def _is_beside_text(html: str, start: int, end: int) -> bool:
    return (
        _TEXT_BEFORE.search(html[max(0, start - _NEAR) : start]) is not None
        or _TEXT_BEHIND.match(html, end, end + _NEAR) is not None
    )
