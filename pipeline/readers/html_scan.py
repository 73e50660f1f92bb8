"""What a page would cost to parse, told from its tags before it is parsed.

Tags are read as the HTML tokenizer reads them: a quote counts after `=` only, comments and the
insides of scripts and styles hold no tags. Every pattern is possessive or ends at the end of
the text, so the scan is linear in the length of the page.
"""

from __future__ import annotations

import re

_VALUE = r"""=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+"""
_INSIDE = rf"(?:[^>=]++|{_VALUE})*+"
_TAG = re.compile(rf"<(?:/?+[a-zA-Z][^\s/>]*+)({_INSIDE})")
_ATTRIBUTE = re.compile(rf"[^\s/=>]++(?:\s*+{_VALUE})?+")
_QUOTED_END = re.compile(r"""=\s*+(?:"[^">]*+>|'[^'>]*+>)""")
_NAME = re.compile(
    r"<!--.*?(?:-->|\Z)|<script\b.*?(?:</script|\Z)|<style\b.*?(?:</style|\Z)"
    rf"|<(/?+[a-z][^\s/>]*+){_INSIDE}",
    re.S | re.I,
)

_SHORTEST_ATTRIBUTE = 2  # a space and a letter

# Elements without content, and those whose end tag is left out in good HTML: they do not nest
# by themselves, only in a list, table or select that is counted.
_VOID = "area base br col embed hr img input link meta param source track wbr"
_ENDLESS = "p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt"
_FLAT = frozenset(f"{_VOID} {_ENDLESS} html head body".split())


def most_attributes(html: str, enough: int) -> int:
    """The most attributes of one tag; 0 where no tag is long enough to have more than `enough`."""
    shortest = enough * _SHORTEST_ATTRIBUTE
    if max(map(len, html.split(">"))) <= shortest and not _QUOTED_END.search(html):
        return 0
    long = [inside for inside in _TAG.findall(html) if len(inside) > shortest]
    return max((len(_ATTRIBUTE.findall(inside)) for inside in long), default=0)


def deepest(html: str, enough: int) -> int:
    """The most elements that are open at once; 0 where not more than `enough` are ever opened.

    An end tag closes an open element of its name; one that has none closes nothing.
    """
    if html.count("<") - html.count("</") <= enough:
        return 0
    steps: dict[str, tuple[str, int]] = {}
    open_now: dict[str, int] = {}
    depth = most = 0
    for tag in _NAME.findall(html):
        name, step = steps.get(tag) or steps.setdefault(tag, _step(tag))
        count = open_now.get(name, 0) + step
        if step and count >= 0:
            open_now[name] = count
            depth += step
            most = max(most, depth)
    return most


def _step(tag: str) -> tuple[str, int]:
    """The element's name, and whether the tag opens it (1), closes it (-1) or does not nest (0)."""
    name = tag.lower().lstrip("/")
    if not name or name in _FLAT:
        return name, 0
    return name, -1 if tag.startswith("/") else 1
