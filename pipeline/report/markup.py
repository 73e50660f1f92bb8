"""HTML whose text is escaped unless it was built here, so text from data stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

VOID = {"meta", "br", "rect", "line"}

UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\u0890\u0891\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""Controls, direction marks, invisible characters and lone surrogates; a line break may stay."""


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


def visible(text: str) -> str:
    """The text with every character that hides or reorders others written out: `‹U+202E›`."""
    return UNSEEN.sub(lambda match: f"‹U+{ord(match[0]):04X}›", text)


def escaped(value: Any) -> Markup:
    """A value as HTML text or attribute."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(visible(str(value)), quote=True))


def el(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element; children are escaped unless they are `Markup`, `None` attributes are left out.

    A trailing underscore is dropped from an attribute's name, other underscores become hyphens.

    >>> el("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    given = {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items() if v is not None}
    start = "".join(f' {key}="{escaped(value)}"' for key, value in given.items())
    if name in VOID and not children:
        return Markup(f"<{name}{start}>" if name in {"meta", "br"} else f"<{name}{start}/>")
    return Markup(f"<{name}{start}>{join(children)}</{name}>")


def join(children: Iterable[Any]) -> Markup:
    """Concatenate pieces, each escaped unless it is `Markup`."""
    return Markup("".join(escaped(child) for child in children))


def data(value: Any) -> Markup:
    """Text from data that cannot change the direction of its neighbours; `–` for None."""
    return el("bdi", "–" if value is None else value)
