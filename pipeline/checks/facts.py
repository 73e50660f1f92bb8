"""What AWS's documents, validators and samples require of a data set, numbered.

Each rule of `check` names the facts that it checks (`Rule.facts`); `held_by` finds the rules of a
fact.
Collected in October 2026 from AWS's user guides, the botocore service model, the Nova Forge SDK
and the validators of aws-samples; each rule has its own source.
"""

from __future__ import annotations

from pipeline.checks.rules import RULES

FACTS = {
    "R01": "JSON Lines: one object a line, a name that ends in .jsonl; no array, no blank line",
    "R02": "strict JSON: no NaN, no trailing comma, no comment, no key twice",
    "R03": "UTF-8 without byte order mark, LF; no raw U+0085, U+2028, U+2029, no lone surrogate",
    "R04": "images with captions: no newline after the last record",
    "R05": "the training URI is one object, not a prefix",
    "R06": "URIs follow the API's pattern: at most 1,024 characters: letters, digits, -!_*'().",
    "R07": "Nova: names of files and media have only A-Z a-z 0-9 _ - / .",
    "R08": "Nova: media in the data set's bucket, with its owner",
    "R09": "Nova: seven reserved words nowhere in the user's or the system's text",
    "R10": "Nova: the validators' longer list, in any case, in every text",
    "R11": "Claude 3: no line that begins with Human: or Assistant:",
    "R12": "roles in lower case, the user first, strictly alternating, the assistant last",
    "R13": "no empty text, and one block in each content item",
    "R14": "media only in the user's turns, of one kind, no more than the model allows",
    "R15": "Nova: optional fields in all records or in none",
    "R16": "no unknown keys",
    "R17": "declared formats match the files; images within the model's sizes",
    "R18": "no validation file for a model that does not accept one",
    "R19": "distillation: lines of 16 KB, 100 to 15,000 prompts, one exchange",
    "R20": "bucket and job in one Region, a role that can read, write and decrypt",
    "R21": "reinforcement: only text, system first, a user's turn, an answer that is not empty",
    "R22": "no rule on unique ids, spaces around a text, or the number of turns",
    "R23": "one system text",
}
"""Each fact in one line."""

NOT_HELD = {
    "R20": "Region, role and encryption belong to the account: `doctor` checks them",
    "R22": "lists what no document requires: unique ids, trimmed texts, a number of turns",
}
"""Facts that no rule checks a file against, and why."""


def held_by(fact: str) -> list[str]:
    """The names of the rules that check a fact; empty for the facts of `NOT_HELD`."""
    return [rule.id for rule in RULES.values() if fact in rule.facts]
