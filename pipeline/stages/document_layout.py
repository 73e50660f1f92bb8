"""Where the headings and code fences of a Markdown text stand."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it up to the next heading."""

    level: int
    heading: str
    start: int
    body: int
    end: int


HEADING = re.compile(r"#{1,6}[ \t]")
FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")


def layout(text: str) -> tuple[list[Section], list[tuple[int, int]]]:
    """The sections of a Markdown text, and where its code fences stand, which hold no heading."""
    heads: list[tuple[int, str, int, int]] = []
    fences: list[tuple[int, int]] = []
    fence, opened, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if mark and fence in ("", mark[1]):
            if fence:
                fences.append((opened, at + len(line)))
            fence, opened = ("" if fence else mark[1]), at
        elif not fence and HEADING.match(line):
            marks, _, heading = line.partition(" " if " " in line[:7] else "\t")
            if named := _named(heading):
                heads.append((len(marks), named, at, at + len(line)))
        at += len(line)
    if fence:
        fences.append((opened, at))
    ends = [*(head[2] for head in heads[1:]), len(text)]
    return [Section(*head, end) for head, end in zip(heads, ends, strict=False)], fences


def _named(heading: str) -> str:
    """A heading without the marks that close it; those of `C#` belong to its name."""
    name = heading.strip()
    words = name.rstrip("#")
    return (words if not words or words[-1] in " \t" else name).strip("*_ \t")


def inside(fences: list[tuple[int, int]], place: int) -> bool:
    """Whether a place is in a fence."""
    before = bisect_right(fences, (place, place + 1)) - 1
    return before >= 0 and place < fences[before][1]


def slice_between(text: str, start: int, end: int) -> tuple[str, int]:
    """What stands between, without the white space around it, and where it ends."""
    held = text[start:end].rstrip()
    return held.lstrip(), start + len(held)
