"""What the tags of an HTML page come to, and its lists, told before a parser sees them.

Compiled where the extension is, else plain Python: the same results at a twentieth of the speed.
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
    """The most attributes of one tag, and the most elements that are open at once.

    Only tags with more than `longer` bytes behind the name are counted; of 0 to `deeper` elements
    open it says 0. Tags are read as the HTML tokenizer reads them: a quote counts after `=` only;
    comments, declarations and the insides of scripts and styles hold none. An end tag closes an
    open element of its name; one that has none closes nothing. Raises MemoryError, and
    OverflowError for 4 GB or more.
    """
    found: tuple[int, int] = _kernel.tag_extremes(page, longer, deeper)
    return found


def page_lists(page: str) -> list[tuple[int, int, int, int, int]]:
    """The lists (`<ul>`) of a page that stand in no other: where each starts and ends, in
    characters, how many letters it has and how many of them in links, and its links.

    A tag is what stands between `<` and the next `>`, text all else; an entity is taken for five
    letters more than it stands for. A list that is not closed is none, what stands in it may be;
    where one begins no link is open. Raises MemoryError.
    """
    found: list[tuple[int, int, int, int, int]] = _lists.page_lists(page)
    return found
