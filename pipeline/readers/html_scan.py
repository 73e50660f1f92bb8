"""What a page would cost to parse, told from its tags before it is parsed.

Tags are read as the HTML tokenizer reads them: a quote counts after `=` only, comments and the
insides of scripts and styles hold no tags. Every pattern is possessive or ends at the end of
the text, so the scan is linear in the length of the page.
"""

from __future__ import annotations

import re

_VALUE = r"""=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+"""
_INSIDE = rf"[^>=]*+(?:{_VALUE}[^>=]*+)*+"
_TAG = re.compile(rf"<(?:/?+[a-zA-Z][^\s/>]*+)({_INSIDE})")
_ATTRIBUTE = re.compile(rf"[^\s/=>]++(?:\s*+{_VALUE})?+")
_QUOTED_END = re.compile(r"""=\s*+(?:"[^">]*+>|'[^'>]*+>)""")


def _any_case(name: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in name)


def _names(inside: str) -> re.Pattern[str]:
    """Finds the names of tags, those of end tags with their slash, and "" for what is skipped.

    It begins with one `<`, and not with alternatives in any case: so `re` looks for that alone.
    """
    silent = (rf"{_any_case(name)}\b.*?(?:</{_any_case(name)}|\Z)" for name in ("script", "style"))
    return re.compile(
        rf"<(?:!--.*?(?:-->|\Z)|{'|'.join(silent)}|(/?+[a-zA-Z][^\s/>]*+){inside})", re.S
    )


_NAME = _names(_INSIDE)
_NAME_UNQUOTED = _names("[^>]*+")  # the same where no quotes hold a `>`, in three quarters the time

_SHORTEST_ATTRIBUTE = 2  # a space and a letter

# Elements without content, and those whose end tag is left out in good HTML: they do not nest
# by themselves, only in a list, table or select that is counted.
_VOID = "area base br col embed hr img input link meta param source track wbr"
_ENDLESS = "p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt"
_FLAT = frozenset(f"{_VOID} {_ENDLESS} html head body".split())


def most_attributes(html: str, enough: int) -> int:
    """The most attributes of one tag; 0 where no tag is long enough to have more than `enough`."""
    shortest = enough * _SHORTEST_ATTRIBUTE
    if not _has_long_tag(html, shortest):
        return 0
    long = [inside for inside in _TAG.findall(html) if len(inside) > shortest]
    return max((len(_ATTRIBUTE.findall(inside)) for inside in long), default=0)


def _has_long_tag(html: str, shortest: int) -> bool:
    """Whether so many characters may stand in one tag: without a `>` or with one in quotes.

    A run of them covers one of the windows that are half as long.
    """
    window = max(1, shortest // 2)
    starts = range(0, len(html) - window + 1, window)
    without = any(html.find(">", at, at + window) < 0 for at in starts)
    return without or _QUOTED_END.search(html) is not None


def deepest(html: str, enough: int) -> int:
    """The most elements that are open at once; 0 where not more than `enough` are ever opened.

    An end tag closes an open element of its name; one that has none closes nothing.
    """
    if html.count("<") - html.count("</") <= enough:
        return 0
    tags = (_NAME if _QUOTED_END.search(html) else _NAME_UNQUOTED).findall(html)
    steps = {tag: _step(tag) for tag in set(tags)}
    nesting = {tag: told for tag, told in steps.items() if told[1]}
    open_now = dict.fromkeys((name for name, _ in nesting.values()), 0)
    depth = most = 0
    for tag in tags:
        if tag in nesting:
            name, step = nesting[tag]
            if step > 0:
                open_now[name] += 1
                depth += 1
                if depth > most:
                    most = depth
            elif open_now[name]:
                open_now[name] -= 1
                depth -= 1
    return most


def _step(tag: str) -> tuple[str, int]:
    """The element's name, and whether the tag opens it (1), closes it (-1) or does not nest (0)."""
    name = tag.lower().lstrip("/")
    if not name or name in _FLAT:
        return name, 0
    return name, -1 if tag.startswith("/") else 1
