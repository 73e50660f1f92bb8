"""`lists.h` in Python: the lists of an HTML page, and how much of each is links."""

from __future__ import annotations

import re

ENTITY_MORE = 5
"""Characters that an entity is assumed to have beyond the one that it stands for."""

_TAG = re.compile(r"<([^>]*+)>")
_NAME = re.compile(r"(/?(?:ul|a))(?=[ \t-\r]|\Z)", re.I | re.A)
_WHITE = re.compile(r"[ \t-\r]+")

PageList = tuple[int, int, int, int, int]


def page_lists(page: str) -> list[PageList]:
    """As `markup.page_lists`."""
    opened: list[PageList] = []
    found: list[PageList] = []
    letters = linked = links = at = 0
    in_link = False
    for tag in _TAG.finditer(page):
        if opened:
            own = _letters(page[at : tag.start()])
            letters, linked = letters + own, linked + own * in_link
        at = tag.end()
        name = _NAME.match(tag[1])
        match name and name[1].lower():
            case "a":
                in_link, links = True, links + 1
            case "/a":
                in_link = False
            case "ul":
                in_link = False  # in case a link was never closed, such as an old anchor
                opened.append((tag.start(), 0, letters, linked, links))
            case "/ul" if opened:
                start, _, *before = opened.pop()
                while found and found[-1][0] > start:
                    found.pop()
                own_letters, own_linked, own_links = before
                counts = (letters - own_letters, linked - own_linked, links - own_links)
                found.append((start, at, *counts))
    return found


def _letters(text: str) -> int:
    return len(_WHITE.sub("", text)) - ENTITY_MORE * text.count("&")
