"""The `why` command: a question to a finished run, and the answer in words or as JSON."""

from __future__ import annotations

from typing import Any

from pipeline.errors import RecipeError
from pipeline.publish import as_json as to_json
from pipeline.published import open_run
from pipeline.why.matches import matches_of, told_matches
from pipeline.why.measures import told_measures
from pipeline.why.text import why_text
from pipeline.why.way import why
from pipeline.why.what_if import what_if

MATCHES_MOST = 20
MEASURED_MOST = 3
"""Records in one answer up to which their measures are shown."""


def answer(
    run: str,
    what: str | None,
    changes: list[str],
    *,
    text: str | None = None,
    as_json: bool = False,
) -> str:
    """What became of a record, source or line, of what holds a text, or what thresholds would do.

    Raises RecipeError unless one of them is asked.
    """
    if (what is not None) + (text is not None) + bool(changes) != 1:
        ways = "a record, a source or a line; a text with --text; or a threshold with --what-if"
        raise RecipeError(f"why: name {ways}")
    opened = open_run(run)
    told: dict[str, Any]
    if changes:
        found = what_if(opened, changes)
        lines = [line for one in found for line in one.told()]
        told = {"what_if": [one.as_json() for one in found]}
    else:
        way = why(opened, what or "") if text is None else why_text(opened, text)
        lines = [*([way.what] if text is None and way.what != what else []), *way.told()]
        records = sorted({row["id"] for row in [*way.lines, *way.rejections]})
        if len(records) <= MEASURED_MOST:
            lines += [line for record in records for line in told_measures(opened, record)]
        matches = matches_of(opened, [row["id"] for row in way.rejections])
        lines += told_matches(matches[:MATCHES_MOST])
        told = way.as_json() | ({"matches": matches} if matches else {})
    return to_json(told).decode() if as_json else "".join(f"{line}\n" for line in lines)
