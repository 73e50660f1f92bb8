"""What AWS's documents, validators and samples ask of a data set, numbered, and who holds it.

Each rule of `check` names the facts that it holds (`Rule.facts`); `held_by` turns that around.
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
    "R05": "the training URI is one object, no prefix",
    "R06": "URIs are of the API's pattern: at most 1,024 characters, of letters, digits, -!_*'().",
    "R07": "Nova: names of files and media of A-Z a-z 0-9 _ - / . alone",
    "R08": "Nova: media in the data set's bucket, which names its owner",
    "R09": "Nova: seven reserved words nowhere in the user's or the system's text",
    "R10": "Nova: the validators' longer list, in any case, in every text",
    "R11": "Claude 3: no line that begins with Human: or Assistant:",
    "R12": "roles in lower case, the user first, strictly alternating, the assistant last",
    "R13": "no empty text, and one block in each content item",
    "R14": "media in the user's turns alone, of one kind, within the model's counts",
    "R15": "Nova: optional fields in all records or in none",
    "R16": "no unknown keys",
    "R17": "declared formats are the files' own; images within the model's sizes",
    "R18": "no validation file where none is taken",
    "R19": "distillation: lines of 16 KB, 100 to 15,000 prompts, one exchange",
    "R20": "bucket and job in one Region, a role that can read, write and decrypt",
    "R21": "reinforcement: text alone, system first, a user's turn, an answer that is not empty",
    "R22": "no rule on unique ids, blanks around a text, or the number of turns",
    "R23": "one system text",
}
"""Each fact in one line."""

NOT_HELD = {
    "R20": "Region, role and encryption belong to the account: `doctor` looks at them",
    "R22": "says what no document demands: unique ids, trimmed texts, a number of turns",
}
"""Facts that no rule holds a file against, and why."""


def held_by(fact: str) -> list[str]:
    """The rules that hold a fact, by name; empty for those of `NOT_HELD`."""
    return [rule.id for rule in RULES.values() if fact in rule.facts]
