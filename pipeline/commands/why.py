"""The `why` command: answers a question about a finished run, in words or as JSON."""

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
"""Measures are shown only if an answer is about at most this many records."""


def answer(
    run: str,
    what: str | None,
    changes: list[str],
    *,
    text: str | None = None,
    as_json: bool = False,
) -> str:
    """What became of a record, source or line, or of records with a text, or what thresholds do.

    Raises RecipeError unless exactly one of them is asked for.
    """
    if (what is not None) + (text is not None) + bool(changes) != 1:
        ways = "a record, a source or a line; a text with --text; or a threshold with --what-if"
        raise RecipeError(f"why: name {ways}")
    opened = open_run(run)
    content: dict[str, Any]
    if changes:
        outcomes = what_if(opened, changes)
        lines = [line for outcome in outcomes for line in outcome.told()]
        content = {"what_if": [outcome.as_json() for outcome in outcomes]}
    else:
        way = why(opened, what or "") if text is None else why_text(opened, text)
        lines = [*([way.what] if text is None and way.what != what else []), *way.told()]
        records = sorted({row["id"] for row in [*way.lines, *way.rejections]})
        if len(records) <= MEASURED_MOST:
            lines += [line for record in records for line in told_measures(opened, record)]
        matches = matches_of(opened, [row["id"] for row in way.rejections])
        lines += told_matches(matches[:MATCHES_MOST])
        content = way.as_json() | ({"matches": matches} if matches else {})
    return to_json(content).decode() if as_json else "".join(f"{line}\n" for line in lines)
