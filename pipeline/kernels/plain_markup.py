"""`markup.h` in Python: most attributes and deepest nesting of an HTML page's tags.

Every pattern is possessive or ends at the end of the text, so a scan takes linear time.
"""

from __future__ import annotations

import re


def _any_case(name: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in name)


_BLANK = r" \t\n\f\r"
_VALUE = rf"""=[{_BLANK}]*+(?:"[^"]*+"|'[^']*+'|[^{_BLANK}>"'][^{_BLANK}>]*+)?+"""
_INSIDE = rf"([^>=]*+(?:{_VALUE}[^>=]*+)*+)"
_ENDS_NAME = rf"(?=[{_BLANK}/>])"


def _silent(name: str) -> str:
    """A pattern of a script or style with its contents, in which no tags are read."""
    found = _any_case(name)
    return rf"{found}(?:{_ENDS_NAME}|\Z){_INSIDE}.*?(?=</{found}{_ENDS_NAME}|\Z)"


_TAG = re.compile(
    # It begins with a single `<` before all alternatives, so that `re` only searches for that.
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|[!?][^>]*+|/[^a-zA-Z>][^>]*+"
    rf"|{_silent('script')}|{_silent('style')}|(/?+[a-zA-Z][^{_BLANK}/>]*+){_INSIDE})".encode(),
    re.S,
)
_ATTRIBUTE = re.compile(rf"[^{_BLANK}/=>]++(?:[{_BLANK}]*+{_VALUE})?+".encode())
_QUOTED_END = re.compile(rf"""=[{_BLANK}]*+(?:"[^">]*+>|'[^'>]*+>)""".encode())

_VOID = b"area base br col embed hr img input link meta param source track wbr"
_ENDLESS = b"p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt"
_FLAT = frozenset((_VOID + b" " + _ENDLESS + b" html head body").split())


def tag_extremes(page: str, longer: int, deeper: int) -> tuple[int, int]:
    """As `markup.tag_extremes`."""
    data = page.encode()
    many, deep = _has_long_tag(data, longer), data.count(b"<") - data.count(b"</") > deeper
    if not many and not deep:
        return 0, 0
    tags = _TAG.findall(data)
    long = (inside for tag in tags for inside in (tag[0] or tag[1] or tag[3],))
    counts = (len(_ATTRIBUTE.findall(inside)) for inside in long if len(inside) > longer)
    most = max(counts, default=0)
    depth = _deepest([tag[2] for tag in tags]) if deep else 0
    return most, depth if depth > deeper else 0


def _has_long_tag(data: bytes, longer: int) -> bool:
    """Whether one tag may have more than `longer` bytes, with no `>` or only quoted ones.

    So many bytes without a `>` include a whole window of half that length.
    """
    window = max(1, longer // 2)
    starts = range(0, len(data) - window + 1, window)
    without = any(data.find(b">", at, at + window) < 0 for at in starts)
    return without or _QUOTED_END.search(data) is not None


def _deepest(tags: list[bytes]) -> int:
    """The most elements open at once.

    `tags` are the names of tags, of end tags with their slash, and b"" for anything skipped.
    """
    steps = {tag: _step(tag) for tag in set(tags)}
    nesting = {tag: step for tag, step in steps.items() if step[1]}
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


def _step(tag: bytes) -> tuple[bytes, int]:
    """(name of the element, 1 if the tag opens it, -1 if it closes it, 0 if it does not nest)."""
    name = tag.lower().lstrip(b"/")
    if not name or name in _FLAT:
        return name, 0
    return name, -1 if tag.startswith(b"/") else 1
