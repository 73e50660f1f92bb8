"""Plain text that a mail program has wrapped and marked as such (`format=flowed`, RFC 3676).

A line that ends in a space continues in the next line if that is quoted as deeply. A leading space,
added so that a line does not look quoted, is removed. With `delsp=yes`, the space at a line's end
is removed too: it was added, in scripts that write no spaces. The line `-- ` above a signature
stays a line of its own.
"""

from __future__ import annotations

_SIGNATURE = "-- "


def unwrapped(text: str, *, delsp: bool) -> str:
    """The text with one line for each paragraph; quoted paragraphs keep their leading `>`.

    >>> unwrapped("> Green \\n> tea. \\nIs it \\nhot?\\n >>", delsp=False)
    '> Green tea.\\nIs it hot?\\n>>'
    """
    paragraphs: list[tuple[int, list[str]]] = []
    goes_on = -1  # the depth of the paragraph that continues; -1 for none
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        ends = content == _SIGNATURE or not content.endswith(" ")
        said = content[:-1] if delsp and not ends else content
        if depth == goes_on and content != _SIGNATURE:
            paragraphs[-1][1].append(said)
        else:
            paragraphs.append((depth, [said]))
        goes_on = -1 if ends else depth
    return "\n".join(_quoted(depth, "".join(pieces)) for depth, pieces in paragraphs)


def _quoted(depth: int, paragraph: str) -> str:
    said = paragraph if paragraph == _SIGNATURE else paragraph.rstrip(" ")
    return f"{'>' * depth} {said}" if depth and said else ">" * depth + said
