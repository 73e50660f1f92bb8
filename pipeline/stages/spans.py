"""Finds values of several kinds in texts, and replaces them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

Span = tuple[int, int]
Place = Callable[[str, str], str]
"""From (kind, value) to the text that replaces the value."""

Found = list[tuple[str, str]]
"""(id of the record, kind) of each value found."""


@dataclass(frozen=True)
class Detector:
    """One kind of value: a quick test that rules out most texts, and an exact search."""

    kind: str
    gate: str  # a Polars regex; a text that it does not match contains no such value
    find: Callable[[str], Iterable[Span]]


def replaced(
    texts: pl.Series, ids: pl.Series, detectors: Iterable[Detector], place: Place, found: Found
) -> pl.Series:
    """The texts with every value replaced by what `place` returns; appends each to `found`.

    Where two values overlap, that of the first detector wins. Changed texts are searched again,
    because characters that were next to a value may now be a value of their own.
    """
    hits = _hits(texts, tuple(detectors))
    if not hits:
        return texts
    after = []
    for row, close in hits.items():
        text, kinds = _with_places(texts[row], close, place)
        after.append(text)
        found += [(ids[row], kind) for kind in kinds]
    rows = pl.Series(list(hits), dtype=pl.UInt32)
    changed = pl.Series(after, dtype=pl.String)
    moved = (changed != texts.gather(rows)).arg_true()
    if moved.is_empty():
        return texts
    moved_ids = ids.gather(rows.gather(moved))
    again = replaced(changed.gather(moved), moved_ids, detectors, place, found)
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(rows.gather(moved), again)


def _hits(texts: pl.Series, detectors: tuple[Detector, ...]) -> dict[int, list[Detector]]:
    """The rows whose texts match a gate, each with the detectors of these gates in order."""
    hits: dict[int, list[Detector]] = {}
    for detector in detectors:
        for row in texts.str.contains(detector.gate).arg_true():
            hits.setdefault(row, []).append(detector)
    return hits


def _with_places(text: str, detectors: Iterable[Detector], place: Place) -> tuple[str, list[str]]:
    """(the text with its values replaced, the kinds of these values)."""
    taken = bytearray(len(text))
    found: list[tuple[int, int, str]] = []
    for detector in detectors:
        for start, end in detector.find(text):
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                found.append((start, end, detector.kind))
    pieces, at = [], 0
    for start, end, kind in sorted(found):
        pieces += [text[at:start], place(kind, text[start:end])]
        at = end
    return "".join((*pieces, text[at:])), [kind for _, _, kind in found]


BLANK = " \u00a0\u202f"
DASH = "\u2010\u2011\u2012\u2013-"
"""Inside a character class: what may stand between the groups of a number."""

BEFORE = r"(?<![\w+.#/$€£¥-])"
NAMES_END = (
    r"(?i:pdf|docx?|xlsx?|pptx?|csv|tsv|txt|log|md|html?|php|xml|json|zip|rar|gz|jpe?g|png|gif|webp"
    r"|heic|mp[34]|wav|m4a|mov|avi|com|net|org|info|vn|io)"
)
AFTER = rf"(?![\w/]|:\w|[.-](?:\w{{0,40}}[0-9_]|{NAMES_END}(?!\w)))"
"""No longer number, word, version, date, path or name of a file; a sentence may begin."""

JOINT = rf"[{BLANK}]?[/.{DASH}][{BLANK}]?"
"""What may stand between two numbers that both hold: 0912345678/0987654321."""

Forms = tuple[re.Pattern[str], re.Pattern[str]]
"""A number's pattern where it stands by itself, and where it follows a value that goes."""


def alone(pattern: str, before: str = BEFORE) -> Forms:
    """The forms of a number that stands alone, or before a joint and another number.

    Alone means: not inside a longer number, a word, a version, a date or a path.
    """
    held = rf"(?:{pattern})(?:{AFTER}|(?={JOINT}[+(0-9]))"
    return re.compile(before + held), re.compile(held)


_AFTER, _JOINT = re.compile(AFTER), re.compile(JOINT)


def matches(
    text: str,
    forms: Forms,
    windows: Iterable[Span],
    holds: Callable[[re.Match[str]], bool],
) -> Iterator[Span]:
    """The matches in the windows that hold, and those that touch the one before.

    Of numbers with joints between them all must hold, and the last must stand alone.
    """
    free, touching = forms
    for start, end in windows:
        at = start
        while match := free.search(text, at, end):
            # A bracket before a number may not be part of it.
            at = match.start() + 1 if match.group().startswith("(") else max(match.end(), at + 1)
            joined: list[Span] = []
            while match and holds(match):
                joined.append(match.span())
                if _AFTER.match(text, match.end()):
                    yield from joined
                    joined, at = [], match.end()
                    match = touching.match(text, at, end)
                else:
                    joint = _JOINT.match(text, match.end())
                    match = touching.match(text, joint.end(), end) if joint else None


NUMBER = rf"[0-9](?:[{BLANK}./()+{DASH}]{{0,3}}[0-9]){{7}}"
"""Eight digits or more, as phones, cards and identity numbers are written."""

_NUMBERS = re.compile(rf"[0-9][0-9{BLANK}./()+{DASH}]{{6,}}[0-9]")
BESIDE = 12
"""Characters before and after a number that may belong to it: a sign, a country's letters."""


@lru_cache(maxsize=2)
def number_windows(text: str) -> tuple[Span, ...]:
    """The spans of anything like a long number, with `BESIDE` characters on both sides."""
    return merged(
        (match.start() - BESIDE, match.end() + BESIDE) for match in _NUMBERS.finditer(text)
    )


def merged(windows: Iterable[Span]) -> tuple[Span, ...]:
    """Ascending windows, overlapping ones joined, none of them before the text's start."""
    parted: list[Span] = []
    for start, end in windows:
        if parted and start <= parted[-1][1]:
            parted[-1] = (parted[-1][0], max(end, parted[-1][1]))
        else:
            parted.append((max(start, 0), end))
    return tuple(parted)
