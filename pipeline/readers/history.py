"""Earlier turns beside a pair: the column `history` of LLaMA-Factory and ChatGLM, a list of
`["asked", "answered"]`, or a list of messages. They are put before the pair's prompt.

A column of that name that holds anything else is ignored, like any unknown column.

Reason: `read.bad_nesting` (value: what it holds), explained in `pipeline.readers.nested`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.readers.rows import UnreadableError
from pipeline.readers.turns import json_type

NAME = "history"


def with_history(row: Mapping[str, Any], prompt: str | None) -> Mapping[str, Any]:
    """The row with its history put before the value of the column `prompt`; raises
    `UnreadableError`."""
    held = row.get(NAME)
    if not prompt or prompt == NAME or not isinstance(held, list) or row.get(prompt) is None:
        return row
    if held and all(isinstance(item, list) for item in held):
        earlier = [message for pair in held for message in _exchange(pair)]
    elif held and all(
        isinstance(item, dict) and ("role" in item or "from" in item) for item in held
    ):
        earlier = held
    else:
        return row
    asked = row[prompt]
    now = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    return {**row, prompt: [*earlier, *now]}


def _exchange(pair: list[Any]) -> Iterator[dict[str, Any]]:
    odd = next((json_type(said) for said in pair if not isinstance(said, str)), None)
    if odd or len(pair) != 2:
        raise UnreadableError("read.bad_nesting", f"{NAME}: {odd or f'array of {len(pair)}'}")
    for role, said in zip(("user", "assistant"), pair, strict=True):
        yield {"role": role, "content": said}
