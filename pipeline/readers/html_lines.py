"""Elements that take a line of their own, but that the extractor treats as inline text.

Without this, a question in `<summary>` runs into its answer, a form's `<legend>` into its first
field.
"""

from __future__ import annotations

import re

_END = re.compile(r"</(summary|legend|SUMMARY|LEGEND)\s*>")  # `re.I` takes twice as long


def with_lines(html: str) -> str:
    """The page with an empty `<div>` at the end of each such element, which ends the line."""
    return _END.sub(r"<div></div></\1>", html)
