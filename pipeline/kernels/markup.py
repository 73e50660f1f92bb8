"""Measures the tags and lists of an HTML page before it is parsed.

Uses the compiled extension if it was built, else plain Python: the same results at a twentieth of
the speed.
"""

from __future__ import annotations

from types import ModuleType

_kernel: ModuleType
_lists: ModuleType
try:
    from pipeline.kernels import _native as _kernel

    _lists = _kernel
except ImportError:  # not built, or built for another machine
    from pipeline.kernels import plain_lists as _lists
    from pipeline.kernels import plain_markup as _kernel


def tag_extremes(page: str, longer: int, deeper: int) -> tuple[int, int]:
    """(most attributes of one tag, most elements that are open at once).

    Attributes are counted only in tags with more than `longer` bytes after the name; a depth of up
    to `deeper` elements is given as 0. Tags are read as the HTML tokenizer reads them: a quote
    counts only after `=`; comments, declarations and the contents of scripts and styles have no
    tags. An end tag closes an open element of its name, if there is one. Raises MemoryError, and
    OverflowError for 4 GB or more.
    """
    extremes: tuple[int, int] = _kernel.tag_extremes(page, longer, deeper)
    return extremes


def page_lists(page: str) -> list[tuple[int, int, int, int, int]]:
    """The outermost lists (`<ul>`) of a page: (start, end, letters, letters in links, links).

    Places are in characters. A tag is anything from `<` to the next `>`, and everything else is
    text; an entity is assumed to be five characters longer than the one it stands for. A list that
    is not closed does not count, but lists inside it may. At the start of a list no link is open.
    Raises MemoryError.
    """
    lists: list[tuple[int, int, int, int, int]] = _lists.page_lists(page)
    return lists
