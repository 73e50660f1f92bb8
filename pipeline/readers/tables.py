"""A table of a document as lines of text: cells between bars, as Markdown writes them.

A table of one column is only a frame around text, so the blocks in its cells become blocks of the
document. Markdown cannot have a table inside a cell: its rows are put on the cell's one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """A table of two columns or more, each cell's text on one line."""

    rows: list[list[str]]

    def __str__(self) -> str:
        return as_lines(self.rows)


Block = str | Table
"""A paragraph, a heading, a list item or a table; an empty one is ""."""


def as_blocks(rows: Sequence[Sequence[list[Block]]]) -> list[Block]:
    """The blocks that a table gives, from its rows of cells of blocks.

    The table itself, or, if no more than one column has text, the blocks of that column.

    >>> as_blocks([[["# Care", "- Dry it."], []]])
    ['# Care', '- Dry it.']
    >>> print(*as_blocks([[["a", Table([["b", "c"], ["d", "e"]])], ["f"]]]))
    | a b; c / d; e | f |
    | --- | --- |
    """
    lines = [[in_line(cell) for cell in row] for row in rows]
    if len({at for row in lines for at, line in enumerate(row) if line}) > 1:
        return [Table(lines)]
    return [block for row in rows for cell in row for block in cell]


def in_line(blocks: Iterable[Block]) -> str:
    """Blocks as the text of one cell; the rows of a table are separated by slashes, their cells by
    semicolons."""
    return " ".join(
        " / ".join("; ".join(filter(None, row)) for row in block.rows if any(row))
        if isinstance(block, Table)
        else block
        for block in blocks
        if block
    )


def as_lines(rows: Sequence[Sequence[str]]) -> str:
    """Rows as `| a | b |`, the first marked as the header; a single column is plain text.

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
