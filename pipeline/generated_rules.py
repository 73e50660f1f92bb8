"""docs/rules.md: every rule of `check`, and the facts of AWS's documents that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.checks.facts import FACTS, NOT_HELD, held_by
from pipeline.checks.media_rules import MEDIA_RULES
from pipeline.checks.rule import Rule
from pipeline.checks.rules import (
    CONTENT_RULES,
    DATA_SET_RULES,
    FILE_RULES,
    JSON_RULES,
    SHAPE_RULES,
    SIZE_RULES,
)

ROOMS = {
    "Files": FILE_RULES,
    "JSON": JSON_RULES,
    "The shape of a record": SHAPE_RULES,
    "What a record says": CONTENT_RULES,
    "Sizes": SIZE_RULES,
    "Media that can be opened": MEDIA_RULES,
    "The data set as a whole": DATA_SET_RULES,
}

HEAD = """\
# The rules of `check`

Written by `python -m pipeline.generated`; do not edit. An error refuses the data (exit code 3), a
warning or a note does not; `--allow RULE` makes a note of an error. Thresholds are those of the
model's card: `bedrock-prep models`.
"""


def rules_page() -> str:
    """The page, as Markdown."""
    return "\n".join([HEAD, *_rooms(), *_facts()])


def _rooms() -> Iterator[str]:
    for title, rules in ROOMS.items():
        yield f"## {title}\n"
        yield "| rule | severity | what it finds | what to do | holds | source |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(rule) for rule in rules.values())
        yield ""


def _row(rule: Rule) -> str:
    held = ", ".join(fact if fact in FACTS else "card" for fact in rule.facts)
    formats = f" ({', '.join(rule.formats)})" if rule.formats else ""
    cells = [f"`{rule.id}`", rule.severity, rule.title + formats, rule.remedy, held, rule.source]
    return f"| {' | '.join(cell.replace('|', '&#124;').replace('<', '&lt;') for cell in cells)} |"


def _facts() -> Iterator[str]:
    yield "## What AWS asks for, and who holds it\n"
    yield "| | AWS's documents, validators and samples | held by |"
    yield "|---|---|---|"
    for fact, told in FACTS.items():
        held = ", ".join(f"`{rule}`" for rule in held_by(fact)) or NOT_HELD[fact]
        yield f"| {fact} | {told} | {held} |"
    yield ""
