"""Plain text that a mail program has wrapped and marked so (`format=flowed`, RFC 3676).

A line that ends in a space goes on in the next one that is quoted as deeply. A space in front that
was put there so that a line does not look like a quoted one is taken away, and so is the space
at a line's end if `delsp=yes`: it was put there too, in scripts that write none. The line `-- `
above a signature stands by itself.
"""

from __future__ import annotations

_SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool) -> str:
    """The text with a line for each paragraph; quoted ones begin with their `>` as before.

    >>> unwrapped("> Green \\n> tea. \\nIs it \\nhot?\\n >>", delsp=False)
    '> Green tea.\\nIs it hot?\\n>>'
    """
    paragraphs: list[tuple[int, list[str]]] = []
    goes_on = -1  # the depth of the paragraph that does
    for line in text.split("\n"):
        own = line.lstrip(">")
        depth = len(line) - len(own)
        own = own.removeprefix(" ")
        ends = own == _SIGNATURE or not own.endswith(" ")
        said = own[:-1] if delsp and not ends else own
        if depth == goes_on and own != _SIGNATURE:
            paragraphs[-1][1].append(said)
        else:
            paragraphs.append((depth, [said]))
        goes_on = -1 if ends else depth
    return "\n".join(_quoted(depth, "".join(pieces)) for depth, pieces in paragraphs)


def _quoted(depth: int, paragraph: str) -> str:
    said = paragraph if paragraph == _SIGNATURE else paragraph.rstrip(" ")
    return f"{'>' * depth} {said}" if depth and said else ">" * depth + said
