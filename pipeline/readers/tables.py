"""A table of a document as lines of text: cells between bars, as Markdown writes them."""

from __future__ import annotations

from collections.abc import Sequence


def as_lines(rows: Sequence[Sequence[str]]) -> str:
    """Rows as `| a | b |`, the first one marked as the header; one cell alone is plain text.

    >>> print(as_lines([["Tea", "Minutes"], ["Sen", "3"]]))
    | Tea | Minutes |
    | --- | --- |
    | Sen | 3 |
    """
    cut = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    cut = [row for row in cut if any(row)]
    width = max((len(row) for row in cut), default=0)
    if width == 1:
        return "\n\n".join(row[0].replace("\\|", "|") for row in cut)
    lines = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in cut]
    if lines:
        lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)
