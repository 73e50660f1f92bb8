"""What the prompts of a data set repeat, and a tuned model therefore does not need to be given.

A system prompt, an instruction before the question, examples, a closing demand such as "Answer
in JSON": whatever most prompts share is paid for in every call. A model that was trained on
answers to prompts without it does not need it.
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
"""How many records are read, from the start: far fewer show what most prompts share."""

MOST = 0.5
"""A text counts as repeated if more than this share of the records has it."""

BOUNDARY = re.compile(r"\s")
MESSAGE = re.compile(r"messages\[(\d+)\]")


@dataclass(frozen=True)
class Repeated:
    """Texts that most prompts share, and how many tokens of each call they take."""

    records: int  # that were read
    system: str
    system_share: float
    opening: str  # of the first user turn
    ending: str
    tokens: int  # per call, of all three texts together, estimated

    def as_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


def find_repeated(records: Iterable[dict[str, Any]], format_name: str) -> Repeated:
    """What most of the records' prompts share.

    `format_name` is the format of records whose format cannot be guessed from their shape.
    """
    prompts = [_prompt(record, guess_format(record) or format_name) for record in records]
    system, share = _commonest([prompt[0] for prompt in prompts])
    users = [prompt[1] for prompt in prompts]
    opening = shared_opening(users)
    rest = [user[len(opening) :] if user.startswith(opening) else user for user in users]
    ending = shared_opening([user[::-1] for user in rest])[::-1]
    parts = [part for part in (system, opening, ending) if part]
    tokens = pl.DataFrame({"text": parts}, schema={"text": pl.String}).select(
        token_estimate(pl.col("text")).sum()
    )
    return Repeated(len(prompts), system, share, opening, ending, int(tokens.item()))


def _prompt(record: dict[str, Any], format_name: str) -> tuple[str, str]:
    """A record's system prompt and its first user turn; each is empty if the record has none."""
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
    """Whether `message` (such as `messages[0]`) is a system prompt, as in OpenAI's format."""
    match = MESSAGE.fullmatch(message)
    if match is None:
        return False
    return record["messages"][int(match[1])].get("role") in {"system", "developer"}


def _commonest(all_texts: Sequence[str]) -> tuple[str, float]:
    """The most common text and its share; an empty text if no share is above `MOST`."""
    counts = Counter(text for text in all_texts if text)
    text, number = max(counts.items(), key=lambda one: (one[1], one[0]), default=("", 0))
    share = number / len(all_texts) if all_texts else 0.0
    return (text, round(share, 4)) if share > MOST else ("", 0.0)


def shared_opening(all_texts: Sequence[str]) -> str:
    """The longest opening of whole words that more than `MOST` of the texts have in common.

    Sorted texts with the same opening are neighbours, so the opening is what the first and the
    last text of some window of more than half of them share. It is empty if the texts are mostly
    equal: then the question itself repeats, not a frame around it.
    """
    ordered = sorted(all_texts)
    window = int(len(ordered) * MOST) + 1
    if len(set(ordered)) < 2 or window > len(ordered):
        return ""
    longest = ""
    for first, last in zip(ordered, ordered[window - 1 :], strict=False):
        if first[: len(longest) + 1] == last[: len(longest) + 1]:
            longest = _common(first, last)
    if not longest or _commonest(all_texts)[0].startswith(longest):
        return ""
    cut = [match.end() for match in BOUNDARY.finditer(longest)]
    return longest[: cut[-1]] if cut else ""


def _common(one: str, other: str) -> str:
    """The opening that both texts have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    length = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    return one[:length]
