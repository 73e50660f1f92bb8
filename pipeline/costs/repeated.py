"""What the prompts of a data set say again and again: what a tuned model need not be told.

A system prompt, an instruction before the question, examples, a closing demand such as "Answer
in JSON": whatever most prompts share is paid for in every call, and a model that was trained on
the answers to prompts without it does not need it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from pipeline.checks.places import texts
from pipeline.checks.standard import guess_format
from pipeline.tokens import token_estimate

LOOKED_AT = 20_000
"""Records, the first ones: what most prompts share is seen in far fewer."""

MOST = 0.5
"""A text counts as repeated when more than this share of the records has it."""

BOUNDARY = re.compile(r"\s")
MESSAGE = re.compile(r"messages\[(\d+)\]")


@dataclass(frozen=True)
class Repeated:
    """Texts that most prompts share, with the share of the prompts and the tokens of each."""

    records: int  # looked at
    system: str
    system_share: float
    opening: str  # of the first user turn
    ending: str
    tokens: int  # of a call, of all three, by the estimate

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def find_repeated(records: Iterable[dict[str, Any]], format_name: str) -> Repeated:
    """What most of the records' prompts share; `format_name` is for those that do not tell."""
    told = [_prompt(record, guess_format(record) or format_name) for record in records]
    system, share = _commonest([one[0] for one in told])
    users = [one[1] for one in told]
    opening = shared_opening(users)
    rest = [user[len(opening) :] if user.startswith(opening) else user for user in users]
    ending = shared_opening([user[::-1] for user in rest])[::-1]
    parts = [part for part in (system, opening, ending) if part]
    tokens = pl.DataFrame({"text": parts}, schema={"text": pl.String}).select(
        token_estimate(pl.col("text")).sum()
    )
    return Repeated(len(told), system, share, opening, ending, int(tokens.item()))


def _prompt(record: dict[str, Any], format_name: str) -> tuple[str, str]:
    """A record's system prompt and its first user turn; empty where it has none."""
    system: list[str] = []
    user: list[str] = []
    turn = None
    for place, side, text in texts(record, format_name):
        message = place.partition(".")[0]  # of `messages[0].content[1]`
        if side == "output" or turn not in {None, message}:
            break
        if message.startswith("system") or _is_system(record, message):
            system.append(text)
        else:
            turn = message
            user.append(text)
    return "\n".join(system), "\n".join(user)


def _is_system(record: dict[str, Any], message: str) -> bool:
    """Whether `messages[0]` is a system prompt, as OpenAI's shape has it."""
    number = MESSAGE.fullmatch(message)
    if number is None:
        return False
    return record["messages"][int(number[1])].get("role") in {"system", "developer"}


def _commonest(said: Sequence[str]) -> tuple[str, float]:
    """The text that most have, with their share; empty where none has more than `MOST`."""
    counts = Counter(text for text in said if text)
    text, number = max(counts.items(), key=lambda one: (one[1], one[0]), default=("", 0))
    share = number / len(said) if said else 0.0
    return (text, round(share, 4)) if share > MOST else ("", 0.0)


def shared_opening(said: Sequence[str]) -> str:
    """The longest whole words that more than `MOST` of the texts begin with.

    Texts with the same beginning stand together once they are sorted, so that it is the beginning
    that the first and the last of some run of more than half of them share. It is empty when the
    texts themselves are mostly the same: then it is the question that repeats, not its frame.
    """
    ordered = sorted(said)
    among = int(len(ordered) * MOST) + 1
    if len(set(ordered)) < 2 or among > len(ordered):
        return ""
    longest = ""
    for first, last in zip(ordered, ordered[among - 1 :], strict=False):
        if first[: len(longest) + 1] == last[: len(longest) + 1]:
            longest = _common(first, last)
    if not longest or _commonest(said)[0].startswith(longest):
        return ""
    cut = [found.end() for found in BOUNDARY.finditer(longest)]
    return longest[: cut[-1]] if cut else ""


def _common(one: str, other: str) -> str:
    """What both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    length = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    return one[:length]
